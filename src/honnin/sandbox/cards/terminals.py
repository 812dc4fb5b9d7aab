"""EXTERNAL AUTHENTICATE: a terminal proves itself to an application in the free area (docs/free-area.md, step 1).

ISO/IEC 7816-4 section 11.5.4. Applications without a terminal key answer as cards do that lack the instruction.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import load_der_public_key

from honnin.sandbox.cards.apdu import Command
from honnin.sandbox.cards.layout import TerminalKey
from honnin.sandbox.cards.session import Session
from honnin.sandbox.cards.status import (
    CONDITIONS,
    REFERENCE_NOT_FOUND,
    SECURITY_STATUS,
    UNKNOWN_INS,
    WRONG_LENGTH,
    WRONG_P1_P2,
    Refusal,
)

__all__ = ["external_authenticate"]

HALF = 48  # bytes of r and of s
CHALLENGE = 32


def external_authenticate(session: Session, command: Command) -> bytes:
    """Check a terminal's signature over AID and challenge; the challenge is gone whatever comes of it."""
    if not any(isinstance(file, TerminalKey) for file in session.application.files):
        raise Refusal(UNKNOWN_INS)
    if command.p1 or not command.p2 & 0x80:
        raise Refusal(WRONG_P1_P2)
    key = session.application.by_short_identifier(command.p2 & 0x1F)
    if not isinstance(key, TerminalKey):
        raise Refusal(REFERENCE_NOT_FOUND)
    challenge, session.challenge = session.challenge, None
    if challenge is None or len(challenge) != CHALLENGE:
        raise Refusal(CONDITIONS)
    if len(command.body) != 2 * HALF:
        raise Refusal(WRONG_LENGTH)
    public = load_der_public_key(session.chip.contents[key.content])
    assert isinstance(public, ec.EllipticCurvePublicKey)  # noqa: S101
    r, s = (int.from_bytes(half) for half in (command.body[:HALF], command.body[HALF:]))
    try:
        public.verify(encode_dss_signature(r, s), session.application.identifier + challenge, ec.ECDSA(SHA384()))
    except InvalidSignature:
        session.verified.discard(key.grants)
        raise Refusal(SECURITY_STATUS) from None
    session.verified.add(key.grants)
    return b""
