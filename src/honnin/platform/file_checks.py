"""Judging a whole signed file by what the platform trusts, and making one of a signature that came from elsewhere.

Outside services are asked here, before any transaction: the revocation of each signer's certificate that a trusted CA
signed, and for levels T and LT the time-stamping authority.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from honnin.connect.digital_auth.opening import OpenedResult, read_submitted
from honnin.errors import InputError, ServiceError
from honnin.pki import Report, verify
from honnin.pki.collecting import gather
from honnin.pki.holder import Trust
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.signed_content import digest_from
from honnin.pki.signing import Kept, Prepared, assemble
from honnin.platform.checking import without_times
from honnin.platform.document_forms import DocumentSignature, Level
from honnin.platform.models import Shown
from honnin.platform.services import Mode, RevocationLearned
from honnin.platform.showing import Signing, recorded, shown_at, words_of

__all__ = ["POLICY", "JudgedFile", "assembled", "judged", "shown"]

POLICY = "jpki_documents"
MOST_SIGNERS = 16  # whose revocation is asked for; the data of others must lie in the file


def judged(
    mode: Mode, file: bytes, digest: str | None, *, at: datetime, existed_at: datetime | None
) -> tuple[Report, RevocationLearned]:
    """Return the report on a file and the revocation data that it was judged by beside those in the file.

    Raises what `honnin.verify` raises for a call that cannot be right.
    """
    anchors = (*mode.anchors("signature"), *mode.services.time_stamping_anchors)
    given = None if digest is None else digest_from(digest)
    _, certificates = gather(file, None, given, None, Trust(anchors), at, existed_at)
    learned = _learned(mode, certificates, at)
    report = verify(
        file,
        digest=digest,
        anchors=anchors,
        crls=learned.crls,
        ocsp=learned.ocsp,
        at=at,
        existed_at=existed_at,
        policy=POLICY,
    )
    return report, learned


@dataclass(frozen=True, slots=True, repr=False)
class JudgedFile:
    """A signed file and its report. learned: of its judgement; signing, shown: of a sign result."""

    file: bytes
    report: Report
    learned: RevocationLearned
    signing: Signing | None
    shown: Shown | None


def assembled(mode: Mode, prepared: Prepared, signed: DocumentSignature, level: Level, *, at: datetime) -> JudgedFile:
    """Return the signed file and what was learned of it.

    The signature exists since it came. Raises InputError `document.signature`, `document.words_not_shown` (it was
    prepared with words, and nothing proves that the phone showed them), `verification.submitted_differs`,
    ServiceError `document.no_revocation` (level LT, and no source answered), and what `assemble`, `ResultOpener.open`,
    `shown_at` and the time-stamping authority raise.
    """
    value, certificate, opened = _value(mode, prepared, signed)
    shown = None
    if opened is not None and signed.signing_result is not None:
        shown = shown_at(mode, opened, signed.signing_result.submitted, prepared.to_be_signed)
    wanted = words_of(prepared.to_be_signed)
    if wanted is not None and (shown is None or shown.text_sha256 != wanted):
        raise InputError(
            "document.words_not_shown",
            "The document was prepared with words that the phone was to show, and nothing proves that it did.",
            next="Start the signature with these words, or prepare the document without them.",
        )
    kept = None
    if level == "LT":
        parsed = parse_certificate(certificate)
        learned = mode.learn_revocation(parsed, at=at)
        if not (learned.crls or learned.ocsp):
            raise ServiceError(
                "document.no_revocation",
                "No revocation data came that a file of level LT must carry.",
                next="Send the signature again later.",
                retryable=True,
            )
        issuer = mode.issuer_of(parsed)
        kept = Kept(
            certificates=(*((issuer.raw,) if issuer else ()), *mode.services.time_stamping_anchors),
            crls=learned.crls,
            ocsp=learned.ocsp,
        )
    stamp = mode.services.stamp if level != "B" else None
    file = assemble(prepared, value, certificate, kept=kept, stamp=stamp)
    report, told = judged(mode, file, None, at=at, existed_at=at)
    return JudgedFile(file, report, told, recorded(opened, shown), shown)


def shown(report: Report) -> dict[str, Any]:
    """Return the report without the moments in its reasons: a certificate ends on its holder's birthday."""
    body = report.to_json()
    for part in (body, *body["signers"]):
        part["reason"] = without_times(part["reason"])
        part["checks"] = [{**check, "reason": without_times(check["reason"])} for check in part["checks"]]
    return body


def _learned(mode: Mode, certificates: list[Certificate | None], at: datetime) -> RevocationLearned:
    """Ask once for each signer; certificates that no trusted CA signed are not asked about."""
    found = RevocationLearned()
    distinct = {certificate.raw: certificate for certificate in certificates if certificate is not None}
    for certificate in list(distinct.values())[:MOST_SIGNERS]:
        told = mode.learn_revocation(certificate, at=at)
        found = _joined(found, told)
    return found


def _joined(one: RevocationLearned, other: RevocationLearned) -> RevocationLearned:
    return RevocationLearned(
        crls=tuple(dict.fromkeys((*one.crls, *other.crls))),
        ocsp=tuple(dict.fromkeys((*one.ocsp, *other.ocsp))),
        source=one.source or other.source,
        fetched_at=one.fetched_at or other.fetched_at,
    )


def _value(mode: Mode, prepared: Prepared, signed: DocumentSignature) -> tuple[bytes, bytes, OpenedResult | None]:
    """Return the signature value, the certificate that came with it, and the sign result that held both."""
    result = signed.signing_result
    if result is None:
        if not signed.signature or not signed.certificate:
            raise _incomplete()
        return signed.signature, signed.certificate, None
    if signed.signature is not None or signed.certificate is not None or mode.results is None:
        raise _incomplete()
    submitted = read_submitted(result.submitted)
    if submitted.hash != prepared.hash or not hmac.compare_digest(submitted.digest, prepared.digest):
        raise InputError(
            "verification.submitted_differs",
            "The submitted value is not a digest of what this document wants signed.",
            next="Submit `to_be_signed.digest_info` of this document.",
        )
    opened = mode.results.open(result.jwe, result.transaction)
    return opened.signature, opened.certificate, opened


def _incomplete() -> InputError:
    return InputError(
        "document.signature",
        "`signing_result` stands alone, or `signature` and `certificate` together.",
        next="Send one or the other.",
    )
