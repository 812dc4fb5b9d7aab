"""`honnin.verify`: collect, judge, and where everything passed read the four items (CONTRACTS: Python).

What the caller must do: choose the anchors by purpose, bring revocation data that answer for the certificate (over
`honnin.connect` or from an index), and say since when the signature is proved to exist.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from honnin.errors import FormatError, InputError
from honnin.identity.four_items import FourItems
from honnin.pki.collecting import gather
from honnin.pki.holder import Trust
from honnin.pki.jpki import four_items
from honnin.pki.judging import report_on
from honnin.pki.policy import Policy, named_policy
from honnin.pki.report import Report
from honnin.pki.rfc5280.certificate import Certificate

__all__ = ["verify"]

_CLOCK_DIFFERENCE = timedelta(minutes=1)  # two readings of two clocks are still the same moment


def verify(
    signed: bytes,
    *,
    content: bytes | None = None,
    certificate: bytes | Certificate | None = None,
    digest: bytes | str | None = None,
    anchors: Iterable[bytes] | None = None,
    intermediates: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    ocsp: Iterable[bytes] = (),
    at: datetime | None = None,
    existed_at: datetime | None = None,
    policy: Policy | str | None = None,
) -> Report:
    """Return the report on a signed PDF or XML, CMS, a time stamp, or a raw signature (PKCS #1 v1.5, PSS, ECDSA).

    signed: what it is, is told by its content; CMS in DER, BER or PEM.
    content, digest: what was signed, or its SHA-256, SHA-384 or SHA-512 as bytes or hex; CMS and XML may hold it.
    certificate: the signer's, DER or parsed; needed with a raw signature.
    anchors: certificates trusted as given, DER. None trusts nothing: the report is INDETERMINATE.
    intermediates, crls, ocsp: DER, used as material, never as trust.
    at: moment of judgement, aware; by default now.
    existed_at: moment at which the signature is proved to have existed (received), not after `at`. A time stamp in the
        file that validates to an anchor proves it, too.
    policy: a name of `policies.json` or a Policy; by default `documents`.
    Raises InputError for a call that cannot be right, FormatError `signature.format_unknown` for a format that is not
    understood. Everything else that is wrong is a verdict.
    """
    rules = named_policy(policy)
    at = _aware(at) or datetime.now(UTC)
    existed_at = _aware(existed_at)
    if existed_at is not None and at < existed_at <= at + _CLOCK_DIFFERENCE:
        existed_at = at
    if existed_at is not None and existed_at > at:
        raise InputError(
            "signature.times_reversed",
            "The signature is said to have existed after the moment of judgement.",
            next="Give `existed_at` at or before `at`.",
        )
    trust = Trust(tuple(anchors or ()), tuple(intermediates), tuple(crls), tuple(ocsp), carried=rules.carried)
    facts, certificates = gather(signed, content, digest, certificate, trust, at, existed_at)
    # Of a certificate that did not pass, the four items are never given out.
    return report_on(facts, rules, lambda position: _four_items(certificates[position]))


def _four_items(certificate: Certificate | None) -> FourItems | None:
    try:
        return None if certificate is None else four_items(certificate)
    except FormatError:
        return None


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        raise InputError("signature.no_zone", "A time has no zone.", next="Give times with a zone, such as UTC.")
    return moment.astimezone(UTC)
