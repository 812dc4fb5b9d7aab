"""RSA signatures by keys that stand in no certificate, as card issuers hand theirs out: PKCS#1 v1.5 with SHA-256.

What is compared is the whole block (RFC 8017 §8.2.2), so neither loose ASN.1 nor trailing bytes pass.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from honnin.errors import FormatError
from honnin.pki.rfc5280.keys import load_public_key

__all__ = ["rsa_key", "signs"]


def rsa_key(spki: bytes) -> rsa.RSAPublicKey:
    """Load a SubjectPublicKeyInfo that must be RSA. Raises FormatError `certificate.key_unsupported`."""
    key = load_public_key(spki)
    if not isinstance(key, rsa.RSAPublicKey):
        raise FormatError("certificate.key_unsupported", "The trusted key is of another kind than the signature.")
    return key


def signs(spki: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature over a message is that of a key."""
    try:
        rsa_key(spki).verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
