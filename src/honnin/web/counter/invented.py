"""The cards of invented persons: which there are, and what opens one, as the sandbox tells it."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from honnin.web.counter.documents.asking import Entry
from honnin.web.counter.kinds import VARIANTS

if TYPE_CHECKING:
    from honnin.connect.worlds import World

__all__ = ["EMULATED", "openers", "reader_of", "variants_of"]

EMULATED = "emulated:"


def reader_of(world: "World | None", given: Mapping[str, str]) -> str:
    """Return the reader URL of the person's document that a form names, empty where there is none."""
    people = world.people() if world is not None else []
    person = next((one for one in people if one["id"] == given["person"]), None)
    holds = person is not None and given["document"] in person["documents"]
    variant = f":{given['variant']}" if given["variant"] in VARIANTS else ""
    return f"{EMULATED}{given['person']}/{given['document']}{variant}" if holds else ""


def variants_of(world: "World | None") -> dict[str, list[str]]:
    """Return the kinds and forgeries that the counter offers, each with the documents that have it."""
    made = world.variants() if world is not None else {}
    return {variant: [document for document, kinds in made.items() if variant in kinds] for variant in VARIANTS}


def openers(world: "World", reader: str, entries: tuple[Entry, ...]) -> list[tuple[str, list[str]]]:
    """Return name and texts of each entry that the document of an emulated reader takes.

    Of a PIN that may be one of two (of the JPKI certificates), both. Raises NotFoundError `people.unknown`.
    """
    target = reader.removeprefix(EMULATED)
    keys = world.document_keys(target)
    person = next((one for one in world.people() if one["id"] == target.partition("/")[0]), None)
    pins = person["pins"] if person else {}
    born = person["birth_date"].replace("-", "") if person else ""
    number = keys.get("number_b", "")
    known = {
        **{name: [text] for name, text in keys.items()},
        "birth_date": [born],
        "expiry_date": [f"20{keys.get('expiry_date', '')}"],  # no passport here is of another century
        "printed_birth_date": [number[:6]],
        "expiry_year": [number[6:10]],
        "security_code": [number[10:]],
        "individual_number": [keys.get("number_a", "")],
        "licence_pin": [keys.get("drivers_licence", "")],
        "jpki_pin": [pins.get("user_authentication", ""), pins.get("signature", "")],
    }
    fit = {
        entry.name: [text for text in known.get(entry.name, []) if re.fullmatch(entry.pattern, text)]
        for entry in entries
    }
    return [(name, texts) for name, texts in fit.items() if texts]
