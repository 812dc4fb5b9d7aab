"""The path of one more certificate of a kind that has been judged before under the same anchor.

A J-LIS CA writes millions of certificates that differ only in serial number, subject, validity, RSA key, subjectAltName
and subjectKeyIdentifier; `rfc5280.alike` reads them by a template. What RFC 5280 §6 says of a path of two (holder,
anchor) then follows from two parts: one that is the same for all of the template, judged once by `rfc5280.building` and
remembered with the anchor; and these six fields and the signature, judged here for each. The lane is taken only where
both parts together are all there is:

- the issuer that `building` would try first is an anchor, without name constraints, and the certificate is no anchor;
- every other octet of the certificate is that of one which passed, algorithm and length of the key included;
- every CRL at hand is known to be signed by that anchor, so that no other signer would be asked.

Whatever fails here is judged again in full, so nothing is refused by this module; a test holds that it passes nothing
that does not pass there. Remembered is only what a certificate brought that the anchor's key has signed: nobody else
can fill the memory. Signature, times and revocation are judged every time.
"""

from datetime import datetime
from functools import lru_cache

import msgspec

from honnin.errors import FormatError
from honnin.pki import jpki
from honnin.pki.revocation import status_of
from honnin.pki.revocation_sources import Signers
from honnin.pki.rfc5280 import alike, extensions
from honnin.pki.rfc5280.algorithms import key_good_until, signature_good_until
from honnin.pki.rfc5280.alike import Template
from honnin.pki.rfc5280.building import PathContext, PathResult, build_and_check
from honnin.pki.rfc5280.certificate import Certificate
from honnin.pki.rfc5280.keys import verify_signature
from honnin.pki.rfc5280.names import EMPTY, prepared, prepared_content

__all__ = ["path_by_kind"]

_NOBODY = Signers(named=lambda _: (), trusted=lambda _: False)
_MOST_KINDS = 8192  # of one anchor; a municipality's distribution point makes a kind of its own, and there are 1,741
_COMMON_NAME = b"\x06\x03\x55\x04\x03"


class _Known(msgspec.Struct, frozen=True):
    """What was found once: the user-constrained policies, and until when algorithms and keys are good enough."""

    policies: frozenset[str]
    good_until: datetime


def path_by_kind(target: Certificate, context: PathContext) -> PathResult:
    """Return what `build_and_check` does; where the lane is taken, a revocation is told by the findings alone.

    context: without a purpose, and with the initial policies that RFC 5280 has by default.
    """
    store = context.store
    issuers = store.issuers_of(target)
    if not issuers or not store.is_anchor(issuers[0]) or store.anchor_equal_to(target) is not None:
        return build_and_check(target, context)
    anchor = issuers[0]
    kinds: dict[Template, _Known] | None = anchor.memory.get("kinds")
    if kinds is None:
        kinds = anchor.memory["kinds"] = {}
    known = None if target.template is None else kinds.get(target.template)
    if known is not None and _alike(target, anchor, known, context):
        finding = status_of(target, (anchor,), context.revocation, at=context.at, signers=_NOBODY)
        return PathResult(fault=None, path=(target, anchor), policies=known.policies, findings=(finding,))
    result = build_and_check(target, context)
    if known is None and result.path == (target, anchor) and (result.fault is None or _only_revoked(result)):
        _remember(kinds, target, anchor, result)
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
        if not _is_somebody_else(target.subject, target.issuer):
            return False
        if jpki.plain_attributes(target) is None:
            extensions.subject_alternative_names(target)
        # subjectKeyIdentifier needs no look: `alike.divide` has proved its 20 octets
        target.public_key()
        if target.memory.get("signed_by") == anchor.spki:
            return True
        signed = verify_signature(anchor.public_key(), target.signature_algorithm, target.tbs, target.signature_value)
    except FormatError:
        return False
    if signed:
        target.memory["signed_by"] = anchor.spki
    return signed


def _is_somebody_else(subject: bytes, issuer: bytes) -> bool:
    """Return whether a subject is well formed, not empty, and another name than the issuer's.

    Holders' names end with a common name of letters and digits that is theirs alone; what stands before it is common to
    a municipality and remembered. Such a name is another one if it is without its last part. Raises FormatError.
    """
    start = 2 if subject[1] < 0x80 else 3
    last = subject.rfind(_COMMON_NAME)
    text = subject[last + 7 :]
    size = len(text)
    if (
        last - 4 > start
        and 0 < size < 100
        and subject[last - 4 : last] == bytes((0x31, size + 9, 0x30, size + 7))
        and subject[last + 5 : last + 7] in (bytes((0x13, size)), bytes((0x0C, size)))
        and text.isalnum()
        and _begins_otherwise(subject[start : last - 4], issuer)
    ):
        return True
    return subject != EMPTY and prepared(subject) != prepared(issuer)


@lru_cache(maxsize=8192)
def _begins_otherwise(content: bytes, issuer: bytes) -> bool:
    return prepared_content(content) != prepared(issuer)[:-1]


def _remember(kinds: dict[Template, _Known], target: Certificate, anchor: Certificate, result: PathResult) -> None:
    if extensions.name_constraints(anchor) is not None:
        return
    template = target.template or alike.remember(target.raw, target.extensions)
    if template is None:
        return
    good_until = min(
        signature_good_until(target.signature_algorithm),
        key_good_until(target.public_key()),
        key_good_until(anchor.public_key()),
    )
    if len(kinds) >= _MOST_KINDS:
        kinds.clear()
    kinds[template] = _Known(result.policies, good_until)
