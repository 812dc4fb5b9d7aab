"""The card in the person's hand, as the hosted page reaches it: look first (tries left), then sign.

Only sandbox cards (`emulated:PERSON`), and only for test sessions: a real card is on the person's phone, not on this
server. The PIN is an argument for one call and goes nowhere but to the card.
"""

import re
from pathlib import Path

import msgspec

from honnin.chip import MyNumberCard, Pin, open_reader
from honnin.errors import CardError, InputError
from honnin.platform.models import CertificateKind, SessionSignature

__all__ = ["Look", "look_at", "sign"]

PERSON = re.compile(r"[a-z0-9_]{1,40}\Z")
DEVICE = "sandbox_card"


class Look(msgspec.Struct, frozen=True):
    """What the card says before any PIN: whether it has the certificate that is asked for, and its PIN's tries left."""

    issued: bool
    tries_left: int
    tries_of: int

    @property
    def dead_end(self) -> str:
        """Why this card cannot sign, as a code; empty where it can."""
        if not self.issued:
            return "card.not_issued"
        return "card.pin_locked" if self.tries_left == 0 else ""

    @property
    def mood(self) -> str:
        """How much care the person needs: `fine`, `low`, `last`, `locked`."""
        if self.tries_left == 0:
            return "locked"
        return "last" if self.tries_left == 1 else "low" if self.tries_left == 2 else "fine"


def look_at(person: str, data: Path, kind: CertificateKind) -> Look:
    """Read what the card of an invented person says without a PIN."""
    with open_reader(_url(person), data=data) as reader, MyNumberCard(reader) as card:
        tries = next((tries for tries in card.jpki.tries() if tries.name == kind), None)
        issued = bool(getattr(card.jpki.issued(), kind))
    if tries is None or tries.left is None:
        return Look(issued=False, tries_left=0, tries_of=0)
    return Look(issued=issued, tries_left=tries.left, tries_of=tries.of or tries.left)


def sign(
    person: str, data: Path, kind: CertificateKind, pin: str, document: bytes, *, allow_last_try: bool
) -> SessionSignature:
    """Sign a document with the signature key, or a login's challenge with the user authentication key.

    Raises PinError (`tries_left` says what the card said), CardError `card.not_issued`, ReaderError.
    """
    with open_reader(_url(person), data=data) as reader, MyNumberCard(reader) as card:
        card.jpki.unlock(Pin(kind, pin), allow_last_try=allow_last_try)
        certificate = card.jpki.certificate(kind)
        if certificate is None:
            raise CardError(
                "card.not_issued",
                "The card does not hold the certificate that is asked for.",
                next="It is issued at the counter of the municipality.",
            )
        made = card.jpki.sign_message(kind, document)
    return SessionSignature(signature=made.value, certificate=certificate, device=DEVICE)


def _url(person: str) -> str:
    if not PERSON.match(person):
        raise InputError("check.person_unknown", "There is no such person in the sandbox.", next="Choose one.")
    return f"emulated:{person}"
