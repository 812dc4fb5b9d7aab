"""The counter (窓口): a clerk reads a customer's card and sees what is authentic, and what cannot be told."""

from honnin.web.counter.app import create_app

__all__ = ["create_app"]
