"""Revocation of one certificate by CRLs (RFC 5280 §6.3): direct, indirect and delta lists, scopes and reasons.

Every list that is current, signed by somebody who may sign it, and about the certificate is heard; good needs all
reasons covered. A list is current from its thisUpdate (a minute of clock difference allowed) to its nextUpdate.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from honnin.errors import FormatError
from honnin.pki.revocation_sources import Finding, Revocation, Signers, age_fault, earliest
from honnin.pki.rfc5280 import extensions as ext
from honnin.pki.rfc5280.algorithms import NEVER, key_good_until, signature_good_until
from honnin.pki.rfc5280.alike import Template
from honnin.pki.rfc5280.certificate import Certificate
from honnin.pki.rfc5280.checking import working_keys
from honnin.pki.rfc5280.crl import (
    ALL_REASONS,
    AUTHORITY_KEY_IDENTIFIER,
    ISSUING_DISTRIBUTION_POINT,
    Crl,
    Entry,
    entries_for,
)
from honnin.pki.rfc5280.keys import PublicKey, verify_signature
from honnin.pki.rfc5280.names import DIRECTORY_NAME, GeneralName, Rdn, names_equal, prepared, relative_name
from honnin.pki.verdict import Status

__all__ = ["by_crl"]


def by_crl(
    certificate: Certificate, above: Sequence[Certificate], given: Revocation, at: datetime, signers: Signers
) -> Finding:
    """Return what the lists say of a certificate; `above` are the path's certificates from its issuer to the anchor."""
    reason, present, covered = "", False, 0
    proof: Crl | None = None
    revoked: list[Finding] = []
    for crl in given.crls:
        if crl.base_number is not None:
            continue
        scope = _remembered_scope(certificate, crl)
        if not scope:
            continue
        present = True
        fault = _crl_fault(crl, given, at)
        if fault is not None:
            reason = fault
            continue
        signer = _crl_signer(crl, certificate, above, at, signers)
        if signer is None:
            reason = "The list is not signed by anyone who may sign it."
            continue
        try:
            entry = _entry(certificate, crl)
            if len(given.crls) > 1:
                entry = _current_entry(entry, certificate, crl, (signer, _path_key(signer, above)), given, at)
        except FormatError as error:
            reason = error.message
            continue
        if entry is not None:
            status = Status(state="revoked", reason=entry.reason, revoked_at=entry.effective, proof=_crl_proof(crl))
            revoked.append(Finding(status, present=True))
            continue
        covered |= scope
        proof = proof or crl
    if revoked:
        return earliest(revoked)
    if proof is not None and covered & ALL_REASONS == ALL_REASONS:
        return _good(proof)
    if covered:
        reason = "The lists at hand cover only some reasons of revocation."
    return Finding(Status(state="unknown", reason=reason), present)


def _good(crl: Crl) -> Finding:
    """Return what a list says of all that it is about and does not name; remembered with it."""
    finding: Finding | None = crl.memory.get("good")
    if finding is None:
        finding = crl.memory["good"] = Finding(Status(state="good", proof=_crl_proof(crl)), present=True)
    return finding


def _crl_proof(crl: Crl) -> dict[str, object]:
    return {
        "kind": "crl",
        "this_update": crl.this_update,
        "next_update": crl.next_update,
        "number": None if crl.number is None else f"{crl.number:x}",
    }


def _crl_fault(crl: Crl, given: Revocation, at: datetime) -> str | None:
    if crl.fault is not None:
        return crl.fault
    if crl.next_update is None and given.max_age is None:
        return "The list does not say when the next one comes."
    if signature_good_until(crl.signature_algorithm) < at:
        return "The list's signature algorithm is no longer good enough."
    return age_fault(crl.this_update, crl.next_update, at, given.max_age)


def _remembered_scope(certificate: Certificate, crl: Crl) -> int:
    """Return `_reasons_covered`, remembered with the list by all of the certificate that it looks at.

    That is its template, or else issuer, basicConstraints and cRLDistributionPoints, which a template has in common.
    """
    looked_at: Template | tuple[bytes, bytes | None, bytes | None] | None = certificate.template
    if looked_at is None:
        basic = certificate.extensions.get(ext.BASIC_CONSTRAINTS)
        points = certificate.extensions.get(ext.CRL_DISTRIBUTION_POINTS)
        looked_at = (certificate.issuer, basic.value if basic else None, points.value if points else None)
    known: dict[object, int] = crl.memory.setdefault("scopes", {})
    scope = known.get(looked_at)
    if scope is None:
        scope = _reasons_covered(certificate, crl)
        if len(known) < 256:
            known[looked_at] = scope
    return scope


def _reasons_covered(certificate: Certificate, crl: Crl) -> int:
    """Return the reasons (named bits) for which a list is about this certificate (§6.3.3 (b) and (d)), 0 for none."""
    scope = crl.scope
    if scope.only_attributes:
        return 0
    if scope.only_users or scope.only_authorities:
        basic = ext.basic_constraints(certificate)
        is_ca = basic is not None and basic.ca
        if (scope.only_users and is_ca) or (scope.only_authorities and not is_ca):
            return 0
    own = names_equal(crl.issuer, certificate.issuer)
    reasons = ALL_REASONS if scope.reasons is None else scope.reasons
    covered = 0
    for point in ext.distribution_points(certificate):
        if point.crl_issuer:
            if not scope.indirect or not any(
                name.tag == DIRECTORY_NAME and names_equal(name.content, crl.issuer) for name in point.crl_issuer
            ):
                continue
        elif not own:
            continue
        if _point_matches(certificate, point, crl):
            covered |= reasons & (ALL_REASONS if point.reasons is None else point.reasons)
    if own and covered != reasons and _names_meet(_issuing_names(crl), {_directory(certificate.issuer)}):
        covered |= reasons  # a list of the issuer that no distribution point names (end of §6.3.3)
    return covered & ALL_REASONS


ComparableName = tuple[int, object]


def _directory(name: bytes) -> ComparableName:
    return DIRECTORY_NAME, prepared(name)


def _comparable(names: Iterable[GeneralName]) -> Iterator[ComparableName]:
    for name in names:
        yield _directory(name.content) if name.tag == DIRECTORY_NAME else (name.tag, name.content)


def _below(base: bytes, relative: bytes) -> ComparableName:
    rdn: Rdn = relative_name(relative)
    return DIRECTORY_NAME, (*prepared(base), rdn)


def _issuing_names(crl: Crl) -> set[ComparableName] | None:
    """Return the names in the list's issuing distribution point, None where it has none."""
    name = crl.scope.name
    if name is None:
        return None
    if name.relative is not None:
        return {_below(crl.issuer, name.relative)}
    return set(_comparable(name.full_names))


def _names_meet(issuing: set[ComparableName] | None, wanted: set[ComparableName]) -> bool:
    return issuing is None or not issuing.isdisjoint(wanted)


def _point_matches(certificate: Certificate, point: ext.DistributionPoint, crl: Crl) -> bool:
    """§6.3.3 (b)(2)(i): the names of both points meet; without a name in the certificate's, its cRLIssuer counts."""
    issuing = _issuing_names(crl)
    if issuing is None:
        return True
    if point.name is None:
        return _names_meet(issuing, set(_comparable(point.crl_issuer)))
    if point.name.relative is None:
        return _names_meet(issuing, set(_comparable(point.name.full_names)))
    bases = [name.content for name in point.crl_issuer if name.tag == DIRECTORY_NAME] or [certificate.issuer]
    return len(bases) == 1 and _names_meet(issuing, {_below(bases[0], point.name.relative)})


def _crl_signer(
    crl: Crl, certificate: Certificate, above: Sequence[Certificate], at: datetime, signers: Signers
) -> Certificate | None:
    """§6.3.3 (f) and (g): who signed the list, if that is somebody on the path or with a path to the same anchor.

    A certificate is believed about itself only where its own issuer appointed it as cRLIssuer for itself: otherwise a
    CRL signer could vouch for itself.
    """
    for candidate in above:
        if names_equal(candidate.subject, crl.issuer) and _may_sign(candidate, _path_key(candidate, above), crl, at):
            return candidate
    for candidate in signers.named(crl.issuer):
        if any(candidate is known for known in above) or not _may_sign(candidate, own_key(candidate), crl, at):
            continue
        if _appointed(certificate, crl) if candidate.raw == certificate.raw else signers.trusted(candidate):
            return candidate
    return None


def own_key(candidate: Certificate) -> PublicKey | None:
    try:
        return candidate.public_key()
    except FormatError:
        return None


def _path_key(candidate: Certificate, above: Sequence[Certificate]) -> PublicKey | None:
    """Return the key of a certificate on the path, with the DSA parameters that it inherits there."""
    key = own_key(candidate)
    if key is not None:
        return key
    downwards = tuple(reversed(above))
    try:
        return dict(zip(map(id, downwards), working_keys(downwards), strict=True))[id(candidate)]
    except FormatError:
        return None


def _appointed(certificate: Certificate, crl: Crl) -> bool:
    return any(
        name.tag == DIRECTORY_NAME and names_equal(name.content, crl.issuer)
        for point in ext.distribution_points(certificate)
        for name in point.crl_issuer
    )


def _may_sign(candidate: Certificate, key: PublicKey | None, crl: Crl, at: datetime) -> bool:
    """Return whether a key is good for signing lists and has signed this one."""
    if key is None or _signs_until(candidate, key) < at:
        return False
    remembered: set[bytes] = crl.memory.setdefault("signed_by", set())
    if candidate.spki in remembered:
        return True
    if verify_signature(key, crl.signature_algorithm, crl.tbs, crl.signature_value):
        remembered.add(candidate.spki)
        return True
    return False


def _signs_until(candidate: Certificate, key: PublicKey) -> datetime:
    """Return until when a certificate's key may sign lists, NEVER where its usage does not say so.

    Remembered with the certificate, but for a key that has parameters from another one.
    """
    memory = candidate.memory
    until: datetime | None = memory.get("signs_lists_until")
    if until is None:
        try:
            usage = ext.key_usage(candidate)
        except FormatError:
            return NEVER
        until = key_good_until(key) if usage is None or usage & ext.CRL_SIGN else NEVER
        if memory.get("key") is key:
            memory["signs_lists_until"] = until
    return until


def _entry(certificate: Certificate, crl: Crl) -> Entry | None:
    for entry in entries_for(crl, certificate.serial_number):
        if names_equal(entry.issuer or crl.issuer, certificate.issuer):
            return entry
    return None


def _current_entry(
    entry: Entry | None,
    certificate: Certificate,
    crl: Crl,
    signer: tuple[Certificate, PublicKey | None],
    given: Revocation,
    at: datetime,
) -> Entry | None:
    """§6.3.3 (h) to (k): the entry in the newest delta that belongs to the list, else the one in the list (`entry`).

    removeFromCRL lifts a hold only: any other revocation is for good (§5.3.1).
    """
    deltas = [delta for delta in given.crls if _belongs(delta, crl) and _crl_fault(delta, given, at) is None]
    deltas.sort(key=lambda delta: delta.number or 0, reverse=True)
    for delta in deltas:
        if not _may_sign(*signer, delta, at):
            continue
        newer = _entry(certificate, delta)
        if newer is None:
            return entry
        if newer.reason != "removeFromCRL":
            return newer
        return None if entry is None or entry.reason == "certificateHold" else entry
    return entry


def _belongs(delta: Crl, crl: Crl) -> bool:
    """§5.2.4: whether a delta may be combined with a complete list."""
    if delta.base_number is None or delta.number is None or crl.number is None:
        return False
    return (
        delta.base_number <= crl.number < delta.number
        and names_equal(delta.issuer, crl.issuer)
        and delta.extensions.get(ISSUING_DISTRIBUTION_POINT) == crl.extensions.get(ISSUING_DISTRIBUTION_POINT)
        and _key_identifier(delta) == _key_identifier(crl)
    )


def _key_identifier(crl: Crl) -> bytes | None:
    extension = crl.extensions.get(AUTHORITY_KEY_IDENTIFIER)
    return None if extension is None else extension.value
