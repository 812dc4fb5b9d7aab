"""What the phone showed before a signature of the Digital Authentication Service: checked, recorded, given out again.

The record names the sign transaction and SHA-256 of the service's proof, a JWS: its own signature nobody can guess, so
that digest tells nothing of the words. The proof itself goes to the service provider and lies sealed beside the record.
"""

import hashlib
from typing import TYPE_CHECKING

import msgspec

from honnin.errors import InputError
from honnin.pki.shown_words import words_digest_in
from honnin.platform.models import Shown

if TYPE_CHECKING:
    from honnin.connect.digital_auth.opening import OpenedResult
    from honnin.connect.digital_auth.showing import Showing
    from honnin.platform.services import Mode

__all__ = ["Signing", "digest_of", "recorded", "shown_at", "shown_of", "words_of"]


class Signing(msgspec.Struct, frozen=True, kw_only=True):
    """How a signature was made at the service, as a record says it. shown: SHA-256 of the proof, hex."""

    transaction: str | None
    shown: str | None


def shown_at(
    mode: "Mode", opened: "OpenedResult", submitted: bytes, signed: bytes | None, *, waits: bool = True
) -> Shown | None:
    """Return what was shown before a signature; None where nothing proves it, or nobody here knows the service's keys.

    submitted: what was given to the card. signed: the bytes whose digest that is, where they are known.
    waits: as `DigitalAuth.check_shown`. Raises InputError `verification.shown_wrong`, `verification.words_differ`
    (other words than those that were signed), and what the service's keys raise.
    """
    service = mode.services.digital_auth
    found = None if service is None else service.check_shown(opened, submitted, waits=waits)
    if found is None:
        return None
    if signed is not None and found.words_digest is not None:
        of_words = {hashlib.sha256(signed).hexdigest(), words_of(signed)}
        if found.words_digest not in of_words:
            raise InputError(
                "verification.words_differ",
                "The phone showed other words than those that were signed.",
                next="Do not use the result; start the signature again.",
            )
    return _shown(found)


def shown_of(jws: str) -> Shown:
    """Return what a proof that was checked before says."""
    from honnin.connect.digital_auth.showing import read_shown

    return _shown(read_shown(jws))


def words_of(attributes: bytes) -> str | None:
    """Return SHA-256 (hex) of the words that signed attributes name, None where they name none."""
    found = words_digest_in(attributes)
    return None if found is None else found.hex()


def recorded(opened: "OpenedResult | None", shown: Shown | None) -> Signing | None:
    """Return what a record says of a sign result; None for every other signature."""
    if opened is None:
        return None
    return Signing(transaction=opened.transaction, shown=None if shown is None else digest_of(shown.jws))


def digest_of(jws: str) -> str:
    """Return SHA-256 of a proof, hex."""
    return hashlib.sha256(jws.encode("utf-8")).hexdigest()


def _shown(found: "Showing") -> Shown:
    return Shown(transaction=found.transaction, what=found.what, text_sha256=found.words_digest, jws=found.token)
