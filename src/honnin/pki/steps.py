"""The steps of judging one signature: each looks at its own facts and gives one check (my-number-card.md §5.6).

`judging` says in which order they stand and what they come to. Pure like it: nothing is parsed, computed or asked here.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from honnin.errors import FormatError
from honnin.pki.algorithms import hash_good_until, key_good_until
from honnin.pki.facts import (
    CertificateFacts,
    Facts,
    LinkFacts,
    PathFacts,
    RevocationFacts,
    SignatureFacts,
    SignerFacts,
)
from honnin.pki.jpki import Carrier, Purpose, policy_profile, purpose_by_key_usage
from honnin.pki.policy import Policy
from honnin.pki.report import RevocationSeen
from honnin.pki.rfc5280.extensions import DIGITAL_SIGNATURE, NON_REPUDIATION
from honnin.pki.verdict import Check, situation

__all__ = [
    "FORMAT",
    "SIGNATURE_ROWS",
    "Step",
    "algorithm_step",
    "attributes_step",
    "certificate_policy_step",
    "critical_extensions_step",
    "decisive_step",
    "key_usage_step",
    "path_step",
    "revocation_step",
    "signature_step",
    "validity_step",
    "value_steps",
]


class Step(msgspec.Struct, frozen=True, gc=False):
    """A check with the row of the verdict table that it leads to; None when it passed or was not made."""

    check: Check
    row: str | None = None


_KEY_USAGE_BITS = {"digital_signature": DIGITAL_SIGNATURE, "non_repudiation": NON_REPUDIATION}
# Critical extensions that the steps here and RFC 5280 §6 have dealt with (my-number-card.md §5.2; RFC 5280 §4.2).
_KNOWN_CRITICAL = frozenset(
    f"2.5.29.{number}" for number in (9, 14, 15, 17, 18, 19, 30, 31, 32, 33, 35, 36, 37, 46, 54)
) | {"1.3.6.1.5.5.7.1.1"}

SIGNATURE_ROWS = {
    "wrong": ("signature_wrong", "The signature value is not by this key over this content."),
    "digest_differs": ("digest_wrong", "The signature is over other content than the content given."),
    "malformed": ("malformed", "The signature contradicts itself or its format."),
    "unsupported": ("algorithm", "The signature's algorithms are unknown or contradict each other."),
    "no_certificate": ("no_signing_certificate", "The signer's certificate was not given."),
    "changed_afterwards": ("digest_wrong", "The document was changed after it was signed."),
    "not_all_signed": ("digest_wrong", "The document holds content that the signature does not cover."),
    "certificate_differs": ("no_signing_certificate", "The signer names another certificate than the one found."),
}


def _passed(name: str) -> Step:
    return Step(Check(name, "passed"))


def _skipped(name: str, reason: str) -> Step:
    return Step(Check(name, "not_checked", reason))


def _constrained(name: str, reason: str) -> Step:
    return Step(Check(name, "failed", reason), "constraints")


FORMAT, _ALGORITHM, _PATH, _VALIDITY = map(_passed, ("format", "algorithm", "path", "validity"))
_CRITICAL, _POLICY, _USAGE = map(_passed, ("critical_extensions", "certificate_policy", "key_usage"))
_DIGEST, _SIGNATURE, _ATTRIBUTES = map(_passed, ("digest", "signature", "attributes"))
_GOOD: dict[str | None, Step] = {kind: Step(Check("revocation", "passed", "", kind)) for kind in ("crl", "ocsp")}


def decisive_step(steps: Iterable[Step]) -> Step | None:
    """Return the first step that fails for good, else the first that is open, else None."""
    first: Step | None = None
    for step in steps:
        if step.row is not None:
            if situation(step.row).signature[0] == "TOTAL-FAILED":
                return step
            first = first or step
    return first


def signature_step(name: str, signature: SignatureFacts) -> Step:
    """Return the failed check for what was found of the value."""
    row, reason = SIGNATURE_ROWS[signature.result]
    detail = f" ({signature.problem})" if signature.problem else ""
    return Step(Check(name, "failed", reason + detail), row)


def algorithm_step(certificate: CertificateFacts, signature: SignatureFacts, policy: Policy, moment: datetime) -> Step:
    """Judge key, hash and shape at the moment that counts."""
    if signature.result == "unsupported":
        return signature_step("algorithm", signature)
    if moment > key_good_until(certificate.key):
        reason = f"A key of the kind {certificate.key} is not accepted at this time."
    elif signature.hash is not None and moment > hash_good_until(signature.hash):
        reason = f"The hash {signature.hash} is not accepted at this time."
    elif signature.shape is not None and signature.shape not in policy.shapes:
        reason = f"The policy does not accept a signature value of the shape {signature.shape}."
    else:
        return _ALGORITHM
    return Step(Check("algorithm", "failed", reason), "algorithm")


def path_step(path: PathFacts | None, facts: Facts) -> Step:
    """Judge the path to an anchor."""
    if path is None:
        return Step(Check("path", "failed", "No path was looked for."), "no_path")
    if path.situation == "passed":
        return _PATH
    row: str = path.situation
    if row in {"expired", "not_yet_valid"} and facts.existed_at is None:
        row = "out_of_bounds_unproven"
    return Step(Check("path", "failed", path.reason), row)


def validity_step(certificate: CertificateFacts, path: PathFacts | None, facts: Facts) -> Step:
    """Judge the periods of the signer and of the CA certificates below the anchor, which is trusted as given."""
    step = _period(certificate, facts, "signer's")
    for link in path.links[:-1] if path else ():
        step = step if step.row else _period(link, facts, "CA's")
    return step


def _period(link: CertificateFacts | LinkFacts, facts: Facts, whose: str) -> Step:
    moment = facts.existed_at or facts.at
    if moment < link.not_before:
        row, reason = "not_yet_valid", f"The {whose} certificate is not valid before {_written(link.not_before)}."
    elif moment > link.not_after:
        row, reason = "expired", f"The {whose} certificate expired at {_written(link.not_after)}."
    else:
        return _VALIDITY
    return Step(Check("validity", "failed", reason), row if facts.existed_at else "out_of_bounds_unproven")


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def critical_extensions_step(certificate: CertificateFacts) -> Step:
    """Refuse a critical extension that nobody here understands (RFC 5280 §4.2)."""
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _KNOWN_CRITICAL:
            return _constrained("critical_extensions", f"The critical extension {extension.oid} is unknown.")
    return _CRITICAL


def certificate_policy_step(
    certificate: CertificateFacts, path: PathFacts | None, policy: Policy
) -> tuple[Step, Purpose | None, Carrier | None]:
    """Judge what the certificate is for by its policy OID, which must have survived the path's policy processing."""
    try:
        found = policy_profile(certificate.policies)
        if found is None:
            if policy.other_pki:
                return _skipped("certificate_policy", "The certificate is under no policy of JPKI."), None, None
            return _constrained("certificate_policy", "The certificate is under no policy of JPKI."), None, None
        oid, profile = found
        purpose = profile.purpose or purpose_by_key_usage(_bits(certificate.key_usage))
    except FormatError as error:
        return _constrained("certificate_policy", error.message), None, None
    upheld = path is None or path.situation != "passed" or oid in path.policies or "2.5.29.32.0" in path.policies
    if not upheld:
        step = _constrained("certificate_policy", "The path does not uphold the certificate's policy.")
        return step, purpose, profile.carrier
    if purpose not in policy.purposes:
        step = _constrained("certificate_policy", f"A {purpose} certificate does not serve for this.")
        return step, purpose, profile.carrier
    return _POLICY, purpose, profile.carrier


def _bits(names: tuple[str, ...] | None) -> int:
    return sum(_KEY_USAGE_BITS.get(name, 1 << 15) for name in names or ())


def key_usage_step(certificate: CertificateFacts, policy: Policy) -> Step:
    """Judge whether the key may make this kind of signature."""
    usage, extended = certificate.key_usage, certificate.extended_key_usage
    if usage is not None and policy.key_usage and not _meet(policy.key_usage, usage):
        return _constrained("key_usage", "The key usage does not allow this signature.")
    if extended is not None and policy.extended_key_usage and not _meet(policy.extended_key_usage, extended):
        return _constrained("key_usage", "The extended key usage does not allow this signature.")
    return _USAGE


@lru_cache(maxsize=256)
def _meet(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    return not set(first).isdisjoint(second)


def value_steps(signature: SignatureFacts) -> tuple[Step, Step]:
    """Judge the digest of the content, then the value over it."""
    if signature.result == "valid":
        return _DIGEST, _SIGNATURE
    if signature.result in {"digest_differs", "changed_afterwards", "not_all_signed"}:
        return signature_step("digest", signature), _skipped("signature", "The digest differs.")
    if signature.result in {"malformed", "unsupported"}:
        return _skipped("digest", "An earlier step failed."), _skipped("signature", "An earlier step failed.")
    return _skipped("digest", "The signature does not show a digest."), signature_step("signature", signature)


def revocation_step(signer: SignerFacts, facts: Facts, policy: Policy) -> tuple[Step, RevocationSeen | None]:
    """Judge the status of the signer, then of each CA certificate below the anchor."""
    certificate, path = signer.certificate, signer.path
    if policy.revocation == "off":
        return _skipped("revocation", "The policy does not ask for it."), None
    if certificate is None or path is None or path.situation != "passed":
        return _skipped("revocation", "Without a path nobody is known who could revoke."), None
    found = _best(signer.revocation, 0, certificate.not_after, policy)
    result = _status_step(found, facts, policy, "signer's")
    for of, link in enumerate(path.links[:-1], start=1):
        if result.row is None:
            result = _status_step(_best(signer.revocation, of, link.not_after, policy), facts, policy, "CA's")
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
    revoked: list[RevocationFacts] = []
    for found in asked:
        if found.of != of:
            continue
        if found.state == "revoked":
            revoked.append(found)
            continue
        why = found.reason if found.state == "unknown" else _unusable(found, not_after, policy.max_age)
        if why is None and found.state == "good":
            good = good or found
        elif unknown is None:
            unknown = found if found.state == "unknown" else replace(found, state="unknown", reason=why)
    if revoked:
        return min(revoked, key=lambda found: (found.revoked_at is not None, found.revoked_at or found.at))
    return good or unknown


def _unusable(found: RevocationFacts, not_after: datetime, max_age: int | None) -> str | None:
    """Return why an answer `good` proves nothing, or None when it does."""
    if found.this_update is not None and found.this_update > not_after:
        # Issuers may drop certificates from their lists once they have expired.
        return "The revocation data are from after the certificate's end."
    if max_age is not None and (found.this_update is None or found.at - found.this_update > timedelta(seconds=max_age)):
        return "The revocation data are older than the policy accepts."
    return None


def _status_step(found: RevocationFacts | None, facts: Facts, policy: Policy, whose: str) -> Step:
    if found is None or found.state == "unknown":
        reason = found.reason if found else None
        reason = reason or f"Nothing usable says whether the {whose} certificate is revoked."
        if policy.revocation == "if_present":
            return _skipped("revocation", reason)
        return Step(Check("revocation", "not_checked", reason), "revocation_unknown")
    if found.state == "good":
        return _GOOD.get(found.kind) or Step(Check("revocation", "passed", "", found.kind))
    # Whoever is listed as revoked is revoked now, even where the list dates it in the future.
    if found.revoked_at is not None and min(found.revoked_at, facts.at) > (facts.existed_at or facts.at):
        return Step(Check("revocation", "passed", "Revoked only afterwards.", found.kind))
    when = f" at {_written(found.revoked_at)}" if found.revoked_at else ""
    reason = f"The {whose} certificate was revoked{when} ({found.reason or 'no reason given'})."
    check = Check("revocation", "failed", reason, found.kind)
    return Step(check, "revoked" if facts.existed_at else "revoked_unproven")


def attributes_step(certificate: CertificateFacts, policy: Policy) -> Step:
    """Judge the state of the four items in the certificate."""
    state = certificate.attributes
    if policy.attributes is not None and state not in policy.attributes:
        return _constrained("attributes", f"The holder's attributes are {state}.")
    if state == "absent":
        return _skipped("attributes", "The certificate carries none of the four items.")
    if state == "malformed":
        return _skipped("attributes", "The holder's attributes cannot be read.")
    return _ATTRIBUTES
