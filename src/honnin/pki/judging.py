"""Judgement of facts under a policy: pure, so that recorded facts give the same report again (ETSI EN 319 102-1).

The steps and their order are those of my-number-card.md §5.6. Each gives one `Check`; the verdict is that of the first
step that fails for good (TOTAL-FAILED), else of the first that could not be settled (INDETERMINATE).

Two moments are kept apart. `at` is when we judge. `existed_at` is when the signature is proved to have existed; only
what ended a certificate before it counts against the signature. Where nothing proves it, an end before `at` leaves open
which came first, and the answer is INDETERMINATE with `…_NO_POE`. A signing time that the signer claims proves nothing.
"""

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec
from msgspec.structs import replace

from honnin.errors import FormatError, InputError
from honnin.identity.four_items import FourItems
from honnin.pki.algorithms import hash_good_until, key_good_until
from honnin.pki.facts import (
    CertificateFacts,
    Facts,
    LinkFacts,
    PathFacts,
    RevocationFacts,
    SignatureFacts,
    SignerFacts,
    TimeStampFacts,
)
from honnin.pki.jpki import Carrier, Purpose, policy_profile, purpose_by_key_usage
from honnin.pki.report import Report, RevocationSeen, SignerReport, TimeStampReport
from honnin.pki.rfc5280.extensions import DIGITAL_SIGNATURE, NON_REPUDIATION
from honnin.pki.verdict import Check, situation

__all__ = ["Policy", "judge", "named_policy", "proved_by", "report_on"]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What a signature must be for one use; the named ones stand in `policies.json`.

    purposes: of JPKI certificates by their policy OID. other_pki: whether certificates of another PKI may pass too.
    key_usage: names of bits, one of which must be set where the extension is there. extended_key_usage: likewise.
    shapes: how the signature value may be built. attributes: accepted states of the four items; None for any.
    carried: whether intermediates, lists and answers that the signed file brings along count as material.
    revocation: `require`, `if_present` or `off`. max_age: oldest revocation data in seconds; None for their own limits.
    """

    name: str = "custom"
    purposes: tuple[Purpose, ...]
    other_pki: bool = False
    key_usage: tuple[str, ...] = ()
    extended_key_usage: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ("digest_info", "bare_digest", "pss", "der", "raw")
    revocation: Literal["require", "if_present", "off"] = "require"
    attributes: tuple[str, ...] | None = None
    carried: bool = True
    max_age: int | None = None


@cache
def _named() -> dict[str, Policy]:
    table = json.loads(files("honnin.pki").joinpath("policies.json").read_text(encoding="utf-8"))["policies"]
    return {name: msgspec.convert({**row, "name": name}, Policy) for name, row in table.items()}


def named_policy(policy: "Policy | str | None") -> Policy:
    """Return a policy by name, `documents` for None. Raises InputError `signature.policy_unknown`."""
    if isinstance(policy, Policy):
        return policy
    found = _named().get(policy or "documents")
    if found is None:
        raise InputError(
            "signature.policy_unknown",
            "There is no policy of this name.",
            next=f"Choose one of {', '.join(_named())}.",
        )
    return found


class _Step(msgspec.Struct, frozen=True, gc=False):
    """A check with the row of the verdict table that it leads to; None when it passed or was not made."""

    check: Check
    row: str | None = None


_CLOCK_DIFFERENCE = timedelta(minutes=1)  # the authority's clock and ours are still the same moment
_KEY_USAGE_BITS = {"digital_signature": DIGITAL_SIGNATURE, "non_repudiation": NON_REPUDIATION}
# Critical extensions that the steps here and RFC 5280 §6 have dealt with (my-number-card.md §5.2; RFC 5280 §4.2).
_KNOWN_CRITICAL = frozenset(
    f"2.5.29.{number}" for number in (9, 14, 15, 17, 18, 19, 30, 31, 32, 33, 35, 36, 37, 46, 54)
) | {"1.3.6.1.5.5.7.1.1"}

_SIGNATURE_ROWS = {
    "wrong": ("signature_wrong", "The signature value is not by this key over this content."),
    "digest_differs": ("digest_wrong", "The signature is over other content than the content given."),
    "malformed": ("malformed", "The signature contradicts itself or its format."),
    "unsupported": ("algorithm", "The signature's algorithms are unknown or contradict each other."),
    "no_certificate": ("no_signing_certificate", "The signer's certificate was not given."),
    "changed_afterwards": ("digest_wrong", "The document was changed after it was signed."),
    "not_all_signed": ("digest_wrong", "The document holds content that the signature does not cover."),
    "certificate_differs": ("no_signing_certificate", "The signer names another certificate than the one found."),
}


def _passed(name: str) -> _Step:
    return _Step(Check(name, "passed"))


def _skipped(name: str, reason: str) -> _Step:
    return _Step(Check(name, "not_checked", reason))


_FORMAT, _ALGORITHM, _PATH, _VALIDITY = map(_passed, ("format", "algorithm", "path", "validity"))
_CRITICAL, _POLICY, _USAGE = map(_passed, ("critical_extensions", "certificate_policy", "key_usage"))
_DIGEST, _SIGNATURE, _ATTRIBUTES = map(_passed, ("digest", "signature", "attributes"))


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
        known = signature if signature.result in _SIGNATURE_ROWS else SignatureFacts(result="no_certificate")
        steps = [_signature_step("format", known)]
    else:
        moment = facts.existed_at or facts.at
        revocation, seen = _revocation(signer, facts, policy)
        policy_step, purpose, carrier = _certificate_policy(certificate, path, policy)
        steps = [
            _FORMAT if signature.result != "malformed" else _signature_step("format", signature),
            _algorithm(certificate, signature, policy, moment),
            _path(path, facts),
            _validity(certificate, path, facts),
            _critical_extensions(certificate),
            policy_step,
            _key_usage(certificate, policy),
            *_value(signature),
            revocation,
            _attributes(certificate, policy),
        ]
    decisive = _decisive(steps)
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


def _decisive(steps: Iterable[_Step]) -> _Step | None:
    """Return the first step that fails for good, else the first that is open, else None."""
    first: _Step | None = None
    for step in steps:
        if step.row is not None:
            if situation(step.row).signature[0] == "TOTAL-FAILED":
                return step
            first = first or step
    return first


def _signature_step(name: str, signature: SignatureFacts) -> _Step:
    row, reason = _SIGNATURE_ROWS[signature.result]
    detail = f" ({signature.problem})" if signature.problem else ""
    return _Step(Check(name, "failed", reason + detail), row)


def _algorithm(certificate: CertificateFacts, signature: SignatureFacts, policy: Policy, moment: datetime) -> _Step:
    if signature.result == "unsupported":
        return _signature_step("algorithm", signature)
    if moment > key_good_until(certificate.key):
        reason = f"A key of the kind {certificate.key} is not accepted at this time."
    elif signature.hash is not None and moment > hash_good_until(signature.hash):
        reason = f"The hash {signature.hash} is not accepted at this time."
    elif signature.shape is not None and signature.shape not in policy.shapes:
        reason = f"The policy does not accept a signature value of the shape {signature.shape}."
    else:
        return _ALGORITHM
    return _Step(Check("algorithm", "failed", reason), "algorithm")


def _path(path: PathFacts | None, facts: Facts) -> _Step:
    if path is None:
        return _Step(Check("path", "failed", "No path was looked for."), "no_path")
    if path.situation == "passed":
        return _PATH
    row: str = path.situation
    if row in {"expired", "not_yet_valid"} and facts.existed_at is None:
        row = "out_of_bounds_unproven"
    return _Step(Check("path", "failed", path.reason), row)


def _validity(certificate: CertificateFacts, path: PathFacts | None, facts: Facts) -> _Step:
    """Judge the periods of the signer and of the CA certificates below the anchor, which is trusted as given."""
    step = _period(certificate, facts, "signer's")
    for link in path.links[:-1] if path else ():
        step = step if step.row else _period(link, facts, "CA's")
    return step


def _period(link: CertificateFacts | LinkFacts, facts: Facts, whose: str) -> _Step:
    moment = facts.existed_at or facts.at
    if moment < link.not_before:
        row, reason = "not_yet_valid", f"The {whose} certificate is not valid before {_written(link.not_before)}."
    elif moment > link.not_after:
        row, reason = "expired", f"The {whose} certificate expired at {_written(link.not_after)}."
    else:
        return _VALIDITY
    return _Step(Check("validity", "failed", reason), row if facts.existed_at else "out_of_bounds_unproven")


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _critical_extensions(certificate: CertificateFacts) -> _Step:
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _KNOWN_CRITICAL:
            reason = f"The critical extension {extension.oid} is unknown."
            return _Step(Check("critical_extensions", "failed", reason), "constraints")
    return _CRITICAL


def _certificate_policy(
    certificate: CertificateFacts, path: PathFacts | None, policy: Policy
) -> tuple[_Step, Purpose | None, Carrier | None]:
    """Judge what the certificate is for by its policy OID, which must have survived the path's policy processing."""

    def refused(reason: str) -> _Step:
        return _Step(Check("certificate_policy", "failed", reason), "constraints")

    try:
        found = policy_profile(certificate.policies)
        if found is None:
            if policy.other_pki:
                return _skipped("certificate_policy", "The certificate is under no policy of JPKI."), None, None
            return refused("The certificate is under no policy of JPKI."), None, None
        oid, profile = found
        purpose = profile.purpose or purpose_by_key_usage(_bits(certificate.key_usage))
    except FormatError as error:
        return refused(error.message), None, None
    if path and path.situation == "passed" and not {oid, "2.5.29.32.0"} & set(path.policies):
        return refused("The path does not uphold the certificate's policy."), purpose, profile.carrier
    if purpose not in policy.purposes:
        return refused(f"A {purpose} certificate does not serve for this."), purpose, profile.carrier
    return _POLICY, purpose, profile.carrier


def _bits(names: tuple[str, ...] | None) -> int:
    return sum(_KEY_USAGE_BITS.get(name, 1 << 15) for name in names or ())


def _key_usage(certificate: CertificateFacts, policy: Policy) -> _Step:
    usage, extended = certificate.key_usage, certificate.extended_key_usage
    if usage is not None and policy.key_usage and not set(policy.key_usage) & set(usage):
        return _Step(Check("key_usage", "failed", "The key usage does not allow this signature."), "constraints")
    if extended is not None and policy.extended_key_usage and not set(policy.extended_key_usage) & set(extended):
        return _Step(
            Check("key_usage", "failed", "The extended key usage does not allow this signature."), "constraints"
        )
    return _USAGE


def _value(signature: SignatureFacts) -> tuple[_Step, _Step]:
    if signature.result == "valid":
        return _DIGEST, _SIGNATURE
    if signature.result in {"digest_differs", "changed_afterwards", "not_all_signed"}:
        return _signature_step("digest", signature), _skipped("signature", "The digest differs.")
    if signature.result in {"malformed", "unsupported"}:
        return _skipped("digest", "An earlier step failed."), _skipped("signature", "An earlier step failed.")
    return _skipped("digest", "The signature does not show a digest."), _signature_step("signature", signature)


def _revocation(signer: SignerFacts, facts: Facts, policy: Policy) -> tuple[_Step, RevocationSeen | None]:
    """Judge the status of the signer, then of each CA certificate below the anchor."""
    certificate, path = signer.certificate, signer.path
    if policy.revocation == "off":
        return _skipped("revocation", "The policy does not ask for it."), None
    if certificate is None or path is None or path.situation != "passed":
        return _skipped("revocation", "Without a path nobody is known who could revoke."), None
    found = _best(signer.revocation, 0, certificate.not_after, policy)
    result = _revocation_step(found, facts, policy, "signer's")
    for of, link in enumerate(path.links[:-1], start=1):
        if result.row is None:
            result = _revocation_step(_best(signer.revocation, of, link.not_after, policy), facts, policy, "CA's")
    if found is None:
        return result, None
    seen = RevocationSeen(
        state=found.state,
        source=found.kind,
        this_update=found.this_update,
        revoked_at=found.revoked_at,
        reason=found.reason if found.state == "revoked" else None,
    )
    return result, seen


def _best(asked: tuple[RevocationFacts, ...], of: int, not_after: datetime, policy: Policy) -> RevocationFacts | None:
    """Return the answer to judge by: the earliest revocation before anything else, then the first usable `good`.

    A `good` that is not usable is returned as `unknown`.
    """
    good: RevocationFacts | None = None
    unknown: RevocationFacts | None = None
    revoked = [found for found in asked if found.of == of and found.state == "revoked"]
    if revoked:
        return min(revoked, key=lambda found: (found.revoked_at is not None, found.revoked_at or found.at))
    for found in asked:
        if found.of != of:
            continue
        why = found.reason if found.state == "unknown" else _unusable(found, not_after, policy.max_age)
        if why is None and found.state == "good":
            good = good or found
        elif unknown is None:
            unknown = found if found.state == "unknown" else replace(found, state="unknown", reason=why)
    return good or unknown


def _unusable(found: RevocationFacts, not_after: datetime, max_age: int | None) -> str | None:
    """Return why an answer `good` proves nothing, or None when it does."""
    if found.this_update is not None and found.this_update > not_after:
        # Issuers may drop certificates from their lists once they have expired.
        return "The revocation data are from after the certificate's end."
    if max_age is not None and (found.this_update is None or found.at - found.this_update > timedelta(seconds=max_age)):
        return "The revocation data are older than the policy accepts."
    return None


def _revocation_step(found: RevocationFacts | None, facts: Facts, policy: Policy, whose: str) -> _Step:
    if found is None or found.state == "unknown":
        reason = found.reason if found else None
        reason = reason or f"Nothing usable says whether the {whose} certificate is revoked."
        if policy.revocation == "if_present":
            return _skipped("revocation", reason)
        return _Step(Check("revocation", "not_checked", reason), "revocation_unknown")
    if found.state == "good":
        return _Step(Check("revocation", "passed", "", found.kind))
    # Whoever is listed as revoked is revoked now, even where the list dates it in the future.
    if found.revoked_at is not None and min(found.revoked_at, facts.at) > (facts.existed_at or facts.at):
        return _Step(Check("revocation", "passed", "Revoked only afterwards.", found.kind))
    when = f" at {_written(found.revoked_at)}" if found.revoked_at else ""
    reason = f"The {whose} certificate was revoked{when} ({found.reason or 'no reason given'})."
    check = Check("revocation", "failed", reason, found.kind)
    return _Step(check, "revoked" if facts.existed_at else "revoked_unproven")


def _attributes(certificate: CertificateFacts, policy: Policy) -> _Step:
    state = certificate.attributes
    if policy.attributes is not None and state not in policy.attributes:
        return _Step(Check("attributes", "failed", f"The holder's attributes are {state}."), "constraints")
    if state == "absent":
        return _skipped("attributes", "The certificate carries none of the four items.")
    if state == "malformed":
        return _skipped("attributes", "The holder's attributes cannot be read.")
    return _ATTRIBUTES
