"""A signature value as it came from a card or a service, checked, and in the encodings that formats want.

CMS wants ECDSA values as DER, XML as r‖s (RFC 9231 §2.3.6); cards give r‖s. A value that does not verify is refused
here, so that no file is made that nobody could verify.
"""

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from honnin.errors import FormatError, InputError
from honnin.pki import der
from honnin.pki.ecdsa import check_ecdsa
from honnin.pki.facts import SignatureFacts
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.pki.rfc8017 import check_pkcs1
from honnin.pki.signed_content import SignedContent

__all__ = ["Value", "checked_value"]

_ECDSA = {"sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"}
_RSA = {"sha256": "1.2.840.113549.1.1.11", "sha384": "1.2.840.113549.1.1.12", "sha512": "1.2.840.113549.1.1.13"}


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A value that verifies. family: `rsa` or `ecdsa`; der, raw: its encodings; algorithm: AlgorithmIdentifier, DER."""

    family: str
    hash: str
    der: bytes
    raw: bytes
    algorithm: bytes


def checked_value(value: bytes, certificate: bytes, signed: bytes, name: str) -> Value:
    """Return the value in every encoding.

    Raises FormatError `signing.value_wrong`, `signing.bare_digest`, InputError `signing.key_unsupported`.
    """
    key = parse_certificate(certificate).public_key()
    content = SignedContent(signed)
    if isinstance(key, rsa.RSAPublicKey):
        facts = check_pkcs1(key, value, content, name)
        _require(facts)
        algorithm = der.encode(der.SEQUENCE, der.encode_oid(_RSA[name]), b"\x05\x00")
        return Value(family="rsa", hash=name, der=value, raw=value, algorithm=algorithm)
    if isinstance(key, ec.EllipticCurvePublicKey):
        facts = check_ecdsa(key, value, content, name)
        _require(facts)
        octets = (key.curve.key_size + 7) // 8
        if facts.shape == "raw":
            r, s = int.from_bytes(value[:octets], "big"), int.from_bytes(value[octets:], "big")
        else:
            r, s = decode_dss_signature(value)
        return Value(
            family="ecdsa",
            hash=name,
            der=encode_dss_signature(r, s),
            raw=r.to_bytes(octets, "big") + s.to_bytes(octets, "big"),
            algorithm=der.encode(der.SEQUENCE, der.encode_oid(_ECDSA[name])),
        )
    raise InputError(
        "signing.key_unsupported", "Documents are signed with RSA or ECDSA keys.", next="Use another certificate."
    )


def _require(facts: SignatureFacts) -> None:
    if facts.result != "valid":
        raise FormatError(
            "signing.value_wrong",
            "The signature is not by this certificate's key over what was prepared.",
            next="Have the digest of the prepared document signed, and give the certificate of the key that signed.",
        )
    if facts.shape == "bare_digest":
        raise FormatError(
            "signing.bare_digest",
            "The signature is over the bare digest, which no document format knows.",
            next="Have the DigestInfo signed in place of the bare digest.",
        )
