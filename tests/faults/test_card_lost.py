"""A card taken away after any command: a coded error, at most one PIN sent, and nothing lost on the card."""

from pathlib import Path
from typing import Self

import pytest

from honnin.chip import Challenge, MyNumberCard, Pin, open_reader
from honnin.chip.readers import Reader
from honnin.connect.worlds import open_world
from honnin.errors import ReaderError


class Slipping:
    """A reader that loses its card at the n-th command: before the card hears it, or after it answered."""

    atr = b""
    name = "slipping"

    def __init__(self, inner: Reader, at: int, *, heard: bool) -> None:
        self.inner = inner
        self.at = at
        self.heard = heard
        self.sent = 0
        self.pins = 0

    def transmit(self, apdu: bytes) -> bytes:
        self.sent += 1
        self.pins += apdu[1] == 0x20 and len(apdu) > 4
        if self.sent < self.at:
            return self.inner.transmit(apdu)
        if self.sent == self.at and self.heard:
            self.inner.transmit(apdu)
        raise ReaderError("reader.contact_lost", "Contact with the card was lost.", retryable=True)

    def reset(self) -> None:
        raise ReaderError("reader.contact_lost", "Contact with the card was lost.", retryable=True)

    def close(self) -> None:
        self.inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()


@pytest.fixture(scope="module")
def people_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


def whole_use(card: MyNumberCard, pin: str) -> None:
    card.tries()
    card.jpki.unlock(Pin("user_authentication", pin))
    card.jpki.certificate("user_authentication")
    card.jpki.prove(Challenge.fresh("log in", "bank"))


@pytest.mark.parametrize("heard", [True, False])
def test_lost_at_every_command(people_data: Path, heard: bool) -> None:
    pin = next(p["pins"] for p in open_world(people_data).people() if p["id"] == "hanako")["user_authentication"]
    at, lost = 1, True
    while lost:
        assert at < 100, "a card that nobody takes away is lost"
        with Slipping(open_reader("emulated:hanako", data=people_data), at, heard=heard) as reader:
            try:
                with MyNumberCard(reader) as card:
                    whole_use(card, pin)
                lost = False
            except ReaderError as error:
                lost = error.code == "reader.contact_lost" and error.retryable
                assert lost
            assert reader.pins <= 1
        with open_reader("emulated:hanako", data=people_data) as reader, MyNumberCard(reader) as card:
            assert [tries.left for tries in card.tries()] == [5, 3]
        at += 1
    assert at > 12
