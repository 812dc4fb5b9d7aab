"""The path of one more certificate of a kind that has been judged before under the same anchor.

A J-LIS CA writes millions of certificates that differ only in serial number, subject, validity, key, subjectAltName and
subjectKeyIdentifier. What RFC 5280 §6 says of a path of two (holder, anchor) then follows from two parts: one that is
the same for all of the kind, judged once by `rfc5280.building` and remembered with the anchor; and these six fields and
the signature, judged here for each. The lane is taken only where both parts together are all there is:

- the issuer that `building` would try first is an anchor, without name constraints, and the certificate is no anchor;
- every other byte of the certificate is that of one which passed, algorithm and length of the key included;
- every CRL at hand is known to be signed by that anchor, so that no other signer would be asked.

Whatever fails here is judged again in full, so nothing is refused by this module; a test holds that it passes nothing
that does not pass there.
"""

from datetime import datetime

import msgspec

from honnin.errors import FormatError
from honnin.pki.revocation import status_of
from honnin.pki.revocation_sources import Signers
from honnin.pki.rfc5280 import extensions
from honnin.pki.rfc5280.algorithms import key_good_until, signature_good_until
from honnin.pki.rfc5280.building import PathContext, PathResult, build_and_check
from honnin.pki.rfc5280.certificate import Certificate
from honnin.pki.rfc5280.keys import verify_signature
from honnin.pki.rfc5280.names import EMPTY, prepared

__all__ = ["Kind", "kind_of", "path_by_kind"]

Kind = tuple[object, ...]

_PERSONAL = frozenset({extensions.SUBJECT_ALTERNATIVE_NAME, extensions.SUBJECT_KEY_IDENTIFIER})
_NOBODY = Signers(named=lambda _: (), trusted=lambda _: False)
_MOST_KINDS = 4096  # of one anchor; a municipality's distribution point makes a kind of its own, and there are 1,741


class _Known(msgspec.Struct, frozen=True):
    """What was found once: the user-constrained policies, and until when algorithms and keys are good enough."""

    policies: frozenset[str]
    good_until: datetime


def kind_of(certificate: Certificate) -> Kind:
    """Return every part of a certificate but the six fields in which those of one kind differ; remembered with it."""
    kind: Kind | None = certificate.memory.get("kind")
    if kind is None:
        spki = certificate.spki
        stated = [
            (oid, found.critical, None if oid in _PERSONAL else found.value)
            for oid, found in certificate.extensions.items()
        ]
        # The key counts by its algorithm, its length and, for RSA, its exponent: all but the modulus or the point.
        algorithm = (len(spki), spki[:33], spki[-5:])
        kind = (certificate.version, certificate.signature_algorithm, certificate.issuer, algorithm, tuple(stated))
        certificate.memory["kind"] = kind
    return kind


def path_by_kind(target: Certificate, context: PathContext) -> PathResult:
    """Return what `build_and_check` does; where the lane is taken, a revocation is told by the findings alone.

    context: without a purpose, and with the initial policies that RFC 5280 has by default.
    """
    store = context.store
    issuers = store.issuers_of(target)
    if not issuers or not store.is_anchor(issuers[0]) or store.anchor_equal_to(target) is not None:
        return build_and_check(target, context)
    anchor = issuers[0]
    kinds: dict[Kind, _Known] = anchor.memory.setdefault("kinds", {})
    kind = kind_of(target)
    known = kinds.get(kind)
    if known is not None and _alike(target, anchor, known, context):
        finding = status_of(target, (anchor,), context.revocation, at=context.at, signers=_NOBODY)
        return PathResult(fault=None, path=(target, anchor), policies=known.policies, findings=(finding,))
    result = build_and_check(target, context)
    if known is None and result.path == (target, anchor) and (result.fault is None or _only_revoked(result)):
        _remember(kinds, kind, target, anchor, result)
    return result


def _only_revoked(result: PathResult) -> bool:
    return result.fault is not None and result.fault.check == "revocation"


def _alike(target: Certificate, anchor: Certificate, known: _Known, context: PathContext) -> bool:
    """Judge what differs within a kind: validity, serial number, subject, alternative names, key and signature."""
    at = context.at
    if not (target.not_before <= at <= target.not_after and anchor.not_before <= at <= anchor.not_after):
        return False
    if at > known.good_until or not 0 < target.serial_number < 1 << 159:
        return False
    for crl in context.revocation.crls:
        if anchor.spki not in crl.memory.get("signed_by", ()):
            return False
    try:
        if target.subject == EMPTY or prepared(target.subject) == prepared(target.issuer):
            return False
        extensions.subject_alternative_names(target)
        extensions.subject_key_identifier(target)
        target.public_key()
        signed = verify_signature(anchor.public_key(), target.signature_algorithm, target.tbs, target.signature_value)
    except FormatError:
        return False
    if signed:
        target.memory["signed_by"] = anchor.spki
    return signed


def _remember(
    kinds: dict[Kind, _Known], kind: Kind, target: Certificate, anchor: Certificate, result: PathResult
) -> None:
    if extensions.name_constraints(anchor) is not None or target.version != 3:
        return
    good_until = min(
        signature_good_until(target.signature_algorithm),
        key_good_until(target.public_key()),
        key_good_until(anchor.public_key()),
    )
    if len(kinds) >= _MOST_KINDS:
        kinds.clear()
    kinds[kind] = _Known(result.policies, good_until)
