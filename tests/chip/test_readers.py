"""Reader URLs, readers that an extra provides, and what PC/SC is given."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from honnin.chip import Reader, list_readers, open_reader
from honnin.chip.readers.emulated import ForeignReader
from honnin.chip.readers.pcsc import without_le
from honnin.errors import CardError, InputError, ReaderError


class Stranger:
    """What an extra gives: nothing but the five names."""

    def __init__(self, answer: bytes | Exception = b"\x90\x00") -> None:
        self.atr = bytes.fromhex("3BE000FF8131FE4514")
        self.answer = answer
        self.calls: list[str] = []

    def transmit(self, apdu: bytes) -> bytes:
        self.calls.append(apdu.hex())
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def reset(self) -> None:
        self.calls.append("reset")
        if isinstance(self.answer, Exception):
            raise self.answer

    def close(self) -> None:
        self.calls.append("close")


@pytest.mark.parametrize("url", ["", "hanako", "usb:0", "PCSC:", "telepathy:x", ":", "pcsc"])
def test_unknown_url(url: str) -> None:
    with pytest.raises(InputError, match=r"reader\.unknown_scheme") as caught:
        open_reader(url)
    assert "pcsc:NAME" in caught.value.next


def test_a_scheme_of_an_installed_extra(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    """The extra's factory gets the target and the data folder."""
    given = []

    def factory(target: str, folder: Path) -> Stranger:
        given.append((target, folder))
        return Stranger()

    class Entry(EntryPoint):
        def load(self) -> object:
            return factory

    found = (Entry("toy", "nowhere:nothing", "honnin.readers"),)
    monkeypatch.setattr("honnin.chip.readers.opening.entry_points", lambda **_: found)
    with open_reader("toy:one/two", data=data) as reader:
        assert isinstance(reader, Reader)
        assert (reader.name, reader.atr.hex()) == ("toy:one/two", "3be000ff8131fe4514")
        assert reader.transmit(b"\0\xa4\0\0") == b"\x90\0"
    assert given == [("one/two", data)]


def test_an_extra_that_fails() -> None:
    def factory(target: str, folder: Path) -> Stranger:
        raise RuntimeError("private: 1234")

    with pytest.raises(ReaderError, match=r"reader\.failed.*RuntimeError") as caught:
        ForeignReader.open("toy:x", factory, "x", Path())
    assert "1234" not in str(caught.value)


def test_an_extra_that_says_why() -> None:
    def factory(target: str, folder: Path) -> Stranger:
        raise CardError("card.not_issued", "This person has no card.")

    with pytest.raises(CardError, match=r"card\.not_issued"):
        ForeignReader.open("toy:x", factory, "x", Path())


@pytest.mark.parametrize(
    "error", [ValueError("00200098 31323334"), ConnectionResetError(), KeyError("1234"), AssertionError()]
)
def test_an_extra_that_breaks_while_used(error: Exception) -> None:
    reader = ForeignReader("toy:x", Stranger(error))
    with pytest.raises(ReaderError, match=r"reader\.failed") as caught:
        reader.transmit(b"\0\x20\0\x98\x04" + b"1234")
    assert caught.value.__cause__ is None
    assert "1234" not in str(caught.value)
    with pytest.raises(ReaderError, match=r"reader\.failed"):
        reader.reset()


def test_closing_resets_once_and_ends_use() -> None:
    stranger = Stranger()
    reader = ForeignReader("toy:x", stranger)
    reader.close()
    reader.close()
    assert stranger.calls == ["reset", "close"]
    with pytest.raises(ReaderError, match=r"reader\.closed"):
        reader.transmit(b"\0\xa4\0\0")


def test_without_pyscard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smartcard", None)
    with pytest.raises(ReaderError, match=r"reader\.pcsc_missing") as caught:
        list_readers()
    assert "pip install 'honnin[pcsc]'" in caught.value.next
    with pytest.raises(ReaderError, match=r"reader\.pcsc_missing"):
        open_reader("pcsc:")


@pytest.mark.parametrize(
    ("apdu", "sent"),
    [
        ("00A40000", "00A40000"),
        ("00B0000000", "00B0000000"),
        ("00A4020C020018", "00A4020C020018"),
        ("802A009A02300000", "802A009A023000"),
        ("00D60000000002AABB", "00D60000000002AABB"),
    ],
)
def test_t0_carries_no_le_after_data(apdu: str, sent: str) -> None:
    assert without_le(bytes.fromhex(apdu)).hex().upper() == sent
