"""Chips of every document that answer anything: a coded error or the truth, no try lost, nothing shown that is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chip.opened_documents import EVERYTHING, address, held
from tests.properties.test_hostile_chip import UNHURRIED, Garbling, Hostile, changes, scripts

from honnin.chip import (
    CardNumber,
    Challenge,
    DriversLicence,
    MyNumberCard,
    NumberA,
    NumberB,
    Pin,
    Reader,
    ResidenceCard,
    open_reader,
)
from honnin.chip.answers import authenticity
from honnin.chip.detecting import detect_document
from honnin.errors import HonninError

CHALLENGE = Challenge(bytes(16), "counter", "bank")
SESSIONS = (
    "licence",
    "card_face",
    "input_support",
    "card_licence",
    "residence_1",
    "residence_2",
    "residence_specified",
)


def licence(reader: Reader) -> None:
    with DriversLicence(reader) as found:
        found.detect()
        found.tries()
        found.card.unlock(Pin("pin_1", "1234"), allow_last_try=True)
        found.card.read()
        found.card.prove(CHALLENGE)


def residence(reader: Reader) -> None:
    with ResidenceCard(reader) as found:
        found.detect()
        found.residence.read()
        found.residence.unlock(CardNumber("AB12345678CD"))
        found.residence.read()
        found.residence.prove(CHALLENGE)


DELIVERY_KEY = (
    rsa.generate_private_key(65537, 2048).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)


def specified(reader: Reader) -> None:
    """A card on a My Number Card: the first answers say so, what follows is the script's."""
    answers = [b"\x6a\x86", b"\xc0\x04" + b"0001\x90\x00", b"\xc1\x02" + b"07\x90\x00"]
    with ResidenceCard(Introduced(reader, answers), delivery_key=DELIVERY_KEY) as found:
        found.residence.unlock(CardNumber("AB12345678CD"))
        found.residence.read()
        found.residence.prove(CHALLENGE)


class Introduced:
    """A reader whose first answers are given."""

    def __init__(self, reader: Reader, first: list[bytes]) -> None:
        self._reader = reader
        self._first = first
        self.name = reader.name
        self.atr = reader.atr

    def transmit(self, apdu: bytes) -> bytes:
        return self._first.pop(0) if self._first else self._reader.transmit(apdu)

    def reset(self) -> None:
        self._reader.reset()

    def close(self) -> None:
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()


def face(reader: Reader) -> None:
    with MyNumberCard(reader, allow=EVERYTHING) as found:
        found.all_tries()
        found.common.read()
        found.card_face.unlock(NumberB("55021720352285"), allow_last_try=True)
        found.card_face.read()
        found.card_face.prove(CHALLENGE)


def support(reader: Reader) -> None:
    with MyNumberCard(reader, allow=EVERYTHING) as found:
        found.input_support.unlock(NumberA.of("123456789018"), allow_last_try=True)
        found.input_support.read()
        found.input_support.prove(CHALLENGE)
        found.input_support.protect()
        found.input_support.read("four_items")


def card_licence(reader: Reader) -> None:
    with MyNumberCard(reader) as found:
        found.drivers_licence.unlock(Pin("drivers_licence", "1234"), allow_last_try=True)
        found.drivers_licence.read()
        found.drivers_licence.prove(CHALLENGE)


@pytest.mark.parametrize("use", [licence, residence, specified, face, support, card_licence, detect_document])
@settings(UNHURRIED, max_examples=60)
@given(script=scripts())
def test_every_call_ends_coded(use: Callable[[Reader], object], script: list[bytes | None]) -> None:
    reader = Hostile(script)
    said = ""
    try:
        use(reader)
    except HonninError as error:
        said = f"{error!s} {error!r} {error.__dict__}"
    assert "123456789018" not in said
    assert "55021720352285" not in said
    assert sum(1 for apdu in reader.sent if apdu[:2] == b"\x00\x20" and len(apdu) > 5) <= 1


@pytest.fixture(scope="module")
def world_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


_SAID: dict[str, object] = {}


@pytest.mark.parametrize("session", SESSIONS)
@settings(UNHURRIED, max_examples=40)
@given(at=st.integers(1, 40), change=changes())
def test_one_answer_garbled(world_data: Path, session: str, at: int, change: Callable[[bytes], bytes]) -> None:
    """Verified beside another value never, and afterwards every PIN has all its tries."""
    if session not in _SAID:
        with held(session, world_data) as document:
            _SAID[session] = document.signed(document.values(dict(document.files())))
    wires: list[Garbling] = []

    def between(reader: Reader) -> Reader:
        wires.append(Garbling(reader, at, change))
        return wires[0]

    try:
        with held(session, world_data, between) as document:
            answer = authenticity(document.proofs())
            shown = document.signed(document.values(dict(document.files())))
    except HonninError:
        answer, shown = "not_verifiable", None
    assert answer != "verified" or shown == _SAID[session]
    with open_reader(address(session), data=world_data) as reader:
        if session == "licence":
            with DriversLicence(reader) as untouched:
                assert {tries.left for tries in untouched.tries()} == {3}
        elif not session.startswith("residence"):
            with MyNumberCard(reader) as mine:
                assert all(tries.left == tries.of for _, tries in mine.all_tries())
