"""A forgery never shows green: every byte of every file of every emulated document is changed and judged.

A byte under a signature → failed. Any other byte → what is still proved is what was proved before, and says the same.
"""

from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

import pytest
from tests.chip.opened_documents import SESSIONS, held

from honnin.chip import Reader
from honnin.chip.answers import OVER_DATA, authenticity, covered
from honnin.errors import HonninError

SAMPLES = 20


@pytest.fixture(scope="module")
def world_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.mark.parametrize("session", SESSIONS)
def test_every_byte_of_every_file(world_data: Path, session: str) -> None:
    with held(session, world_data) as document:
        files = document.files()
        genuine = document.proofs()
        assert authenticity(genuine) == "verified"
        said = document.signed(document.values(dict(files)))
        before = {(proof.kind, proof.covers): proof.result for proof in genuine}
        failed = judged = 0
        for part, content in list(files.items()):
            for at in range(len(content)):
                files[part] = content[:at] + bytes((content[at] ^ 1 << at % 8,)) + content[at + 1 :]
                proofs = document.proofs()
                answer = authenticity(proofs)
                judged += 1
                failed += answer == "failed"
                if part in document.strict:
                    assert answer != "verified", (part, at)
                    assert not covered(part, proofs), (part, at)
                if answer == "verified":
                    assert document.signed(document.values(dict(files))) == said, (part, at)
                    over = {(p.kind, p.covers): p.result for p in proofs if p.kind in OVER_DATA}
                    assert over.items() <= before.items(), (part, at)
            files[part] = content
        assert authenticity(document.proofs()) == "verified"
    assert failed > judged // 10


class Flipping:
    """A reader that changes one bit of the answer to one READ BINARY or READ RECORD."""

    name, atr = "flipping", b""

    def __init__(self, inner: Reader, read: int, at: int, bit: int) -> None:
        self.inner, self.read, self.at, self.bit = inner, read, at, bit
        self.reads = 0
        self.hit = False

    def transmit(self, apdu: bytes) -> bytes:
        answer = self.inner.transmit(apdu)
        if apdu[1] in {0xB0, 0xB2} and len(answer) > 2:
            self.reads += 1
            if self.reads == self.read:
                place = self.at % (len(answer) - 2)
                answer = answer[:place] + bytes((answer[place] ^ 1 << self.bit,)) + answer[place + 1 :]
                self.hit = True
        return answer

    def reset(self) -> None:
        self.inner.reset()

    def close(self) -> None:
        self.inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


@pytest.mark.parametrize("session", SESSIONS)
def test_a_sample_through_the_chip(world_data: Path, session: str) -> None:
    with held(session, world_data) as document:
        document.proofs()
        said = document.signed(document.values(dict(document.files())))
        lengths = len(document.application._channel.transcript)
    chance = Random(session)  # noqa: S311 - a fixed sample
    hits = 0
    for _ in range(SAMPLES):
        place = chance.randrange(1, max(2, lengths // 2)), chance.randrange(1 << 16), chance.randrange(8)
        wires: list[Flipping] = []

        def between(reader: Reader, place: tuple[int, int, int] = place, wires: list[Flipping] = wires) -> Reader:
            wires.append(Flipping(reader, *place))
            return wires[0]

        try:
            with held(session, world_data, between) as document:
                answer = authenticity(document.proofs())
                shown = document.signed(document.values(dict(document.files())))
        except HonninError:
            answer, shown = "failed", None
        hits += wires[0].hit
        assert answer != "verified" or shown == said
    assert hits >= SAMPLES // 3
