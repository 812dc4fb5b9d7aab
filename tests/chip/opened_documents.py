"""Every emulated document but the passport as one small object: open it, read it, prove it, change what was read."""

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from honnin.chip import (
    BirthDateKey,
    CardNumber,
    Challenge,
    DriversLicence,
    MyNumberCard,
    NumberA,
    NumberB,
    Pin,
    Proof,
    Reader,
    ResidenceCard,
    Trust,
    TrustedKey,
    open_reader,
)
from honnin.connect.worlds import open_world

CHALLENGE = Challenge(bytes(16), "counter", "bank")
EVERYTHING = frozenset({"individual_number", "four_items", "portrait", "birth_date"})
SESSIONS = ("licence", "card_face", "age", "number_image", "input_support", "card_licence")
SESSIONS += ("residence_1", "residence_2", "certificate_1", "certificate_2", "residence_specified")


@dataclass(frozen=True)
class Held:
    """An opened application. strict: parts of which every byte is under the signature."""

    application: Any
    files: Callable[[], MutableMapping[str, bytes]]
    values: Callable[[dict[str, bytes]], Any]
    signed: Callable[[Any], Any]
    strict: tuple[str, ...]
    trust: Trust

    def proofs(self) -> tuple[Proof, ...]:
        found: tuple[Proof, ...] = self.application.prove(CHALLENGE, trust=self.trust)
        return found


def trust_of(data: Path) -> Trust:
    world = open_world(data)
    told = world.document_trust()
    keys = [TrustedKey(use, key, der) for use in ("drivers_licence", "my_number_card") for key, der in told[use]]
    return Trust(tuple(der for _, der in told["residence_card"]), world.now(), tuple(keys))


def address(session: str) -> str:
    kind = {"residence_1": "card-1", "residence_2": "card-2", "certificate_1": "certificate-1"}
    kind |= {"certificate_2": "certificate-2", "residence_specified": "specified-card"}
    if session in kind:
        return f"emulated:anna/residence_card:{kind[session]}"
    return "emulated:hanako/drivers_licence" if session == "licence" else "emulated:hanako"


@contextmanager
def held(session: str, data: Path, around: Callable[[Reader], Reader] = lambda reader: reader) -> Iterator[Held]:
    """Unlock and read whole. around: puts something between honnin and the chip."""
    from honnin.chip.residence_card.record import values_of

    keys = {person["id"]: person["document_keys"] for person in open_world(data).people()}
    trust = trust_of(data)
    with around(open_reader(address(session), data=data)) as reader:
        if session == "licence":
            own = keys["hanako"]["drivers_licence"]
            with DriversLicence(reader) as licence:
                licence.card.unlock(Pin("pin_1", own["pin_1"]))
                licence.card.unlock(Pin("pin_2", own["pin_2"]))
                licence.card.read()
                files = licence.card._files
                yield Held(
                    licence.card,
                    lambda: files._kept.files,
                    licence.card._values,
                    lambda v: (v.record, v.registered_domicile, v.photo),
                    ("record", "registered_domicile", "photo"),
                    trust,
                )
        elif session.startswith(("residence", "certificate")):
            key = None
            if session == "residence_specified":
                ((_, key),) = open_world(data).document_trust()["residence_card_delivery"]
            with ResidenceCard(reader, delivery_key=key) as card:
                card.residence.unlock(CardNumber(keys["anna"]["residence_card"]["card_number"]))
                card.residence.read()
                kind = card.residence.kind()
                names = ("expires", "birth_date", "sex", "nationality", "status", "period", "period_expires")
                names += (
                    "permission_type",
                    "permission_date",
                    "work_restriction",
                    "front_image",
                    "name_image",
                    "portrait",
                )
                yield Held(
                    card.residence,
                    lambda: card.residence._kept.files,
                    lambda found: values_of(found, kind.files),
                    lambda v: tuple(getattr(v, name) for name in names),
                    ("details",),  # a picture's length may leave out zeros that fill it up: the same picture
                    trust,
                )
        else:
            own = keys["hanako"]["my_number_card"]
            with MyNumberCard(reader, allow=EVERYTHING) as mine:
                yield from _of_number_card(session, mine, own, trust)


def _of_number_card(session: str, mine: MyNumberCard, own: dict[str, str], trust: Trust) -> Iterator[Held]:
    from honnin.chip.my_number_card import card_face, input_support

    if session == "card_licence":
        mine.drivers_licence.unlock(Pin("drivers_licence", own["drivers_licence"]))
        mine.drivers_licence.read()
        app = mine.drivers_licence
        yield Held(app, lambda: app._files._kept.files, app._values, lambda v: v.record, ("licence",), trust)
    elif session == "input_support":
        mine.input_support.unlock(Pin("input_support", own["input_support"]))
        mine.input_support.read()
        files = mine.input_support._files
        signed = lambda v: (v.individual_number, v.four_items)  # noqa: E731
        yield Held(mine.input_support, lambda: files._kept.files, input_support._values, signed, ("number",), trust)
    else:
        key: Any = NumberB(own["number_b"])
        if session == "age":
            key = BirthDateKey(own["birth_date_key"])
        if session == "number_image":
            key = NumberA.of(own["number_a"])
        mine.card_face.unlock(key)
        parts = {"age": ("age",), "number_image": ("number_image", "certificate"), "card_face": ()}[session]
        mine.card_face.read(*parts, *(("certificate",) if session == "age" else ()))
        files = mine.card_face._files

        def signed_face(v: Any) -> Any:
            face = v.face and replace(v.face, expiry_date=None, security_code_image=None)
            return face, v.age, v.number_image

        yield Held(mine.card_face, lambda: files._kept.files, card_face._values, signed_face, (), trust)
