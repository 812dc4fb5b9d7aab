"""Recording checks: the rows of each are made before the transaction, those of a whole group written in it together.

What a check's rows depend on is little: which person its certificate belongs to, whether that person has a data key,
and whether its idempotency key was used. These are read before (`known`), the rows are made by them, and the
transaction reads them again for the whole group: where they still hold, the rows are written as they are, one statement
for each table; the few others are made anew inside the transaction (`record_one`). So the store stays locked for
statements alone, while certificates and ciphers are computed beside it.
"""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import BindParameter, Connection, bindparam, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from honnin.errors import HonninError
from honnin.platform import idempotency, linking, outbox
from honnin.platform.assuring import assured
from honnin.platform.checking import Gate, Judged, four_items_answer, law_answer
from honnin.platform.clock import japanese_day, moment
from honnin.platform.customers import customer_row, keep_customer, keep_customers
from honnin.platform.evidence.commitments import KEY_SIZE, commit_all
from honnin.platform.evidence.custody import Custody, Opening, list_name, small_revocation
from honnin.platform.evidence.record import Circumstances, build_record
from honnin.platform.evidence.sealing import ADD_KEY, SEAL, DataKey, Sealer
from honnin.platform.ids import new_id
from honnin.platform.keys import Keyring
from honnin.platform.models import Attribute, Tenant, Verification, VerificationAnswer, VerificationRequest
from honnin.platform.store import Store, schema
from honnin.platform.store.prepared import Among, Prepared
from honnin.platform.submission import Submission
from honnin.platform.tenants import allowed_attributes, log_of, standing

__all__ = ["Known", "Made", "Recorder", "retention_of"]

MOST_LISTS = 100_000
DEFAULT_RETENTION = "default"
DOCUMENT_KINDS = {"card": "my_number_card", "mobile": "mobile_certificate"}

_PEOPLE, _KEYS, _PENDING, _BOUND = (
    schema.person_certificates.c,
    schema.data_keys.c,
    schema.pending_links.c,
    schema.idempotency.c,
)
_KNOWN = Prepared(
    select(_PEOPLE.person_id, _KEYS.data_key_id, _KEYS.wrapped)
    .select_from(
        schema.person_certificates.outerjoin(
            schema.data_keys,
            (_KEYS.tenant_id == _PEOPLE.tenant_id)
            & (_KEYS.subject == _PEOPLE.person_id)
            & (_KEYS.retention == bindparam("rule"))
            & _KEYS.wrapped.is_not(None),
        )
    )
    .where(_PEOPLE.tenant_id == bindparam("tenant"), _PEOPLE.link_tag == bindparam("tag"))
)
_OF_TENANT: BindParameter[Any] = bindparam("tenant")
_PERSONS = Among(select(_PEOPLE.link_tag, _PEOPLE.person_id).where(_PEOPLE.tenant_id == _OF_TENANT), _PEOPLE.link_tag)
_WAITING = Among(select(_PENDING.link_tag).where(_PENDING.tenant_id == _OF_TENANT), _PENDING.link_tag)
_LIVING_KEYS = Among(
    select(_KEYS.subject, _KEYS.retention, _KEYS.data_key_id).where(
        _KEYS.tenant_id == _OF_TENANT, _KEYS.wrapped.is_not(None)
    ),
    _KEYS.subject,
)
_BINDINGS = Among(select(_BOUND.key_hash).where(_BOUND.tenant_id == _OF_TENANT), _BOUND.key_hash)
_ADD_VERIFICATION = Prepared(insert(schema.verifications))
_ADD_EVIDENCE = Prepared(
    insert(schema.evidence).values(
        {name: bindparam(name) for name in ("tenant_id", "evidence_id", "log_id", "created_at", "record")}
    )
)
Status = Literal["linked", "pending", "none"]


class Known(NamedTuple):
    """What the store knew of a certificate's person before the transaction. key: None where a new one is due."""

    person: str
    key: DataKey | None


@dataclass(frozen=True, slots=True, repr=False)
class Made:
    """A check that was made, on its way into the store.

    kin: its certificate's, None where nothing of a person is kept. tag: the tenant's name for the certificate.
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
    known: Known | None
    binding: idempotency.Binding | None
    session_id: str | None
    allowed: tuple[Attribute, ...]
    id: str = field(default_factory=lambda: new_id("ver"))
    evidence_id: str = field(default_factory=lambda: new_id("evd"))

    @property
    def retention(self) -> str:
        """The rule that says how long what is sealed of it is kept."""
        return retention_of(self.judged)

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
class _Draft:
    """A check with its rows, made for one state of the store. answer: None where only the transaction can make them."""

    made: Made
    person: str | None = None
    key: DataKey | None = None
    answer: VerificationAnswer | None = None
    rows: Sequence[tuple[Prepared, dict[str, Any]]] = ()


class _Seen:
    """What the transaction reads of one tenant for a group of drafts, and what the group itself adds."""

    def __init__(self, db: Connection, tenant_id: str, drafts: Sequence[_Draft]) -> None:
        tags = [draft.made.tag for draft in drafts if draft.made.tag is not None]
        people = [draft.made.known.person for draft in drafts if draft.made.known is not None]
        bindings = [draft.made.binding.key_hash for draft in drafts if draft.made.binding is not None]
        self._persons: dict[str, str] = dict(_PERSONS.rows(db, tags, tenant=tenant_id))
        self._waiting = {row[0] for row in _WAITING.rows(db, tags, tenant=tenant_id)}
        self._keys = {(row[0], row[1]): row[2] for row in _LIVING_KEYS.rows(db, people, tenant=tenant_id)}
        self._bound = {row[0] for row in _BINDINGS.rows(db, bindings, tenant=tenant_id)}

    def take(self, draft: _Draft) -> bool:
        """Tell whether a draft's rows hold, and count them as written if so."""
        made, key = draft.made, draft.key
        if draft.answer is None or key is None:
            return False
        if made.binding is not None and made.binding.key_hash in self._bound:
            return False
        if made.tag is not None and draft.person is not None:
            person = None if made.known is None else made.known.person
            if made.tag in self._waiting or self._persons.get(made.tag) != person:
                return False
            place = (draft.person, made.retention)
            if self._keys.get(place) != (None if key.row else key.id):
                return False
            self._persons[made.tag] = draft.person
            self._keys[place] = key.id
        if made.binding is not None:
            self._bound.add(made.binding.key_hash)
        return True


class Recorder:
    """Writes checks into one store."""

    def __init__(self, store: Store, keys: Keyring, sealer: Sealer) -> None:
        self._store = store
        self._keys = keys
        self._sealer = sealer
        self._logs: dict[str, str] = {}
        dialect = sqlite if store.is_sqlite else postgresql
        self._keep_list = Prepared(dialect.insert(schema.revocation_lists).on_conflict_do_nothing())
        self._lists: set[tuple[str, str]] = set()  # those that are known to be kept

    def log_of(self, tenant_id: str) -> str:
        """Return the log of a tenant, which never changes."""
        if tenant_id not in self._logs:
            with self._store.read() as db:
                self._logs[tenant_id] = log_of(db, tenant_id)
        return self._logs[tenant_id]

    def known(self, tenant_id: str, tag: str, retention: str) -> Known | None:
        """Return what the store knows now of a certificate's person, None for a certificate that it never saw."""
        for person, key_id, wrapped in self._store.look(_KNOWN, tenant=tenant_id, tag=tag, rule=retention):
            return Known(person, None if key_id is None else self._sealer.unwrapped(tenant_id, key_id, wrapped))
        return None

    def record(self, made: Made) -> "Future[VerificationAnswer]":
        """Record a check; its answer is there once it is durable."""
        draft = self._predicted(made)
        told = self._store.write_soon(self.record_together, draft, tenant=made.tenant.id)
        told.add_done_callback(lambda done: None if done.exception() else self._remember(made))
        return told

    def _remember(self, made: Made) -> None:
        if len(self._lists) > MOST_LISTS:
            self._lists = set()
        self._lists.update((made.tenant.id, list_name(crl)) for crl in made.judged.learned.crls)

    def record_together(self, db: Connection, drafts: Sequence[_Draft]) -> list[VerificationAnswer | HonninError]:
        """Write a group of checks; return each one's answer, or why there is none and nothing was written of it."""
        outcomes: dict[str, VerificationAnswer | HonninError] = {}
        tenants: dict[str, list[_Draft]] = defaultdict(list)
        for draft in drafts:
            tenants[draft.made.tenant.id].append(draft)
        for tenant_id, of_tenant in sorted(tenants.items()):
            seen = _Seen(db, tenant_id, of_tenant)
            holding = [draft for draft in of_tenant if seen.take(draft)]
            _write(db, holding)
            outcomes |= {draft.made.id: draft.answer for draft in holding if draft.answer is not None}
            told = [draft.made for draft in holding]
            for made in (draft.made for draft in of_tenant if draft.made.id not in outcomes):
                try:
                    earlier = self._earlier(db, made)
                except HonninError as error:
                    outcomes[made.id] = error
                else:
                    outcomes[made.id] = earlier or self._record_now(db, made)
                    if earlier is None:
                        told.append(made)
            if told:
                now = max(moment(made.at) for made in told)
                outbox.append_many(db, tenant_id, [made.event for made in told], now)
        return [outcomes[draft.made.id] for draft in drafts]

    def record_one(self, db: Connection, made: Made) -> tuple[VerificationAnswer, bool]:
        """Write one check without its event; return its answer, and whether it was written (else it was before)."""
        earlier = self._earlier(db, made)
        return (earlier, False) if earlier is not None else (self._record_now(db, made), True)

    def _earlier(self, db: Connection, made: Made) -> VerificationAnswer | None:
        if made.binding is None:
            return None
        answer = idempotency.recall(db, self._sealer, made.binding, at=made.at)
        return None if answer is None else msgspec.json.decode(answer, type=VerificationAnswer)

    def _predicted(self, made: Made) -> _Draft:
        """Return the draft that holds unless somebody gets in between."""
        kin, known = made.kin, made.known
        if kin is None:
            return self._draft(made, None, "none", None)
        if known is not None:
            return self._draft(made, known.person, "linked", known.key, self._customer_rows(made, known.person))
        if not kin.settled or len(kin.certificates) > 1:
            return _Draft(made)
        person = new_id("per")
        rows = linking.person_rows(made.tenant.id, person, made.tag or "", moment(made.at))
        return self._draft(made, person, "linked", None, [*rows, *self._customer_rows(made, person)])

    def _customer_rows(self, made: Made, person: str) -> list[tuple[Prepared, dict[str, Any]]]:
        if made.kin is None:
            return []
        row = customer_row(self._keys, made.tenant.id, person, *made.kin.certificates[0])
        return [(keep_customers(sqlite=self._store.is_sqlite), row)]

    def _list_rows(self, made: Made, now: str) -> list[tuple[Prepared, dict[str, Any]]]:
        """Return the rows of revocation lists that may not be kept yet."""
        tenant_id = made.tenant.id
        named = [(list_name(crl), crl) for crl in small_revocation(made.judged.learned.crls)]
        return [
            (self._keep_list, {"tenant_id": tenant_id, "digest": name, "created_at": now, "content": crl})
            for name, crl in named
            if (tenant_id, name) not in self._lists
        ]

    def _record_now(self, db: Connection, made: Made) -> VerificationAnswer:
        """Write a check by what the transaction reads itself."""
        person, status = self._person(db, made)
        key = None if person is None else self._sealer.find_key(db, made.tenant.id, person, made.retention)
        if made.binding is not None:
            idempotency.clear(db, made.binding, at=made.at)
        draft = self._draft(made, person, status, key)
        _write(db, [draft])
        if draft.answer is None:
            raise AssertionError
        return draft.answer

    def _person(self, db: Connection, made: Made) -> tuple[str | None, Status]:
        if made.kin is None:
            return None, "none"
        tenant_id, now = made.tenant.id, moment(made.at)
        tags = [linking.link_tag(self._keys, tenant_id, *key) for key in made.kin.certificates]
        if not made.kin.settled and linking.known_person(db, tenant_id, tags[0]) is None:
            linking.wait_for_link(db, tenant_id, tags[0], made.id)
            return None, "pending"
        person = linking.join_person(db, tenant_id, tags, now)
        keep_customer(db, self._keys, tenant_id, person, *made.kin.certificates[0])
        return person, "linked"

    def _draft(
        self,
        made: Made,
        person: str | None,
        status: Status,
        key: DataKey | None,
        rows: Sequence[tuple[Prepared, dict[str, Any]]] = (),
    ) -> _Draft:
        judged, tenant, now = made.judged, made.tenant, moment(made.at)
        kind: Any = judged.purpose
        body = Verification(
            id=made.id,
            livemode=tenant.livemode,
            created_at=made.at,
            purpose=made.request.purpose,
            channel=made.request.channel,
            verdict=judged.verdict,
            law=law_answer(judged.law),
            certificate_kind=kind,
            revocation=judged.revocation,
            evidence=made.evidence_id,
            session=made.session_id,
            messages=judged.report.words(),
            assurance=assured(judged.purpose, passed=judged.passed),
        )
        answer = _answer(made, body, person, status)
        opener = secrets.token_bytes(KEY_SIZE)
        commitments = _commitments(made, body, person, opener)
        written = [*rows, *self._list_rows(made, now)]
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
        evidence = {
            "tenant_id": tenant.id,
            "evidence_id": made.evidence_id,
            "log_id": made.log_id,
            "created_at": now,
            "record": _record(made, body, commitments),
        }
        written += [(_ADD_VERIFICATION, verification), (_ADD_EVIDENCE, evidence)]
        if key.row:
            written.append((ADD_KEY, key.row))
        for kind, part in _parts(made, opener, commitments):
            content = msgspec.msgpack.encode(part)
            written.append((SEAL, self._sealer.sealed(tenant.id, made.evidence_id, kind, content, key)))
        if made.binding is not None:
            encoded = msgspec.json.encode(answer)
            written += idempotency.rows(self._sealer, made.binding, made.id, encoded, at=made.at)
        return _Draft(made, person, key, answer, written)


def retention_of(judged: Judged) -> str:
    """Return the rule that says how long what is sealed of a check is kept."""
    law = judged.law
    return law.retention if law is not None and law.retention and judged.passed else DEFAULT_RETENTION


def _write(db: Connection, drafts: Sequence[_Draft]) -> None:
    tables: dict[Prepared, list[dict[str, Any]]] = defaultdict(list)
    for draft in drafts:
        for statement, row in draft.rows:
            tables[statement].append(row)
    for statement, rows in tables.items():
        statement.run_many(db, rows)


def _answer(made: Made, body: Verification, person: str | None, status: Status) -> VerificationAnswer:
    judged, tenant = made.judged, made.tenant
    shown = allowed_attributes(tenant, made.allowed)
    answer = VerificationAnswer(
        **{**msgspec.structs.asdict(body), "person": person, "person_status": status},
        four_items=four_items_answer(judged.report.four_items, shown, on=made.gate.on) if judged.passed else None,
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


def _record(made: Made, body: Verification, commitments: dict[str, str]) -> str:
    about = Circumstances(
        log_id=made.log_id,
        evidence_id=made.evidence_id,
        verification_id=made.id,
        tenant=made.tenant,
        at=moment(made.at),
        channel=made.request.channel,
        device=made.request.device,
        covers=made.brought.covers,
        document_kind=DOCUMENT_KINDS.get(made.judged.carrier or ""),
        certificate_kind=made.judged.purpose,
        verifier_status=standing(made.tenant).status_on(made.gate.on),
        client=made.session_id or "api",
    )
    return build_record(about, body.verdict, body.revocation, made.judged.law, commitments)


def _parts(made: Made, opener: bytes, commitments: dict[str, str]) -> list[tuple[str, Opening | Custody]]:
    """Return what is sealed of a check, by kind."""
    facts = made.judged.report.facts
    if "certificate" in commitments:
        facts = facts.with_commitments({0: commitments["certificate"]})
    opening = Opening(
        key=opener,
        facts=facts.encode(),
        revocation=small_revocation(made.judged.learned.ocsp),
        lists=tuple(list_name(crl) for crl in small_revocation(made.judged.learned.crls)),
        purpose=made.request.purpose,
    )
    parts: list[tuple[str, Opening | Custody]] = [("opening", opening)]
    if made.gate.custody and made.judged.passed:
        brought = made.brought
        custody = Custody(signed=brought.signed, content=brought.content, certificate=brought.certificate)
        parts.append(("custody", custody))
    return parts
