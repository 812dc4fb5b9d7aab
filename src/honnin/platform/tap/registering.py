"""Registering: whose card it is, learned with a PIN, so that later taps need none (sheet §5.1, §5.3).

Kept of a registration: the six digits that open the chip's own proof (sealed under the person's key), and a keyed hash
of the chip's own key, so that a later tap must be of the same card. A new card is registered anew, with its PIN.

A person may have been known under two ids before J-LIS told that they are one: a registration is found under either.
"""

from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from honnin.chip.my_number_card import BirthDateKey
from honnin.errors import GoneError
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.ids import keyed_hash
from honnin.platform.keys import Keyring
from honnin.platform.linking import same_people
from honnin.platform.store import schema

__all__ = [
    "BIRTH",
    "Registered",
    "card_tag",
    "end_registrations",
    "register",
    "registered",
    "registered_birth",
]

BIRTH = "tap_birth"


class Registered(NamedTuple):
    """A registration. holder: the id of the person that it was made under; card: its name (`card_tag`)."""

    holder: str
    card: str


def card_tag(keys: Keyring, tenant_id: str, chip_key: bytes) -> str:
    """Return the tenant's name for a card: a keyed hash of the chip's own key."""
    return keyed_hash(keys.derived(f"tap:{tenant_id}"), "card", chip_key)


def register(
    db: Connection, sealer: Sealer, tenant_id: str, person: str, opener: BirthDateKey, tag: str, now: str
) -> None:
    """Let a person tap from now on, with the card of `tag`; an earlier registration ends.

    opener: what opens the chip's own proof.
    """
    end_registrations(db, sealer, tenant_id, same_people(db, tenant_id, person), now)
    six = opener.digits.encode("ascii")
    sealer.seal(db, tenant_id, person, BIRTH, six, subject=person, retention=BIRTH, now=now)
    db.execute(
        insert(schema.tap_registrations).values(tenant_id=tenant_id, person_id=person, created_at=now, card_tag=tag)
    )


def end_registrations(db: Connection, sealer: Sealer, tenant_id: str, people: list[str], now: str) -> list[str]:
    """Let a person, by all their ids, tap no more; return the ids under which they could."""
    table = schema.tap_registrations
    mine = (table.c.tenant_id == tenant_id) & table.c.person_id.in_(people)
    holders = list(db.execute(select(table.c.person_id).where(mine)).scalars())
    for holder in holders:
        sealer.end(db, tenant_id, holder, now, retention=BIRTH)
    if holders:
        db.execute(delete(table).where(mine))
    return holders


def registered(db: Connection, tenant_id: str, person: str) -> Registered | None:
    """Return a person's registration, None where they may not tap."""
    table = schema.tap_registrations
    query = select(table.c.person_id, table.c.card_tag).where(table.c.tenant_id == tenant_id)
    row = db.execute(query.where(table.c.person_id == person)).one_or_none()
    if row is None:
        others = [other for other in same_people(db, tenant_id, person) if other != person]
        newest = query.where(table.c.person_id.in_(others)).order_by(table.c.created_at.desc()).limit(1)
        row = db.execute(newest).one_or_none() if others else None
    return None if row is None else Registered(row.person_id, row.card_tag)


def registered_birth(db: Connection, sealer: Sealer, tenant_id: str, holder: str) -> BirthDateKey | None:
    """Return the key that opens the chip's own proof of a registered person's card; None where it is gone."""
    try:
        return BirthDateKey(sealer.open(db, tenant_id, holder, BIRTH).decode("ascii"))
    except GoneError:
        return None
