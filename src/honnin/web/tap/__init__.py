"""The sample of tap use: a library, an event and a door, and the page of their operator."""
