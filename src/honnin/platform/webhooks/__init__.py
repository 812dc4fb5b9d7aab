"""Webhooks: the events outbox, sent to a tenant's own addresses (Standard Webhooks 1.0); at least once, signed.

endpoints   the addresses, their secrets and what was sent to them; replay
delivery    the worker that sends, tries again, and gives up
signing     the signature of the Standard Webhooks
"""

from honnin.platform.webhooks.delivery import Deliverer
from honnin.platform.webhooks.endpoints import Webhooks

__all__ = ["Deliverer", "Webhooks"]
