"""The card-verifiable certificate of the key that signs a card's records (sheet §4.1): who signed, and by whose word.

The CA keys stand on no card and are published by nobody officially; the operator loads them. A CA that is not at hand
is `not_checked`, never `failed`. These certificates have no dates and no revocation list.
"""

from typing import NamedTuple

from honnin.chip.document import Proof, Trust
from honnin.chip.icao9303.tlv import child, only
from honnin.chip.my_number_card.records import rsa_public_key
from honnin.chip.rsa_keys import signs
from honnin.errors import FormatError

__all__ = ["CvCertificate", "judge_issuer", "parse_cv_certificate"]

OUTER = 0x7F21
BODY = 0x5F4E
SIGNATURE = 0x5F37
KEY_ID = 16
USE = "my_number_card"
ALGORITHM = "sha256WithRSAEncryption"


class CvCertificate(NamedTuple):
    """A certificate. issuer, subject: key identifiers of 16 bytes; spki: the certified key; body: what is signed."""

    issuer: bytes
    subject: bytes
    spki: bytes
    body: bytes
    signature: bytes


def parse_cv_certificate(content: bytes) -> CvCertificate:
    """Read EF 0004. Raises FormatError `chip.object_malformed`."""
    inner = only(content, OUTER)
    body, signature = child(inner, BODY) or b"", child(inner, SIGNATURE) or b""
    if len(body) < 2 * KEY_ID or not signature:
        raise FormatError("chip.object_malformed", "The certificate of the record's signer is none.")
    return CvCertificate(
        issuer=body[:KEY_ID],
        subject=body[KEY_ID : 2 * KEY_ID],
        spki=rsa_public_key(body[2 * KEY_ID :]),
        body=body,
        signature=signature,
    )


def judge_issuer(content: bytes | None, trust: Trust | None) -> tuple[Proof, bytes | None]:
    """Return the proof of who certified the signer, and the signer's key where it can be read."""
    covers = ("certificate",)
    try:
        certificate = parse_cv_certificate(content or b"")
    except FormatError as error:
        return Proof("issuer", "failed", error.code, covers, detail=error.message), None
    key = trust.key(USE, certificate.issuer) if trust else None
    if key is None:
        return Proof("issuer", "not_checked", "proof.face_ca_missing", covers, certificate=content), certificate.spki
    try:
        genuine = signs(key, certificate.body, certificate.signature)
    except FormatError as error:
        unread = Proof("issuer", "not_checked", error.code, covers, certificate=content, detail=error.message)
        return unread, certificate.spki
    proof = Proof(
        kind="issuer",
        result="passed" if genuine else "failed",
        code="proof.face_ca_issued" if genuine else "proof.face_ca_other",
        covers=covers,
        algorithm=ALGORITHM,
        message=certificate.body,
        signature=certificate.signature,
        certificate=content,
    )
    return proof, certificate.spki
