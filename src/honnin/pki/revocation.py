"""The revocation status of one certificate, from CRLs (RFC 5280 §6.3) and OCSP answers (RFC 6960).

Every usable source is heard: one that says revoked outweighs all that say good, of several the earliest revocation
counts, and without a usable one the state is unknown, with the reason. Fetches nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from honnin.errors import FormatError
from honnin.pki.ocsp_status import by_ocsp
from honnin.pki.revocation_sources import Finding, Revocation, Signers, earliest, read_revocation, require_zone
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.crl_status import by_crl
from honnin.pki.rfc5280.keys import verify_signature
from honnin.pki.rfc5280.names import names_equal
from honnin.pki.rfc5280.profile import form_fault
from honnin.pki.verdict import Status

__all__ = ["NOT_ISSUED", "check_revocation", "issued", "status_of"]

NOT_ISSUED = "The issuer given did not issue this certificate."


def check_revocation(
    cert: bytes,
    issuer: bytes,
    *,
    crls: Iterable[bytes] = (),
    ocsp: Iterable[bytes] = (),
    at: datetime,
    max_age: timedelta | float | None = None,
) -> Status:
    """Return the revocation status of a certificate under an issuer that the caller trusts.

    cert, issuer, crls, ocsp: DER. at: aware; the moment asked about. max_age: how old thisUpdate may be (seconds or
    timedelta), None for as old as the data say themselves. CRLs must be signed by the issuer; those of other signers
    need `validate_path`.
    Raises FormatError `certificate.malformed` or `certificate.key_unsupported`, InputError for an `at` without zone.
    """
    require_zone(at)
    target, signer = _whole(cert), _whole(issuer)
    if not issued(signer, target):
        return Status(state="unknown", reason=NOT_ISSUED)
    nobody = Signers(named=lambda _: (), trusted=lambda _: False)
    return status_of(target, (signer,), read_revocation(crls, ocsp, max_age), at=at, signers=nobody).status


def issued(issuer: Certificate, certificate: Certificate) -> bool:
    """Tell whether a certificate bears the issuer's name and a signature by the issuer's very key.

    Generations of one CA share a name, not a key. Raises FormatError `certificate.key_unsupported`.
    """
    return names_equal(certificate.issuer, issuer.subject) and verify_signature(
        issuer.public_key(), certificate.signature_algorithm, certificate.tbs, certificate.signature_value
    )


def _whole(octets: bytes) -> Certificate:
    """Return a certificate whose extensions can all be read."""
    certificate = parse_certificate(octets)
    fault = form_fault(certificate, anchor=True)
    if fault is not None and fault.check == "format":
        raise FormatError("certificate.malformed", fault.reason, next="Give one certificate in DER, as it was issued.")
    return certificate


def status_of(
    certificate: Certificate, above: Sequence[Certificate], given: Revocation, *, at: datetime, signers: Signers
) -> Finding:
    """Return what the data say of one certificate of a valid path.

    above: the path's certificates from the issuer to the anchor. Raises nothing.
    """
    present = bool(given.unreadable)
    reason = "A list or answer could not be read." if present else "No revocation data cover this certificate."
    good: Status | None = None
    heard: list[Finding] = []
    if given.ocsp:
        heard.append(by_ocsp(certificate, above[0], given, at))
    if given.crls:
        heard.append(by_crl(certificate, above, given, at, signers))
    if len(heard) == 1 and heard[0].status.state != "unknown":
        return heard[0]
    revoked = [finding for finding in heard if finding.status.state == "revoked"]
    if revoked:
        return earliest(revoked)
    for finding in heard:
        if finding.status.state == "good":
            good = good or finding.status
        elif finding.present:
            present, reason = True, finding.status.reason or reason
    if good is not None:
        return Finding(good, present=True)
    return Finding(Status(state="unknown", reason=reason), present)
