"""The OCSP responder (RFC 6960; RFC 9654 for the nonce; My Number Card sheet, section 6.2).

Answers from the register at once, signed by a responder that each CA has delegated (id-kp-OCSPSigning, ocsp-nocheck).
Several certificates in one request are answered in one response. A CA that is not ours: `unauthorized`; a serial number
never issued: `unknown`. Signed requests are answered without looking at their signature.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from asn1crypto import algos, core, ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from honnin.sandbox.jlis import register
from honnin.sandbox.jlis.authorities import Authority, authorities, key_usage, sign_certificate
from honnin.sandbox.jlis.keys import PrivateKey, kept_key, read_key
from honnin.sandbox.jlis.profile import profile
from honnin.sandbox.jlis.register import Entry
from honnin.sandbox.world import World

__all__ = ["Answer", "answer", "asked_about"]

HASHES: Mapping[str, Callable[[bytes], Any]] = {
    "sha1": hashlib.sha1,
    "sha224": hashlib.sha224,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}
REASONS = {
    "unspecified": "unspecified",
    "keyCompromise": "key_compromise",
    "cACompromise": "ca_compromise",
    "affiliationChanged": "affiliation_changed",
    "superseded": "superseded",
    "cessationOfOperation": "cessation_of_operation",
    "certificateHold": "certificate_hold",
}
RESPONDER_SERIALS = 1_000_000  # below every holder's serial number, above every CA's
STALE = timedelta(days=3)
MOST_CERTIFICATES = 100


class _Refused(Exception):  # noqa: N818  (not an error of ours: an answer of the protocol)
    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """One OCSPResponse, and which persons' certificates it spoke of."""

    der: bytes
    status: str


@dataclass(frozen=True, slots=True)
class _Asked:
    cert_id: ocsp.CertId
    issuer: Authority
    entry: Entry | None


def answer(world: World, request: bytes, moment: datetime, *, state: str = "up") -> Answer:
    """Answer one DER OCSPRequest as of a moment.

    state: `up`, or how to fail: `try_later`, `stale`, `wrong_nonce`, `malformed`, `forged`.
    """
    if state == "try_later":
        return _plain("try_later")
    if state == "malformed":
        return Answer(b"\x30\x03\x0a\x01", "malformed")
    try:
        asked, nonce = _parse(world, request)
    except _Refused as refused:
        return _plain(refused.status)
    if state == "wrong_nonce":
        nonce = hashlib.sha256(nonce or b"").digest()
    told = moment - STALE if state == "stale" else moment
    der = _successful(world, asked, nonce, moment, told)
    if state == "forged":
        der = _with_broken_signature(der)
    return Answer(der, "successful")


def asked_about(world: World, request: bytes) -> str | None:
    """Return whose certificate a request asks about first, or None."""
    try:
        asked, _ = _parse(world, request)
    except _Refused:
        return None
    return next((one.entry.person for one in asked if one.entry is not None), None)


def _parse(world: World, request: bytes) -> tuple[list[_Asked], bytes | None]:
    """Read every CertID and the nonce; raises _Refused with the protocol's status."""
    try:
        parsed = ocsp.OCSPRequest.load(request, strict=True)
        tbs = parsed["tbs_request"]
        requests = list(tbs["request_list"])
        nonce = _nonce(tbs["request_extensions"])
        identified = [one["req_cert"] for one in requests]
        keys = [
            (
                i["hash_algorithm"]["algorithm"].native,
                i["issuer_name_hash"].native,
                i["issuer_key_hash"].native,
                i["serial_number"].native,
            )
            for i in identified
        ]
        critical = any(e["critical"].native for e in tbs["request_extensions"] or ()) or any(
            e["critical"].native for one in requests for e in one["single_request_extensions"] or ()
        )
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError) as error:
        raise _Refused("malformed_request") from error
    if not keys or len(keys) > MOST_CERTIFICATES or critical:
        raise _Refused("malformed_request")
    asked = []
    for cert_id, (algorithm, name_hash, key_hash, serial) in zip(identified, keys, strict=True):
        issuer = _issuer(world, algorithm, name_hash, key_hash)
        found = register.entry(world, issuer.kind, serial)
        mine = found is not None and (found.line, found.generation) == (issuer.line, issuer.generation)
        asked.append(_Asked(cert_id, issuer, found if mine else None))
    if len({one.issuer.name for one in asked}) > 1:  # one response has one signer
        raise _Refused("unauthorized")
    return asked, nonce


def _nonce(extensions: Any) -> bytes | None:
    for extension in extensions or ():
        if extension["extn_id"].native == "nonce":
            nonce: bytes = extension["extn_value"].parsed.native
            if not isinstance(nonce, bytes) or not 1 <= len(nonce) <= profile().ocsp.largest_nonce:
                raise ValueError("nonce")  # RFC 9654 section 2.1
            return nonce
    return None


def _issuer(world: World, algorithm: str, name_hash: bytes, key_hash: bytes) -> Authority:
    digest = HASHES.get(algorithm)
    if digest is None:
        raise _Refused("unauthorized")
    for ca in authorities(world):
        names, key = _hashed(ca.der)
        if digest(names).digest() == name_hash and digest(key).digest() == key_hash:
            return ca
    raise _Refused("unauthorized")


@lru_cache(maxsize=64)
def _hashed(der: bytes) -> tuple[bytes, bytes]:
    """Return what a CertID hashes of an issuer: its name's DER and its key's bit string."""
    certificate = asn1_x509.Certificate.load(der)
    return certificate.subject.dump(), bytes(certificate.public_key["public_key"])


def _single(one: _Asked, told: datetime) -> ocsp.SingleResponse:
    if one.entry is None or one.entry.not_before > told:
        status = ocsp.CertStatus("unknown")
    elif one.entry.revoked_at is not None and one.entry.revoked_by(told):
        ended = {"revocation_time": one.entry.revoked_at}
        if one.entry.reason not in {None, "unspecified"}:
            ended["revocation_reason"] = REASONS[str(one.entry.reason)]  # type: ignore[assignment]
        status = ocsp.CertStatus("revoked", ocsp.RevokedInfo(ended))
    else:
        status = ocsp.CertStatus("good", ocsp.StatusGood())
    return ocsp.SingleResponse(
        {
            "cert_id": one.cert_id,
            "cert_status": status,
            "this_update": _second(told),
            "next_update": _second(told + timedelta(minutes=profile().ocsp.valid_minutes)),
        }
    )


def _successful(world: World, asked: list[_Asked], nonce: bytes | None, moment: datetime, told: datetime) -> bytes:
    issuer = asked[0].issuer
    certificate, key = _responder(world, issuer, moment.year)
    responder_name = asn1_x509.Certificate.load(certificate).subject
    content = {
        "responder_id": ocsp.ResponderId(name="by_name", value=responder_name),
        "produced_at": _second(told),
        "responses": [_single(one, told) for one in asked],
    }
    if nonce is not None:
        content["response_extensions"] = [
            {"extn_id": "nonce", "extn_value": core.ParsableOctetString(core.OctetString(nonce).dump())}
        ]
    tbs = ocsp.ResponseData(content)
    algorithm, signature = _sign(key, issuer, tbs.dump())
    basic = ocsp.BasicOCSPResponse(
        {
            "tbs_response_data": tbs,
            "signature_algorithm": algorithm,
            "signature": signature,
            "certs": [asn1_x509.Certificate.load(certificate)],
        }
    )
    response: bytes = ocsp.OCSPResponse(
        {
            "response_status": "successful",
            "response_bytes": {"response_type": "basic_ocsp_response", "response": basic},
        }
    ).dump()
    return response


def _sign(key: PrivateKey, issuer: Authority, content: bytes) -> tuple[algos.SignedDigestAlgorithm, bytes]:
    family = "ecdsa" if isinstance(key, ec.EllipticCurvePrivateKey) else "rsa"
    algorithm = algos.SignedDigestAlgorithm({"algorithm": f"{issuer.line_profile.hash}_{family}"})
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return algorithm, key.sign(content, ec.ECDSA(issuer.hash))
    return algorithm, key.sign(content, padding.PKCS1v15(), issuer.hash)


@lru_cache(maxsize=64)
def _responder(world: World, issuer: Authority, year: int) -> tuple[bytes, PrivateKey]:
    """Return the responder's certificate of one year and its key, delegated by the CA itself."""
    key = read_key(kept_key(world, f"ocsp/{issuer.name}", issuer.line_profile))
    begin = max(datetime(year - 1, 12, 1, tzinfo=UTC), issuer.certificate.not_valid_before_utc)
    end = datetime(year + 1, 2, 1, tzinfo=UTC)
    ordinal = profile().lines[issuer.line].first_ca_serial + issuer.generation
    us = profile().organisation
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, us.country),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, us.name),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, us.mark),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, issuer.profile.unit),
            x509.NameAttribute(NameOID.COMMON_NAME, f"OCSP responder {issuer.line} {issuer.generation}"),
        ]
    )
    builder = (
        x509.CertificateBuilder()
        .serial_number(RESPONDER_SERIALS + ordinal * 10_000 + year)
        .issuer_name(issuer.certificate.subject)
        .subject_name(name)
        .not_valid_before(begin)
        .not_valid_after(end)
        .public_key(key.public_key())
        .add_extension(key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
        .add_extension(x509.OCSPNoCheck(), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(issuer.key_id, None, None), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return sign_certificate(builder, issuer.key, issuer.line_profile).public_bytes(Encoding.DER), key


def _plain(status: str) -> Answer:
    return Answer(ocsp.OCSPResponse({"response_status": status}).dump(), status)


def _with_broken_signature(der: bytes) -> bytes:
    response = ocsp.OCSPResponse.load(der)
    basic = response["response_bytes"]["response"].parsed
    signature = bytearray(basic["signature"].native)
    signature[-1] ^= 0x01
    basic["signature"] = bytes(signature)
    broken: bytes = ocsp.OCSPResponse(
        {
            "response_status": "successful",
            "response_bytes": {"response_type": "basic_ocsp_response", "response": basic},
        }
    ).dump()
    return broken


def _second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
