"""Judgement of facts under a policy: pure, so that recorded facts give the same report again (ETSI EN 319 102-1).

The steps and their order are those of my-number-card.md §5.6. Each gives one `Check`; the verdict is that of the first
step that fails for good (TOTAL-FAILED), else of the first that could not be settled (INDETERMINATE).

Two moments are kept apart. `at` is when we judge. `existed_at` is when the signature is proved to have existed; only
what ended a certificate before it counts against the signature. Where nothing proves it, an end before `at` leaves open
which came first, and the answer is INDETERMINATE with `…_NO_POE`. A signing time that the signer claims proves nothing.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from honnin.identity.four_items import FourItems
from honnin.pki.facts import CertificateFacts, Facts, SignatureFacts, SignerFacts, TimeStampFacts
from honnin.pki.jpki import Carrier, Purpose
from honnin.pki.policy import Policy, named_policy
from honnin.pki.report import Report, RevocationSeen, SignerReport, TimeStampReport
from honnin.pki.steps import (
    FORMAT,
    SIGNATURE_ROWS,
    algorithm_step,
    attributes_step,
    certificate_policy_step,
    critical_extensions_step,
    decisive_step,
    key_usage_step,
    path_step,
    revocation_step,
    signature_step,
    validity_step,
    value_steps,
)
from honnin.pki.verdict import Check, situation

__all__ = ["judge", "proved_by", "report_on"]

_CLOCK_DIFFERENCE = timedelta(minutes=1)  # the authority's clock and ours are still the same moment

Items = Callable[[int], FourItems | None]


def _nobodys(_: int) -> None:
    """Facts hold no four items."""


def judge(facts: Facts, policy: "Policy | str | None" = None) -> Report:
    """Return the report on recorded facts under a policy (`documents` by default). Raises InputError for a bad name."""
    return report_on(facts, named_policy(policy), _nobodys)


def report_on(facts: Facts, rules: Policy, items: Items) -> Report:
    """Return the report with the four items of every signer that passed, asked for by the signer's position."""
    if facts.malformed is not None or not facts.signers:
        indication, sub = situation("malformed").signature
        reason = "The signed file cannot be read." if facts.malformed else "Nobody signed this file."
        check = Check("format", "failed", f"{reason} ({facts.malformed or 'nobody signed'})")
        return Report(
            indication=indication,
            sub_indication=sub,
            reason=reason,
            at=facts.at,
            existed_at=facts.existed_at,
            policy=rules.name,
            checks=(check,),
            facts=facts,
        )
    if facts.time_stamp is not None and rules.time_stamps:
        return _report_on_stamp(facts.time_stamp, facts, rules)
    signers = tuple([_judge_dated(signer, facts, rules, items, i) for i, signer in enumerate(facts.signers)])
    worst = signers[0] if len(signers) == 1 else _worst(signers)
    return Report(
        indication=worst.indication,
        sub_indication=worst.sub_indication,
        reason=worst.reason,
        at=facts.at,
        existed_at=worst.existed_at,
        policy=rules.name,
        checks=worst.checks,
        signers=signers,
        four_items=worst.four_items if len(signers) == 1 else None,
        facts=facts,
    )


def _report_on_stamp(stamp: TimeStampFacts, facts: Facts, rules: Policy) -> Report:
    """Return the report on a time stamp that stands alone: what it proves is that the content existed then."""
    told = _judge_stamp(stamp, facts)
    authority = _judge_signer(facts.signers[0], facts, named_policy("time_stamps"), _nobodys, 0)
    passed = told.indication == "TOTAL-PASSED"
    own = not passed and (not stamp.matches or authority.indication == "TOTAL-PASSED")
    check = Check("time_stamp", "failed", told.reason) if own else Check("time_stamp", "passed")
    signer = replace(
        authority,
        indication=told.indication,
        sub_indication=told.sub_indication,
        reason=told.reason,
        checks=(check, *authority.checks),
        time_stamps=(told,),
        existed_at=stamp.time if passed else facts.existed_at,
    )
    return Report(
        indication=signer.indication,
        sub_indication=signer.sub_indication,
        reason=signer.reason,
        at=facts.at,
        existed_at=signer.existed_at,
        policy=rules.name,
        checks=signer.checks,
        signers=(signer,),
        facts=facts,
    )


def _worst(signers: tuple[SignerReport, ...]) -> SignerReport:
    """Return the signer that decides for the file: every signature must pass."""
    order = {"TOTAL-FAILED": 0, "FAILED": 0, "INDETERMINATE": 1}
    return min(signers, key=lambda signer: order.get(signer.indication, 2))


def _judge_dated(signer: SignerFacts, facts: Facts, rules: Policy, items: Items, position: int) -> SignerReport:
    """Judge a signature for the earliest moment that its time stamps, or the caller, prove."""
    if not signer.time_stamps:
        return _judge_signer(signer, facts, rules, items, position)
    proof, stamps = proved_by(signer.time_stamps, facts)
    return replace(_judge_signer(signer, replace(facts, existed_at=proof), rules, items, position), time_stamps=stamps)


def proved_by(stamps: Iterable[TimeStampFacts], facts: Facts) -> tuple[datetime | None, tuple[TimeStampReport, ...]]:
    """Return the earliest moment proved, and the judgement of each time stamp, the latest first.

    Each time stamp is itself a signature that must have existed before its authority's certificate ended; what proves
    that is a later one around it (ETSI EN 319 102-1 §5.6).
    """
    proof, reports = facts.existed_at, []
    for stamp in stamps:
        report = _judge_stamp(stamp, replace(facts, existed_at=proof))
        reports.append(report)
        if report.indication == "TOTAL-PASSED" and stamp.time is not None:
            proof = stamp.time if proof is None else min(proof, stamp.time)
    return proof, tuple(reports)


def _judge_stamp(stamp: TimeStampFacts, facts: Facts) -> TimeStampReport:
    authority = stamp.authority
    if authority is None or stamp.time is None:
        row, reason = "malformed", f"The time stamp cannot be read ({stamp.problem})."
    elif not stamp.matches:
        row, reason = "digest_wrong", "The time stamp is over something else."
    elif stamp.time > (facts.existed_at or facts.at) + _CLOCK_DIFFERENCE:
        row, reason = "not_yet_valid", "The time stamp states a time after that of the judgement."
    elif not _only_stamps(authority.certificate):
        row, reason = "constraints", "The certificate is not one for time stamping alone (RFC 3161 §2.3)."
    else:
        # A certificate that began after the stated time cannot have made the stamp then.
        begun = authority.certificate is None or authority.certificate.not_before <= stamp.time
        judged = _judge_signer(authority, facts, named_policy("time_stamps"), _nobodys, 0)
        if begun:
            return TimeStampReport(
                time=stamp.time,
                over=stamp.over,
                indication=judged.indication,
                sub_indication=judged.sub_indication,
                reason=judged.reason,
            )
        row, reason = "not_yet_valid", "The time stamp states a time before its authority's certificate began."
    indication, sub = situation(row).signature
    return TimeStampReport(time=stamp.time, over=stamp.over, indication=indication, sub_indication=sub, reason=reason)


def _only_stamps(certificate: CertificateFacts | None) -> bool:
    if certificate is None:
        return True  # judged below by its own name
    critical = any(found.oid == "2.5.29.37" and found.critical for found in certificate.extensions)
    return critical and certificate.extended_key_usage == ("1.3.6.1.5.5.7.3.8",)


def _judge_signer(signer: SignerFacts, facts: Facts, policy: Policy, items: Items, position: int) -> SignerReport:
    certificate, signature, path = signer.certificate, signer.signature, signer.path
    seen: RevocationSeen | None = None
    purpose: Purpose | None = None
    carrier: Carrier | None = None
    if certificate is None:
        known = signature if signature.result in SIGNATURE_ROWS else SignatureFacts(result="no_certificate")
        steps = [signature_step("format", known)]
    else:
        moment = facts.existed_at or facts.at
        revocation, seen = revocation_step(signer, facts, policy)
        policy_step, purpose, carrier = certificate_policy_step(certificate, path, policy)
        steps = [
            FORMAT if signature.result != "malformed" else signature_step("format", signature),
            algorithm_step(certificate, signature, policy, moment),
            path_step(path, facts),
            validity_step(certificate, path, facts),
            critical_extensions_step(certificate),
            policy_step,
            key_usage_step(certificate, policy),
            *value_steps(signature),
            revocation,
            attributes_step(certificate, policy),
        ]
    decisive = decisive_step(steps)
    row = "passed" if decisive is None or decisive.row is None else decisive.row
    indication, sub = situation(row).signature
    return SignerReport(
        indication=indication,
        sub_indication=sub,
        reason=decisive.check.reason if decisive else "All checks passed.",
        checks=tuple([step.check for step in steps]),
        algorithm=signature.algorithm,
        hash=signature.hash,
        shape=signature.shape,
        purpose=purpose,
        carrier=carrier,
        signing_time=signer.signing_time,
        revocation=seen,
        existed_at=facts.existed_at,
        coverage=signer.coverage,
        four_items=items(position) if indication == "TOTAL-PASSED" else None,
    )
