"""見本銀行, a demonstration of a service provider: it knows honnin only through its HTTP API."""

from honnin.web.bank.app import create_app

__all__ = ["create_app"]
