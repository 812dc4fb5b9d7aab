"""What honnin needs of a card: APDUs and bytes on the wire, processor time to a verdict, on emulated ones.

Counted between honnin and the chip, protection included, so that recordings of other programs can stand beside it. The
time includes the emulated chip's own cryptography, which runs in the same process.
"""

import hashlib
import tempfile
import time
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from honnin.chip import (
    CardNumber,
    Challenge,
    DriversLicence,
    MrzKey,
    MyNumberCard,
    NumberB,
    Passport,
    Pin,
    Reader,
    ResidenceCard,
    open_reader,
)
from honnin.connect.worlds import World, installed, open_world

__all__ = ["RecordedRead", "WholeRead", "apdu_counts", "document_reads", "recorded_reads"]

PERSON = "hanako"
FOREIGN = "anna"
PASSPORTS = {
    "passport, BAC and active authentication (RSA)": "jp-bac-rsa",
    "passport, BAC and active authentication (ECDSA)": "jp-bac-ec",
    "passport, BAC and chip authentication (3DES)": "bac-chip",
    "passport, PACE and chip authentication (AES)": "pace-gm",
    "passport, PACE and chip authentication (3DES)": "pace-3des",
    "passport, PACE with the integrated mapping, active authentication": "pace-im",
    "passport, PACE with chip authentication mapping": "pace-cam",
    "passport, chip of short answers": "old-chip",
}


class RecordedRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What another program needed for the same, from its recording. bytes: of answers."""

    peer: str
    transcript: str
    apdus: int
    bytes: int


class _Recorded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    date: str
    reads: dict[str, tuple[RecordedRead, ...]]


@cache
def recorded_reads() -> dict[str, tuple[RecordedRead, ...]]:
    """Return the recordings of other programs by task, as `apdu_counts` and `document_reads` name it."""
    raw = files(__package__).joinpath("recorded_reads.json").read_bytes()
    return msgspec.json.decode(raw, type=_Recorded).reads


class WholeRead(NamedTuple):
    """One document unlocked, read whole, proved and left. bytes: of answers; milliseconds: of the processor."""

    apdus: int
    bytes: int
    milliseconds: float


class Counting:
    """A reader that counts what passes."""

    def __init__(self, inner: Reader) -> None:
        self._inner = inner
        self.name = inner.name
        self.atr = inner.atr
        self.apdus = 0
        self.bytes = 0

    def transmit(self, apdu: bytes) -> bytes:
        """Pass a command on."""
        answer = self._inner.transmit(apdu)
        self.apdus += 1
        self.bytes += len(answer) - 2
        return answer

    def reset(self) -> None:
        """Pass it on."""
        self._inner.reset()

    def close(self) -> None:
        """Pass it on."""
        self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def apdu_counts() -> dict[str, int] | None:
    """Return the number of APDUs by task, the PIN and leaving the card included; None without a sandbox."""
    if not installed():
        return None
    with tempfile.TemporaryDirectory(prefix="honnin-bench-") as folder:
        data = Path(folder)
        pins = next(person["pins"] for person in open_world(data).people() if person["id"] == PERSON)
        return {
            "read signature certificate + sign": _count(data, "signature", pins["signature"]),
            "read user authentication certificate + sign": _count(
                data, "user_authentication", pins["user_authentication"]
            ),
        }


def _count(data: Path, kind: str, pin: str) -> int:
    with open_reader(f"emulated:{PERSON}", data=data) as reader:
        card = MyNumberCard(reader)
        with card:
            if kind == "signature":
                card.jpki.unlock(Pin("signature", pin))
                card.jpki.certificate("signature")
                card.jpki.sign("signature", hashlib.sha256(b"bench").digest())
            else:
                card.jpki.certificate("user_authentication")
                card.jpki.unlock(Pin("user_authentication", pin))
                card.jpki.sign("user_authentication", hashlib.sha256(b"bench").digest())
        return len(card.transcript)


def document_reads(rounds: int = 1) -> dict[str, WholeRead] | None:
    """Return what a full read of each document takes, the time as the median of the rounds; None without a sandbox."""
    if not installed():
        return None
    with tempfile.TemporaryDirectory(prefix="honnin-bench-") as folder:
        data = Path(folder)
        return {
            name: _measured(url, data, whole, rounds) for name, (url, whole) in _documents(open_world(data)).items()
        }


def _measured(url: str, data: Path, whole: Callable[[Reader], None], rounds: int) -> WholeRead:
    open_reader(url, data=data).close()  # the document is issued, which is not measured
    times = []
    for _ in range(rounds):
        with Counting(open_reader(url, data=data)) as reader:
            before = time.process_time()
            whole(reader)
            times.append(time.process_time() - before)
    return WholeRead(reader.apdus, reader.bytes, median(times) * 1000)


def _documents(world: World) -> dict[str, tuple[str, Callable[[Reader], None]]]:
    keys: dict[str, Any] = {person["id"]: person["document_keys"] for person in world.people()}
    own, licence, page = (keys[PERSON][document] for document in ("my_number_card", "drivers_licence", "passport"))
    number = CardNumber(keys[FOREIGN]["residence_card"]["card_number"])
    ((_, delivery_key),) = world.document_trust()["residence_card_delivery"]
    mrz = MrzKey.of(page["document_number"], page["birth_date"], page["expiry_date"])
    challenge = Challenge.fresh("bench", "honnin")

    def read(application: Any, *opening: Any) -> None:
        for key in opening:
            application.unlock(key)
        application.read()
        application.prove(challenge)

    def of_licence(reader: Reader) -> None:
        with DriversLicence(reader) as found:
            read(found.card, Pin("pin_1", licence["pin_1"]), Pin("pin_2", licence["pin_2"]))

    def of_face(reader: Reader) -> None:
        with MyNumberCard(reader) as found:
            read(found.card_face, NumberB(own["number_b"]))

    def of_input_support(reader: Reader) -> None:
        with MyNumberCard(reader) as found:
            read(found.input_support, Pin("input_support", own["input_support"]))

    def of_licence_on_card(reader: Reader) -> None:
        with MyNumberCard(reader) as found:
            read(found.drivers_licence, Pin("drivers_licence", own["drivers_licence"]))

    def of_residence_card(reader: Reader) -> None:
        with ResidenceCard(reader, delivery_key=delivery_key) as found:
            read(found.residence, number)

    def of_passport(reader: Reader) -> None:
        with Passport(reader) as found:
            read(found.lds1, mrz)

    residence, passport = f"emulated:{FOREIGN}/residence_card", f"emulated:{PERSON}/passport"
    return {
        "driver's licence": (f"emulated:{PERSON}/drivers_licence", of_licence),
        "licence on a My Number Card": (f"emulated:{PERSON}", of_licence_on_card),
        "My Number Card, card face": (f"emulated:{PERSON}", of_face),
        "My Number Card, input support, four items": (f"emulated:{PERSON}", of_input_support),
        "residence card, generation 1": (f"{residence}:card-1", of_residence_card),
        "residence card, generation 2": (f"{residence}:card-2", of_residence_card),
        "residence card on a My Number Card": (f"{residence}:specified-card", of_residence_card),
        **{name: (f"{passport}:{kind}", of_passport) for name, kind in PASSPORTS.items()},
    }
