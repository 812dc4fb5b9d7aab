"""VERIFY, the two commands that change a PIN, and the commands that use a private key.

My Number Card sheet, sections 1.2, 2, 3.2, 4.5 and 4.6. Terminal authentication is refused: its format is not public.
"""

import re
from typing import TypeVar

from honnin.sandbox.cards.apdu import Command
from honnin.sandbox.cards.layout import Key, Pin
from honnin.sandbox.cards.session import Session
from honnin.sandbox.cards.session_key import accept
from honnin.sandbox.cards.signing import VARIANTS, sign, signature_size
from honnin.sandbox.cards.status import (
    BAD_CONTENT,
    BLOCKED,
    CONDITIONS,
    NO_CURRENT_FILE,
    NO_KEY_DELIVERY,
    NOT_FOR_THIS_FILE,
    REFERENCE_NOT_FOUND,
    SECURITY_STATUS,
    WRONG_LE,
    WRONG_LENGTH,
    WRONG_P1_P2,
    Refusal,
    tries_left,
)

__all__ = [
    "change_key",
    "change_reference_data",
    "internal_authenticate",
    "set_public_key",
    "set_session_key",
    "sign_given",
    "verify",
]

HASHED_BY_CARD = 0x03  # variant of a signature (section 3.2)
CLOSED_TO_KEYS = ("jpki", "resident_register")
F = TypeVar("F", Pin, Key)


def verify(session: Session, command: Command) -> bytes:
    """Compare a PIN; without data only tell the tries left, even when the PIN is already verified."""
    if command.p1:
        raise Refusal(WRONG_P1_P2)
    pin = _reference(session, command.p2, Pin).pin
    if not command.body:
        raise Refusal(tries_left(session.counters.tries_left(session.chip, pin)))
    attempt = session.counters.attempt(session.chip, pin, command.body)
    if attempt.right:
        session.verified.add(pin)
        return b""
    session.verified.discard(pin)
    raise Refusal(BLOCKED if attempt.blocked else tries_left(attempt.tries_left))


def change_reference_data(session: Session, command: Command) -> bytes:
    """Set a new PIN (00 24 01 80) after the old one was verified."""
    if command.p1 != 1:
        raise Refusal(WRONG_P1_P2)
    return _change(session, command, "change_reference_data")


def change_key(session: Session, command: Command) -> bytes:
    """Set the resident register PIN (80 32 00 80) after the old one was verified."""
    if command.p1:
        raise Refusal(WRONG_P1_P2)
    return _change(session, command, "change_key")


def _change(session: Session, command: Command, by: str) -> bytes:
    pin = _reference(session, command.p2, Pin).pin
    rule = session.chip.layout.pins[pin]
    if rule.changed_by != by:
        raise Refusal(CONDITIONS)
    if pin not in session.verified:
        raise Refusal(SECURITY_STATUS)
    if not command.body:
        raise Refusal(WRONG_LENGTH)
    if not re.fullmatch(rule.format.encode(), command.body):
        raise Refusal(BAD_CONTENT)
    if not session.counters.change(session.chip, pin, command.body):
        raise Refusal(BLOCKED)
    return b""


def sign_given(session: Session, command: Command) -> bytes:
    """COMPUTE DIGITAL SIGNATURE (80 2A): P1 says what the card does to the input before its private key."""
    if command.p1 not in VARIANTS:
        raise Refusal(WRONG_P1_P2)
    pkcs8 = session.chip.contents.get(_signing_key(session, command.p2) or "")
    if pkcs8 is None:
        raise Refusal(REFERENCE_NOT_FOUND)
    if command.le is None:
        raise Refusal(WRONG_LENGTH)
    size = signature_size(pkcs8)
    if command.le < size:
        raise Refusal(WRONG_LE | size & 0xFF)
    return sign(pkcs8, command.p1, command.body)


def _signing_key(session: Session, p2: int) -> str | None:
    """Return the content that holds the key that P2 names: 00 is the application's own, without any PIN."""
    if p2 == 0 and session.application.internal_key is not None:
        return session.application.internal_key
    key = _reference(session, p2, Key)
    if key.authenticates:
        raise Refusal(CONDITIONS)
    if not session.verified.issuperset(key.use):
        raise Refusal(SECURITY_STATUS)
    return key.content


def internal_authenticate(session: Session, command: Command) -> bytes:
    """INTERNAL AUTHENTICATE: the card's key signs a challenge of 1 to 255 bytes (sha256WithRSA)."""
    number = command.p2 & 0x1F if command.p2 & 0x80 else 0
    key = session.application.by_short_identifier(number)
    pkcs8 = session.chip.contents.get(key.content or "") if isinstance(key, Key) and key.authenticates else None
    if pkcs8 is None:
        raise Refusal(SECURITY_STATUS if isinstance(key, Key) else CONDITIONS)
    if isinstance(key, Key) and not session.verified.issuperset(key.use):
        raise Refusal(SECURITY_STATUS)
    if command.le is None or command.le < signature_size(pkcs8):
        raise Refusal(WRONG_LENGTH)
    return sign(pkcs8, HASHED_BY_CARD, command.body)


def set_session_key(session: Session, command: Command) -> bytes:
    """SET SESSION KEY: only where the application has a delivery key, and after its PIN."""
    application = session.application
    pkcs8 = session.chip.contents.get(application.delivery_key or "")
    if pkcs8 is None:
        raise Refusal(SECURITY_STATUS if application.name in CLOSED_TO_KEYS else NO_KEY_DELIVERY)
    if application.delivery_pin not in session.verified:
        raise Refusal(SECURITY_STATUS)
    if command.p1 or command.p2:
        raise Refusal(WRONG_P1_P2)
    if len(command.body) != signature_size(pkcs8):
        raise Refusal(WRONG_LENGTH)
    session.session_key = accept(pkcs8, command.body)
    return b""


def set_public_key(session: Session, command: Command) -> bytes:  # noqa: ARG001
    """SET PUBLIC IC KEY: terminal authentication is not modelled."""
    raise Refusal(CONDITIONS)


def _reference(session: Session, p2: int, kind: type[F]) -> F:
    """Return the PIN or key that P2 names: 80 the current file, 80 + short identifier another."""
    if not p2 & 0x80 or p2 & 0x60 or p2 == 0x9F:
        raise Refusal(WRONG_P1_P2)
    if p2 == 0x80:
        file = session.file
        if file is None:
            raise Refusal(NO_CURRENT_FILE)
    else:
        file = session.application.by_short_identifier(p2 & 0x1F)
        if file is None:
            raise Refusal(int(session.application.absent_reference, 16))
    if not isinstance(file, kind):
        raise Refusal(NOT_FOR_THIS_FILE)
    return file
