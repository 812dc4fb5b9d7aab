"""Facts about the signer's certificate and its path: what is kept of it, and what is left out (facts.CertificateFacts).

The path is looked for at a moment within the certificate's own validity, so that an expired certificate still shows
whose it was; whether it was valid when it mattered is for `judging`. Revocation is asked for the moment of judgement,
and where that leaves it open also for the certificate's last moment and for the moment that is proved.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from honnin.errors import FormatError
from honnin.pki.facts import (
    CertificateFacts,
    ExtensionFacts,
    LinkFacts,
    PathFacts,
    RevocationFacts,
    SignatureFacts,
    SignerFacts,
    Situation,
)
from honnin.pki.jpki import four_items, key_name
from honnin.pki.kinds import path_by_kind
from honnin.pki.revocation import status_of
from honnin.pki.revocation_sources import Revocation, Signers, read_revocation
from honnin.pki.rfc5280 import alike, extensions
from honnin.pki.rfc5280.building import PathContext, build_and_check
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.profile import Fault, form_fault
from honnin.pki.rfc5280.store import Store, store_of
from honnin.pki.verdict import Status

__all__ = ["Trust", "certificate_facts", "path_facts", "signer_facts"]

_KEY_USAGES = (
    "digital_signature",
    "non_repudiation",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
_ALIKE = alike.NOBODYS  # of all others but the key's identifier only the OID and whether it is critical is kept
_KEY_ID = extensions.SUBJECT_KEY_IDENTIFIER
_NAMES = ExtensionFacts(oid=extensions.SUBJECT_ALTERNATIVE_NAME)
_SITUATIONS: dict[str, Situation] = {
    "constraints": "constraints",
    "algorithm": "algorithm",
    "expired": "expired",
    "not_yet_valid": "not_yet_valid",
}
_MOST_MOMENTS = 4  # each costs a look at all revocation data
_NOBODY = Signers(named=lambda _: (), trusted=lambda _: False)


class Trust:
    """What a verification was given to judge certificates by: DER each. Parsed when first needed.

    carried: whether intermediates and revocation data that a signed file brings along count, too.
    """

    __slots__ = ("_revocation", "_store", "anchors", "carried", "crls", "intermediates", "ocsp")

    def __init__(
        self,
        anchors: tuple[bytes, ...] = (),
        intermediates: tuple[bytes, ...] = (),
        crls: tuple[bytes, ...] = (),
        ocsp: tuple[bytes, ...] = (),
        *,
        carried: bool = True,
    ) -> None:
        self.anchors = anchors
        self.carried = carried
        self.intermediates = intermediates
        self.crls = crls
        self.ocsp = ocsp
        self._store: Store | None = None
        self._revocation: Revocation | None = None

    @property
    def store(self) -> Store:
        """Anchors and intermediates by name."""
        if self._store is None:
            self._store = store_of(self.anchors, self.intermediates)
        return self._store

    @property
    def revocation(self) -> Revocation:
        """Lists and answers, parsed; small lists are remembered, for they come again with every verification."""
        if self._revocation is None:
            lists = (
                _lists(self.crls) if sum(map(len, self.crls)) <= _REMEMBERED_BYTES else read_revocation(self.crls, ())
            )
            if self.ocsp:
                answers = read_revocation((), self.ocsp)
                lists = Revocation(lists.crls, answers.ocsp, lists.unreadable + answers.unreadable)
            self._revocation = lists
        return self._revocation

    @property
    def has_revocation(self) -> bool:
        """Whether any list or answer was given."""
        return bool(self.crls or self.ocsp)

    def joined(self, intermediates: tuple[bytes, ...], crls: tuple[bytes, ...], ocsp: tuple[bytes, ...]) -> "Trust":
        """Return it with what a signed file brought along; a file never brings anchors.

        Where nothing carried counts, the signer cannot choose the revocation data that it is judged by.
        """
        if not self.carried:
            return self
        return Trust(self.anchors, (*self.intermediates, *intermediates), (*self.crls, *crls), (*self.ocsp, *ocsp))


_REMEMBERED_BYTES = 1 << 20


@lru_cache(maxsize=32)
def _lists(crls: tuple[bytes, ...]) -> Revocation:
    return read_revocation(crls, ())


def signer_facts(
    certificate: Certificate,
    signature: SignatureFacts,
    trust: Trust,
    at: datetime,
    existed_at: datetime | None,
    signing_time: datetime | None = None,
) -> SignerFacts:
    """Return all that is learned of one signature whose value has been checked. Raises FormatError as below."""
    path, revocation = path_facts(certificate, trust, at, existed_at)
    return SignerFacts(
        signature=signature,
        certificate=certificate_facts(certificate, path),
        path=path,
        revocation=revocation,
        signing_time=signing_time,
    )


def certificate_facts(certificate: Certificate, path: PathFacts) -> CertificateFacts:
    """Return what is kept of the signer's certificate. Raises FormatError for malformed extensions."""
    shared = _shared(certificate)
    issuer_key_id = shared.issuer_key_id
    if issuer_key_id is None and path.certificates:
        issuer_key_id = extensions.subject_key_identifier(parse_certificate(path.certificates[0]))
    return CertificateFacts(
        issuer_key_id=issuer_key_id,
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        key=shared.key if shared.key and "key" in certificate.memory else _key(certificate),
        signature_algorithm=certificate.signature_algorithm,
        key_usage=shared.key_usage,
        extended_key_usage=shared.extended_key_usage,
        policies=shared.policies,
        attributes=_attributes(certificate),
        extensions=shared.extensions + _own(certificate),
    )


class _Shared(msgspec.Struct, frozen=True):
    """What certificates that are read by one template have alike. key: None where each is asked for its own."""

    key: str | None
    issuer_key_id: bytes | None
    key_usage: tuple[str, ...] | None
    extended_key_usage: tuple[str, ...] | None
    policies: tuple[str, ...]
    extensions: tuple[ExtensionFacts, ...]


def _shared(certificate: Certificate) -> _Shared:
    """Return what certificates of this one's template have alike, remembered with that."""
    template = certificate.template
    shared: _Shared | None = None if template is None else template.memory.get("facts")
    if shared is None:
        identifier = extensions.authority_key_identifier(certificate)
        extended = extensions.extended_key_usage(certificate)
        shared = _Shared(
            key=None if template is None else "rsa-2048",
            issuer_key_id=identifier.key_identifier if identifier else None,
            key_usage=_usage_names(extensions.key_usage(certificate)),
            extended_key_usage=None if extended is None else tuple(sorted(extended)),
            policies=_sorted(extensions.certificate_policies(certificate)),
            extensions=tuple(
                ExtensionFacts(oid=oid, critical=found.critical, value=found.value)
                for oid, found in certificate.extensions.items()
                if oid in _ALIKE
            ),
        )
        if template is not None:
            template.memory["facts"] = shared
    return shared


def _own(certificate: Certificate) -> tuple[ExtensionFacts, ...]:
    """Return the holder's own extensions; only a key identifier keeps its value."""
    if certificate.template is not None:
        # By a template these two are all there are, in this order.
        identifier = ExtensionFacts(oid=_KEY_ID, value=certificate.extensions[_KEY_ID].value)
        return (_NAMES, identifier) if _NAMES.oid in certificate.extensions else (identifier,)
    return tuple(
        ExtensionFacts(oid=oid, critical=found.critical, value=found.value if oid == _KEY_ID else None)
        for oid, found in certificate.extensions.items()
        if oid not in _ALIKE
    )


def path_facts(
    certificate: Certificate, trust: Trust, at: datetime, existed_at: datetime | None
) -> tuple[PathFacts, tuple[RevocationFacts, ...]]:
    """Look for a path, and ask for the status of the signer and of each CA certificate below the anchor."""
    moment = min(max(existed_at or at, certificate.not_before), certificate.not_after)
    if not trust.anchors:
        return PathFacts(situation="no_path", at=moment, reason="No trust anchor was given."), ()
    context = PathContext(store=trust.store, revocation=trust.revocation, mode="require", at=moment)
    result = path_by_kind(certificate, context)
    fault = result.fault
    if fault is not None and fault.check != "revocation":
        return PathFacts(situation=_situation(fault, certificate), at=moment, reason=fault.reason), ()
    certificates, links = _above(result.path)
    path = PathFacts(
        situation="passed", at=moment, certificates=certificates, links=links, policies=_sorted(result.policies)
    )
    if not trust.has_revocation:
        return path, ()
    asked: list[RevocationFacts] = []
    if existed_at is not None and at > moment:
        asked += _asked_later(certificate, result.path, context, at)
    asked += [_status(of, moment, finding.status) for of, finding in enumerate(result.findings)]
    return path, tuple(asked)


def _above(path: tuple[Certificate, ...]) -> tuple[tuple[bytes, ...], tuple[LinkFacts, ...]]:
    """Return what facts hold of the CA certificates of a path; remembered with the issuer where it is the anchor."""
    issuer = path[1] if len(path) == 2 else None
    known: tuple[tuple[bytes, ...], tuple[LinkFacts, ...]] | None = issuer.memory.get("above") if issuer else None
    if known is None:
        known = tuple([one.raw for one in path[1:]]), tuple([_link(one) for one in path[1:]])
        if issuer is not None:
            issuer.memory["above"] = known
    return known


def _situation(fault: Fault, certificate: Certificate) -> Situation:
    """Return the row for a path's fault. What is malformed above the signer is no path, for a better one may exist."""
    if fault.situation == "malformed":
        own = form_fault(certificate)
        return "malformed" if own is not None and own.situation == "malformed" else "no_path"
    return _SITUATIONS.get(fault.situation, "no_path")


def _asked_later(
    certificate: Certificate, path: tuple[Certificate, ...], context: PathContext, at: datetime
) -> list[RevocationFacts]:
    """Ask for the moment of judgement, the certificate's last one, and those at which data were made in between.

    What came to be known since the proof counts; so does a `good` of data made soon after it and kept with the file.
    """
    asked: list[RevocationFacts] = []
    made = [crl.this_update for crl in context.revocation.crls]
    made += [single.this_update for answer in context.revocation.ocsp for single in answer.responses]
    between = sorted({moment for moment in made if context.at < moment <= min(at, certificate.not_after)})
    for moment in dict.fromkeys((at, min(at, certificate.not_after), *between[:_MOST_MOMENTS])):
        later = replace(context, at=moment)
        result = build_and_check(certificate, later)
        if result.findings and result.path == path:
            asked += [_status(of, moment, finding.status) for of, finding in enumerate(result.findings)]
            continue
        # The path itself has ended since; its own issuers still speak for what they issued.
        for of in range(len(path) - 1):
            finding = status_of(path[of], path[of + 1 :], later.revocation, at=moment, signers=_NOBODY)
            asked.append(_status(of, moment, finding.status))
    return asked


def _status(of: int, moment: datetime, status: Status) -> RevocationFacts:
    proof = status.proof
    if proof is None:
        return RevocationFacts(of=of, at=moment, state=status.state, reason=status.reason, revoked_at=status.revoked_at)
    return RevocationFacts(
        of=of,
        at=moment,
        state=status.state,
        reason=status.reason,
        revoked_at=status.revoked_at,
        kind=proof.get("kind"),
        this_update=proof.get("this_update"),
        next_update=proof.get("next_update"),
        detail=_detail(proof),
    )


def _detail(proof: dict[str, Any]) -> dict[str, str] | None:
    if proof.get("kind") == "crl":
        number = proof["number"]
        return None if number is None else {"number": number}
    detail = {
        name: value.hex() if isinstance(value, bytes) else str(value)
        for name, value in proof.items()
        if name not in {"kind", "this_update", "next_update"} and value is not None
    }
    return detail or None


def _key(certificate: Certificate) -> str:
    try:
        return key_name(certificate.public_key())
    except FormatError:
        return "unsupported"


@lru_cache(maxsize=512)
def _usage_names(usage: int | None) -> tuple[str, ...] | None:
    if usage is None:
        return None
    return tuple(name for bit, name in enumerate(_KEY_USAGES) if usage >> bit & 1)


@lru_cache(maxsize=512)
def _sorted(policies: frozenset[str] | None) -> tuple[str, ...]:
    return tuple(sorted(policies or ()))


def _link(issuer: Certificate) -> LinkFacts:
    """Return what judging needs of a CA certificate; remembered with it."""
    known: LinkFacts | None = issuer.memory.get("link")
    if known is None:
        known = issuer.memory["link"] = LinkFacts(
            not_before=issuer.not_before,
            not_after=issuer.not_after,
            key=_key(issuer),
            signature_algorithm=issuer.signature_algorithm,
        )
    return known


def _attributes(certificate: Certificate) -> Literal["whole", "partial", "absent", "malformed"]:
    try:
        found = four_items(certificate)
    except FormatError:
        return "malformed"
    if found is None:
        return "absent"
    whole = found.name and found.address and found.birth_date and found.sex
    return "whole" if whole else "partial"
