"""The hosted check: the page on which a person sees what is asked, signs with the card and learns the result."""
