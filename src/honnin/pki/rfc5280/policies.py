"""Certificate policies of a path (RFC 5280 §6.1, as RFC 9618 changed it: a graph instead of a tree).

The graph has at most one node a policy and certificate, so mappings cannot make it grow beyond what was sent in
(CVE-2023-0464). Policy qualifiers are not carried.
"""

from collections.abc import Sequence

import msgspec

from honnin.pki.rfc5280.certificate import Certificate
from honnin.pki.rfc5280.extensions import (
    ANY_POLICY,
    PolicyConstraints,
    certificate_policies,
    inhibit_any_policy,
    policy_constraints,
    policy_mappings,
)

__all__ = ["PolicyInputs", "PolicyOutcome", "judge_policies"]


class PolicyInputs(msgspec.Struct, frozen=True):
    """Inputs (c) to (f) of RFC 5280 §6.1.1."""

    acceptable: frozenset[str] = frozenset({ANY_POLICY})
    explicit: bool = False
    inhibit_mapping: bool = False
    inhibit_any: bool = False


class PolicyOutcome(msgspec.Struct, frozen=True):
    """The user-constrained policy set (§6.1.6), and why the path fails on policies, None when it does not."""

    policies: frozenset[str]
    fault: str | None = None


class _Node(msgspec.Struct):
    expected: set[str]
    parents: set[str]


_Level = dict[str, _Node]


def judge_policies(path: Sequence[Certificate], self_issued: Sequence[bool], given: PolicyInputs) -> PolicyOutcome:
    """Return the policies under which a path is valid.

    path: anchor first, target last; self_issued: for each whether issuer and subject agree. Of the anchor only its
    policy constraints and inhibitAnyPolicy count (RFC 5937 §3).
    """
    count = len(path) - 1
    stated_by_anchor = policy_constraints(path[0]) or PolicyConstraints(None, None)
    explicit = _least(0 if given.explicit else count + 1, stated_by_anchor.require_explicit_policy)
    mapping = _least(0 if given.inhibit_mapping else count + 1, stated_by_anchor.inhibit_policy_mapping)
    inhibit_any = _least(0 if given.inhibit_any else count + 1, inhibit_any_policy(path[0]))
    levels: list[_Level] | None = [{ANY_POLICY: _Node({ANY_POLICY}, set())}]
    for index, certificate in enumerate(path[1:], 1):
        last = index == count
        stated = certificate_policies(certificate)
        if levels is not None and stated is not None:
            take_any = inhibit_any > 0 or (not last and self_issued[index])
            levels.append(_next_level(levels[-1], stated, take_any=take_any))
        if stated is None or (levels is not None and not levels[-1]):
            levels = None
        if explicit == 0 and levels is None:
            return PolicyOutcome(frozenset(), "An explicit policy is required, and the path has none.")
        if last:
            break
        mapped = policy_mappings(certificate)
        if any(ANY_POLICY in pair for pair in mapped):
            return PolicyOutcome(frozenset(), "A policy mapping maps anyPolicy.")
        if levels is not None and mapped:
            _map(levels[-1], mapped, allowed=mapping > 0)
            if not levels[-1]:
                levels = None
        if not self_issued[index]:
            explicit, mapping, inhibit_any = max(explicit - 1, 0), max(mapping - 1, 0), max(inhibit_any - 1, 0)
        constraints = policy_constraints(certificate)
        if constraints is not None:
            explicit = _least(explicit, constraints.require_explicit_policy)
            mapping = _least(mapping, constraints.inhibit_policy_mapping)
        inhibit_any = _least(inhibit_any, inhibit_any_policy(certificate))
    explicit = max(explicit - 1, 0)
    constraints = policy_constraints(path[-1])
    if constraints is not None and constraints.require_explicit_policy == 0:
        explicit = 0
    found = _constrained(levels, given.acceptable)
    if explicit == 0 and not found:
        return PolicyOutcome(found, "An explicit policy is required, and no acceptable one is valid for the path.")
    return PolicyOutcome(found)


def _least(counter: int, stated: int | None) -> int:
    return counter if stated is None else min(counter, stated)


def _next_level(above: _Level, stated: frozenset[str], *, take_any: bool) -> _Level:
    """Steps (d)(1) and (d)(2) of RFC 9618 §5.3."""
    wanted: dict[str, set[str]] = {}
    for policy, node in above.items():
        for expected in node.expected:
            wanted.setdefault(expected, set()).add(policy)
    level: _Level = {}
    for policy in stated:
        if policy == ANY_POLICY:
            continue
        if policy in wanted:
            level[policy] = _Node({policy}, wanted[policy])
        elif ANY_POLICY in above:
            level[policy] = _Node({policy}, {ANY_POLICY})
    if ANY_POLICY in stated and take_any:
        for policy, parents in wanted.items():
            if policy not in level:
                level[policy] = _Node({policy}, parents)
    return level


def _map(level: _Level, mapped: tuple[tuple[str, str], ...], *, allowed: bool) -> None:
    """Step (b) of RFC 9618 §5.4, on the lowest level."""
    targets: dict[str, set[str]] = {}
    for issuer_policy, subject_policy in mapped:
        targets.setdefault(issuer_policy, set()).add(subject_policy)
    for policy, subject_policies in targets.items():
        if not allowed:
            level.pop(policy, None)
        elif policy in level:
            level[policy].expected = subject_policies
        elif ANY_POLICY in level:
            level[policy] = _Node(subject_policies, {ANY_POLICY})


def _constrained(levels: list[_Level] | None, acceptable: frozenset[str]) -> frozenset[str]:
    """Step (g) of RFC 9618 §5.5: the policies in the anchor's domain that the user accepts."""
    if levels is None:
        return frozenset()
    authority: set[str] = set()
    living = set(levels[-1])
    if ANY_POLICY in living:
        authority.add(ANY_POLICY)
    for level in reversed(levels[1:]):
        above: set[str] = set()
        for policy in living:
            parents = level[policy].parents
            above |= parents
            if policy != ANY_POLICY and ANY_POLICY in parents:
                authority.add(policy)
        living = above
    if ANY_POLICY in acceptable:
        return frozenset(authority)
    if ANY_POLICY in authority:
        return acceptable
    return acceptable & authority
