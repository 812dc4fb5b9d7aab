"""Keeping records: made once a check and law, corrected only by adding, read whole with a trace, ended by the clock.

Each entry is sealed under a data key of the record's own, so that a person's other data can be forgotten while the law
still asks for the record, and the record ends on its own day. So is what proves the check, as the law puts it: the
signed data with the certificate in sealed custody (AML and its likes), the result alone, or never a certificate
(consent to latest four items). The count begins when the business says that the relation ended.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from honnin.errors import GoneError, InputError, NotFoundError, ServiceError, StateError
from honnin.identity import FourItems
from honnin.law import retention, rule_table
from honnin.pki.jpki import four_items
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.platform import outbox
from honnin.platform.clock import from_text, japanese_day, moment
from honnin.platform.evidence.packing import read_custody
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.failing import Failing
from honnin.platform.idempotency import Once
from honnin.platform.ids import new_id
from honnin.platform.models import Caller, Verification
from honnin.platform.records.at_counter import CounterFacts, entry_of
from honnin.platform.records.items import RecordLaw, record_law
from honnin.platform.records.making import (
    CONSENT,
    Entry,
    Filled,
    Record,
    RecordRequest,
    first_entry,
    statements,
)
from honnin.platform.services import Mode
from honnin.platform.store import Store, schema
from honnin.platform.verifying import find_verification

__all__ = ["Records"]

LOGGER = logging.getLogger("honnin.platform")
MOST_ENTRIES = 200
COUNTER = "cch_"
CUSTODY = "signed_data_and_certificate"


class Records:
    """The records of one platform."""

    def __init__(self, store: Store, sealer: Sealer, modes: Callable[[bool], Mode], once: Once) -> None:
        self._store = store
        self._sealer = sealer
        self._modes = modes
        self._once = once
        self._failing = Failing(LOGGER, "records", passes=ServiceError)

    def make(self, caller: Caller, request: RecordRequest, *, idempotency_key: str | None = None) -> Record:
        """Make the record of a check; once a law.

        Raises NotFoundError `verification.unknown`, StateError `record.exists`, `record.not_passed`,
        `record.certificate_kept` (consent, where the check's certificate was kept),
        `verification.idempotency_conflict`, InputError `record.law` and what `first_entry` raises, GoneError
        `evidence.gone` when the check's custody has ended.
        """
        at = self._modes(caller.livemode).clock()

        def work(db: Connection) -> Record:
            check = find_verification(db, caller.id, request.verification)
            name = request.law or (check.law.law if check.law else "")
            law = record_law(name)
            if name not in {check.law.law if check.law else None, "jpki"}:
                raise InputError("record.law", "The check was not made under this law.")
            if law.holds == "customer" and (check.law is None or check.law.status != "satisfied"):
                raise StateError("record.not_passed", "The check does not satisfy its law.")
            person = self._person(db, caller, law, check)
            entry = first_entry(law, request, check, person, at=at)
            table = schema.records
            same = (table.c.tenant_id == caller.id) & (table.c.verification_id == check.id) & (table.c.law == name)
            if db.execute(select(table.c.record_id).where(same)).first() is not None:
                raise StateError("record.exists", "The check has its record already.", next="Add a correction to it.")
            consented = japanese_day(check.created_at)
            until = retention(CONSENT, {"consent_day": consented}).until if name == "jpki" else None
            record_id = self._begin(db, caller.id, check.id, name, entry, until)
            if law.evidence == CUSTODY:
                self._keep_custody(db, caller.id, record_id, law.retention, check.evidence, moment(at))
            return self._shown(db, caller, _row(db, caller.id, record_id))

        binding = self._once.binding(caller, "records", idempotency_key, request)
        return self._once.write(caller, binding, Record, work)

    def make_at_counter(
        self, db: Connection, tenant_id: str, law_name: str, facts: CounterFacts, custody: dict[str, bytes]
    ) -> str:
        """Make the record of a check at the counter in that check's transaction, and return its id.

        custody: what proves the check by kind, sealed under the record's own key. Raises what `entry_of` raises.
        """
        law = record_law(law_name)
        record_id = self._begin(db, tenant_id, facts.check, law_name, entry_of(law_name, facts), None)
        now = moment(facts.created_at)
        for kind, content in custody.items():
            self._sealer.seal(
                db, tenant_id, record_id, kind, content, subject=record_id, retention=law.retention, now=now
            )
        return record_id

    def _begin(
        self, db: Connection, tenant_id: str, check_id: str, law_name: str, entry: Entry, until: date | None
    ) -> str:
        """Write a record's row, its first entry and its event; return its id."""
        law, record_id = record_law(law_name), new_id("rec")
        db.execute(
            insert(schema.records).values(
                tenant_id=tenant_id,
                record_id=record_id,
                verification_id=check_id,
                law=law_name,
                created_at=moment(entry.at),
                retention=law.retention,
                keep_until=until.isoformat() if until else None,
            )
        )
        self._add(db, tenant_id, record_id, law.retention, entry)
        outbox.append(db, tenant_id, "record.made", {"record": record_id, "verification": check_id}, moment(entry.at))
        return record_id

    def correct(
        self,
        caller: Caller,
        record_id: str,
        *,
        by: str,
        reason: str,
        items: dict[str, str],
        idempotency_key: str | None = None,
    ) -> Record:
        """Add what was learnt or was wrong; earlier entries stay as they were.

        Raises NotFoundError `record.unknown`, StateError `record.ended`, `record.full`,
        `verification.idempotency_conflict`, InputError `record.empty` and what `statements` raises (here also items
        that the check filled may be given, as the business learnt them).
        """
        at = self._modes(caller.livemode).clock()

        def work(db: Connection) -> Record:
            row = _open_row(db, caller.id, record_id)
            law = record_law(row.law)
            if not items or not by.strip() or not reason.strip():
                raise InputError("record.empty", "A correction says what, who and why.")
            statements(_all_open(law), items)
            entries = self._entries(db, caller.id, record_id)
            if len(entries) >= MOST_ENTRIES:
                raise StateError("record.full", f"A record has at most {MOST_ENTRIES} entries.")
            named = {item.id: item for item in law.items}
            filled = tuple(
                Filled(number=named[name].number, id=name, name=named[name].ja, value=value)
                for name, value in items.items()
            )
            before = hashlib.sha256(msgspec.json.encode(entries[-1])).hexdigest()
            entry = Entry(number=len(entries) + 1, at=at, by=by, reason=reason, items=filled, before=before)
            self._add(db, caller.id, record_id, row.retention, entry)
            outbox.append(db, caller.id, "record.corrected", {"record": record_id, "entry": entry.number}, moment(at))
            return self._shown(db, caller, row)

        same = (record_id, by, reason, items)
        binding = self._once.binding(caller, "records.corrections", idempotency_key, same)
        return self._once.write(caller, binding, Record, work)

    def end_relation(self, caller: Caller, record_id: str, on: date) -> Record:
        """Start the retention clock: the relation, and what the check covered, ended on a day.

        A later day may replace an earlier one, never the other way round.
        Raises NotFoundError `record.unknown`, StateError `record.ended`, `record.clock_back`, `record.no_clock`,
        InputError `record.future` for a day that has not come in Japan.
        """
        at = self._modes(caller.livemode).clock()

        def work(db: Connection) -> Record:
            row = _open_row(db, caller.id, record_id)
            rule = rule_table().retention[row.retention]
            if row.law == "jpki":
                raise StateError("record.no_clock", "No end of a relation starts this record's clock.")
            if on > japanese_day(at):
                raise InputError("record.future", "The day has not come yet in Japan.")
            if row.relation_ended is not None and on.isoformat() < row.relation_ended:
                raise StateError("record.clock_back", "The relation ended later than that: a record is kept longer.")
            method = next(name for name, rows in rule_table().methods.items() if rows[-1].retention == row.retention)
            until = (
                retention(method, dict.fromkeys(rule.counts_from, on)).until if rule.years else on
            )  # only while needed
            table = schema.records
            db.execute(
                update(table)
                .where(table.c.tenant_id == caller.id, table.c.record_id == record_id)
                .values(relation_ended=on.isoformat(), keep_until=until.isoformat() if until else None)
            )
            outbox.append(db, caller.id, "record.relation_ended", {"record": record_id}, moment(at))
            return self._shown(db, caller, _row(db, caller.id, record_id))

        return self._store.write(work, tenant=caller.id)

    def read(self, caller: Caller, record_id: str) -> Record:
        """Return a record without its values. Raises NotFoundError `record.unknown`."""
        with self._store.read() as db:
            return self._shown(db, caller, _row(db, caller.id, record_id))

    def list(self, caller: Caller, *, after: str | None = None, limit: int = 20) -> tuple[tuple[Record, ...], bool]:
        """Return records newest first, and whether there are more. Raises NotFoundError `record.unknown`."""
        table = schema.records
        query = select(table).where(table.c.tenant_id == caller.id)
        with self._store.read() as db:
            if after is not None:
                last = _row(db, caller.id, after)
                query = query.where(
                    (table.c.created_at < last.created_at)
                    | ((table.c.created_at == last.created_at) & (table.c.record_id < after))
                )
            rows = db.execute(
                query.order_by(table.c.created_at.desc(), table.c.record_id.desc()).limit(limit + 1)
            ).all()
            return tuple(self._shown(db, caller, row) for row in rows[:limit]), len(rows) > limit

    def export(self, caller: Caller, record_id: str, *, by: str) -> tuple[Record, tuple[Entry, ...]]:
        """Return a record with all its entries, values included; who took it out stands in an event.

        Raises NotFoundError `record.unknown`, GoneError `record.ended`, StateError `record.damaged` for entries that
        do not follow each other.
        """
        at = self._modes(caller.livemode).clock()

        def work(db: Connection) -> tuple[Record, tuple[Entry, ...]]:
            row = _row(db, caller.id, record_id)
            if row.ended_at is not None:
                raise GoneError("record.ended", "The record's time has passed.")
            entries = self._entries(db, caller.id, record_id)
            outbox.append(db, caller.id, "record.exported", {"record": record_id, "by": by}, moment(at))
            return self._shown(db, caller, row), entries

        return self._store.write(work, tenant=caller.id)

    def end_due(self, today: date, now: str, *, livemode: bool) -> int:
        """Destroy the records of one mode whose last day has passed, with the custody of their checks; say how many.

        One that cannot be ended keeps no other.
        """
        table, tenants, ended = schema.records, schema.tenants, 0
        with self._store.read() as db:
            due = db.execute(
                select(table.c.tenant_id, table.c.record_id)
                .join(tenants, tenants.c.tenant_id == table.c.tenant_id)
                .where(table.c.keep_until < today.isoformat(), table.c.ended_at.is_(None))
                .where(tenants.c.livemode.is_(livemode), table.c.record_id.not_in(self._failing.paused()))
                .limit(500)
            ).all()
        for row in due:
            with self._failing.guard(row.record_id, tenant=row.tenant_id):
                ended += self._store.write(partial(self._end, row.tenant_id, row.record_id, now))
        return ended

    def _end(self, tenant_id: str, record_id: str, now: str, db: Connection) -> int:
        table, sealed = schema.records, schema.sealed
        row = _row(db, tenant_id, record_id)
        if row.ended_at is not None:
            return 0
        self._sealer.end(db, tenant_id, record_id, now)
        if not row.verification_id.startswith(COUNTER):  # a check at the counter left its custody with the record alone
            check = find_verification(db, tenant_id, row.verification_id)
            db.execute(
                delete(sealed).where(
                    sealed.c.tenant_id == tenant_id, sealed.c.sealed_id == check.evidence, sealed.c.kind == "custody"
                )
            )
        db.execute(
            update(table).where(table.c.tenant_id == tenant_id, table.c.record_id == record_id).values(ended_at=now)
        )
        outbox.append(db, tenant_id, "record.ended", {"record": record_id}, now)
        return 1

    def _person(self, db: Connection, caller: Caller, law: RecordLaw, check: Verification) -> FourItems | None:
        """Return the four items as custody proves them; see to it that what must not be kept is not."""
        if law.evidence == "no_certificate":
            try:
                self._sealer.open(db, caller.id, check.evidence, "custody")
            except GoneError:
                return None
            raise StateError("record.certificate_kept", "This check's certificate was kept; consent must not keep it.")
        if law.holds != "customer":
            return None
        custody = read_custody(db, self._sealer, caller.id, check.evidence)
        return four_items(parse_certificate(custody.certificate)) if custody.certificate is not None else None

    def _add(self, db: Connection, tenant_id: str, record_id: str, rule: str, entry: Entry) -> None:
        db.execute(
            insert(schema.record_entries).values(
                tenant_id=tenant_id,
                record_id=record_id,
                number=entry.number,
                created_at=moment(entry.at),
                item_ids=json.dumps([filled.id for filled in entry.items]),
            )
        )
        self._sealer.seal(
            db,
            tenant_id,
            record_id,
            f"entry.{entry.number}",
            msgspec.json.encode(entry),
            subject=record_id,
            retention=rule,
            now=moment(entry.at),
        )

    def _keep_custody(self, db: Connection, tenant_id: str, record_id: str, rule: str, evidence: str, now: str) -> None:
        """Seal what proves the check under the record's own key as well: it then ends on the record's day.

        The check's own copy ends with its person, which a business may be asked to forget while this law goes on.
        """
        for kind in ("custody", "opening"):
            content = self._sealer.open(db, tenant_id, evidence, kind)
            self._sealer.seal(db, tenant_id, record_id, kind, content, subject=record_id, retention=rule, now=now)

    def _entries(self, db: Connection, tenant_id: str, record_id: str) -> tuple[Entry, ...]:
        table = schema.record_entries
        mine = (table.c.tenant_id == tenant_id) & (table.c.record_id == record_id)
        numbers = db.execute(select(table.c.number).where(mine).order_by(table.c.number)).scalars().all()
        sealed = [self._sealer.open(db, tenant_id, record_id, f"entry.{number}") for number in numbers]
        entries = tuple(msgspec.json.decode(content, type=Entry) for content in sealed)
        before = [None, *(hashlib.sha256(content).hexdigest() for content in sealed[:-1])]
        if list(numbers) != list(range(1, len(numbers) + 1)) or [entry.before for entry in entries] != before:
            raise StateError("record.damaged", "The record's entries do not follow each other.")
        return entries

    def _shown(self, db: Connection, caller: Caller, row: Any) -> Record:
        law, table = record_law(row.law), schema.record_entries
        mine = (table.c.tenant_id == caller.id) & (table.c.record_id == row.record_id)
        given = db.execute(select(table.c.item_ids).where(mine)).scalars().all()
        have = {name for ids in given for name in json.loads(ids)}
        lacking = tuple(item.id for item in law.items if item.when == "always" and item.id not in have)
        return Record(
            id=row.record_id,
            livemode=caller.livemode,
            verification=row.verification_id,
            law=row.law,
            title=law.title,
            article=law.article,
            created_at=from_text(row.created_at),
            entries=len(given),
            status="ended" if row.ended_at else "incomplete" if lacking else "complete",
            missing=lacking,
            retention=row.retention,
            relation_ended=date.fromisoformat(row.relation_ended) if row.relation_ended else None,
            keep_until=date.fromisoformat(row.keep_until) if row.keep_until else None,
            evidence=law.evidence,
            custody=row.record_id if law.evidence == CUSTODY and not row.ended_at else None,
            numbering=law.note,
        )


def _row(db: Connection, tenant_id: str, record_id: str) -> Any:
    table = schema.records
    row = db.execute(select(table).where(table.c.tenant_id == tenant_id, table.c.record_id == record_id)).one_or_none()
    if row is None:
        raise NotFoundError("record.unknown", "There is no such record.", next="Check its id.")
    return row


def _open_row(db: Connection, tenant_id: str, record_id: str) -> Any:
    row = _row(db, tenant_id, record_id)
    if row.ended_at is not None:
        raise GoneError("record.ended", "The record's time has passed.")
    return row


def _all_open(law: RecordLaw) -> RecordLaw:
    """Return a law whose items may all be stated: the business learns of changes that no check told."""
    return msgspec.structs.replace(
        law, items=tuple(msgspec.structs.replace(item, from_check=False) for item in law.items)
    )
