"""The hosted check: the page on which a person sees what is asked, signs with the card and learns the result."""

from honnin.web.check.app import create_app

__all__ = ["create_app"]
