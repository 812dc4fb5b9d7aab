"""Judging one built path (RFC 5280 §6.1, without revocation): pure, in the order of `STEPS`.

A path runs from the anchor to the target. The anchor is trusted as it was given, self-signed or not: its signature and
serial number are never looked at. What else its certificate says of itself is honoured as RFC 5937 does, because it can
only narrow what was trusted: validity, CA flag and path length, key usage, name and policy constraints, extended key
usage and unknown critical extensions. A version 1 anchor says nothing and is only a name and a key (§6.1.1 (d)). The
policies and mappings of an anchor are not inputs.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from honnin.errors import FormatError
from honnin.pki.rfc5280 import extensions as ext
from honnin.pki.rfc5280.algorithms import key_good_until, signature_good_until
from honnin.pki.rfc5280.certificate import Certificate
from honnin.pki.rfc5280.constraints import Constraints
from honnin.pki.rfc5280.keys import PublicKey, inherited_parameters, load_public_key
from honnin.pki.rfc5280.names import names_equal
from honnin.pki.rfc5280.policies import PolicyInputs, PolicyOutcome, judge_policies
from honnin.pki.rfc5280.profile import Fault, form_fault, unknown_critical
from honnin.pki.rfc5280.purpose import purpose_fault

__all__ = ["STEPS", "authority_fault", "check_path", "is_self_issued", "working_keys"]

STEPS = (
    "format",
    "chain",
    "validity",
    "algorithms",
    "extensions",
    "basic_constraints",
    "key_usage",
    "names",
    "policies",
    "purpose",
)


def is_self_issued(certificate: Certificate) -> bool:
    """Return whether issuer and subject are the same name; remembered with the certificate."""
    known: bool | None = certificate.memory.get("self_issued")
    if known is None:
        known = certificate.memory["self_issued"] = names_equal(certificate.issuer, certificate.subject)
    return known


def working_keys(path: Sequence[Certificate]) -> list[PublicKey]:
    """Return the keys of a path, DSA parameters handed down (§6.1.4 (d) to (f)). Raises FormatError."""
    keys: list[PublicKey] = []
    parameters = b""
    for certificate in path:
        try:
            keys.append(certificate.public_key())
            parameters = inherited_parameters(certificate.spki, parameters)
        except FormatError:
            parameters = inherited_parameters(certificate.spki, parameters)
            keys.append(load_public_key(certificate.spki, inherited=parameters))
    return keys


def check_path(
    path: Sequence[Certificate], at: datetime, policies: PolicyInputs, purpose: str | None
) -> tuple[Fault | None, frozenset[str]]:
    """Return the first fault of a path in the order of `STEPS`, None without one, and the user-constrained policies.

    path: anchor first, target last; signatures are taken as verified.
    """
    forms = (form_fault(certificate, anchor=index == 0) for index, certificate in enumerate(path))
    form = next((fault for fault in forms if fault is not None), None)
    if form is not None and form.check == "format":
        return form, frozenset()
    faults = list(_simple_faults(path, at))
    if form is not None:
        faults.append(form)
    outcome = PolicyOutcome(frozenset())
    if not faults:
        fault = _names_fault(path)
        if fault is not None:
            return Fault("constraints", "names", fault), frozenset()
        outcome = _policy_outcome(path, policies)
        if outcome.fault is not None:
            return Fault("constraints", "policies", outcome.fault), outcome.policies
        fault = purpose_fault(path, purpose) if purpose is not None else None
        if fault is None:
            return None, outcome.policies
        faults.append(Fault("constraints", "purpose", fault))
    return min(faults, key=lambda fault: STEPS.index(fault.check)), outcome.policies


def _simple_faults(path: Sequence[Certificate], at: datetime) -> Iterator[Fault]:
    last = len(path) - 1
    length: int | None = None
    for index, certificate in enumerate(path):
        yield from _own_faults(certificate, at, anchor=index == 0)
        if index == last:
            return
        fault = authority_fault(certificate, anchor=index == 0)
        if fault is not None:
            yield fault
            continue
        if index and length is not None and not is_self_issued(certificate):
            if length <= 0:
                yield Fault("constraints", "basic_constraints", "The path is longer than a CA above allows.")
            length -= 1
        basic = ext.basic_constraints(certificate)
        if basic is not None and basic.path_length is not None:
            length = basic.path_length if length is None else min(length, basic.path_length)


def _own_faults(certificate: Certificate, at: datetime, *, anchor: bool) -> Iterator[Fault]:
    if at > certificate.not_after:
        yield Fault("expired", "validity", f"A certificate of the path ended on {certificate.not_after.isoformat()}.")
    if at < certificate.not_before:
        yield Fault(
            "not_yet_valid", "validity", f"A certificate of the path begins on {certificate.not_before.isoformat()}."
        )
    if not anchor and signature_good_until(certificate.signature_algorithm) < at:
        yield Fault("algorithm", "algorithms", "A certificate is signed with an algorithm that is not good enough.")
    if _key_good_until(certificate) < at:
        yield Fault("algorithm", "algorithms", "A key is of a kind or length that is not good enough.")
    oid = unknown_critical(certificate)
    if oid is not None:
        yield Fault("constraints", "extensions", f"The critical extension {oid} is not understood.")


def _key_good_until(certificate: Certificate) -> datetime:
    known: datetime | None = certificate.memory.get("key_good_until")
    if known is None:
        try:
            key = certificate.public_key()
        except FormatError:
            return datetime.max.replace(tzinfo=certificate.not_after.tzinfo)  # judged with the parameters it inherits
        known = certificate.memory["key_good_until"] = key_good_until(key)
    return known


def authority_fault(certificate: Certificate, *, anchor: bool) -> Fault | None:
    """Return why a certificate may not stand above another (§6.1.4 (k) and (n)), None when it may."""
    try:
        basic, usage = ext.basic_constraints(certificate), ext.key_usage(certificate)
    except FormatError as error:
        return Fault("malformed", "format", error.message)
    if basic is None:
        if not (anchor and certificate.version < 3):
            return Fault("constraints", "basic_constraints", "A certificate above the target is not one of a CA.")
    elif not basic.ca:
        return Fault("constraints", "basic_constraints", "A certificate above the target is not one of a CA.")
    if usage is not None and not usage & ext.KEY_CERT_SIGN:
        return Fault("constraints", "key_usage", "A CA's key is not for signing certificates.")
    return None


def _names_fault(path: Sequence[Certificate]) -> str | None:
    """§6.1.3 (b) and (c), §6.1.4 (g)."""
    constraints = Constraints()
    last = len(path) - 1
    for index, certificate in enumerate(path):
        if index and (index == last or not is_self_issued(certificate)):
            fault = constraints.fault(certificate)
            if fault is not None:
                return fault
        stated = ext.name_constraints(certificate) if index < last else None
        if stated is not None:
            fault = constraints.narrow(stated)
            if fault is not None:
                return fault
    return None


def _policy_outcome(path: Sequence[Certificate], given: PolicyInputs) -> PolicyOutcome:
    return judge_policies(path, [is_self_issued(certificate) for certificate in path], given)
