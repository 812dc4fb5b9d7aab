"""The rows of a check, made for one state of the store: verdict, evidence record, what is sealed beside it, answer.

Nothing here reads or writes the store. Whether the state that a draft was made for still holds when it is written is
for `recording`.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import insert

from honnin.platform import idempotency, linking
from honnin.platform.assuring import assured
from honnin.platform.checking import Gate, Judged, four_items_answer, law_answer
from honnin.platform.clock import japanese_day
from honnin.platform.customers import customer_row, keep_customers
from honnin.platform.evidence.commitments import KEY_SIZE, commit_all
from honnin.platform.evidence.custody import Custody, Opening, small_revocation
from honnin.platform.evidence.kept_once import KeptOnce, kept_name
from honnin.platform.evidence.packing import pack
from honnin.platform.evidence.record import Circumstances, build_record, record_rows
from honnin.platform.evidence.sealing import ADD_KEY, SEAL, DataKey, Sealer
from honnin.platform.ids import new_id
from honnin.platform.keys import Keyring
from honnin.platform.models import Attribute, Shown, Tenant, Verification, VerificationAnswer, VerificationRequest
from honnin.platform.showing import recorded
from honnin.platform.store import schema
from honnin.platform.store.prepared import Prepared
from honnin.platform.submission import Submission
from honnin.platform.tenants import allowed_attributes, standing
from honnin.words import in_all

__all__ = ["Draft", "Drafter", "Known", "Made", "Status"]

DEFAULT_RETENTION = "default"
DOCUMENT_KINDS = {"card": "my_number_card", "mobile": "mobile_certificate"}

_ADD_VERIFICATION = Prepared(insert(schema.verifications))
Status = Literal["linked", "pending", "none"]
Rows = list[tuple[Prepared, dict[str, Any]]]


class Known(NamedTuple):
    """What the store knew of a certificate's person before the transaction. key: None where a new one is due."""

    person: str
    key: DataKey | None


@dataclass(frozen=True, slots=True, repr=False)
class Made:
    """A check that was made, on its way into the store.

    kin: its certificate's, None where nothing of a person is kept. tag: the tenant's name for the certificate.
    now: `at` as it is stored. lists, certificates: what it shares with other checks, kept once.
    shown: what the service of a sign result proves to have shown.
    """

    tenant: Tenant
    request: VerificationRequest
    brought: Submission
    gate: Gate
    judged: Judged
    at: datetime
    log_id: str
    kin: linking.Kin | None
    tag: str | None
    binding: idempotency.Binding | None
    session_id: str | None
    allowed: tuple[Attribute, ...]
    now: str
    lists: tuple[bytes, ...]
    certificates: tuple[bytes, ...]
    shown: Shown | None = None
    id: str = field(default_factory=lambda: new_id("ver"))
    evidence_id: str = field(default_factory=lambda: new_id("evd"))

    @property
    def retention(self) -> str:
        """The rule that says how long what is sealed of it is kept."""
        law = self.judged.law
        return law.retention if law is not None and law.retention and self.judged.passed else DEFAULT_RETENTION

    @property
    def shared(self) -> tuple[bytes, ...]:
        """What is kept once of it."""
        return (*self.lists, *self.certificates)

    @property
    def event(self) -> tuple[str, dict[str, Any]]:
        """Kind and body of the event that tells of it."""
        indication = self.judged.verdict.indication
        return "verification.completed", {
            "verification": self.id,
            "indication": indication,
            "session": self.session_id,
        }


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """A check with its rows, made for one state of the store. answer: None where only the transaction can make them."""

    made: Made
    known: Known | None = None
    person: str | None = None
    key: DataKey | None = None
    answer: VerificationAnswer | None = None
    rows: Sequence[tuple[Prepared, dict[str, Any]]] = ()


class Drafter:
    """Makes the rows of one store's checks."""

    def __init__(self, keys: Keyring, sealer: Sealer, *, is_sqlite: bool) -> None:
        self._keys = keys
        self._sealer = sealer
        self._keep_customers = keep_customers(sqlite=is_sqlite)
        self._kept_once = KeptOnce(is_sqlite=is_sqlite)

    def kept(self, made: Made) -> None:
        """Remember that what a check shares with others is in the store."""
        self._kept_once.remember(made.tenant.id, made.shared)

    def predicted(self, made: Made, known: Known | None) -> Draft:
        """Return the draft that holds unless somebody gets in between."""
        kin = made.kin
        if kin is None:
            return self.draft(made, None, "none")
        if known is not None:
            rows = self._customer_rows(made, kin, known.person)
            return self.draft(made, known.person, "linked", known.key, rows, known)
        if not kin.settled or len(kin.certificates) > 1:
            return Draft(made)
        person = new_id("per")
        rows = linking.person_rows(made.tenant.id, person, made.tag or "", made.now)
        return self.draft(made, person, "linked", None, [*rows, *self._customer_rows(made, kin, person)])

    def draft(
        self,
        made: Made,
        person: str | None,
        status: Status,
        key: DataKey | None = None,
        rows: Sequence[tuple[Prepared, dict[str, Any]]] = (),
        known: Known | None = None,
    ) -> Draft:
        """Return the draft of a check for a person. key: what seals; a new one where there is none."""
        tenant, now = made.tenant, made.now
        body = _verification(made)
        answer = _answer(made, body, person, status)
        opener = os.urandom(KEY_SIZE)
        commitments = _commitments(made, body, person, opener)
        key = key or self._sealer.new_key(tenant.id, person or made.id, made.retention, now=now)
        verification = {
            "tenant_id": tenant.id,
            "verification_id": made.id,
            "created_at": now,
            "body": msgspec.json.encode(body).decode(),
            "person_id": person,
            "person_status": status,
            "evidence_id": made.evidence_id,
            "session_id": made.session_id,
        }
        recorded = _recorded(made, body, commitments)
        written = [
            *rows,
            *self._kept_once.rows(tenant.id, made.shared, now),
            (_ADD_VERIFICATION, verification),
            *recorded,
        ]
        if key.row:
            written.append((ADD_KEY, key.row))
        for kind, part in _parts(made, opener, commitments):
            content = pack(part, made.certificates)
            written.append((SEAL, self._sealer.sealed(tenant.id, made.evidence_id, kind, content, key)))
        if made.binding is not None:
            encoded = msgspec.json.encode(answer)
            written += idempotency.rows(self._sealer, made.binding, made.id, encoded, at=made.at)
        return Draft(made, known, person, key, answer, written)

    def _customer_rows(self, made: Made, kin: linking.Kin, person: str) -> Rows:
        row = customer_row(self._keys, made.tenant.id, person, *kin.certificates[0])
        return [(self._keep_customers, row)]


def _verification(made: Made) -> Verification:
    """Return a check as it is stored: without a person, who may become another."""
    judged = made.judged
    kind: Any = judged.purpose
    return Verification(
        id=made.id,
        livemode=made.tenant.livemode,
        created_at=made.at,
        purpose=made.request.purpose,
        channel=made.request.channel,
        verdict=judged.verdict,
        law=law_answer(judged.law),
        certificate_kind=kind,
        revocation=judged.revocation,
        evidence=made.evidence_id,
        session=made.session_id,
        messages=_words(judged),
        assurance=assured(judged.purpose, passed=judged.passed),
    )


def _words(judged: Judged) -> dict[str, str]:
    if judged.passed and judged.purpose == "user_authentication":  # nothing was signed that the person would know of
        return in_all("verdict.user_authentication")
    return judged.report.words()


def _answer(made: Made, body: Verification, person: str | None, status: Status) -> VerificationAnswer:
    judged, tenant = made.judged, made.tenant
    shown = allowed_attributes(tenant, made.allowed)
    answer = VerificationAnswer(
        **{**msgspec.structs.asdict(body), "person": person, "person_status": status},
        four_items=four_items_answer(judged.report.four_items, shown, on=made.gate.on) if judged.passed else None,
        shown=made.shown,
    )
    certificate = _certificate_for(made)
    return answer if certificate is None else msgspec.structs.replace(answer, certificate=certificate)


def _certificate_for(made: Made) -> bytes | None:
    """Return the certificate for a tenant that may have it: a certified verifier, with its legal ground configured."""
    tenant = made.tenant
    entitled = tenant.certificate_ground and standing(tenant).status_on(japanese_day(made.at)) == "certified"
    return made.brought.certificate if entitled and made.judged.passed else None


def _commitments(made: Made, body: Verification, person: str | None, opener: bytes) -> dict[str, str]:
    inputs = {
        **made.brought.inputs(),
        "purpose": made.request.purpose.encode("utf-8"),
        "verdict": msgspec.json.encode(body.verdict),
        "person": None if person is None else person.encode("ascii"),
    }
    return commit_all(opener, inputs)


def _recorded(made: Made, body: Verification, commitments: dict[str, str]) -> Rows:
    about = Circumstances(
        log_id=made.log_id,
        evidence_id=made.evidence_id,
        verification_id=made.id,
        tenant=made.tenant,
        at=made.now,
        channel=made.request.channel,
        device=made.request.device,
        covers=made.brought.covers,
        document_kind=DOCUMENT_KINDS.get(made.judged.carrier or ""),
        certificate_kind=made.judged.purpose,
        verifier_status=standing(made.tenant).status_on(made.gate.on),
        client=made.session_id or "api",
        signing=recorded(made.brought.opened, made.shown),
    )
    return record_rows(about, build_record(about, body.verdict, body.revocation, made.judged.law, commitments))


def _parts(made: Made, opener: bytes, commitments: dict[str, str]) -> list[tuple[str, Opening | Custody]]:
    """Return what is sealed of a check, by kind."""
    facts = made.judged.report.facts
    if "certificate" in commitments:
        facts = facts.with_commitments({0: commitments["certificate"]})
    opening = Opening(
        key=opener,
        facts=facts.encode(),
        revocation=small_revocation(made.judged.learned.ocsp),
        lists=tuple(kept_name(crl) for crl in made.lists),
        purpose=made.request.purpose,
        shown=None if made.shown is None else made.shown.jws,
    )
    parts: list[tuple[str, Opening | Custody]] = [("opening", opening)]
    if made.gate.custody and made.judged.passed:
        brought = made.brought
        custody = Custody(signed=brought.signed, content=brought.content, certificate=brought.certificate)
        parts.append(("custody", custody))
    return parts
