"""Online certificate status (RFC 6960, nonce RFC 9654): writing a request, reading an answer over its original bytes.

Says what an answer states, not whether it may be believed: signer, times and match are for `honnin.pki.revocation`.
Requests are not signed.
"""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

import msgspec

from honnin.errors import FormatError, InputError
from honnin.pki import der
from honnin.pki.der import malformed, read
from honnin.pki.rfc5280.certificate import Certificate, Extension, parse_certificate, read_extensions
from honnin.pki.rfc5280.crl import REASONS, invalidity_date
from honnin.pki.rfc5280.names import prepared

__all__ = [
    "CertId",
    "OcspResponse",
    "SingleResponse",
    "certificate_ids",
    "ocsp_request",
    "ocsp_request_about",
    "parse_ocsp_response",
]

BASIC = "1.3.6.1.5.5.7.48.1.1"
NONCE = "1.3.6.1.5.5.7.48.1.2"
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"

HASHES = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
STATUSES = {
    0: "successful",
    1: "malformedRequest",
    2: "internalError",
    3: "tryLater",
    5: "sigRequired",
    6: "unauthorized",
}


class CertId(msgspec.Struct, frozen=True):
    """§4.1.1: which certificate, by hashes of its issuer's name and key and its serial number."""

    hash: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial_number: int


class SingleResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The status of one certificate. `fault`: why this status may not be used.

    invalid_since: invalidityDate (RFC 5280 §5.3.2) among the status's extensions.
    """

    certificate: CertId
    state: Literal["good", "revoked", "unknown"]
    revoked_at: datetime | None = None
    reason: str | None = None
    this_update: datetime
    next_update: datetime | None
    fault: str | None = None
    invalid_since: datetime | None = None


class OcspResponse(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """An answer as it was sent. All but `status` are empty unless the status is `successful`.

    responder: the raw Name, or the SHA-1 of the responder's key. certificates: those sent along that can be read.
    fault: why no status in the answer may be used, whatever its signature says.
    """

    raw: bytes
    status: str
    tbs: bytes = b""
    responder_name: bytes | None = None
    responder_key_hash: bytes | None = None
    produced_at: datetime | None = None
    responses: tuple[SingleResponse, ...] = ()
    nonce: bytes | None = None
    signature_algorithm: bytes = b""
    signature_value: bytes = b""
    certificates: tuple[Certificate, ...] = ()
    fault: str | None = None

    def __repr__(self) -> str:
        return f"<OcspResponse {self.status} of {len(self.raw)} bytes>"


def certificate_ids(certificate: Certificate, issuer: Certificate, hash_name: str) -> CertId:
    """Return the CertID of a certificate under one hash (`sha1`, `sha256`, `sha384`, `sha512`)."""
    hashes: tuple[bytes, bytes] | None = issuer.memory.get(hash_name)
    if hashes is None:
        start, stop = der.whole(issuer.spki, der.SEQUENCE)
        first, end = der.enclosed(issuer.spki, read(issuer.spki, start, stop)[2], stop, der.BIT_STRING)
        hashes = issuer.memory[hash_name] = (
            hashlib.new(hash_name, issuer.subject, usedforsecurity=False).digest(),
            hashlib.new(hash_name, der.bits(issuer.spki, first, end), usedforsecurity=False).digest(),
        )
    name_hash, key_hash = hashes
    if certificate.issuer != issuer.subject:
        name_hash = hashlib.new(hash_name, certificate.issuer, usedforsecurity=False).digest()
    return CertId(hash_name, name_hash, key_hash, certificate.serial_number)


def ocsp_request(cert: bytes, issuer: bytes, *, nonce: bytes | None = None, hash_name: str = "sha1") -> bytes:
    """Return an OCSPRequest (DER) for one certificate.

    cert, issuer: DER. nonce: 1 to 128 octets, sent as they are. hash_name: for the CertID; SHA-1 here only names the
    issuer, and every responder knows it. Raises FormatError `certificate.malformed`, InputError `ocsp.nonce`.
    """
    which = certificate_ids(parse_certificate(cert), parse_certificate(issuer), hash_name)
    return ocsp_request_about([which], nonce=nonce)


def ocsp_request_about(which: Iterable[CertId], *, nonce: bytes | None = None) -> bytes:
    """Return an OCSPRequest (DER) for several certificates; raises as `ocsp_request`."""
    if nonce is not None and not 1 <= len(nonce) <= 128:
        raise InputError("ocsp.nonce", "A nonce has 1 to 128 octets.", next="Give 32 random octets.")
    parts = [der.encode(der.SEQUENCE, *map(_request, which))]
    if nonce is not None:
        value = der.encode(der.OCTET_STRING, der.encode(der.OCTET_STRING, nonce))
        extension = der.encode(der.SEQUENCE, der.encode_oid(NONCE), value)
        parts.append(der.encode(0xA2, der.encode(der.SEQUENCE, extension)))
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, *parts))


def _request(which: CertId) -> bytes:
    algorithm = next(oid for oid, name in HASHES.items() if name == which.hash)
    cert_id = der.encode(
        der.SEQUENCE,
        der.encode(der.SEQUENCE, der.encode_oid(algorithm), b"\x05\x00"),
        der.encode(der.OCTET_STRING, which.issuer_name_hash),
        der.encode(der.OCTET_STRING, which.issuer_key_hash),
        der.encode_integer(which.serial_number),
    )
    return der.encode(der.SEQUENCE, cert_id)


def parse_ocsp_response(octets: bytes) -> OcspResponse:
    """Return the answer in `octets` (DER). Raises FormatError `ocsp.malformed`."""
    try:
        return _response(octets)
    except FormatError as error:
        raise FormatError(
            "ocsp.malformed",
            f"Not an OCSP answer of RFC 6960: {error.message}",
            next="Ask the responder again.",
        ) from None


def _response(octets: bytes) -> OcspResponse:
    start, end = der.whole(octets, der.SEQUENCE)
    first, at = der.enclosed(octets, start, end, der.ENUMERATED)
    status = STATUSES.get(der.integer(octets, first, at))
    if status is None or (at == end) == (status == "successful"):
        raise malformed("The status is unknown, or does not fit what follows it.")
    if at == end:
        return OcspResponse(raw=octets, status=status, fault=f"The responder answered {status}.")
    start, stop = der.enclosed(octets, at, end, 0xA0)
    inner, last = der.enclosed(octets, start, stop, der.SEQUENCE)
    oid_start, at = der.enclosed(octets, inner, last, der.OID)
    basic, basic_end = der.enclosed(octets, at, last, der.OCTET_STRING)
    if stop != end or last != stop or basic_end != last:
        raise malformed("Something follows the answer.")
    if der.oid(octets, oid_start, at) != BASIC:
        raise malformed("The answer is not of the basic type.")
    return _basic(octets, basic, basic_end)


def _basic(octets: bytes, at: int, end: int) -> OcspResponse:
    start, stop = der.enclosed(octets, at, end, der.SEQUENCE)
    tbs_start, tbs_stop = der.enclosed(octets, start, stop, der.SEQUENCE)
    _, algorithm_stop = der.enclosed(octets, tbs_stop, stop, der.SEQUENCE)
    signature_start, at = der.enclosed(octets, algorithm_stop, stop, der.BIT_STRING)
    signature = der.bits(octets, signature_start, at)
    certificates = _sent_along(octets[at:stop]) if at < stop else ()
    if stop != end:
        raise malformed("Something follows the basic answer.")
    return OcspResponse(
        raw=octets,
        status="successful",
        tbs=octets[start:tbs_stop],
        signature_algorithm=octets[tbs_stop:algorithm_stop],
        signature_value=signature,
        certificates=certificates,
        **_response_data(octets, tbs_start, tbs_stop),
    )


@der.remembered(32, longest=8192)
def _sent_along(octets: bytes) -> tuple[Certificate, ...]:
    """Return the certificates that end an answer: a responder's, the same for as long as it answers."""
    start, stop = der.whole(octets, 0xA0)
    inner, last = der.enclosed(octets, start, stop, der.SEQUENCE)
    if last != stop:
        raise malformed("Something follows the certificates.")
    certificates: list[Certificate] = []
    while inner < last:
        after = read(octets, inner, last)[2]
        with suppress(FormatError):  # one that cannot be read cannot be the signer either
            certificates.append(parse_certificate(octets[inner:after]))
        inner = after
    return tuple(certificates)


def _response_data(octets: bytes, at: int, end: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if at < end and octets[at] == 0xA0:
        raise malformed("The version is written out, or not 1.")
    tag, start, stop = read(octets, at, end)
    first, last = der.enclosed(octets, start, stop, {0xA1: der.SEQUENCE, 0xA2: der.OCTET_STRING}.get(tag, -1))
    if last != stop:
        raise malformed("The responder is named neither by name nor by key.")
    if tag == 0xA1:
        found["responder_name"] = octets[start:stop]
        prepared(octets[start:stop])
    else:
        found["responder_key_hash"] = octets[first:last]
    span = read(octets, stop, end)
    if span[0] != der.GENERALIZED_TIME:
        raise malformed("The time of production is not a GeneralizedTime.")
    found["produced_at"] = der.time(octets, *span)
    start, at = der.enclosed(octets, span[2], end, der.SEQUENCE)
    found["responses"] = tuple(_single(octets, a, b) for a, b in der.items(octets, start, at, der.SEQUENCE))
    if at < end:
        start, stop = der.enclosed(octets, at, end, 0xA1)
        if stop != end:
            raise malformed("Something follows the answer's extensions.")
        stated = read_extensions(octets, start, stop)
        if NONCE in stated:
            found["nonce"] = _nonce(stated[NONCE])
        found["fault"] = _unknown(stated, {NONCE})
    return found


def _nonce(extension: Extension) -> bytes:
    start, stop = der.whole(extension.value, der.OCTET_STRING)
    return extension.value[start:stop]


def _unknown(stated: dict[str, Extension], understood: set[str]) -> str | None:
    for oid, extension in stated.items():
        if extension.critical and oid not in understood:
            return f"The answer has the critical extension {oid}, which is not understood."
    return None


def _single(octets: bytes, at: int, end: int) -> SingleResponse:
    id_start, id_stop = der.enclosed(octets, at, end, der.SEQUENCE)
    state: Literal["good", "revoked", "unknown"]
    revoked_at, reason = None, None
    tag, start, stop = read(octets, id_stop, end)
    if tag in {0x80, 0x82} and start == stop:
        state = "good" if tag == 0x80 else "unknown"
    elif tag == 0xA1:
        state = "revoked"
        revoked_at, reason = _revoked(octets, start, stop)
    else:
        raise malformed("A status is none of good, revoked and unknown.")
    span = read(octets, stop, end)
    this_update = _generalized(octets, span)
    at, next_update, fault, since = span[2], None, None, None
    if at < end and octets[at] == 0xA0:
        start, stop = der.enclosed(octets, at, end, 0xA0)
        span = read(octets, start, stop)
        next_update, at = _generalized(octets, span), stop
        if span[2] != stop:
            raise malformed("Something follows the next update.")
    if at < end:
        start, stop = der.enclosed(octets, at, end, 0xA1)
        if stop != end:
            raise malformed("Something follows a status.")
        stated = read_extensions(octets, start, stop)
        fault, since = _unknown(stated, set()), invalidity_date(stated)
    return SingleResponse(
        certificate=_cert_id(octets, id_start, id_stop),
        state=state,
        revoked_at=revoked_at,
        reason=reason,
        this_update=this_update,
        next_update=next_update,
        fault=fault,
        invalid_since=since,
    )


def _generalized(octets: bytes, span: tuple[int, int, int]) -> datetime:
    if span[0] != der.GENERALIZED_TIME:
        raise malformed("A time is not a GeneralizedTime.")
    return der.time(octets, *span)


def _revoked(octets: bytes, start: int, stop: int) -> tuple[datetime, str]:
    span = read(octets, start, stop)
    revoked_at, reason = _generalized(octets, span), 0
    if span[2] < stop:
        first, last = der.enclosed(octets, span[2], stop, 0xA0)
        code, code_stop = der.enclosed(octets, first, last, der.ENUMERATED)
        reason = der.integer(octets, code, code_stop)
        if last != stop or code_stop != last or reason not in REASONS:
            raise malformed("A revocation has an unknown reason, or something follows it.")
    return revoked_at, REASONS[reason]


def _cert_id(octets: bytes, start: int, stop: int) -> CertId:
    inner, at = der.enclosed(octets, start, stop, der.SEQUENCE)
    first, last = der.enclosed(octets, inner, at, der.OID)
    if octets[last:at] not in {b"", b"\x05\x00"}:
        raise malformed("A hash has parameters.")
    name_start, name_stop = der.enclosed(octets, at, stop, der.OCTET_STRING)
    key_start, key_stop = der.enclosed(octets, name_stop, stop, der.OCTET_STRING)
    serial_start, serial_stop = der.enclosed(octets, key_stop, stop, der.INTEGER)
    if serial_stop != stop:
        raise malformed("Something follows a certificate's identifier.")
    return CertId(
        HASHES.get(der.oid(octets, first, last), ""),
        octets[name_start:name_stop],
        octets[key_start:key_stop],
        der.integer(octets, serial_start, serial_stop),
    )
