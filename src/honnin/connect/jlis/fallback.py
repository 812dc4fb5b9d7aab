"""Ask one source, and another when the first fails: OCSP for the state of this moment, the daily CRL when it is down.

Only a failure to answer leads on. An answer, whatever it says, is an answer; how old data may be is for the policy.
"""

from contextlib import suppress
from datetime import datetime

from honnin.connect.jlis.at_hand import NotAtHandError, RevocationAtHand
from honnin.connect.jlis.models import RevocationData, RevocationSource
from honnin.errors import ServiceError

__all__ = ["Fallback"]


class Fallback:
    """Two sources in order."""

    def __init__(self, first: RevocationSource, then: RevocationSource) -> None:
        self._first = first
        self._then = then

    def at_hand(self, certificate: bytes, issuer: bytes, *, at: datetime) -> RevocationData | None:
        """Return what the first has at hand, None where it would have to be asked."""
        with suppress(NotAtHandError):
            return RevocationAtHand(self._first).fetch(certificate, issuer, at=at)
        return None

    def fetch(self, certificate: bytes, issuer: bytes, *, at: datetime) -> RevocationData:
        """Ask the first, then the other. Raises ServiceError `jlis.unavailable` when neither answers, FormatError."""
        try:
            return self._first.fetch(certificate, issuer, at=at)
        except ServiceError as first:
            try:
                return self._then.fetch(certificate, issuer, at=at)
            except ServiceError as then:
                raise ServiceError(
                    "jlis.unavailable",
                    f"No source of revocation data answers ({first.code}, {then.code}).",
                    next="Try again later.",
                    retryable=True,
                ) from then
