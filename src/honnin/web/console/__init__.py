"""The console of a test environment: what is running, and the evidence of one check."""

from honnin.web.console.app import create_app

__all__ = ["create_app"]
