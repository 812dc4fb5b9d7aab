"""Registering: whose card it is, learned with a PIN, so that later taps need none (sheet §5.1, §5.3).

Kept of a registration: the six digits that open the chip's own proof (sealed under the person's key), and a keyed hash
of the chip's own key, so that a later tap must be of the same card. A new card is registered anew, with its PIN.
"""

from sqlalchemy import Connection, delete, insert, select, update

from honnin.chip.my_number_card import BirthDateKey
from honnin.errors import GoneError
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.ids import keyed_hash
from honnin.platform.keys import Keyring
from honnin.platform.store import schema

__all__ = ["BIRTH", "card_tag", "end_registration", "keep_card", "register", "registered", "registered_birth"]

BIRTH = "tap_birth"


def card_tag(keys: Keyring, tenant_id: str, chip_key: bytes) -> str:
    """Return the tenant's name for a card: a keyed hash of the chip's own key."""
    return keyed_hash(keys.derived(f"tap:{tenant_id}"), "card", chip_key)


def register(
    db: Connection, sealer: Sealer, tenant_id: str, person: str, opener: BirthDateKey, tag: str | None, now: str
) -> None:
    """Let a person tap from now on, with the card of `tag`, or with the first one that proves itself; an earlier
    registration ends. opener: what opens the chip's own proof.
    """
    end_registration(db, sealer, tenant_id, person, now)
    six = opener.digits.encode("ascii")
    sealer.seal(db, tenant_id, person, BIRTH, six, subject=person, retention=BIRTH, now=now)
    db.execute(
        insert(schema.tap_registrations).values(tenant_id=tenant_id, person_id=person, created_at=now, card_tag=tag)
    )


def end_registration(db: Connection, sealer: Sealer, tenant_id: str, person: str, now: str) -> bool:
    """Let a person tap no more, and tell whether they could."""
    table = schema.tap_registrations
    gone = db.execute(delete(table).where(table.c.tenant_id == tenant_id, table.c.person_id == person))
    sealer.end(db, tenant_id, person, now, retention=BIRTH)
    return gone.rowcount > 0


def registered(db: Connection, tenant_id: str, person: str) -> tuple[bool, str | None]:
    """Tell whether a person may tap, and with which card (None: the first one that proves itself)."""
    table = schema.tap_registrations
    row = db.execute(
        select(table.c.card_tag).where(table.c.tenant_id == tenant_id, table.c.person_id == person)
    ).one_or_none()
    return row is not None, None if row is None else row.card_tag


def keep_card(db: Connection, tenant_id: str, person: str, tag: str) -> bool:
    """Bind a registration to the card that proved itself; False when it is bound to another one meanwhile."""
    table = schema.tap_registrations
    kept = db.execute(
        update(table)
        .where(
            table.c.tenant_id == tenant_id,
            table.c.person_id == person,
            table.c.card_tag.is_(None) | (table.c.card_tag == tag),
        )
        .values(card_tag=tag)
    )
    return kept.rowcount == 1


def registered_birth(db: Connection, sealer: Sealer, tenant_id: str, person: str) -> BirthDateKey | None:
    """Return the key that opens the chip's own proof of a registered person's card; None where it is gone."""
    try:
        return BirthDateKey(sealer.open(db, tenant_id, person, BIRTH).decode("ascii"))
    except GoneError:
        return None
