"""Judging what the card proved: possession of the user authentication key, and whose certificate it is.

The path is `honnin.pki`'s work and only asked for here; revocation is never judged from the card alone.
"""

from typing import Final

from honnin.chip.document import Proof, Trust, code_of
from honnin.chip.my_number_card.signing import CardSignature
from honnin.errors import FormatError

__all__ = ["judge_possession"]

# AlgorithmIdentifier (DER) by encoding and digest: RFC 4055 §5, RFC 5758 §3.2.
ALGORITHMS: Final = {
    ("pkcs1_v15", "sha256"): ("sha256WithRSAEncryption", "300D06092A864886F70D01010B0500"),
    ("raw_rs", "sha256"): ("ecdsa-with-SHA256", "300A06082A8648CE3D040302"),
    ("raw_rs", "sha384"): ("ecdsa-with-SHA384", "300A06082A8648CE3D040303"),
    ("raw_rs", "sha512"): ("ecdsa-with-SHA512", "300A06082A8648CE3D040304"),
}
KEY = "user_authentication_key"
CERTIFICATE = "user_authentication"


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
