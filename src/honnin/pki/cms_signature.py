"""One signer of a CMS SignedData against its certificate (RFC 5652 §5.4, §5.6, §11; RFC 5035; RFC 6211).

    1. The digest algorithm is known, and the signature algorithm names the same hash and the certificate's kind of key:
       an attacker must not choose how the bytes are read.
    2. Signed attributes: the content type is that of the content, the message digest is there once, what RFC 6211
       protects is what is used, and a signing-certificate attribute names this certificate.
    3. No signed attributes: only for content of type data (§5.3), and never for content that is itself a set of
       attributes, which is how a signature over attributes would be passed off as one over content.
    4. The message digest is that of the content; then the signature is over the attributes, or over the content.

Not here: finding the certificate, trust, and the unsigned attributes (time-stamps, countersignatures).
"""

import hashlib

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from honnin.errors import FormatError
from honnin.pki import der
from honnin.pki.ecdsa import check_ecdsa
from honnin.pki.facts import SignatureFacts, SignatureResult
from honnin.pki.rfc5280.certificate import Certificate
from honnin.pki.rfc5280.keys import PublicKey, scheme
from honnin.pki.rfc5652 import CONTENT_TYPE, DATA, MESSAGE_DIGEST, SignedData, SignerInfo, is_attribute_set
from honnin.pki.rfc8017 import check_pkcs1, check_pss
from honnin.pki.signed_content import SignedContent

__all__ = ["check_signer", "digest_name"]

ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
RSA_ENCRYPTION = "1.2.840.113549.1.1.1"  # RFC 3370 §3.2: PKCS #1 v1.5 with the signer's digest algorithm
RSASSA_PSS = "1.2.840.113549.1.1.10"

_DIGESTS = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_NULL = b"\x05\x00"


class _Refused(Exception):  # noqa: N818 - leaves the steps early, never the module
    def __init__(self, result: SignatureResult, problem: str) -> None:
        super().__init__(problem)
        self.result: SignatureResult = result
        self.problem = problem


def check_signer(
    signer: SignerInfo, data: SignedData, content: SignedContent, key: PublicKey, certificate: Certificate
) -> SignatureFacts:
    """Return what one signer's signature says of the content under the certificate's key."""
    try:
        return _check(signer, data, content, key, certificate)
    except _Refused as refused:
        return SignatureFacts(result=refused.result, problem=refused.problem, covers=content.covers)
    except FormatError:
        return SignatureFacts(result="malformed", problem="signer_malformed", covers=content.covers)


def _check(
    signer: SignerInfo, data: SignedData, content: SignedContent, key: PublicKey, certificate: Certificate
) -> SignatureFacts:
    name = _digest_name(signer.digest_algorithm)
    kind, salt_length = _scheme(signer.signature_algorithm, name, key)
    if signer.signed_attributes is None:
        if data.content_type != DATA:
            raise _Refused("malformed", "attributes_missing")
        if content.content is not None and is_attribute_set(content.content):
            raise _Refused("malformed", "content_is_attributes")
        signed = content
    else:
        _check_attributes(signer, data, certificate)
        digest = signer.one_value(MESSAGE_DIGEST, der.OCTET_STRING)
        if digest is None:
            raise _Refused("malformed", "message_digest_missing")
        if digest != content.digest(name):
            return SignatureFacts(result="digest_differs", hash=name, covers=content.covers)
        signed = SignedContent(signer.signed_octets)
    facts = _cryptography(kind, salt_length, key, signer.signature, signed, name)
    if facts.result == "digest_differs" and signer.signed_attributes is not None:
        # The signature is over other attributes than these: the attributes were changed, not the content.
        return SignatureFacts(result="wrong", algorithm=facts.algorithm, hash=name, covers=content.covers)
    if facts.covers == content.covers:
        return facts
    return SignatureFacts(
        result=facts.result,
        algorithm=facts.algorithm,
        hash=facts.hash,
        shape=facts.shape,
        covers=content.covers,
        problem=facts.problem,
    )


def _cryptography(
    kind: str, salt_length: int, key: PublicKey, signature: bytes, signed: SignedContent, name: str
) -> SignatureFacts:
    if isinstance(key, rsa.RSAPublicKey):
        if kind == "pss":
            return check_pss(key, signature, signed, name, salt_length)
        return check_pkcs1(key, signature, signed, name)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return check_ecdsa(key, signature, signed, name, raw_allowed=False)
    raise _Refused("unsupported", "key_unsupported")


def _digest_name(algorithm: bytes) -> str:
    oid, parameters = _algorithm(algorithm)
    name = _DIGESTS.get(oid)
    if name is None or parameters not in {b"", _NULL}:
        raise _Refused("unsupported", "digest_unsupported")
    return name


def digest_name(algorithm: bytes) -> str:
    """Return the name (`sha256` …) of a hash by its AlgorithmIdentifier, DER. Raises FormatError where unknown."""
    try:
        return _digest_name(algorithm)
    except _Refused:
        raise der.malformed("The hash is unknown.") from None


def _scheme(algorithm: bytes, name: str, key: PublicKey) -> tuple[str, int]:
    """Return (`pkcs1`, `pss` or `ecdsa`, salt length) when hash and key agree with what is named elsewhere."""
    oid, parameters = _algorithm(algorithm)
    if oid == RSA_ENCRYPTION:
        if parameters not in {b"", _NULL} or not isinstance(key, rsa.RSAPublicKey):
            raise _Refused("unsupported", "algorithm_contradicts")
        return "pkcs1", 0
    try:
        how = scheme(algorithm)
    except FormatError:
        raise _Refused("unsupported", "algorithm_unsupported") from None
    fits = (how.family == "rsa" and isinstance(key, rsa.RSAPublicKey)) or (
        how.family == "ec" and isinstance(key, ec.EllipticCurvePublicKey)
    )
    if not fits or how.hash is None or how.hash.name != name:
        raise _Refused("unsupported", "algorithm_contradicts")
    if isinstance(how.rsa_padding, padding.PSS):
        mask, salt_length = how.rsa_padding.mgf, how.rsa_padding._salt_length  # noqa: SLF001 - pyca shows them nowhere else
        if mask._algorithm.name != name or not isinstance(salt_length, int):  # noqa: SLF001
            raise _Refused("unsupported", "algorithm_contradicts")
        return "pss", salt_length
    return ("pkcs1" if how.family == "rsa" else "ecdsa"), 0


def _check_attributes(signer: SignerInfo, data: SignedData, certificate: Certificate) -> None:
    content_type = signer.one_value(CONTENT_TYPE, der.OID)
    if content_type is None:
        raise _Refused("malformed", "content_type_missing")
    if der.oid(content_type, 0, len(content_type)) != data.content_type:
        raise _Refused("malformed", "content_type_differs")
    if signer.attribute(ALGORITHM_PROTECTION) is not None:
        protected = signer.one_value(ALGORITHM_PROTECTION, der.SEQUENCE)
        if protected is None or not _protects(protected, signer):
            raise _Refused("malformed", "algorithm_protection_differs")
    for oid in (SIGNING_CERTIFICATE_V2, SIGNING_CERTIFICATE):
        if signer.attribute(oid) is not None:
            named = signer.one_value(oid, der.SEQUENCE)
            if named is None or not _names(named, oid, certificate.raw):
                raise _Refused("certificate_differs", "signing_certificate_differs")


def _protects(value: bytes, signer: SignerInfo) -> bool:
    """Tell whether a CMSAlgorithmProtection (RFC 6211 §2) repeats the algorithms that are used."""
    _, at = der.enclosed(value, 0, len(value), der.SEQUENCE)
    start, stop = der.enclosed(value, at, len(value), 0xA1)
    repeated = der.encode(der.SEQUENCE, value[start:stop])
    return (
        stop == len(value)
        and _algorithm(value[:at]) == _algorithm(signer.digest_algorithm)
        and _algorithm(repeated) == _algorithm(signer.signature_algorithm)
    )


def _names(value: bytes, oid: str, certificate: bytes) -> bool:
    """Tell whether the first ESSCertID or ESSCertIDv2 (RFC 5035 §3, §4) is of this certificate."""
    first, stop = der.enclosed(value, 0, len(value), der.SEQUENCE)
    start, stop = der.enclosed(value, first, stop, der.SEQUENCE)
    name = "sha1" if oid == SIGNING_CERTIFICATE else "sha256"
    if oid == SIGNING_CERTIFICATE_V2 and start < stop and value[start] == der.SEQUENCE:
        _, after = der.enclosed(value, start, stop, der.SEQUENCE)
        name = _digest_name(value[start:after])
        start = after
    first, last = der.enclosed(value, start, stop, der.OCTET_STRING)
    return hashlib.new(name, certificate, usedforsecurity=False).digest() == value[first:last]


def _algorithm(algorithm: bytes) -> tuple[str, bytes]:
    """Return an AlgorithmIdentifier's OID and raw parameters; NULL and absent are the same."""
    start, stop = der.whole(algorithm, der.SEQUENCE)
    first, at = der.enclosed(algorithm, start, stop, der.OID)
    parameters = algorithm[at:stop]
    return der.oid(algorithm, first, at), b"" if parameters == _NULL else parameters
