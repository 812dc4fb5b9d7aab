"""What the world knows of each person over time: one row an event, and the latest row by a moment is the state then."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

import msgspec

from honnin.errors import NotFoundError
from honnin.sandbox.jlis.profile import Line, Purpose
from honnin.sandbox.world import World

__all__ = [
    "CardState",
    "PersonState",
    "Situation",
    "State",
    "history",
    "keep",
    "last_event",
    "situation",
    "state_of",
    "unknown_person",
]

CardState = Literal["in_use", "suspended", "lapsed", "returned"]
PersonState = Literal["resident", "abroad", "dead"]
Situation = Literal["in_use", "suspended", "discarded", "returned", "abroad", "dead"]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """One person at one time.

    birth: nine characters `EYYYYMMDD`.
    card: id of the chip in the person's hands; a new card has a new one.
    phone: id of the chip of the phone that holds mobile certificates.
    certificates: which of the two the person wants at all.
    person_state: whether the municipality still keeps a record of a living person.
    """

    name: str
    kana: str
    address: str
    municipality: str
    birth: str
    sex: Literal["male", "female", "unknown"]
    card: str
    card_issued: datetime
    card_state: CardState = "in_use"
    person_state: PersonState = "resident"
    phone: str | None = None
    line: Line = "rsa"
    certificates: tuple[Purpose, ...] = ("signature", "user_authentication")

    def __repr__(self) -> str:
        return "State(…)"


def situation(state: State) -> Situation:
    """Return where a person stands: what decides which life event is possible next (`events.json`)."""
    if state.person_state != "resident":
        return state.person_state
    return "discarded" if state.card_state == "lapsed" else state.card_state


def keep(world: World, person: str, event: str, state: State, at: datetime) -> None:
    """Write what a person is from a moment on."""
    world.connection().execute(
        "INSERT INTO person_states (person, at, event, state) VALUES (?, ?, ?, ?)",
        (person, at.timestamp(), event, msgspec.json.encode(state).decode()),
    )


def state_of(world: World, person: str, moment: datetime) -> State:
    """Return a person's state at a moment; before the first event, the first one.

    Raises NotFoundError `people.unknown`.
    """
    db = world.connection()
    row = db.execute(
        "SELECT state FROM person_states WHERE person = ? AND at <= ? ORDER BY at DESC, id DESC LIMIT 1",
        (person, moment.timestamp()),
    ).fetchone()
    row = (
        row
        or db.execute("SELECT state FROM person_states WHERE person = ? ORDER BY at, id LIMIT 1", (person,)).fetchone()
    )
    if row is None:
        raise unknown_person(
            person, [found["person"] for found in db.execute("SELECT DISTINCT person FROM person_states")]
        )
    return msgspec.json.decode(row["state"], type=State)


def unknown_person(name: str, known: Iterable[str]) -> NotFoundError:
    """Return the refusal of a name that no person has, with those that are spelt much like it."""
    from difflib import get_close_matches

    close = " or ".join(get_close_matches(name, known))
    lists = "`honnin sandbox people` lists them."
    return NotFoundError(
        "people.unknown", "The sandbox has no such person.", next=f"Did you mean {close}? {lists}" if close else lists
    )


def history(world: World, person: str, moment: datetime) -> list[tuple[datetime, str]]:
    """Return what happened to a person by a moment, oldest first."""
    rows = world.connection().execute(
        "SELECT at, event FROM person_states WHERE person = ? AND at <= ? ORDER BY at, id", (person, moment.timestamp())
    )
    return [(datetime.fromtimestamp(row["at"], UTC), row["event"]) for row in rows]


def last_event(world: World, person: str) -> datetime | None:
    """Return when something last happened to a person, at any time that the world knows."""
    row = world.connection().execute("SELECT max(at) AS at FROM person_states WHERE person = ?", (person,)).fetchone()
    return None if row["at"] is None else datetime.fromtimestamp(row["at"], UTC)
