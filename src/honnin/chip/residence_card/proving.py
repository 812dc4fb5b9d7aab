"""Judging the agency's signature over a residence card (other-documents sheet §4.2, §4.3, §4.5).

    1. The certificate in DF3, its padding cut, leads to one of the given CA certificates; all share one subject name,
       so they are chosen by key identifier and by trying. Its signature is checked over the bytes as they are.
    2. The signature holds under its key over the printed data: values filled up with zeros, without tags.

Without the CA the answer is `not_checked`. Addresses, permissions and the card number are under no signature.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from honnin.chip.ber import object_length
from honnin.chip.document import Proof, Trust, code_of
from honnin.chip.residence_card.profile import Kind
from honnin.chip.residence_card.record import objects
from honnin.errors import FormatError
from honnin.pki import validate_path
from honnin.pki.rfc5280 import extensions
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.names import names_equal

__all__ = ["REVOCATION", "prove_card"]

KIND: Final = "data_signature"
RAW_P384: Final = 96
Result = Literal["passed", "failed", "not_checked"]
REVOCATION: Final = Proof("revocation", "not_checked", "proof.agency_revocation_elsewhere")


def prove_card(kind: Kind, files: Mapping[str, bytes], trust: Trust | None) -> tuple[Proof, Proof]:
    """Return the proofs of issuer and of data signature. files: the signed parts and the signature, whole."""
    covers = tuple(dict.fromkeys(part for part, _, _ in kind.signed))
    left = tuple(part for part in files if part not in covers and part not in {"signature", "version", "kind"})
    try:
        parsed = {part: objects(files.get(part, b""), kind.files[part]) for part in (*covers, "signature")}
        signature = parsed["signature"][kind.signature]
        encoded = _unpadded(parsed["signature"][kind.certificate])
        message = _message(kind, parsed)
    except FormatError as error:
        result: Result = "not_checked" if error.code == "residence.order_unknown" else "failed"
        unread = Proof(KIND, result, error.code, covers, left, detail=error.message)
        return Proof("issuer", "not_checked", "proof.certificate_not_judged", ("signature",)), unread
    if not signature.strip(b"\0") or not encoded:
        code = "proof.card_unsigned"
        return Proof("issuer", "not_checked", code, ("signature",)), Proof(KIND, "not_checked", code, covers, left)
    try:
        certificate = parse_certificate(encoded)
        holds = _holds(certificate, message, signature)
        issuer = _issuer(certificate, trust)
    except FormatError as error:
        failed = Proof(KIND, "failed", error.code, covers, left, detail=error.message)
        return Proof("issuer", "failed", error.code, ("signature",), detail=error.message), failed
    result = issuer.result if holds else "failed"
    code = "proof.agency_signed" if result == "passed" else "proof.signed_by_unproved_issuer"
    if not holds:
        code = "proof.card_mismatch"
    algorithm = "sha256WithRSAEncryption" if kind.generation == 1 else "ecdsa-with-SHA256"
    return issuer, Proof(KIND, result, code, covers, left, algorithm, message, signature, certificate.raw)


def _message(kind: Kind, parsed: Mapping[str, Mapping[str, bytes]]) -> bytes:
    """Return what is signed. Raises FormatError where a value has not the length that its place in it says."""
    signed = b""
    for part, tag, length in kind.signed:
        if not tag:
            layout = kind.files[part].tags
            if any(len(parsed[part][name]) != exact for name, exact in layout):
                raise FormatError("residence.record_malformed", "A signed value has another length than its own.")
        value = parsed[part][tag] if tag else b"".join(parsed[part].values())
        signed += value.ljust(length, b"\0")
    return signed


def _unpadded(content: bytes) -> bytes:
    length = object_length(content[:8])
    return content[:length] if content.strip(b"\0") and length is not None and length <= len(content) else b""


def _holds(certificate: Certificate, message: bytes, signature: bytes) -> bool:
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
            return True
    except InvalidSignature:
        return False
    if isinstance(key, ec.EllipticCurvePublicKey):
        return any(_ecdsa(key, message, value) for value in _encodings(signature))
    raise FormatError("certificate.key_unsupported", "The key of the card's certificate is of an unknown kind.")


def _encodings(signature: bytes) -> Sequence[bytes]:
    """Return r‖s, and ASN.1 as the specification's table says, both as ASN.1 (the sheet: accept both)."""
    found = []
    if len(signature) == RAW_P384:
        half = RAW_P384 // 2
        found.append(
            encode_dss_signature(*(int.from_bytes(part, "big") for part in (signature[:half], signature[half:])))
        )
    length = object_length(signature[:4]) if signature[:1] == b"\x30" else None
    if length is not None and length <= len(signature) and not signature[length:].strip(b"\0"):
        found.append(signature[:length])
    return found


def _ecdsa(key: ec.EllipticCurvePublicKey, message: bytes, value: bytes) -> bool:
    try:
        key.verify(value, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _issuer(certificate: Certificate, trust: Trust | None) -> Proof:
    covers = ("signature",)
    known = [found for anchor in (trust.anchors if trust else ()) if (found := _readable(anchor)) is not None]
    authorities = [found for found in known if names_equal(found.subject, certificate.issuer)]
    key_id = _identifier(certificate, extensions.authority_key_identifier)
    if key_id is not None:
        authorities = [
            found for found in authorities if _identifier(found, extensions.subject_key_identifier) in {None, key_id}
        ]
    if trust is None or not authorities:
        return Proof("issuer", "not_checked", "proof.agency_ca_missing", covers, certificate=certificate.raw)
    verdict = validate_path(
        certificate.raw, anchors=[found.raw for found in authorities], at=trust.at, revocation="off"
    )
    result: Result = "passed" if verdict.indication == "PASSED" else "failed"
    if verdict.indication == "INDETERMINATE":
        result = "not_checked"
    if result == "passed":
        return Proof("issuer", result, "proof.agency_ca_issued", covers, certificate=certificate.raw)
    return Proof(
        "issuer",
        result,
        code_of(verdict.indication, verdict.sub_indication),
        covers,
        certificate=certificate.raw,
        detail=verdict.reason,
    )


def _readable(octets: bytes) -> Certificate | None:
    try:
        return parse_certificate(octets)
    except FormatError:
        return None


def _identifier(certificate: Certificate, of: object) -> bytes | None:
    try:
        found = of(certificate)  # type: ignore[operator]
    except FormatError:
        return None
    identifier = getattr(found, "key_identifier", found)
    return identifier if isinstance(identifier, bytes) else None
