"""Finding a valid path (RFC 4158): upwards from the target by name, key identifier and signature.

Depth first, nearest to an anchor first. A CA that cannot stand in any path (expired, no CA, wrong key usage) is not
climbed. Work is bounded by three counters that a judgement shares with the paths of CRL signers, so that a graph of
cross certificates costs at most so many signatures and checked paths; then no path is found, which fails closed.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from honnin.errors import FormatError
from honnin.pki.revocation import status_of
from honnin.pki.revocation_sources import Finding, Revocation, Signers
from honnin.pki.rfc5280.algorithms import key_good_until, signature_good_until
from honnin.pki.rfc5280.certificate import Certificate
from honnin.pki.rfc5280.checking import STEPS, authority_fault, check_path, working_keys
from honnin.pki.rfc5280.keys import verify_signature
from honnin.pki.rfc5280.policies import PolicyInputs
from honnin.pki.rfc5280.profile import Fault, form_fault
from honnin.pki.rfc5280.store import Store

__all__ = ["Budget", "PathContext", "PathResult", "build_and_check"]

LONGEST = 24
SIGNERS = 8  # certificates of one name that are tried for a list


class Budget(msgspec.Struct):
    """What one judgement may still do."""

    signatures: int = 512
    steps: int = 4096
    paths: int = 64


class PathContext(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a judgement is made of but the target. `mode` is `require`, `if_present` or `off`."""

    store: Store
    revocation: Revocation
    mode: str
    at: datetime
    policies: PolicyInputs = PolicyInputs()
    purpose: str | None = None


class PathResult(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for the best path found.

    fault: None when the path is valid. path: target first, anchor last; as far as it was built when it fails.
    findings: revocation of each certificate below the anchor, target first; empty where it was not asked.
    """

    fault: Fault | None
    path: tuple[Certificate, ...]
    policies: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()


def build_and_check(target: Certificate, context: PathContext) -> PathResult:
    """Return the outcome for a parsed certificate: that of the first valid path, or of the one that came furthest."""
    return _Search(context, Budget(), frozenset()).result(target)


_RANK = {step: rank for rank, step in enumerate((*STEPS, "revocation"))}
NO_PATH = Fault("no_path", "chain", "No path leads from the certificate to an anchor.")


class _Search:
    __slots__ = ("_budget", "_busy", "_context", "_only", "_signed")

    def __init__(
        self, context: PathContext, budget: Budget, busy: frozenset[bytes], only: Certificate | None = None
    ) -> None:
        self._context = context
        self._budget = budget
        self._busy = busy
        self._only = only
        self._signed: dict[tuple[int, int], bool] = {}

    def result(self, target: Certificate) -> PathResult:
        fault = form_fault(target)
        if fault is not None and fault.check == "format":
            return PathResult(fault=fault, path=())
        best = PathResult(fault=NO_PATH, path=())
        for path, early in self._paths(target):
            result = self._judged(path) if early is None else PathResult(fault=early, path=path)
            if result.fault is None:
                return result
            if best.fault is None or _RANK[result.fault.check] > _RANK[best.fault.check] or best.fault is NO_PATH:
                best = result
            if self._budget.paths <= 0 or self._budget.signatures <= 0 or self._budget.steps <= 0:
                break
        return best

    def _paths(self, target: Certificate) -> Iterator[tuple[tuple[Certificate, ...], Fault | None]]:
        """Yield paths that end in an anchor, and shorter ones with the fault for which they were not climbed."""
        anchor = self._context.store.anchor_equal_to(target)
        if anchor is not None and self._only in (None, anchor):
            yield (anchor,), None
        yield from self._climb((target,))

    def _climb(self, path: tuple[Certificate, ...]) -> Iterator[tuple[tuple[Certificate, ...], Fault | None]]:
        store, current = self._context.store, path[-1]
        for candidate in store.issuers_of(current):
            self._budget.steps -= 1
            if self._budget.steps <= 0:
                return
            is_anchor = store.is_anchor(candidate)
            if is_anchor and self._only not in (None, candidate):
                continue
            if not is_anchor and any(_same_entity(candidate, below) for below in path):
                continue
            longer = (*path, candidate)
            if not self._may_have_signed(candidate, current):
                if signature_good_until(current.signature_algorithm) < self._context.at:
                    yield longer, Fault("algorithm", "algorithms", "A certificate is signed in a way not trusted here.")
                continue
            if is_anchor:
                yield longer, None
                continue
            fault = self._unclimbable(candidate)
            if fault is not None:
                yield longer, fault
            elif len(longer) < LONGEST:
                yield from self._climb(longer)

    def _unclimbable(self, candidate: Certificate) -> Fault | None:
        at = self._context.at
        fault = form_fault(candidate) or authority_fault(candidate, anchor=False)
        if fault is None and at > candidate.not_after:
            fault = Fault("expired", "validity", "A certificate above the target has expired.")
        if fault is None and at < candidate.not_before:
            fault = Fault("not_yet_valid", "validity", "A certificate above the target is not yet valid.")
        return fault

    def _may_have_signed(self, issuer: Certificate, certificate: Certificate) -> bool:
        """Return whether the issuer's key verifies; True for a key that needs the parameters of one further up."""
        try:
            key = issuer.public_key()
        except FormatError:
            return True
        remembered = certificate.memory.get("signed_by")
        if remembered is not None and remembered == issuer.spki:
            return True
        pair = (id(certificate), id(issuer))
        known = self._signed.get(pair)
        if known is None:
            self._budget.signatures -= 1
            if self._budget.signatures < 0:
                return False
            known = self._signed[pair] = verify_signature(
                key, certificate.signature_algorithm, certificate.tbs, certificate.signature_value
            )
            if known:
                certificate.memory["signed_by"] = issuer.spki
        return known

    def _judged(self, path: tuple[Certificate, ...]) -> PathResult:
        self._budget.paths -= 1
        context = self._context
        downwards = path[::-1]
        fault = self._inherited_fault(downwards)
        if fault is not None:
            return PathResult(fault=fault, path=path)
        fault, policies = check_path(downwards, context.at, context.policies, context.purpose)
        if fault is not None or context.mode == "off":
            return PathResult(fault=fault, path=path, policies=policies)
        signers = Signers(
            named=lambda name: context.store.named(name)[:SIGNERS],
            trusted=lambda signer: self._trusted(signer, path[-1]),
        )
        findings = tuple(
            status_of(path[index], path[index + 1 :], context.revocation, at=context.at, signers=signers)
            for index in range(len(path) - 1)
        )
        return PathResult(
            fault=_revocation_fault(findings, context.mode), path=path, policies=policies, findings=findings
        )

    def _inherited_fault(self, downwards: tuple[Certificate, ...]) -> Fault | None:
        """Verify what could not be verified on the way up: signatures by keys that inherit DSA parameters (§6.1.4)."""
        if all(_has_own_key(certificate) for certificate in downwards):
            return None
        try:
            keys = working_keys(downwards)
        except FormatError as error:
            return Fault("algorithm", "algorithms", error.message)
        if any(key_good_until(key) < self._context.at for key in keys):
            return Fault("algorithm", "algorithms", "A key is of a kind or length that is not good enough.")
        for key, child in zip(keys, downwards[1:], strict=False):
            self._budget.signatures -= 1
            if not verify_signature(key, child.signature_algorithm, child.tbs, child.signature_value):
                return NO_PATH
        return None

    def _trusted(self, signer: Certificate, anchor: Certificate) -> bool:
        """Return whether a CRL signer has a valid path to the anchor (§6.3.3 (f)), its own revocation included."""
        if signer.raw in self._busy or len(self._busy) >= 8 or self._budget.paths <= 0:
            return False
        context = msgspec.structs.replace(self._context, policies=PolicyInputs(), purpose=None)
        return _Search(context, self._budget, self._busy | {signer.raw}, anchor).result(signer).fault is None


def _has_own_key(certificate: Certificate) -> bool:
    try:
        certificate.public_key()
    except FormatError:
        return False
    return True


def _same_entity(first: Certificate, second: Certificate) -> bool:
    return first.spki == second.spki and first.subject == second.subject


def _revocation_fault(findings: tuple[Finding, ...], mode: str) -> Fault | None:
    for index, finding in enumerate(findings):
        if finding.status.state == "revoked":
            which = "The certificate" if index == 0 else "A certificate above the target"
            return Fault("revoked", "revocation", f"{which} is revoked: {finding.status.reason}.")
    for finding in findings:
        if finding.status.state == "unknown" and (mode == "require" or finding.present):
            return Fault("revocation_unknown", "revocation", finding.status.reason or "")
    return None
