"""What a source knows without waiting: for those who answer many in a row and must not wait for one.

A source that keeps answers has a method `at_hand`, with the arguments of `fetch` or `link`, which gives an answer that
serves as a fresh one would, or None where it would have to ask. A source without that method has nothing at hand.
"""

from datetime import datetime
from typing import Any

from honnin.connect.jlis.models import Link, LinkSource, RevocationData, RevocationSource

__all__ = ["LinksAtHand", "NotAtHandError", "RevocationAtHand"]


class NotAtHandError(Exception):
    """An outside service would have to be asked, and whoever wants to know does not wait for it."""


class RevocationAtHand:
    """The revocation data of a source that are at hand. Raises NotAtHandError for all others."""

    def __init__(self, source: RevocationSource) -> None:
        self._source = source

    def fetch(self, certificate: bytes, issuer: bytes, *, at: datetime) -> RevocationData:
        """Return revocation data for a certificate (DER) that serve at a moment."""
        found: RevocationData = _asked(self._source, certificate, issuer, at=at)
        return found


class LinksAtHand:
    """The links of a source that are at hand. Raises NotAtHandError for all others."""

    def __init__(self, source: LinkSource) -> None:
        self._source = source

    def link(self, issuer_key_id: bytes, serial: int, *, at: datetime) -> Link:
        """Return what is linked with a certificate."""
        found: Link = _asked(self._source, issuer_key_id, serial, at=at)
        return found


def _asked(source: object, *what: Any, at: datetime) -> Any:
    ask = getattr(source, "at_hand", None)
    found = None if ask is None else ask(*what, at=at)
    if found is None:
        raise NotAtHandError
    return found
