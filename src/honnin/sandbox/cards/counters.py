"""PIN counters and changed PINs, in the world's file, so that every process that holds the card sees the same ones.

A wrong try is committed to disk before its answer exists: whoever is killed in between has still spent it. Reading the
counter spends nothing. PINs lie here in the clear, as the people are invented; never type a real one.
"""

from dataclasses import dataclass
from hmac import compare_digest

from honnin.sandbox.cards.personalise import Chip
from honnin.sandbox.world import World

__all__ = ["Attempt", "PinCounters", "changed_pins"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS card_pins (
    card_id TEXT NOT NULL,
    pin TEXT NOT NULL,              -- name in the layout: signature, user_authentication, …
    changed_to BLOB,                -- NULL: as the card office set it
    tries_left INTEGER NOT NULL CHECK (tries_left >= 0),
    PRIMARY KEY (card_id, pin)
) WITHOUT ROWID;
"""


def changed_pins(world: World, card_id: str) -> dict[str, str]:
    """Return the PINs of one card, by name in the layout, that are no longer as the card office set them."""
    world.ensure(SCHEMA)
    rows = world.connection().execute(
        "SELECT pin, changed_to FROM card_pins WHERE card_id = ? AND changed_to IS NOT NULL", (card_id,)
    )
    return {row["pin"]: row["changed_to"].decode("ascii") for row in rows}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one try: `blocked` before it, or right or wrong with this many tries left after it."""

    right: bool
    blocked: bool
    tries_left: int


class PinCounters:
    """The counters of all cards of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.ensure(SCHEMA)

    def tries_left(self, chip: Chip, pin: str) -> int:
        """Return how many tries `pin` has left, without spending one."""
        return self._state(chip, pin)[1]

    def attempt(self, chip: Chip, pin: str, value: bytes) -> Attempt:
        """Spend one try of `pin`: right restores all tries, wrong costs one, blocked stays blocked."""
        with self._world.transaction():
            expected, left = self._state(chip, pin)
            if left == 0:
                return Attempt(right=False, blocked=True, tries_left=0)
            right = expected is not None and compare_digest(expected, value)
            left = chip.layout.pins[pin].tries if right else left - 1
            self._store(chip, pin, None, left)
        return Attempt(right=right, blocked=False, tries_left=left)

    def change(self, chip: Chip, pin: str, value: bytes) -> bool:
        """Set a new PIN; False when another process blocked it meanwhile."""
        with self._world.transaction():
            if self._state(chip, pin)[1] == 0:
                return False
            self._store(chip, pin, value, chip.layout.pins[pin].tries)
        return True

    def _state(self, chip: Chip, pin: str) -> tuple[bytes | None, int]:
        row = (
            self._world.connection()
            .execute("SELECT changed_to, tries_left FROM card_pins WHERE card_id = ? AND pin = ?", (chip.card_id, pin))
            .fetchone()
        )
        start = chip.pins[pin]
        if row is None:
            return start.value, start.tries_left
        return start.value if row["changed_to"] is None else row["changed_to"], row["tries_left"]

    def _store(self, chip: Chip, pin: str, changed_to: bytes | None, left: int) -> None:
        self._world.connection().execute(
            "INSERT INTO card_pins VALUES (?, ?, ?, ?) ON CONFLICT (card_id, pin) DO UPDATE SET"
            " changed_to = coalesce(excluded.changed_to, changed_to), tries_left = excluded.tries_left",
            (chip.card_id, pin, changed_to, left),
        )
