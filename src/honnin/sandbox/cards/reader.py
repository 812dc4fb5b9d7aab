"""`emulated:PERSON[/DOCUMENT[:KIND,FAULT]]`: the entry point of the group `honnin.readers`, a chip in process."""

from collections.abc import Callable
from pathlib import Path

from honnin.errors import InputError
from honnin.sandbox.cards.card import EmulatedCard
from honnin.sandbox.cards.counters import PinCounters
from honnin.sandbox.cards.held import HeldChip
from honnin.sandbox.cards.personalise import Interface, drivers_licence, my_number_card
from honnin.sandbox.cards.transcript import Exchange
from honnin.sandbox.opening import open_world
from honnin.sandbox.world import World

__all__ = ["open_emulated"]

Record = Callable[[Exchange], None] | None


def open_emulated(
    target: str, data: Path, *, interface: Interface = "contactless", record: Callable[[Exchange], None] | None = None
) -> HeldChip:
    """Put a person's document into a reader of its own.

    target: `hanako` (the My Number Card), `hanako/drivers_licence`, `hanako/passport` …; behind a colon a kind of chip
        or a fault, both or neither: `hanako/passport:pace-gm,altered_portrait`, `hanako/drivers_licence:copied`.
    data: the data folder of the world.
    Raises InputError `emulated.document_unknown`, and what the sandbox says of a person it does not know.
    """
    person, _, named = target.partition("/")
    document, _, kinds = (named or "my_number_card").partition(":")
    put = DOCUMENTS.get(document)
    if put is None:
        raise InputError(
            "emulated.document_unknown",
            "The sandbox makes no such document.",
            next=f"Ask for one of: {', '.join(DOCUMENTS)}.",
        )
    return put(open_world(data), person, tuple(kind for kind in kinds.split(",") if kind), interface, record)


def _my_number_card(
    world: World, person: str, kinds: tuple[str, ...], interface: Interface, record: Record
) -> HeldChip:
    from honnin.sandbox.card_office import card_of

    return EmulatedCard(
        lambda: my_number_card(*card_of(world, person, kinds, interface)), PinCounters(world), record=record
    )


def _drivers_licence(world: World, person: str, kinds: tuple[str, ...], _: Interface, record: Record) -> HeldChip:
    from honnin.sandbox.police.licences import issue

    return EmulatedCard(lambda: drivers_licence(issue(world, person, *kinds)), PinCounters(world), record=record)


def _residence_card(
    world: World, person: str, kinds: tuple[str, ...], interface: Interface, record: Record
) -> HeldChip:
    from honnin.sandbox.cards.residence_card import EmulatedResidenceCard, EmulatedSpecifiedCard
    from honnin.sandbox.immigration.residence_cards import issue

    residence = EmulatedResidenceCard(lambda: issue(world, person, *kinds), record=record)
    if not any(kind.startswith("specified") for kind in kinds):
        return residence
    return EmulatedSpecifiedCard(_my_number_card(world, person, (), interface, record), residence)


def _passport(world: World, person: str, kinds: tuple[str, ...], _: Interface, record: Record) -> HeldChip:
    from honnin.sandbox.cards.passport import EmulatedPassport
    from honnin.sandbox.foreign_ministry.passports import issue

    passport = issue(world, person, *kinds)
    return EmulatedPassport(lambda: passport, record=record)


DOCUMENTS: dict[str, Callable[[World, str, tuple[str, ...], Interface, Record], HeldChip]] = {
    "my_number_card": _my_number_card,
    "drivers_licence": _drivers_licence,
    "residence_card": _residence_card,
    "passport": _passport,
}
