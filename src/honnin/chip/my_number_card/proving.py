"""Judging what the card proved: possession of the user authentication key, and whose certificates it holds.

A certificate that was read is data under its issuer's signature: that is judged for the certificate's own time, so that
one which has ended stays authentic and is not current. The path is `honnin.pki`'s work and only asked for here;
revocation is never judged from the card alone.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from honnin.chip.document import Proof, Reading, Trust, code_of
from honnin.chip.my_number_card.signing import CardSignature, Purpose
from honnin.errors import FormatError

if TYPE_CHECKING:
    from honnin.pki.rfc5280.certificate import Certificate

__all__ = ["judge_certificates", "judge_possession"]

# AlgorithmIdentifier (DER) by encoding and digest: RFC 4055 §5, RFC 5758 §3.2.
ALGORITHMS: Final = {
    ("pkcs1_v15", "sha256"): ("sha256WithRSAEncryption", "300D06092A864886F70D01010B0500"),
    ("raw_rs", "sha256"): ("ecdsa-with-SHA256", "300A06082A8648CE3D040302"),
    ("raw_rs", "sha384"): ("ecdsa-with-SHA384", "300A06082A8648CE3D040303"),
    ("raw_rs", "sha512"): ("ecdsa-with-SHA512", "300A06082A8648CE3D040304"),
}
KEY = "user_authentication_key"
CERTIFICATE = "user_authentication"
RESULTS: Final[dict[str, Literal["passed", "failed", "not_checked"]]] = {
    "PASSED": "passed",
    "INDETERMINATE": "not_checked",
}


def judge_possession(
    certificate: bytes, message: bytes, made: CardSignature, trust: Trust | None
) -> tuple[Proof, Proof, Proof]:
    """Return the proofs of possession, issuer and revocation, in this order.

    certificate: DER from the card; message: what was hashed and signed; made: what the card gave.
    """
    from honnin.pki.rfc5280.certificate import parse_certificate
    from honnin.pki.rfc5280.keys import verify_signature

    name, identifier = ALGORITHMS[made.encoding, made.algorithm]
    try:
        key = parse_certificate(certificate).public_key()
        genuine = verify_signature(key, bytes.fromhex(identifier), message, _as_in_x509(made))
        code = "proof.possession_passed" if genuine else "proof.possession_failed"
    except FormatError:
        genuine, code = False, "proof.certificate_unreadable"
    possession = Proof(
        kind="possession",
        result="passed" if genuine else "failed",
        code=code,
        covers=(KEY, CERTIFICATE),
        algorithm=name,
        message=message,
        signature=made.value,
        certificate=certificate,
    )
    return possession, _issuer(certificate, trust), _REVOCATION


def judge_certificates(reading: Reading[Any], trust: Trust) -> tuple[Proof, ...]:
    """Return, of each of the person's certificates that was read, the proof of its issuer's signature; then revocation.

    Without the issuer's certificate at hand the answer is `not_checked`.
    """
    found = {kind: content for kind in get_args(Purpose) if (content := reading.file(kind)) is not None}
    proofs = [_signed(kind, certificate, trust) for kind, certificate in found.items()]
    return (*proofs, replace(_REVOCATION, covers=tuple(found))) if found else ()


def _signed(kind: Purpose, encoded: bytes, trust: Trust) -> Proof:
    from honnin.pki import validate_path
    from honnin.pki.rfc5280.certificate import parse_certificate

    try:
        certificate = parse_certificate(encoded)
    except FormatError:
        return Proof("data_signature", "failed", "proof.certificate_unreadable", covers=(kind,))
    anchors = [anchor for anchor in trust.anchors if _may_have_issued(anchor, certificate)]
    if not anchors:
        return Proof("data_signature", "not_checked", "proof.jpki_ca_missing", covers=(kind,), certificate=encoded)
    at = max(certificate.not_before, min(trust.at, certificate.not_after))
    verdict = validate_path(encoded, anchors=anchors, at=at, revocation="off", purpose=kind)
    result = RESULTS.get(verdict.indication, "failed")
    code = "proof.jpki_signed" if result == "passed" else code_of(verdict.indication, verdict.sub_indication)
    detail = "" if result == "passed" else verdict.reason
    return Proof("data_signature", result, code, covers=(kind,), certificate=encoded, detail=detail)


def _may_have_issued(anchor: bytes, certificate: "Certificate") -> bool:
    """Tell whether a trusted CA is the one that a certificate names: by subject, and by key where both name one."""
    from honnin.pki.rfc5280 import extensions
    from honnin.pki.rfc5280.certificate import parse_certificate
    from honnin.pki.rfc5280.names import names_equal

    try:
        authority = parse_certificate(anchor)
        named, own = extensions.authority_key_identifier(certificate), extensions.subject_key_identifier(authority)
    except FormatError:
        return False
    other_key = named is not None and None not in {named.key_identifier, own} and named.key_identifier != own
    return names_equal(authority.subject, certificate.issuer) and not other_key


def _as_in_x509(made: CardSignature) -> bytes:
    """Return a raw r‖s as the DER sequence of two integers (RFC 3279 §2.2.3); an RSA signature as it is."""
    if made.encoding == "pkcs1_v15":
        return made.value
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    half = len(made.value) // 2
    return encode_dss_signature(int.from_bytes(made.value[:half], "big"), int.from_bytes(made.value[half:], "big"))


def _issuer(certificate: bytes, trust: Trust | None) -> Proof:
    if trust is None:
        return Proof("issuer", "not_checked", "proof.anchor_missing", covers=(CERTIFICATE,))
    from honnin.pki import validate_path

    verdict = validate_path(
        certificate, anchors=trust.anchors, at=trust.at, revocation="off", purpose="user_authentication"
    )
    passed = verdict.indication == "PASSED"
    return Proof(
        "issuer",
        "passed" if passed else "failed",
        code_of(verdict.indication, verdict.sub_indication),
        covers=(CERTIFICATE,),
        detail=verdict.reason,
    )


_REVOCATION = Proof(
    "revocation",
    "not_checked",
    "proof.certificate_revocation_elsewhere",
    covers=(CERTIFICATE,),
)
