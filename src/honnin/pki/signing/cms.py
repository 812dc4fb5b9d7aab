"""CMS SignedData written (RFC 5652 §5, CAdES baseline: ETSI EN 319 122-1 §6), by one signer."""

import hashlib
from datetime import UTC, datetime

from honnin.pki import der
from honnin.pki.cms_signers import TIME_STAMP
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.pki.rfc5652 import CONTENT_TYPE, DATA, MESSAGE_DIGEST, OCSP_RESPONSE, SIGNED_DATA, SIGNING_TIME
from honnin.pki.shown_words import SHOWN_WORDS, words_digest
from honnin.pki.signing.prepared import Kept
from honnin.pki.signing.values import Value

__all__ = ["signed_attributes", "signed_data"]

SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_HASHES = {"sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3"}


def signed_attributes(
    digest: bytes, name: str, certificate: bytes | None, at: datetime | None, words: str | None = None
) -> bytes:
    """Return the attributes to be signed as DER SET OF (§5.3, §11).

    at: signing time, None where the format forbids it (PAdES). certificate: bound by ESSCertIDv2 (RFC 5035) if known.
    words: what the signer is shown (`shown_words`).
    """
    attributes = [
        _attribute(CONTENT_TYPE, der.encode_oid(DATA)),
        _attribute(MESSAGE_DIGEST, der.encode(der.OCTET_STRING, digest)),
    ]
    if at is not None:
        attributes.append(_attribute(SIGNING_TIME, _time(at)))
    if certificate is not None:
        hashed = der.encode(der.OCTET_STRING, hashlib.new(name, certificate).digest())
        algorithm = b"" if name == "sha256" else _algorithm(name)  # SHA-256 is the default, which DER leaves out
        identifier = der.encode(der.SEQUENCE, algorithm, hashed)
        named = der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, identifier))
        attributes.append(_attribute(SIGNING_CERTIFICATE_V2, named))
    if words is not None:
        attributes.append(_attribute(SHOWN_WORDS, der.encode(der.OCTET_STRING, words_digest(words))))
    return der.encode(der.SET, *sorted(attributes))


def signed_data(
    attributes: bytes, value: Value, certificate: bytes, *, content: bytes | None, kept: Kept, token: bytes | None
) -> bytes:
    """Return the ContentInfo. attributes: as signed; content: None for a detached one; token: over the value."""
    parsed = parse_certificate(certificate)
    identifier = der.encode(der.SEQUENCE, parsed.issuer, der.encode_integer(parsed.serial_number))
    unsigned = b""
    if token is not None:
        unsigned = der.encode(0xA1, der.encode(der.SEQUENCE, der.encode_oid(TIME_STAMP), der.encode(der.SET, token)))
    signer = der.encode(
        der.SEQUENCE,
        der.encode_integer(1),
        identifier,
        _algorithm(value.hash),
        b"\xa0" + attributes[1:],
        value.algorithm,
        der.encode(der.OCTET_STRING, value.der),
        unsigned,
    )
    held = b"" if content is None else der.encode(0xA0, der.encode(der.OCTET_STRING, content))
    certificates = sorted({certificate, *kept.certificates})
    answers = [der.encode(0xA1, der.encode_oid(OCSP_RESPONSE), answer) for answer in kept.ocsp]
    revocation = sorted({*kept.crls, *answers})
    data = der.encode(
        der.SEQUENCE,
        der.encode_integer(5 if answers else 1),
        der.encode(der.SET, _algorithm(value.hash)),
        der.encode(der.SEQUENCE, der.encode_oid(DATA), held),
        der.encode(0xA0, *certificates),
        der.encode(0xA1, *revocation) if revocation else b"",
        der.encode(der.SET, signer),
    )
    return der.encode(der.SEQUENCE, der.encode_oid(SIGNED_DATA), der.encode(0xA0, data))


def _attribute(oid: str, value: bytes) -> bytes:
    return der.encode(der.SEQUENCE, der.encode_oid(oid), der.encode(der.SET, value))


def _algorithm(name: str) -> bytes:
    return der.encode(der.SEQUENCE, der.encode_oid(_HASHES[name]))


def _time(at: datetime) -> bytes:
    """Return a Time: UTCTime until 2049, GeneralizedTime from then on (§11.3)."""
    moment = at.astimezone(UTC)
    if moment.year < 2050:
        return der.encode(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return der.encode(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())
