"""`emulated:PERSON[/DOCUMENT]`: the entry point of the group `honnin.readers`, a chip in process."""

from collections.abc import Callable
from pathlib import Path

from honnin.errors import InputError
from honnin.sandbox.cards.card import EmulatedCard
from honnin.sandbox.cards.counters import PinCounters
from honnin.sandbox.cards.personalise import Chip, Interface, my_number_card
from honnin.sandbox.cards.transcript import Exchange
from honnin.sandbox.world import open_world

__all__ = ["open_emulated"]

DOCUMENTS = {"my_number_card": my_number_card}


def open_emulated(
    target: str,
    data: Path,
    *,
    interface: Interface = "contactless",
    record: Callable[[Exchange], None] | None = None,
) -> EmulatedCard:
    """Put a person's card into a reader of its own.

    target: `hanako` or `hanako/my_number_card`.
    data: the data folder of the world.
    Raises InputError `emulated.document_unknown`, and what the sandbox says of a person it does not know.
    """
    from honnin.sandbox.people import card_material

    person, _, named = target.partition("/")
    document = named or "my_number_card"
    personalise = DOCUMENTS.get(document)
    if personalise is None:
        raise InputError(
            "emulated.document_unknown",
            "The sandbox makes no such document.",
            next=f"Ask for one of: {', '.join(DOCUMENTS)}.",
        )
    world = open_world(data)

    def insert() -> Chip:
        return personalise(card_material(world, person, document), interface)

    return EmulatedCard(insert, PinCounters(world), record=record)
