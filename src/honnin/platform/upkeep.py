"""Customer upkeep: which customers' certificates a new revocation list ends, told to their tenants as events.

The join streams a tenant's sealed serial numbers of one issuer in key order, opens a page of them at once, and looks a
sorted array up in the index's sorted columns: no row becomes more than one Python object. What was told before is
remembered (`certificate_ends`), so that only differences are told; the events, that memory and the cursor are written
in one transaction, so that a kill loses nothing and tells nothing twice.

    certificate.ended           a certificate is listed that was not
    certificate.reason_changed  a listed one has another reason (a hold that became a revocation)
    certificate.hold_ended      one on hold is not listed any more: released, or expired meanwhile

A list that is stale at the clock of the mode ends nothing and releases nothing.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, delete, insert, select, update

from honnin.pki.index import RevocationIndex
from honnin.pki.index.issuer import Source, utc
from honnin.pki.rfc5280.crl import REASONS
from honnin.platform import outbox
from honnin.platform.clock import moment
from honnin.platform.customers import open_serials, serial_key
from honnin.platform.keys import Keyring
from honnin.platform.store import Store, schema

__all__ = ["Upkeep", "UpkeepReport"]

PAGE = 1 << 18  # rows read and looked up together
GROUP = 500  # events of one transaction: a tenant's checks wait for it
CHUNK = 400  # values of one IN list
HOLD = 6
FEW = 16  # a list this many times shorter than the page is looked up in the page, not the other way round


@dataclass(slots=True)
class UpkeepReport:
    """What a run did. unanswered: issuer key ids (hex) that have customers, but no list that is fresh."""

    customers: int = 0
    ended: int = 0
    reason_changed: int = 0
    hold_ended: int = 0
    resumed: int = 0
    unanswered: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A customer's certificate as a list has it."""

    reason: int
    ended_at: str
    source: Source


@dataclass(frozen=True, slots=True)
class _Line:
    """One tenant's certificates of one issuer, beside that issuer's fresh lists."""

    tenant_id: str
    issuer_key_id: bytes
    key: bytes = field(repr=False)
    kind: str | None
    sources: Sequence[Source]
    mark: str


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Holds customers' certificates against a revocation index.

    kinds: purpose of an issuer's certificates (`signature`, `user_authentication`) by its key id.
    """

    store: Store
    keys: Keyring
    index: RevocationIndex
    kinds: Mapping[bytes, str] = field(default_factory=dict)
    page: int = PAGE

    def run(self, *, livemode: bool, at: datetime) -> UpkeepReport:
        """Tell every tenant of one mode what ended, going on where an unfinished run stopped.

        Raises FormatError `index.torn`, `index.manifest`, ServiceError `store.down`.
        """
        report = UpkeepReport()
        tenants = schema.tenants
        with self.store.read() as db:
            rows = db.execute(
                select(tenants.c.tenant_id).where(tenants.c.livemode.is_(livemode)).order_by(tenants.c.tenant_id)
            )
            tenant_ids = list(rows.scalars())
        issuers = {key_id: self._fresh(key_id, at) for key_id in self.index.issuers()}
        for tenant_id in tenant_ids:
            for issuer_key_id in self._issuers_of(tenant_id):
                sources, mark = issuers.get(issuer_key_id, ((), ""))
                if not sources:
                    report.unanswered = sorted({*report.unanswered, issuer_key_id.hex()})
                    continue
                kind = self.kinds.get(issuer_key_id)
                key = serial_key(self.keys, tenant_id)
                self._run(_Line(tenant_id, issuer_key_id, key, kind, sources, mark), at, report)
        return report

    def _fresh(self, issuer_key_id: bytes, at: datetime) -> tuple[tuple[Source, ...], str]:
        """Return an issuer's fresh sources, and what tells them from those of another day."""
        found = tuple(source for source in self.index.sources(issuer_key_id) if source.fresh(at))
        return found, hashlib.sha256("".join(sorted(source.scope.crl for source in found)).encode()).hexdigest()

    def _issuers_of(self, tenant_id: str) -> Iterator[bytes]:
        column = schema.customer_certificates.c
        last = b""
        while True:
            with self.store.read() as db:
                found: bytes | None = db.execute(
                    select(column.issuer_key_id)
                    .where(column.tenant_id == tenant_id, column.issuer_key_id > last)
                    .order_by(column.issuer_key_id)
                    .limit(1)
                ).scalar()
            if found is None:
                return
            yield found
            last = found

    def _run(self, line: _Line, at: datetime, report: UpkeepReport) -> None:
        after = self._cursor(line)
        report.resumed += after != b""
        while True:
            sealed = self._page_after(line, after)
            if not sealed:
                break
            listed = _listed(line.sources, *open_serials(line.key, sealed))
            self._tell(line, after, sealed, listed, at, report)
            report.customers += len(sealed)
            after = sealed[-1]
        self.store.write(lambda db: _finish(db, line))

    def _cursor(self, line: _Line) -> bytes:
        """Return after which row an unfinished run over the same lists stopped."""
        cursors = schema.upkeep_cursors
        with self.store.read() as db:
            row = db.execute(select(cursors.c.after, cursors.c.mark).where(*_at(cursors, line))).one_or_none()
        return row.after if row is not None and row.mark == line.mark else b""

    def _page_after(self, line: _Line, after: bytes) -> list[bytes]:
        customers = schema.customer_certificates
        with self.store.read() as db:
            rows = db.execute(
                select(customers.c.serial)
                .where(*_at(customers, line), customers.c.serial > after)
                .order_by(customers.c.serial)
                .limit(self.page)
            )
            return list(rows.scalars())

    def _tell(
        self,
        line: _Line,
        after: bytes,
        sealed: list[bytes],
        listed: dict[int, _Listed],
        at: datetime,
        report: UpkeepReport,
    ) -> None:
        """Write what is new in a page, some events a transaction, the cursor moving with them."""
        ends = schema.certificate_ends
        with self.store.read() as db:
            told = db.execute(
                select(ends.c.serial, ends.c.reason, ends.c.scope).where(
                    *_at(ends, line), ends.c.serial > after, ends.c.serial <= sealed[-1]
                )
            ).all()
        found = {sealed[place]: one for place, one in listed.items()}
        known = {row.serial: row for row in told}
        differing = sorted(
            [serial for serial, one in found.items() if serial not in known or known[serial].reason != one.reason]
            + [serial for serial, row in known.items() if serial not in found and _released(line, row)]
        )
        for start in range(0, len(differing), GROUP):
            group = differing[start : start + GROUP]
            last = sealed[-1] if start + GROUP >= len(differing) else group[-1]
            counts = self.store.write(partial(_write, line=line, group=group, found=found, last=last, at=at))
            for name, count in counts.items():
                setattr(report, name, getattr(report, name) + count)
        if not differing:
            self.store.write(lambda db: _move(db, line, sealed[-1]))


def _listed(sources: Sequence[Source], serials: npt.NDArray[np.uint64], wide: dict[int, int]) -> dict[int, _Listed]:
    """Return which places of a page the lists name, and how."""
    order = np.argsort(serials)
    ordered = serials[order]
    found: dict[int, _Listed] = {}
    for source in sources:
        segment = source.segment
        column = segment.array("narrow")
        if len(column):
            places, rows = _common(ordered, column)
            for place, row in zip(order[places].tolist(), rows.tolist(), strict=True):
                if place not in wide:
                    found[place] = _as_listed(source, row)
        for place, serial in wide.items():
            if (row := segment.find(serial)) >= 0:
                found[place] = _as_listed(source, row)
    return found


def _common(asked: npt.NDArray[np.uint64], column: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return places and rows at which two sorted columns of different numbers agree."""
    if len(column) * FEW < len(asked):
        places = np.minimum(np.searchsorted(asked, column.astype(np.uint64)), len(asked) - 1)
        rows = np.flatnonzero(asked[places] == column)
        return places[rows], rows
    fits = asked[: np.searchsorted(asked, np.uint64(np.iinfo(column.dtype).max), side="right")]
    rows = np.minimum(np.searchsorted(column, fits.astype(column.dtype, copy=False)), len(column) - 1)
    places = np.flatnonzero(column[rows] == fits)
    return places, rows[places]


def _as_listed(source: Source, row: int) -> _Listed:
    return _Listed(source.segment.reasons[row], moment(utc(source.segment.date(row))), source)


def _scope(source: Source) -> str:
    """Return the name of a list's scope, the same from one day's list to the next."""
    return hashlib.sha256(repr(source.scope.key).encode()).hexdigest()


def _released(line: _Line, row: Any) -> bool:
    """Tell whether a certificate that was on hold is missing in the fresh list of the scope that held it."""
    return row.reason == HOLD and any(_scope(source) == row.scope for source in line.sources)


def _at(table: Any, line: _Line) -> tuple[Any, Any]:
    return (table.c.tenant_id == line.tenant_id, table.c.issuer_key_id == line.issuer_key_id)


def _write(
    db: Connection, *, line: _Line, group: list[bytes], found: Mapping[bytes, _Listed], last: bytes, at: datetime
) -> dict[str, int]:
    """Tell one group: what was told meanwhile, by another process, is read again under this transaction."""
    people = _by_serial(db, schema.customer_certificates, line, group)
    known = _by_serial(db, schema.certificate_ends, line, group)
    counts = {"ended": 0, "reason_changed": 0, "hold_ended": 0}
    events: list[tuple[str, dict[str, Any]]] = []
    fresh: list[dict[str, Any]] = []
    for serial in group:
        person, before, now = people.get(serial), known.get(serial), found.get(serial)
        if person is None or (before.reason if before else None) == (now.reason if now else None):
            continue  # forgotten, or told meanwhile
        what = "ended" if before is None else "reason_changed" if now is not None else "hold_ended"
        counts[what] += 1
        events.append((f"certificate.{what}", _body(line, person.person_id, now, at)))
        if before is not None:
            ends = schema.certificate_ends
            db.execute(delete(ends).where(*_at(ends, line), ends.c.serial == serial))
        if now is not None:
            fresh.append(
                {
                    "tenant_id": line.tenant_id,
                    "issuer_key_id": line.issuer_key_id,
                    "serial": serial,
                    "reason": now.reason,
                    "ended_at": now.ended_at,
                    "scope": _scope(now.source),
                }
            )
    if fresh:
        db.execute(insert(schema.certificate_ends), fresh)
    _move(db, line, last)
    outbox.append_many(db, line.tenant_id, events, moment(at))
    return counts


def _by_serial(db: Connection, table: Any, line: _Line, serials: list[bytes]) -> dict[bytes, Any]:
    found: dict[bytes, Any] = {}
    for start in range(0, len(serials), CHUNK):
        rows = db.execute(select(table).where(*_at(table, line), table.c.serial.in_(serials[start : start + CHUNK])))
        found.update((row.serial, row) for row in rows)
    return found


def _body(line: _Line, person_id: str, listed: _Listed | None, at: datetime) -> dict[str, Any]:
    """Return what a tenant is told: whose certificate, its state, the kind of source and its time."""
    body: dict[str, Any] = {"person": person_id, "certificate": line.kind, "source": "crl"}
    if listed is None:
        return {**body, "status": "not_listed", "checked_at": moment(at)}
    return {
        **body,
        "status": "on_hold" if listed.reason == HOLD else "revoked",
        "reason": REASONS.get(listed.reason),
        "ended_at": listed.ended_at,
        "checked_at": moment(listed.source.this_update),
    }


def _move(db: Connection, line: _Line, after: bytes) -> None:
    cursors = schema.upkeep_cursors
    moved = db.execute(update(cursors).where(*_at(cursors, line)).values(after=after, mark=line.mark))
    if not moved.rowcount:
        db.execute(
            insert(cursors).values(
                tenant_id=line.tenant_id, issuer_key_id=line.issuer_key_id, after=after, mark=line.mark
            )
        )


def _finish(db: Connection, line: _Line) -> None:
    cursors = schema.upkeep_cursors
    db.execute(delete(cursors).where(*_at(cursors, line)))
