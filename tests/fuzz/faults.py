"""What can happen between honnin and a chip: answers changed, repeated or made up, contact lost, at times for good.

Commands are never changed: a changed VERIFY would cost a try by the tester's hand, not by honnin's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Self

from honnin.chip import Reader
from honnin.errors import ReaderError

__all__ = ["KINDS", "Fault", "Faulty", "draw"]

STATUS_WORDS = (0x9000, 0x6282, 0x6283, 0x6300, 0x63C0, 0x63C1, 0x63C3, 0x63CF, 0x6700, 0x6881, 0x6882, 0x6981, 0x6982)
STATUS_WORDS += (0x6983, 0x6984, 0x6985, 0x6986, 0x6987, 0x6988, 0x6A80, 0x6A82, 0x6A83, 0x6A86, 0x6A88, 0x6B00, 0x6C00)
STATUS_WORDS += (0x6C04, 0x6C10, 0x6CFF, 0x6D00, 0x6E00, 0x6F00, 0x6100, 0x6105, 0x61FF, 0x0000, 0xFFFF)
MOST_COMMANDS = 4000
CONTACT = ("lost_before", "lost_after", "gone")
KINDS = (
    "flip",
    "flips",
    "cut",
    "longer",
    "status",
    "refused",
    "replayed",
    "made_up",
    "zeros",
    "empty",
    "noise",
    *CONTACT,
)


@dataclass(frozen=True)
class Fault:
    """One thing that happens at a command. change: what becomes of the answer; None for what `kind` says itself."""

    kind: str
    change: Callable[[bytes, list[bytes]], bytes] | None = None


def draw(chance: Random) -> Fault:
    """Draw a fault."""
    kind = chance.choice(KINDS)
    word = chance.choice(STATUS_WORDS).to_bytes(2)
    octets = chance.randbytes(chance.choice((0, 1, 2, 4, 8, 16, 64, 256, 300)))
    place, bits, cut = chance.randrange(1 << 16), 1 << chance.randrange(8), chance.randrange(300)
    changes: dict[str, Callable[[bytes, list[bytes]], bytes]] = {
        "flip": lambda answer, _: _flipped(answer, place, bits),
        "flips": lambda answer, _: _flipped(_flipped(answer, place, bits), place * 7 + 1, 1 << place % 8),
        "cut": lambda answer, _: answer[: cut % max(len(answer), 1)],
        "longer": lambda answer, _: answer[:-2] + octets + answer[-2:],
        "status": lambda answer, _: answer[:-2] + word,
        "refused": lambda _, __: word,
        "replayed": lambda answer, before: before[place % len(before)] if before else answer,
        "made_up": lambda _, __: octets + word,
        "zeros": lambda answer, _: bytes(max(len(answer) - 2, 0)) + answer[-2:],
        "empty": lambda _, __: b"",
    }
    return Fault(kind, changes.get(kind))


def _flipped(answer: bytes, at: int, bits: int) -> bytes:
    if not answer:
        return answer
    place = at % len(answer)
    return answer[:place] + bytes((answer[place] ^ bits,)) + answer[place + 1 :]


class Faulty:
    """A reader with faults at some commands, counted from 1. `close` leaves the chip as it is, to be looked at."""

    name, atr = "faulty", b""

    def __init__(self, inner: Reader, faults: dict[int, Fault], chance: Random) -> None:
        self.inner = inner
        self.faults = faults
        self.chance = chance
        self.sent = 0
        self.pins = 0
        self.met: list[str] = []
        self.gone = False
        self._noise = False
        self._answers: list[bytes] = []

    def transmit(self, apdu: bytes) -> bytes:
        """Pass a command on, with what happens to it or to its answer."""
        if self.gone:
            raise _lost()
        self.sent += 1
        if self.sent > MOST_COMMANDS:
            raise AssertionError("the chip kept honnin busy")
        self.pins += apdu[1] in {0x20, 0x24} and len(apdu) > 5
        fault = self.faults.get(self.sent)
        if fault is not None:
            self.met.append(fault.kind)
            if fault.kind in CONTACT:
                self._lose(apdu, fault.kind)
            self._noise = self._noise or fault.kind == "noise"
        answer = self.inner.transmit(apdu)
        if self._noise:
            answer = self.chance.randbytes(self.chance.randrange(40)) + self.chance.choice(STATUS_WORDS).to_bytes(2)
        elif fault is not None and fault.change is not None:
            answer = fault.change(answer, self._answers)
        self._answers.append(answer)
        return answer

    def _lose(self, apdu: bytes, kind: str) -> None:
        if kind != "lost_before":
            self.inner.transmit(apdu)
        self.inner.reset()
        self.gone = kind == "gone"
        raise _lost()

    def reset(self) -> None:
        """Power the chip off and on."""
        if self.gone:
            raise _lost()
        self.inner.reset()

    def close(self) -> None:
        """Leave the chip as it is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()


def _lost() -> ReaderError:
    return ReaderError("reader.contact_lost", "Contact with the card was lost.", retryable=True)
