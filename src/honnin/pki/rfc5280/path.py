"""Certification path validation (RFC 5280 §6, RFC 9618 for policies) as one call: `validate_path`.

The steps are those of `STEPS` and then revocation; each appears in the verdict's checks with how it ended.

1. format: the target is a certificate of §4.      2. chain: names and signatures lead to an anchor (`building`).
3. validity, algorithms, extensions, basic_constraints, key_usage, names, policies, purpose (`checking`).
4. revocation of each certificate below the anchor (`honnin.pki.revocation`).

The caller must say which anchors it trusts and for what: anchors, self-signed or not, are trusted as given, and what
their certificates say of themselves can only narrow that (`checking`). Nothing is fetched, no clock is read, and a path
that was valid at `at` says nothing of a signature made with its key.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from honnin.errors import FormatError, InputError
from honnin.pki.revocation_sources import read_revocation, require_zone
from honnin.pki.rfc5280.building import PathContext, PathResult, build_and_check
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.pki.rfc5280.checking import STEPS
from honnin.pki.rfc5280.extensions import ANY_POLICY
from honnin.pki.rfc5280.policies import PolicyInputs
from honnin.pki.rfc5280.profile import Fault
from honnin.pki.rfc5280.purpose import check_purpose_name, dotted
from honnin.pki.rfc5280.store import store_of
from honnin.pki.verdict import Check, Verdict, situation

__all__ = ["PathContext", "PathResult", "build_and_check", "path_context", "validate_path", "verdict_of"]

MODES = ("require", "if_present", "off")
Mode = Literal["require", "if_present", "off"]


def path_context(
    *,
    anchors: Iterable[bytes],
    intermediates: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    ocsp: Iterable[bytes] = (),
    at: datetime,
    revocation: Mode = "require",
    max_age: timedelta | float | None = None,
    policies: Collection[str] = frozenset({ANY_POLICY}),
    explicit_policy: bool = False,
    inhibit_mapping: bool = False,
    inhibit_any: bool = False,
    purpose: str | None = None,
) -> PathContext:
    """Return the inputs of a judgement, parsed; arguments as `validate_path` takes them.

    Raises InputError `certificate.time_without_zone`, `certificate.purpose_unknown`, `certificate.mode_unknown`,
    `certificate.policy_malformed`, `certificate.max_age`.
    """
    require_zone(at)
    if revocation not in MODES:
        raise InputError(
            "certificate.mode_unknown", f"Revocation is one of {', '.join(MODES)}.", next="Give one of these."
        )
    check_purpose_name(purpose)
    if not all(dotted(oid) for oid in policies):
        raise InputError(
            "certificate.policy_malformed", "A policy is no object identifier.", next="Write it dotted: 2.5.29.32.0."
        )
    return PathContext(
        store=store_of(anchors, intermediates),
        revocation=read_revocation(crls, ocsp, max_age),
        mode=revocation,
        at=at.astimezone(UTC),
        policies=PolicyInputs(frozenset(policies), explicit_policy, inhibit_mapping, inhibit_any),
        purpose=purpose,
    )


def validate_path(
    cert: bytes,
    *,
    anchors: Iterable[bytes],
    intermediates: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    ocsp: Iterable[bytes] = (),
    at: datetime,
    revocation: Mode = "require",
    max_age: timedelta | float | None = None,
    policies: Collection[str] = frozenset({ANY_POLICY}),
    explicit_policy: bool = False,
    inhibit_mapping: bool = False,
    inhibit_any: bool = False,
    purpose: str | None = None,
) -> Verdict:
    """Return whether a certificate has a valid path to one of the anchors at a moment, and why (not).

    cert, anchors, intermediates, crls, ocsp: DER; what cannot be read of all but `cert` is left out.
    at: aware. revocation: `require` every status; `if_present`, only where data should have told; `off`.
    max_age: how old thisUpdate may be (seconds or timedelta); None for as old as the data say themselves.
    policies, explicit_policy, inhibit_mapping, inhibit_any: inputs (c) to (f) of §6.1.1, dotted OIDs.
    purpose: `signature` or `user_authentication` (JPKI key usages), or the dotted OID of an extended key usage.
    Returns a Verdict with `path` (target first) when one was found and `policies`, the user-constrained set.
    Raises InputError for arguments that are none; bad bytes give a verdict.
    """
    context = path_context(
        anchors=anchors,
        intermediates=intermediates,
        crls=crls,
        ocsp=ocsp,
        at=at,
        revocation=revocation,
        max_age=max_age,
        policies=policies,
        explicit_policy=explicit_policy,
        inhibit_mapping=inhibit_mapping,
        inhibit_any=inhibit_any,
        purpose=purpose,
    )
    try:
        target = parse_certificate(cert)
    except FormatError as error:
        result = PathResult(fault=Fault("malformed", "format", error.message), path=())
    else:
        result = build_and_check(target, context)
    return verdict_of(result, context)


_PASSED = {step: Check(step, "passed") for step in STEPS}
_UNASKED = {step: Check(step, "not_checked") for step in (*STEPS, "revocation")}


def verdict_of(result: PathResult, context: PathContext) -> Verdict:
    """Return the verdict on a path's outcome, with its checks in order."""
    fault = result.fault
    indication, sub_indication = situation("passed" if fault is None else fault.situation).path
    reached = result.path and (fault is None or fault.check not in {"format", "chain"})
    return Verdict(
        indication=indication,
        sub_indication=sub_indication,
        reason="The certificate has a valid path to an anchor." if fault is None else fault.reason,
        at=context.at,
        checks=(*_step_checks(fault, context), *_revocation_checks(result, context)),
        path=tuple(certificate.raw for certificate in result.path) if reached else (),
        policies=result.policies,
    )


def _step_checks(fault: Fault | None, context: PathContext) -> list[Check]:
    checks: list[Check] = []
    failed = False
    for step in STEPS:
        if fault is not None and fault.check == step:
            checks.append(Check(step, "failed", fault.reason))
            failed = True
        elif failed or (step == "purpose" and context.purpose is None):
            checks.append(_UNASKED[step])
        else:
            checks.append(_PASSED[step])
    return checks


def _revocation_checks(result: PathResult, context: PathContext) -> list[Check]:
    """One check a certificate below the anchor, target first: `revocation.0`, `revocation.1` …"""
    if not result.findings:
        return [_UNASKED["revocation"]] if len(result.path) != 1 or result.fault is not None else []
    checks = []
    for index, finding in enumerate(result.findings):
        status = finding.status
        source = None if status.proof is None else str(status.proof["kind"])
        if status.state == "good":
            checks.append(Check(f"revocation.{index}", "passed", "", source))
        elif status.state == "revoked":
            checks.append(Check(f"revocation.{index}", "failed", f"Revoked: {status.reason}.", source))
        else:
            lenient = context.mode == "if_present" and not finding.present
            checks.append(
                Check(f"revocation.{index}", "not_checked" if lenient else "failed", status.reason or "", source)
            )
    return checks
