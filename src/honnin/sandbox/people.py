"""The invented persons of a world (`people.json`): who they are, what they hold, and how a check of them ends.

Their past counts from the world's birth and is played into the register when somebody first asks. Nothing is drawn by
chance: two worlds born at the same moment differ in their keys alone. Every name is recognisably invented.
"""

import unicodedata
from datetime import date, datetime, time, timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Literal

import msgspec

from honnin.errors import NotFoundError
from honnin.identity.dates import JST, PartialDate, jst_day, to_certificate
from honnin.sandbox.jlis import issuing, register
from honnin.sandbox.jlis.authorities import authority, generation_at
from honnin.sandbox.jlis.profile import Kind, Line, Purpose
from honnin.sandbox.jlis.register import Entry
from honnin.sandbox.material import JpkiMaterial
from honnin.sandbox.states import State, state_of, unknown_person
from honnin.sandbox.world import World

__all__ = [
    "TRIES",
    "Licence",
    "Person",
    "Residence",
    "card_material",
    "next_step",
    "person",
    "persons",
    "pins_at",
    "settle",
]

PHONE_LABEL = "JPKIAPGPSETOKEN"
CARD_LABEL = "JPKIAPICCTOKEN2"
TRIES = {"signature": 5, "user_authentication": 3}
RELATIVE_ZERO = time(10, 0, tzinfo=JST)


class Birth(msgspec.Struct, frozen=True):
    """A birth date, parts unknown or not; or the age that is turned on a day counted from the world's birth."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    turns: int | None = None
    in_days: int = 0


class Moment(msgspec.Struct, frozen=True):
    """A moment counted from the world's birth: minutes, or days at a time of the day that each person has."""

    days: int | None = None
    minutes: int = 0


class Past(msgspec.Struct, frozen=True):
    """One event of a person's past."""

    event: str
    when: Moment
    changes: dict[str, str] = {}
    purposes: tuple[Purpose, ...] | None = None


class Expected(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the demo's remote check of the person ends: a verdict, or the card's error; and whether the account opens."""

    account_opened: bool = msgspec.field()
    indication: str | None = None
    sub_indication: str | None = None
    error: str | None = None


class Licence(msgspec.Struct, frozen=True):
    """A driver's licence. plain: the card of its own. on_my_number_card: マイナ免許証.

    days: of issue, counted from the world's birth. held: category → day it was first held, ISO. pins: PIN1 and PIN2.
    """

    days: int
    held: dict[str, str]
    pins: tuple[str, str] | None = None
    tries_used: dict[str, int] = {}
    colour: str = "優良"
    conditions: tuple[str, ...] = ()
    plain: bool = True
    on_my_number_card: bool = False
    licence_pin: str | None = None


class Residence(msgspec.Struct, frozen=True):
    """A residence card or a special permanent resident certificate: its usual kind, day of issue, printed entries.

    nationality: three letters that no country has. status_code, work: codes of the second generation.
    """

    kind: str
    days: int
    nationality: str
    status: str
    status_code: str
    work: str = "1"


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `people.json`.

    pins: set when the first card was handed over. counter_pins: set at the counter together with the first certificate
    of a kind that the person could not have before.
    """

    id: str
    name: str
    kana: str
    sex: Literal["male", "female", "unknown"]
    birth: Birth
    address: str
    municipality: str
    first_card: Moment
    pins: dict[Purpose, str]
    counter_pins: dict[Purpose, str] = {}
    tries_used: dict[Purpose, int] = {}
    line: Line = "rsa"
    certificates: tuple[Purpose, ...] = ("signature", "user_authentication")
    past: tuple[Past, ...] = ()
    licence: Licence | None = None
    residence: Residence | None = None
    switches: dict[str, str] = {}
    story: dict[str, str]
    expected: Expected
    next: str

    @property
    def foreign(self) -> bool:
        """Tell whether the person is a foreign resident: those are the ones whose names are in Latin letters."""
        return any("LATIN" in unicodedata.name(sign, "") for sign in self.name)


class _File(msgspec.Struct, frozen=True):
    source: str
    date: str
    next_steps: dict[str, dict[str, str]]
    people: tuple[Person, ...]


@cache
def _file() -> _File:
    return msgspec.json.decode(files(__package__).joinpath("people.json").read_bytes(), type=_File)


def persons() -> tuple[Person, ...]:
    """Return every person, in the file's order."""
    return _file().people


def person(person_id: str) -> Person:
    """Return one person. Raises NotFoundError `people.unknown`."""
    for found in persons():
        if found.id == person_id:
            return found
    raise unknown_person(person_id, (found.id for found in persons()))


def next_step(one: Person) -> dict[str, str]:
    """Return what somebody who plays the person does next, in each language."""
    return _file().next_steps[one.next]


def settle(world: World) -> None:
    """Play everybody's past into a world that has none yet: rows only, in order of time, in one transaction."""
    from honnin.sandbox.life import begin, happen

    db = world.connection()
    if db.execute("SELECT 1 FROM person_states LIMIT 1").fetchone() is not None:
        return
    with world.transaction():
        if db.execute("SELECT 1 FROM person_states LIMIT 1").fetchone() is not None:
            return
        steps: list[tuple[datetime, str, Past | None]] = []
        for one in persons():
            steps.append((_moment(world, one, one.first_card), one.id, None))
            steps += [(_moment(world, one, past.when), one.id, past) for past in one.past]
        for at, who, past in sorted(steps, key=lambda step: (step[0], step[1])):
            if past is None:
                begin(world, who, _first_state(world, person(who), at), at)
            else:
                happen(world, who, past.event, at=at, changes=past.changes, purposes=past.purposes)


def pins_at(world: World, one: Person, now: datetime) -> dict[Purpose, str]:
    """Return the PINs of the certificates that were set by a moment."""
    issued = {entry.kind for entry in register.of_person(world, one.id, now)}
    return one.pins | {purpose: pin for purpose, pin in one.counter_pins.items() if purpose in issued}


def card_material(world: World, person_id: str, document: str = "my_number_card") -> JpkiMaterial:
    """Return the content of a person's chip as of the world's time; keys and certificates are made when missing.

    document: `my_number_card`: the chip that the person uses, which for some is a phone.
    Raises NotFoundError `people.unknown`, `people.no_document`.
    """
    settle(world)
    if document != "my_number_card":
        raise NotFoundError("people.no_document", "The person has no such document.", next="Ask for my_number_card.")
    one, now = person(person_id), world.now()
    state = state_of(world, person_id, now)
    chip, prefix = (state.card, "") if state.phone is None else (state.phone, "mobile_")
    kinds: dict[str, Kind] = {p: f"{prefix}{p}" for p in TRIES}  # type: ignore[misc]
    entries = {p: register.on_card(world, chip, kind, now) for p, kind in kinds.items()}
    roots = {p: _root(world, kinds[p], state, entry) for p, entry in entries.items()}
    first = chip.endswith("-1")
    pins = pins_at(world, one, now)
    return JpkiMaterial(
        card_id=chip,
        signature_ca_certificate=roots["signature"],
        user_authentication_ca_certificate=roots["user_authentication"],
        signature_certificate=_certificate(world, entries["signature"]),
        user_authentication_certificate=_certificate(world, entries["user_authentication"]),
        signature_key=_key(world, entries["signature"]),
        user_authentication_key=_key(world, entries["user_authentication"]),
        signature_pin=pins.get("signature", ""),
        user_authentication_pin=pins.get("user_authentication", ""),
        signature_tries_used=one.tries_used.get("signature", 0) if first else 0,
        user_authentication_tries_used=one.tries_used.get("user_authentication", 0) if first else 0,
        label=CARD_LABEL if state.phone is None else PHONE_LABEL,
        mobile=state.phone is not None,
    )


def _certificate(world: World, entry: Entry | None) -> bytes | None:
    return None if entry is None else issuing.certificate(world, entry)


def _key(world: World, entry: Entry | None) -> bytes | None:
    return None if entry is None else issuing.holder_key(world, entry)


def _root(world: World, kind: Kind, state: State, entry: Entry | None) -> bytes:
    """Return the CA certificate beside a certificate; beside none, the one that issued when the card was made."""
    if entry is not None:
        return issuing.authority_of(world, entry).der
    return authority(world, kind, state.line, generation_at(world, state.line, state.card_issued)).der


def _moment(world: World, one: Person, moment: Moment) -> datetime:
    if moment.days is None:
        return world.born + timedelta(minutes=moment.minutes)
    own = int.from_bytes(sha256(one.id.encode()).digest()[:2]) % 300
    day = jst_day(world.born) + timedelta(days=moment.days)
    return datetime.combine(day, RELATIVE_ZERO) + timedelta(minutes=own)


def birth_of(world: World, birth: Birth) -> PartialDate:
    """Return a birth date in one world (29 February where the year has none: 1 March)."""
    if birth.turns is None:
        return PartialDate(birth.year, birth.month, birth.day)
    day = jst_day(world.born) + timedelta(days=birth.in_days)
    try:
        return PartialDate.of(day.replace(year=day.year - birth.turns))
    except ValueError:
        return PartialDate.of(date(day.year - birth.turns, 3, 1))


def _first_state(world: World, one: Person, at: datetime) -> State:
    return State(
        name=one.name,
        kana=one.kana,
        address=one.address,
        municipality=one.municipality,
        birth=to_certificate(birth_of(world, one.birth)),
        sex=one.sex,
        card=f"{one.id}-1",
        card_issued=at,
        line=one.line,
        certificates=one.certificates,
    )
