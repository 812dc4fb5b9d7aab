"""The reader agent: a small server on a counter's computer that lends its card readers to the counter's page.

It listens on loopback only, answers paired pages of allowed origins only, and knows nothing of cards: it carries APDUs.
"""

from honnin.web.agent.app import create_app
from honnin.web.agent.pairing import Pairing

__all__ = ["Pairing", "create_app"]
