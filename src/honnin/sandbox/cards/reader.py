"""`emulated:PERSON[/DOCUMENT]`: the entry point of the group `honnin.readers`, a chip in process."""

from collections.abc import Callable
from pathlib import Path

from honnin.errors import InputError
from honnin.sandbox.cards.card import EmulatedCard
from honnin.sandbox.cards.counters import PinCounters
from honnin.sandbox.cards.passport import EmulatedPassport
from honnin.sandbox.cards.personalise import Chip, Interface, my_number_card
from honnin.sandbox.cards.transcript import Exchange
from honnin.sandbox.opening import open_world
from honnin.sandbox.world import World

__all__ = ["open_emulated"]

DOCUMENTS = {"my_number_card": my_number_card}


def open_emulated(
    target: str,
    data: Path,
    *,
    interface: Interface = "contactless",
    record: Callable[[Exchange], None] | None = None,
) -> EmulatedCard | EmulatedPassport:
    """Put a person's card into a reader of its own.

    target: `hanako`, `hanako/my_number_card` or `hanako/passport`; a passport may name its kind of chip and a fault,
        `hanako/passport:pace-gm,altered_portrait` (foreign_ministry/profiles.json).
    data: the data folder of the world.
    Raises InputError `emulated.document_unknown`, and what the sandbox says of a person it does not know.
    """
    from honnin.sandbox.people import card_material

    person, _, named = target.partition("/")
    document, _, kinds = (named or "my_number_card").partition(":")
    if document == "passport":
        return _passport(person, kinds, open_world(data), record)
    personalise = DOCUMENTS.get(document)
    if personalise is None:
        raise InputError(
            "emulated.document_unknown",
            "The sandbox makes no such document.",
            next=f"Ask for one of: {', '.join(DOCUMENTS)}, passport.",
        )
    world = open_world(data)

    def insert() -> Chip:
        return personalise(card_material(world, person, document), interface)

    return EmulatedCard(insert, PinCounters(world), record=record)


def _passport(person: str, kinds: str, world: World, record: Callable[[Exchange], None] | None) -> EmulatedPassport:
    from honnin.sandbox.foreign_ministry.passports import issue

    named = tuple(kind for kind in kinds.split(",") if kind)
    passport = issue(world, person, *named)
    return EmulatedPassport(lambda: passport, record=record)
