"""Judging what the card proved: possession of the user authentication key, and whose certificate it is.

The path is `honnin.pki`'s work and only asked for here; revocation is never judged from the card alone.
"""

from honnin.chip.document import Proof, Trust
from honnin.errors import FormatError

__all__ = ["judge_possession"]

SHA256_WITH_RSA = bytes.fromhex("300D06092A864886F70D01010B0500")  # AlgorithmIdentifier, RFC 4055 §5
KEY = "user_authentication_key"
CERTIFICATE = "user_authentication"


def judge_possession(
    certificate: bytes, message: bytes, signature: bytes, trust: Trust | None
) -> tuple[Proof, Proof, Proof]:
    """Return the proofs of possession, issuer and revocation, in this order.

    certificate: DER from the card; message: what was hashed (SHA-256) and signed; signature: as the card gave it.
    """
    from honnin.pki.rfc5280.certificate import parse_certificate
    from honnin.pki.rfc5280.keys import verify_signature

    try:
        genuine = verify_signature(parse_certificate(certificate).public_key(), SHA256_WITH_RSA, message, signature)
        reason = "" if genuine else "The signature over the challenge does not fit the certificate on the card."
    except FormatError:
        genuine, reason = False, "The certificate on the card cannot be read."
    possession = Proof(
        kind="possession",
        result="passed" if genuine else "failed",
        reason=reason or "The card signed the challenge with the key of its certificate, after its PIN.",
        covers=(KEY, CERTIFICATE),
        algorithm="sha256WithRSAEncryption",
        message=message,
        signature=signature,
        certificate=certificate,
    )
    return possession, _issuer(certificate, trust), _REVOCATION


def _issuer(certificate: bytes, trust: Trust | None) -> Proof:
    if trust is None:
        return Proof("issuer", "not_checked", "No trusted issuer was given.", covers=(CERTIFICATE,))
    from honnin.pki import validate_path

    verdict = validate_path(
        certificate, anchors=trust.anchors, at=trust.at, revocation="off", purpose="user_authentication"
    )
    passed = verdict.indication == "PASSED"
    return Proof("issuer", "passed" if passed else "failed", verdict.reason, covers=(CERTIFICATE,))


_REVOCATION = Proof(
    "revocation",
    "not_checked",
    "Whether the certificate was revoked is known outside the card.",
    covers=(CERTIFICATE,),
)
