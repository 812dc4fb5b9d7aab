"""Revocation of one certificate by OCSP answers (RFC 6960 §3.2, §4.2.2.2; nothing is fetched).

An answer counts when it names the certificate, is current, and is signed by the issuer or by a responder that the
issuer's own key certified for OCSP signing. Locally trusted responders are not modelled. Nonces belong to whoever
asked: `OcspResponse.nonce` is there to be compared.
"""

import hashlib
from datetime import datetime
from functools import lru_cache

from honnin.errors import FormatError
from honnin.pki.revocation_sources import Finding, Revocation, Signers, age_fault, earliest, ocsp_age
from honnin.pki.rfc5280 import extensions as ext
from honnin.pki.rfc5280.algorithms import key_good_until, signature_good_until
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.crl import effective_moment
from honnin.pki.rfc5280.crl_status import by_crl
from honnin.pki.rfc5280.keys import verify_signature
from honnin.pki.rfc5280.names import names_equal
from honnin.pki.rfc5280.profile import form_fault, unknown_critical
from honnin.pki.rfc6960 import OCSP_SIGNING, OcspResponse, SingleResponse, certificate_ids, parse_ocsp_response
from honnin.pki.verdict import Status

__all__ = ["by_ocsp", "certified_responders"]


def by_ocsp(certificate: Certificate, issuer: Certificate, given: Revocation, at: datetime) -> Finding:
    """Return what the answers say of a certificate under its issuer."""
    reason, present, good = "", False, None
    revoked: list[Finding] = []
    for response in given.ocsp:
        if response.status != "successful":
            present, reason = True, response.fault or ""
            continue
        for single in response.responses:
            wanted = single.certificate
            if not wanted.hash or wanted.serial_number != certificate.serial_number:
                continue
            if certificate_ids(certificate, issuer, wanted.hash) != wanted:
                continue
            present = True
            fault = _single_fault(single, given, at) or _response_fault(response, issuer, given, at)
            if fault is not None:
                reason = fault
            elif single.state == "unknown":
                reason = "The responder does not know this certificate."
            else:
                status = _ocsp_status(response, single)
                if status.state == "revoked":
                    revoked.append(Finding(status, present=True))
                else:
                    good = status
    if revoked:
        return earliest(revoked)
    if good is not None:
        return Finding(good, present=True)
    return Finding(Status(state="unknown", reason=reason), present)


def certified_responders(answer: bytes, issuer: bytes) -> tuple[bytes, ...]:
    """Return the certificates (DER) sent with an answer by which its issuer certified a responder.

    Where those of the last answer are in this one too, they alone are given. Whether one signed this answer and may be
    believed today is for `by_ocsp`. Raises FormatError `ocsp.malformed`,
    `certificate.malformed` for the issuer.
    """
    known = _last_responders.get(issuer, ())
    if known and all(one in answer for one in known):  # a responder's day is longer than any answer
        return known
    sent = parse_ocsp_response(answer).certificates
    found = tuple(one.raw for one in sent if len(one.raw) <= _LONGEST_RESPONDER and _is_certified(one.raw, issuer))
    if len(_last_responders) >= _REMEMBERED_RESPONDERS:
        _last_responders.clear()
    _last_responders[issuer] = found
    return found


@lru_cache(maxsize=64)
def _is_certified(responder: bytes, issuer: bytes) -> bool:
    certificate, by = parse_certificate(responder), parse_certificate(issuer)
    try:
        purposes = ext.extended_key_usage(certificate)
        named = names_equal(certificate.issuer, by.subject)
    except FormatError:
        return False
    signed = (certificate.signature_algorithm, certificate.tbs, certificate.signature_value)
    return named and purposes is not None and OCSP_SIGNING in purposes and _verifies(by, *signed)


def _ocsp_status(response: OcspResponse, single: SingleResponse) -> Status:
    responder = response.responder_key_hash
    revoked_at = single.revoked_at
    if revoked_at is not None:
        revoked_at = effective_moment(revoked_at, single.reason, single.invalid_since)
    return Status(
        state="revoked" if single.state == "revoked" else "good",
        reason=single.reason,
        revoked_at=revoked_at,
        proof={
            "kind": "ocsp",
            "this_update": single.this_update,
            "next_update": single.next_update,
            "produced_at": response.produced_at,
            "responder": responder.hex() if responder else hashlib.sha256(response.responder_name or b"").hexdigest(),
        },
    )


def _single_fault(single: SingleResponse, given: Revocation, at: datetime) -> str | None:
    limit = given.max_age
    if limit is None and single.next_update is None:
        limit = ocsp_age()
    return single.fault or age_fault(single.this_update, single.next_update, at, limit)


def _response_fault(response: OcspResponse, issuer: Certificate, given: Revocation, at: datetime) -> str | None:
    """Return why an answer may not be believed for certificates of this issuer, None when it may."""
    if response.fault is not None:
        return response.fault
    if signature_good_until(response.signature_algorithm) < at:
        return "The answer's signature algorithm is no longer good enough."
    if _is_responder(response, issuer) and _signed(response, issuer):
        return None
    reason = "The answer is signed neither by the issuer nor by a responder that it certified."
    for responder in response.certificates[:8]:
        if _is_responder(response, responder) and _signed(response, responder):
            fault = _responder_fault(responder, issuer, given, at)
            if fault is None:
                return None
            reason = fault
    return reason


def _is_responder(response: OcspResponse, signer: Certificate) -> bool:
    if response.responder_name is not None:
        try:
            return names_equal(response.responder_name, signer.subject)
        except FormatError:  # a certificate sent along with a malformed name
            return False
    return certificate_ids(signer, signer, "sha1").issuer_key_hash == response.responder_key_hash


def _signed(response: OcspResponse, signer: Certificate) -> bool:
    return _verifies(signer, response.signature_algorithm, response.tbs, response.signature_value)


def _verifies(signer: Certificate, algorithm: bytes, signed: bytes, signature: bytes) -> bool:
    try:
        return verify_signature(signer.public_key(), algorithm, signed, signature)
    except FormatError:
        return False


_LONGEST_RESPONDER = 4096
_last_responders: dict[bytes, tuple[bytes, ...]] = {}  # by issuer: those that came with its last answer

# Responders that an issuer certified for OCSP signing with ocsp-nocheck, and from when to when they may answer: nothing
# else enters that judgement, so it is made once. By issuer's name and key, and the responder's own bytes.
_REMEMBERED_RESPONDERS = 256
_certified: dict[tuple[bytes, bytes, bytes], tuple[datetime, datetime]] = {}


def _responder_fault(responder: Certificate, issuer: Certificate, given: Revocation, at: datetime) -> str | None:
    """Return why a certified responder may not answer for an issuer (RFC 6960 §4.2.2.2), None when it may."""
    key = (issuer.subject, issuer.spki, responder.raw)
    known = _certified.get(key)
    if known is not None and known[0] <= at <= known[1]:
        return None
    fault = _certification_fault(responder, issuer, given, at)
    if fault is None and ext.OCSP_NO_CHECK in responder.extensions:
        if len(_certified) >= _REMEMBERED_RESPONDERS:
            _certified.pop(next(iter(_certified)), None)
        until = min(
            responder.not_after,
            key_good_until(responder.public_key()),
            signature_good_until(responder.signature_algorithm),
        )
        _certified[key] = (responder.not_before, until)
    return fault


def _certification_fault(responder: Certificate, issuer: Certificate, given: Revocation, at: datetime) -> str | None:
    try:
        usage, purposes = ext.key_usage(responder), ext.extended_key_usage(responder)
        weak = key_good_until(responder.public_key()) < at or signature_good_until(responder.signature_algorithm) < at
    except FormatError:
        return "The responder's certificate is malformed."
    if form_fault(responder) is not None or unknown_critical(responder) is not None:
        return "The responder's certificate is malformed or has an unknown critical extension."
    if not names_equal(responder.issuer, issuer.subject) or not _verifies(
        issuer, responder.signature_algorithm, responder.tbs, responder.signature_value
    ):
        return "The responder's certificate is not from the issuer itself."
    if purposes is None or OCSP_SIGNING not in purposes:
        return "The responder's certificate is not for signing answers."
    if usage is not None and not usage & (ext.DIGITAL_SIGNATURE | ext.NON_REPUDIATION):
        return "The responder's key is not for signatures."
    if not responder.not_before <= at <= responder.not_after:
        return "The responder's certificate is expired or not yet valid."
    if weak:
        return "The responder's key or the signature on its certificate is no longer good enough."
    return _responder_revocation(responder, issuer, given, at)


def _responder_revocation(responder: Certificate, issuer: Certificate, given: Revocation, at: datetime) -> str | None:
    """§4.2.2.2.1: not asked with ocsp-nocheck; by CRL where the certificate names one; else only what is at hand."""
    if ext.OCSP_NO_CHECK in responder.extensions:
        return None
    nobody = Signers(named=lambda _: (), trusted=lambda _: False)
    state = by_crl(responder, (issuer,), given, at, nobody).status.state
    if state == "revoked":
        return "The responder's certificate is revoked."
    if state == "unknown" and (
        ext.CRL_DISTRIBUTION_POINTS in responder.extensions or ext.AUTHORITY_INFORMATION_ACCESS in responder.extensions
    ):
        return "Whether the responder's certificate is revoked cannot be told."
    return None
