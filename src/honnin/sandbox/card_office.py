"""The card office: all that goes onto one My Number Card, by J-LIS, the municipality and the police, or by a forger."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Literal

from honnin.errors import InputError
from honnin.sandbox import card_applications as free_area
from honnin.sandbox.jlis.card_facts import CardFacts, facts_of
from honnin.sandbox.jlis.card_files import FAULTS, card_files, key_bytes
from honnin.sandbox.jlis.card_signing import key_id
from honnin.sandbox.material import CardMaterial, JpkiMaterial
from honnin.sandbox.people import card_material, person
from honnin.sandbox.police.card_application import installed
from honnin.sandbox.states import state_of
from honnin.sandbox.strongroom import seed
from honnin.sandbox.world import World

__all__ = ["card_of"]

Interface = Literal["contact", "contactless"]
FILES = (
    "input_support_number",
    "input_support_attributes",
    "input_support_signature",
    "input_support_certificate",
    "input_support_basic",
    "input_support_delivery",
    "input_support_own_key",
    "card_face_age",
    "card_face_face",
    "card_face_basic",
    "card_face_certificate",
    "card_face_number",
    "reserved",
)
KEYS = {
    "card_face_key": "card_face",
    "input_support_key": "input_support",
    "delivery_key": "delivery",
    "card_authentication_key": "card_authentication",
}


def card_of(
    world: World, person_id: str, faults: tuple[str, ...], interface: Interface
) -> tuple[JpkiMaterial, Interface, CardMaterial]:
    """Return what `my_number_card` personalises: the card in the person's hands now, or a forgery of it.

    Raises InputError `emulated.document_unknown` for a fault that is none, NotFoundError `people.unknown`.
    """
    if len(faults) > 1 or set(faults) - set(FAULTS):
        raise InputError(
            "emulated.document_unknown", "The sandbox makes no such card.", next=f"Ask for one of {', '.join(FAULTS)}."
        )
    fault = faults[0] if faults else ""
    material = card_material(world, person_id)
    facts = facts_of(person_id, state_of(world, person_id, world.now()), expired=fault == "expired")
    if fault == "copied":  # the keys of JPKI stay in the card as well: a copy has others
        material = replace(
            material,
            card_id=f"{material.card_id}-copy",
            signature_key=material.signature_key and key_bytes(world, facts, "signature", fault),
            user_authentication_key=material.user_authentication_key and key_bytes(world, facts, "jpki", fault),
        )
    return material, interface, _rest(world, facts, fault)


def _rest(world: World, facts: CardFacts, fault: str) -> CardMaterial:
    """Gather the other applications' content, each file made when it is first read."""
    licence = installed(world, facts.person, altered=fault == "altered_licence")
    files = cache(lambda: card_files(world, facts, fault))
    contents: dict[str, Callable[[], bytes]] = {name: lambda name=name: files()[name] for name in FILES}  # type: ignore[misc]
    contents |= {name: lambda key=key: key_bytes(world, facts, key, fault) for name, key in KEYS.items()}  # type: ignore[misc]
    contents |= free_area.installed(world, facts.person, copied=fault == "copied")
    fixed = {
        "common_serial": bytes.fromhex("011C") + (facts.serial + facts.municipality + facts.expiry).encode(),
        "key_reference": key_id("7000020", "001"),
        "municipality": facts.municipality.encode(),
        "expiry": facts.expiry.encode(),
        "resident_record_code": bytes.fromhex("010B") + f"{seed(f'record/{facts.person}', 10**11):011d}".encode(),
        **licence,
    }
    contents |= {name: lambda content=content: content for name, content in fixed.items()}  # type: ignore[misc]
    pins = {
        "input_support_number_a": facts.number_a,
        "input_support_number_b": facts.number_b,
        "card_face_birth_date": facts.birth_key,
        "card_face_number_a": facts.number_a,
        "card_face_number_b": facts.number_b,
    }
    if "free_area_pc_login_number" in contents:
        pins["free_area_pc_login"] = person(facts.person).pins["user_authentication"]
    if licence:
        own = person(facts.person).licence
        pins["driving_licence"] = (own and own.licence_pin) or "****"
    return CardMaterial(contents, pins)
