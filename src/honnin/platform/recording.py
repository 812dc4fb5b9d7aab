"""Recording checks: the rows of each are made before the transaction, those of a whole group written in it together.

What a check's rows depend on is little: which person its certificate belongs to, whether that person has a data key,
and whether its idempotency key was used. These are read before, for all that are recorded together; the rows are made
by them (`drafting`), and the transaction reads them again for the whole group: where they still hold, the rows are
written as they are, one statement for each table; the few others are made anew inside the transaction (`record_one`).
So the store stays locked for statements alone, while certificates and ciphers are computed beside it.
"""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Connection, bindparam, select

from honnin.errors import HonninError
from honnin.platform import idempotency, linking, outbox
from honnin.platform.customers import keep_customer
from honnin.platform.drafting import Draft, Drafter, Known, Made, Status
from honnin.platform.erasing import PEOPLE_HELD, hold_people
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.keys import Keyring
from honnin.platform.models import VerificationAnswer
from honnin.platform.store import Store, schema
from honnin.platform.store.prepared import Among, Prepared, rows_together, sent_together
from honnin.platform.tenants import log_of

__all__ = ["Recorder", "Told"]

_PEOPLE, _KEYS, _PENDING, _BOUND = (
    schema.person_certificates.c,
    schema.data_keys.c,
    schema.pending_links.c,
    schema.idempotency.c,
)
_OF_TENANT: BindParameter[Any] = bindparam("tenant")
_KNOWN = Among(
    select(_PEOPLE.link_tag, _PEOPLE.person_id, _KEYS.retention, _KEYS.data_key_id, _KEYS.wrapped)
    .select_from(
        schema.person_certificates.outerjoin(
            schema.data_keys,
            (_KEYS.tenant_id == _PEOPLE.tenant_id) & (_KEYS.subject == _PEOPLE.person_id) & _KEYS.wrapped.is_not(None),
        )
    )
    .where(_PEOPLE.tenant_id == _OF_TENANT),
    _PEOPLE.link_tag,
)
_PERSONS = Among(select(_PEOPLE.link_tag, _PEOPLE.person_id).where(_PEOPLE.tenant_id == _OF_TENANT), _PEOPLE.link_tag)
_OF_PENDING = select(_PENDING.link_tag).where(_PENDING.tenant_id == _OF_TENANT)
_WAITING = {  # asked first: who was waiting before an erasure is taken for waiting, which only costs time
    "sqlite": Among(_OF_PENDING, _PENDING.link_tag),
    "postgresql": Among(_OF_PENDING.where(PEOPLE_HELD), _PENDING.link_tag),
}
_LIVING_KEYS = Among(
    select(_KEYS.subject, _KEYS.retention, _KEYS.data_key_id).where(
        _KEYS.tenant_id == _OF_TENANT, _KEYS.wrapped.is_not(None)
    ),
    _KEYS.subject,
)
_BINDINGS = Among(select(_BOUND.key_hash).where(_BOUND.tenant_id == _OF_TENANT), _BOUND.key_hash)
Told = Future[VerificationAnswer]


class _Seen:
    """What the transaction reads of one tenant for a group of drafts, and what the group itself adds."""

    def __init__(self, db: Connection, tenant_id: str, drafts: Sequence[Draft]) -> None:
        tags = [draft.made.tag for draft in drafts if draft.made.tag is not None]
        people = [draft.known.person for draft in drafts if draft.known is not None]
        bindings = [draft.made.binding.key_hash for draft in drafts if draft.made.binding is not None]
        asked = [(_WAITING[db.dialect.name], tags), (_PERSONS, tags), (_LIVING_KEYS, people), (_BINDINGS, bindings)]
        waiting, persons, keys, bound = rows_together(db, asked, tenant=tenant_id)
        self._persons: dict[str, str] = dict(persons)
        self._waiting = {row[0] for row in waiting}
        self._keys = {(row[0], row[1]): row[2] for row in keys}
        self._bound = {row[0] for row in bound}

    def take(self, draft: Draft) -> bool:
        """Tell whether a draft's rows hold, and count them as written if so."""
        made, key = draft.made, draft.key
        if draft.answer is None or key is None:
            return False
        if made.binding is not None and made.binding.key_hash in self._bound:
            return False
        if made.tag is not None and draft.person is not None:
            person = None if draft.known is None else draft.known.person
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
        self._drafter = Drafter(keys, sealer, is_sqlite=store.is_sqlite)
        self._logs: dict[str, str] = {}

    def log_of(self, tenant_id: str) -> str:
        """Return the log of a tenant, which never changes."""
        if tenant_id not in self._logs:
            with self._store.read() as db:
                self._logs[tenant_id] = log_of(db, tenant_id)
        return self._logs[tenant_id]

    def record(self, checks: Sequence[tuple[Made, Told]]) -> None:
        """Record checks; each one's answer is told once it is durable."""
        tenants: dict[str, list[tuple[Made, Told]]] = defaultdict(list)
        for made, told in checks:
            tenants[made.tenant.id].append((made, told))
        for tenant_id, of_tenant in tenants.items():
            try:
                known = self._known(tenant_id, [made for made, _ in of_tenant])
                drafts = [(self._drafter.predicted(made, known.get(made.id)), told) for made, told in of_tenant]
            except Exception as error:  # noqa: BLE001 - told to everyone who waits
                for _, told in of_tenant:
                    told.set_exception(error)
                continue
            for draft, told in drafts:
                told.add_done_callback(partial(self._remember, draft.made))
            self._store.write_soon(self.record_together, drafts, tenant=tenant_id)

    def _known(self, tenant_id: str, made: Sequence[Made]) -> dict[str, Known]:
        """Return what the store knows now of the persons of a tenant's checks, by the check's id."""
        by_tag = {one.tag: one for one in made if one.tag is not None}
        found: dict[str, dict[str | None, tuple[str, bytes]]] = defaultdict(dict)
        persons: dict[str, str] = {}
        for tag, person, retention, key_id, wrapped in self._store.look_among(_KNOWN, [*by_tag], tenant=tenant_id):
            persons[tag] = person
            found[tag][retention] = (key_id, wrapped)
        known: dict[str, Known] = {}
        for one in made:
            if one.tag is not None and (person := persons.get(one.tag)) is not None:
                key = found[one.tag].get(one.retention)
                known[one.id] = Known(person, None if key is None else self._sealer.unwrapped(tenant_id, *key))
        return known

    def _remember(self, made: Made, told: Told) -> None:
        if not told.exception() and told.result().id == made.id:  # else an earlier check answered, and nothing was kept
            self._drafter.kept(made)

    def record_together(self, db: Connection, drafts: Sequence[Draft]) -> list[VerificationAnswer | HonninError]:
        """Write a group of checks; return each one's answer, or why there is none and nothing was written of it."""
        outcomes: dict[str, VerificationAnswer | HonninError] = {}
        tenants: dict[str, list[Draft]] = defaultdict(list)
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
                outbox.append_many(db, tenant_id, [made.event for made in told], max(made.now for made in told))
        return [outcomes[draft.made.id] for draft in drafts]

    def record_one(self, db: Connection, made: Made) -> tuple[VerificationAnswer, bool]:
        """Write one check without its event; return its answer, and whether it was written (else it was before)."""
        hold_people(db, made.tenant.id)
        earlier = self._earlier(db, made)
        return (earlier, False) if earlier is not None else (self._record_now(db, made), True)

    def _earlier(self, db: Connection, made: Made) -> VerificationAnswer | None:
        if made.binding is None:
            return None
        answer = idempotency.recall(db, self._sealer, made.binding, at=made.at)
        return None if answer is None else msgspec.json.decode(answer, type=VerificationAnswer)

    def _record_now(self, db: Connection, made: Made) -> VerificationAnswer:
        """Write a check by what the transaction reads itself."""
        person, status = self._person(db, made)
        key = None if person is None else self._sealer.find_key(db, made.tenant.id, person, made.retention)
        if made.binding is not None:
            idempotency.clear(db, made.binding, at=made.at)
        draft = self._drafter.draft(made, person, status, key)
        _write(db, [draft])
        if draft.answer is None:
            raise AssertionError
        return draft.answer

    def _person(self, db: Connection, made: Made) -> tuple[str | None, Status]:
        if made.kin is None:
            return None, "none"
        tenant_id = made.tenant.id
        tags = [linking.link_tag(self._keys, tenant_id, *key) for key in made.kin.certificates]
        if not made.kin.settled and linking.known_person(db, tenant_id, tags[0]) is None:
            linking.wait_for_link(db, tenant_id, tags[0], made.id)
            return None, "pending"
        person = linking.join_person(db, tenant_id, tags, made.now)
        keep_customer(db, self._keys, tenant_id, person, *made.kin.certificates[0])
        return person, "linked"


def _write(db: Connection, drafts: Sequence[Draft]) -> None:
    tables: dict[Prepared, list[dict[str, Any]]] = defaultdict(list)
    for draft in drafts:
        for statement, row in draft.rows:
            tables[statement].append(row)
    with sent_together(db):
        for statement, rows in tables.items():
            statement.run_many(db, rows)
