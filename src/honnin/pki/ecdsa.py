"""ECDSA signatures (FIPS 186-5 §6.4) over P-256, P-384 and P-521: DER as in CMS, raw r‖s as cards give them.

The next My Number Card signs with P-384 and SHA-384 (my-number-card.md §9). Which of the two encodings it was is
recorded. DER is read strictly: one encoding for one pair of numbers.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from honnin.errors import FormatError
from honnin.pki import der
from honnin.pki.facts import SignatureFacts
from honnin.pki.rfc8017 import HASHES
from honnin.pki.signed_content import SignedContent

__all__ = ["check_ecdsa"]

# Hashes to try for a raw signature that names none, the customary one of the curve first.
_CANDIDATES = {256: ("sha256", "sha384", "sha512"), 384: ("sha384", "sha256", "sha512"), 521: ("sha512", "sha384")}


def check_ecdsa(
    key: ec.EllipticCurvePublicKey,
    signature: bytes,
    signed: SignedContent,
    expected: str | None = None,
    *,
    raw_allowed: bool = True,
) -> SignatureFacts:
    """Check an ECDSA signature. expected: the hash that is named elsewhere; else those customary for the curve.

    raw_allowed: False where the format prescribes DER (CMS).
    """
    encoded = [("der", signature)] if _is_der(signature) else []
    octets = (key.curve.key_size + 7) // 8
    if raw_allowed and len(signature) == 2 * octets:
        r, s = int.from_bytes(signature[:octets], "big"), int.from_bytes(signature[octets:], "big")
        encoded.append(("raw", encode_dss_signature(r, s)))
    if not encoded:
        return SignatureFacts(result="wrong", algorithm="ecdsa", problem="encoding", covers=signed.covers)
    names = (expected,) if expected else _CANDIDATES.get(key.curve.key_size, ("sha256",))
    for shape, value in encoded:
        for name in names:
            digest = signed.digest(name)
            if digest is not None and _verifies(key, value, digest, name):
                return SignatureFacts(
                    result="valid",
                    algorithm="ecdsa",
                    hash=name,
                    shape="der" if shape == "der" else "raw",
                    covers=signed.covers,
                )
    shape = encoded[0][0]
    return SignatureFacts(
        result="wrong",
        algorithm="ecdsa",
        hash=expected,
        shape="der" if shape == "der" else "raw",
        covers=signed.covers,
    )


def _verifies(key: ec.EllipticCurvePublicKey, value: bytes, digest: bytes, name: str) -> bool:
    try:
        key.verify(value, digest, ec.ECDSA(Prehashed(HASHES[name])))
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_der(signature: bytes) -> bool:
    """Tell whether the bytes are exactly a SEQUENCE of two positive INTEGERs in DER."""
    try:
        start, stop = der.whole(signature, der.SEQUENCE)
        numbers = [
            der.integer(signature, first, last) for first, last in der.items(signature, start, stop, der.INTEGER)
        ]
    except FormatError:
        return False
    return len(numbers) == 2 and min(numbers) > 0
