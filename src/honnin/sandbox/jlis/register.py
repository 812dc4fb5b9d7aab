"""The register of the sandbox CA: which certificates were issued to whom, and which of them ended, when and why.

A row holds everything that its certificate will say; key and DER are made when somebody first needs them
(`issuing`). All questions are asked as of a moment: what happens later is not known yet.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from sqlite3 import Row
from typing import Literal

import msgspec

from honnin.sandbox.jlis.holder import Holder
from honnin.sandbox.jlis.profile import Kind, Line, profile
from honnin.sandbox.world import World

__all__ = ["Entry", "Reason", "add", "entry", "of_person", "on_card", "revoke", "revoked"]

Reason = Literal[
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
]

LARGEST_STRIDE = 4093  # serials of one kind are not one person's alone: others were issued in between


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One certificate's row."""

    kind: Kind
    serial: int
    line: Line
    generation: int
    person: str
    card: str
    holder: Holder
    municipality: str
    not_before: datetime
    not_after: datetime
    previous: int | None
    revoked_at: datetime | None
    reason: Reason | None
    der: bytes | None

    def revoked_by(self, moment: datetime) -> bool:
        """Tell whether it has ended before its time, as far as is known at a moment."""
        return self.revoked_at is not None and self.revoked_at <= moment


def add(
    world: World,
    *,
    kind: Kind,
    line: Line,
    generation: int,
    person: str,
    card: str,
    holder: Holder,
    not_before: datetime,
    not_after: datetime,
) -> int:
    """Enter a new certificate and return its serial number, unique in its kind over every generation."""
    with world.transaction() as db:
        latest = _latest(world, person, kind, not_before)
        serial = _next_serial(world, kind, f"{person}/{not_before.timestamp():.0f}")
        db.execute(
            "INSERT INTO jlis_certificates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)",
            (
                kind,
                serial,
                line,
                generation,
                person,
                card,
                msgspec.json.encode(holder).decode(),
                holder.municipality,
                not_before.timestamp(),
                not_after.timestamp(),
                None if latest is None else latest.serial,
            ),
        )
    return serial


def revoke(world: World, found: Entry, at: datetime, reason: Reason) -> None:
    """End a certificate; one that has ended already keeps its first moment and reason."""
    with world.transaction() as db:
        db.execute(
            "UPDATE jlis_certificates SET revoked_at = ?, reason = ? WHERE kind = ? AND serial = ?"
            " AND (revoked_at IS NULL OR revoked_at > ?)",
            (at.timestamp(), reason, found.kind, found.serial, at.timestamp()),
        )


def entry(world: World, kind: Kind, serial: int) -> Entry | None:
    """Return one certificate's row, or None for a serial that was never issued."""
    if serial.bit_length() > 63:
        return None
    row = (
        world.connection()
        .execute("SELECT * FROM jlis_certificates WHERE kind = ? AND serial = ?", (kind, serial))
        .fetchone()
    )
    return None if row is None else _read(row)


def of_person(world: World, person: str, moment: datetime) -> list[Entry]:
    """Return a person's certificates issued by a moment, oldest first."""
    rows = world.connection().execute(
        "SELECT * FROM jlis_certificates WHERE person = ? AND not_before <= ? ORDER BY not_before, kind, serial",
        (person, moment.timestamp()),
    )
    return [_read(row) for row in rows]


def on_card(world: World, card: str, kind: Kind, moment: datetime) -> Entry | None:
    """Return the certificate of a kind that lies on a chip at a moment: the last one written there."""
    row = (
        world.connection()
        .execute(
            "SELECT * FROM jlis_certificates WHERE card = ? AND kind = ? AND not_before <= ?"
            " ORDER BY not_before DESC, serial DESC LIMIT 1",
            (card, kind, moment.timestamp()),
        )
        .fetchone()
    )
    return None if row is None else _read(row)


def revoked(
    world: World, kind: Kind, line: Line, generation: int, *, by: datetime, municipality: str | None = None
) -> list[Entry]:
    """Return one CA's certificates ended by a moment and not yet past their time, in order of serial number."""
    rows = world.connection().execute(
        "SELECT * FROM jlis_certificates WHERE kind = ? AND line = ? AND generation = ? AND revoked_at <= ?"
        " AND not_after >= ? AND (? IS NULL OR municipality = ?) ORDER BY serial",
        (kind, line, generation, by.timestamp(), by.timestamp() - 86400, municipality, municipality),
    )
    return [_read(row) for row in rows]


def _latest(world: World, person: str, kind: Kind, moment: datetime) -> Entry | None:
    own = [found for found in of_person(world, person, moment) if found.kind == kind]
    return own[-1] if own else None


def _next_serial(world: World, kind: Kind, salt: str) -> int:
    db = world.connection()
    db.execute("INSERT OR IGNORE INTO jlis_serials VALUES (?, ?)", (kind, profile().kinds[kind].first_serial))
    stride = 1 + int.from_bytes(sha256(f"{kind}/{salt}".encode()).digest()[:4]) % LARGEST_STRIDE
    row = db.execute("UPDATE jlis_serials SET last = last + ? WHERE kind = ? RETURNING last", (stride, kind)).fetchone()
    serial: int = row["last"]
    return serial


def _read(row: Row) -> Entry:
    def time(seconds: float | None) -> datetime | None:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    begin, end = time(row["not_before"]), time(row["not_after"])
    assert begin is not None  # noqa: S101
    assert end is not None  # noqa: S101
    return Entry(
        kind=row["kind"],
        serial=row["serial"],
        line=row["line"],
        generation=row["generation"],
        person=row["person"],
        card=row["card"],
        holder=msgspec.json.decode(row["holder"], type=Holder),
        municipality=row["municipality"],
        not_before=begin,
        not_after=end,
        previous=row["previous"],
        revoked_at=time(row["revoked_at"]),
        reason=row["reason"],
        der=row["der"],
    )
