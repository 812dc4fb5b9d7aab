"""What happens to the invented persons: each life event, the certificates it ends and the ones it brings.

My Number Card sheet, section 7.2; which event is possible in which situation, what it ends and for which reason, is
data (`events.json`). The same function plays a person's past when a world is made and what a tester asks for later.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from honnin.errors import FormatError, InputError, StateError
from honnin.identity.ages import age_on
from honnin.identity.dates import PartialDate, from_card_record, from_certificate, jst_day, to_certificate
from honnin.sandbox.jlis import issuing, register
from honnin.sandbox.jlis.characters import carried
from honnin.sandbox.jlis.holder import Holder
from honnin.sandbox.jlis.names import known_municipality
from honnin.sandbox.jlis.profile import Kind, Purpose
from honnin.sandbox.jlis.register import Entry, Reason
from honnin.sandbox.states import CardState, PersonState, Situation, State, keep, last_event, situation, state_of
from honnin.sandbox.world import World

__all__ = ["EVENTS", "Event", "Outcome", "begin", "events", "happen"]

MOBILE_KINDS: Mapping[Kind, Kind] = {
    "signature": "mobile_signature",
    "user_authentication": "mobile_user_authentication",
}
LONGEST_ITEM = 200  # characters of an address (§5.4)
SEXES = ("male", "female", "unknown")
SIGNATURE_AGE = 15  # younger holders get no signature certificate (§7.2)


class Event(msgspec.Struct, frozen=True):
    """One kind of life event.

    possible: the situations in which it can happen.
    ends: whose certificates of which purpose it ends, and with which reason.
    changes: items of the person that may change with it. unless_said: what they become when nobody says.
    card, person: what becomes of them; a new card is in use.
    gives: certificates it brings: none, those that are missing, all of them anew, or mobile ones on a new phone.
    """

    possible: tuple[Situation, ...]
    ends: tuple[Purpose, ...]
    reason: Reason | None
    changes: tuple[str, ...]
    card: Literal["in_use", "suspended", "lapsed", "returned", "new", "same"]
    gives: Literal["nothing", "missing", "all", "phone"]
    ja: str
    en: str
    confidence: str
    person: PersonState = "resident"
    unless_said: Mapping[str, str] = {}


class Outcome(msgspec.Struct, frozen=True):
    """What an event did: serial numbers by kind."""

    person: str
    event: str
    at: datetime
    ended: dict[str, str]
    issued: dict[str, str]
    reason: Reason | None


class _File(msgspec.Struct):
    events: dict[str, Event]
    situations: dict[Situation, dict[str, str]]


@cache
def _file() -> _File:
    return msgspec.json.decode(files(__package__).joinpath("events.json").read_bytes(), type=_File)


def events() -> Mapping[str, Event]:
    """Return every life event by name."""
    return _file().events


EVENTS = tuple(events())


def begin(world: World, person: str, state: State, at: datetime) -> None:
    """Put a person into the world with a first card and its certificates."""
    with world.transaction():
        keep(world, person, "born", state, at)
        _issue(world, person, state, at, wanted=state.certificates)


def happen(
    world: World,
    person: str,
    event: str,
    *,
    at: datetime | None = None,
    changes: Mapping[str, str] | None = None,
    purposes: tuple[Purpose, ...] | None = None,
) -> Outcome:
    """Let a life event happen to a person.

    at: the moment; by default the world's time.
    changes: new `address` and `municipality` (five-digit code), `name` and `kana`, `birth` (YYYYMMDD) or `sex`.
    purposes: only these certificates, for events that a holder may ask for one by one.
    Raises InputError `life.event_unknown`, `life.change_unfit`, `people.unknown`; StateError `life.not_possible` when
    the event cannot happen in the person's situation, `life.time_passed` when a later one has happened already.
    """
    kind = events().get(event)
    if kind is None:
        raise InputError("life.event_unknown", "No such life event.", next=f"Use one of: {', '.join(EVENTS)}.")
    moment = (at or world.now()).replace(microsecond=0)
    with world.transaction():
        before = state_of(world, person, moment)
        _possible(world, person, before, event, moment)
        after = _changed(before, kind, changes or {}, person, moment)
        keep(world, person, event, after, moment)
        standing = _standing(world, person, moment)
        ended = _end(world, standing, kind, purposes, moment)
        issued: dict[str, str] = {}
        if kind.gives == "phone":
            issued = _derive(world, person, after, moment, standing)
        elif kind.gives != "nothing":
            wanted = after.certificates if kind.gives == "all" else _missing(world, after, moment)
            issued = _issue(world, person, after, moment, wanted=wanted, replaced=standing)
    return Outcome(person, event, moment, ended, issued, kind.reason)


def _possible(world: World, person: str, state: State, event: str, moment: datetime) -> None:
    """Refuse what cannot happen now: a certificate issued before a death that is known would outlive it."""
    now = situation(state)
    if now not in events()[event].possible:
        words = _file().situations[now]
        raise StateError("life.not_possible", f"{event} cannot happen to {person}. {words['is']}", next=words["next"])
    latest = last_event(world, person)
    if latest is not None and latest > moment:
        raise StateError(
            "life.time_passed",
            f"Something happened to {person} after this moment already.",
            next=f"Set the clock to {latest.isoformat(timespec='seconds')} or later.",
        )


def _changed(state: State, kind: Event, changes: Mapping[str, str], person: str, moment: datetime) -> State:
    if unfit := sorted(set(changes) - set(kind.changes)):
        raise InputError(
            "life.change_unfit",
            f"This event does not change: {', '.join(unfit)}.",
            next=f"It may change: {', '.join(kind.changes) or 'nothing'}.",
        )
    if (
        any(not value or len(value) > LONGEST_ITEM for value in changes.values())
        or changes.get("sex", "male") not in SEXES
    ):
        raise InputError(
            "life.change_unfit",
            "An item is empty, longer than a certificate carries, or no such sex.",
            next=f"Give 1 to {LONGEST_ITEM} characters; sex: {', '.join(SEXES)}.",
        )
    values: dict[str, object] = dict(changes or _unless_said(state, kind))
    if "municipality" in changes:
        known_municipality(changes["municipality"])
    if "birth" in changes:
        values["birth"] = to_certificate(_past_birth(changes["birth"], moment))
    card: CardState = state.card_state if kind.card == "same" else "in_use" if kind.card == "new" else kind.card
    if kind.card == "new":
        number = int(state.card.rpartition("-")[2]) + 1
        values |= {"card": f"{person}-{number}", "card_issued": moment}
    if kind.gives == "phone":
        number = int((state.phone or "-0").rpartition("-")[2]) + 1
        values["phone"] = f"{person}-phone-{number}"
    return msgspec.structs.replace(state, card_state=card, person_state=kind.person, **values)


def _past_birth(text: str, moment: datetime) -> PartialDate:
    try:
        born = from_card_record(text)
    except FormatError as error:  # an argument, no card's bytes
        raise InputError(error.code, error.message, next="Write YYYYMMDD, unknown parts 00.") from error
    if issuing.whole_day(born) > jst_day(moment):
        raise InputError("life.change_unfit", "The birth date is in the future.", next="Give a day that has passed.")
    return born


def _unless_said(state: State, kind: Event) -> dict[str, str]:
    given = {"given": state.name.rpartition("　")[2], "given_kana": state.kana.rpartition("　")[2]}
    return {item: value.format(**given) for item, value in kind.unless_said.items()}


def _standing(world: World, person: str, moment: datetime) -> list[Entry]:
    """Return the certificates that have neither ended nor run out."""
    return [
        found
        for found in register.of_person(world, person, moment)
        if not found.revoked_by(moment) and found.not_after >= moment
    ]


def _end(
    world: World, standing: list[Entry], kind: Event, purposes: tuple[Purpose, ...] | None, moment: datetime
) -> dict[str, str]:
    """End the certificates of card and phone that this event ends; a phone's follow the card's (§8)."""
    ended: dict[str, str] = {}
    for found in standing:
        purpose = found.kind.removeprefix("mobile_")
        if kind.reason is None or purpose not in kind.ends or (purposes is not None and purpose not in purposes):
            continue
        register.revoke(world, found, moment, kind.reason)
        ended[found.kind] = f"{found.serial:x}"
    return ended


def _missing(world: World, state: State, moment: datetime) -> tuple[Purpose, ...]:
    def good(purpose: Purpose) -> bool:
        found = register.on_card(world, state.card, purpose, moment)
        return found is not None and not found.revoked_by(moment) and found.not_after >= moment

    return tuple(purpose for purpose in state.certificates if not good(purpose))


def _issue(
    world: World,
    person: str,
    state: State,
    at: datetime,
    *,
    wanted: tuple[Purpose, ...],
    replaced: list[Entry] | None = None,
) -> dict[str, str]:
    holder = _holder(state)
    old = {found.kind: found for found in replaced or []}
    issued: dict[str, str] = {}
    for purpose in wanted:
        if purpose == "signature" and _too_young(state, at):
            continue
        serial = issuing.enter(
            world,
            kind=purpose,
            line=state.line,
            person=person,
            card=state.card,
            holder=holder,
            at=at,
            card_issued=state.card_issued,
            replaces=old.get(purpose),
        )
        issued[purpose] = f"{serial:x}"
    return issued


def _derive(world: World, person: str, state: State, at: datetime, standing: list[Entry]) -> dict[str, str]:
    """Enter mobile certificates that end no later than the card's that they derive from."""
    issued: dict[str, str] = {}
    for found in standing:
        if found.kind not in MOBILE_KINDS or state.phone is None:
            continue
        kind = MOBILE_KINDS[found.kind]
        serial = issuing.enter(
            world,
            kind=kind,
            line="rsa",
            person=person,
            card=state.phone,
            holder=_holder(state),
            at=at,
            card_issued=state.card_issued,
            not_beyond=found.not_after,
        )
        issued[kind] = f"{serial:x}"
    return issued


def _holder(state: State) -> Holder:
    name, name_flags = carried(state.name)
    address, address_flags = carried(state.address)
    return Holder(name, address, state.birth, state.sex, state.municipality, name_flags, address_flags)


def _too_young(state: State, at: datetime) -> bool:
    return age_on(issuing.whole_day(from_certificate(state.birth)), jst_day(at)) < SIGNATURE_AGE
