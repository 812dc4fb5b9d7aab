"""The people as `honnin sandbox people` lists them: what each says and holds now, and what opens every document."""

from typing import Any

import msgspec

from honnin.identity.ages import age_on
from honnin.identity.dates import from_certificate, jst_day
from honnin.sandbox.cards.counters import changed_pins
from honnin.sandbox.foreign_ministry.passports import page
from honnin.sandbox.immigration.residence_cards import card_number
from honnin.sandbox.jlis.card_facts import facts_of
from honnin.sandbox.people import TRIES, Person, next_step, person, persons, pins_at, settle
from honnin.sandbox.states import State, state_of
from honnin.sandbox.world import World

__all__ = ["document_keys", "listing"]


def listing(world: World) -> list[dict[str, Any]]:
    """Return everybody as `honnin sandbox people --json` shows them, as of the world's time."""
    settle(world)
    return [_listed(world, one) for one in persons()]


def document_keys(world: World, target: str) -> dict[str, str]:
    """Return what opens an emulated document now, by name; target as `open_emulated` takes it.

    Raises NotFoundError `people.unknown`.
    """
    name, _, named = target.partition("/")
    document, _, kinds = (named or "my_number_card").partition(":")
    settle(world)
    one, state = person(name), state_of(world, name, world.now())
    copy = "-copy" if "copied" in kinds.split(",") else ""
    expired = "expired" in kinds.split(",")
    return _document_keys(world, one, state, _changed(world, state, copy), expired=expired).get(document, {})


def _changed(world: World, state: State, copy: str = "") -> dict[str, str]:
    """Return the PINs that were changed on the chip that the person uses, or on a copy of it."""
    return changed_pins(world, f"{state.card if state.phone is None else state.phone}{copy}")


def _listed(world: World, one: Person) -> dict[str, Any]:
    now = world.now()
    state = state_of(world, one.id, now)
    born, changed = from_certificate(state.birth), _changed(world, state)
    return {
        "id": one.id,
        "name": state.name,
        "kana": state.kana,
        "sex": state.sex,
        "birth_date": born.iso(),
        "age": None if born.whole is None or born.whole > jst_day(now) else age_on(born, now),
        "address": state.address,
        "municipality": state.municipality,
        "documents": _documents(one),
        "carrier": "card" if state.phone is None else "phone",
        "card_state": state.card_state,
        "pins": {purpose: changed.get(purpose, pin) for purpose, pin in pins_at(world, one, now).items()},
        "document_keys": _document_keys(world, one, state, changed),
        "tries_left_at_first": {p: TRIES[p] - one.tries_used.get(p, 0) for p in one.pins},
        "story": one.story,
        "expected": msgspec.to_builtins(one.expected),
        "next": next_step(one),
    }


def _document_keys(
    world: World, one: Person, state: State, changed: dict[str, str], *, expired: bool = False
) -> dict[str, dict[str, str]]:
    """Return what opens each document beside the PINs of the certificates; changed: PINs of the card by name."""
    facts = facts_of(one.id, state, expired=expired)
    card = {"number_a": facts.number_a, "number_b": facts.number_b, "birth_date_key": facts.birth_key}
    if pin := one.pins.get("user_authentication"):
        card |= {name: changed.get(name, pin) for name in ("input_support", "resident_register")}
    if one.licence is not None and one.licence.on_my_number_card:
        card["drivers_licence"] = one.licence.licence_pin or "****"
    keys = {"my_number_card": card} if state.phone is None else {}
    if one.licence is not None and one.licence.plain:
        first, second = one.licence.pins or ("****", "****")
        keys["drivers_licence"] = {"pin_1": first, "pin_2": second}
    if one.residence is not None:
        keys["residence_card"] = {"kind": one.residence.kind, "card_number": card_number(one.id)}
    if not one.foreign:
        keys["passport"] = page(world, one.id, from_certificate(state.birth), "expired" if expired else "")
    return keys


def _documents(one: Person) -> list[str]:
    held = {
        "my_number_card": True,
        "drivers_licence": one.licence is not None and one.licence.plain,
        "residence_card": one.residence is not None,
        "passport": not one.foreign,
    }
    return [document for document, holds in held.items() if holds]
