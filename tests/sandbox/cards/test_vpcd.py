"""The vpcd protocol, with this test in the place of the virtual reader."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ports import free_ports
from tests.waiting import LONG

from honnin.sandbox.cards import vpcd
from honnin.sandbox.cards.card import EmulatedCard

JPKI = bytes.fromhex("00A4040C0AD392F000260100000001")


class Slot:
    """The reader's side: a listening socket that one card connects to."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(LONG)
        self.port = self.listener.getsockname()[1]
        self.card: socket.socket | None = None

    def insert(self) -> None:
        self.card, _ = self.listener.accept()
        self.card.settimeout(LONG)
        self.card.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def tell(self, *payloads: bytes) -> None:
        self.card.sendall(b"".join(len(p).to_bytes(2) + p for p in payloads))

    def heard(self) -> bytes:
        return self.exactly(int.from_bytes(self.exactly(2)))

    def exactly(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            part = self.card.recv(count - len(received))
            assert part, "the card hung up"
            received += part
        return received

    def ask(self, payload: bytes) -> bytes:
        self.tell(payload)
        return self.heard()


@pytest.fixture
def slot(insert: Callable[..., EmulatedCard]) -> Iterator[Slot]:
    reader = Slot()
    stop = threading.Event()
    card = threading.Thread(target=lambda: vpcd.serve(insert(), "127.0.0.1", reader.port, stop=stop))
    card.start()
    yield reader
    stop.set()
    card.join(LONG)
    for end in (reader.card, reader.listener):
        if end is not None:
            end.close()
    assert not card.is_alive()


def test_atr_and_commands(slot: Slot, insert: Callable[..., EmulatedCard]) -> None:
    slot.insert()
    slot.tell(b"\x01")
    assert slot.ask(b"\x04") == insert().atr
    assert slot.ask(JPKI) == b"\x90\x00"
    assert slot.ask(bytes.fromhex("00B0880003")).hex() == "8f8f009000"


@pytest.mark.parametrize("control", [b"\x00", b"\x01", b"\x02"])
def test_control_has_no_answer_and_takes_power_away(slot: Slot, control: bytes) -> None:
    slot.insert()
    slot.ask(JPKI)
    slot.ask(bytes.fromhex("00200098") + b"\x041234")
    slot.tell(control)
    assert slot.ask(bytes.fromhex("00A4020C020017")).hex() == "6a82"
    slot.ask(JPKI)
    assert slot.ask(bytes.fromhex("802A0097010100")).hex() == "6982"


def test_payloads_in_pieces_and_in_a_row(slot: Slot) -> None:
    slot.insert()
    for octet in len(JPKI).to_bytes(2) + JPKI:
        slot.card.sendall(bytes([octet]))
    assert slot.heard() == b"\x90\x00"
    slot.tell(JPKI, b"\x04", JPKI)
    assert slot.heard() == b"\x90\x00"
    assert slot.heard()[0] == 0x3B
    assert slot.heard() == b"\x90\x00"


def test_nonsense_from_the_reader(slot: Slot) -> None:
    slot.insert()
    slot.tell(b"", b"\x09")  # nothing, and a control that does not exist
    assert slot.ask(b"\x00\x01") == b"\x67\x00"
    assert slot.ask(bytes(65535)) == b"\x67\x00"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(payloads=st.lists(st.binary(max_size=400), max_size=12))
def test_any_payloads(slot: Slot, payloads: list[bytes]) -> None:
    """Whatever came before, the next ATR is answered, and nothing but commands and ATRs was."""
    if slot.card is None:
        slot.insert()
    answered = [p for p in payloads if len(p) > 1 or p == b"\x04"]
    slot.tell(*payloads)
    for _ in answered:
        assert len(slot.heard()) >= 2
    assert slot.ask(b"\x04")[0] == 0x3B


def test_reader_that_goes_away_gets_the_card_again(slot: Slot) -> None:
    slot.insert()
    slot.ask(JPKI)
    slot.card.close()
    slot.insert()
    assert slot.ask(bytes.fromhex("00A4020C020017")).hex() == "6a82"  # it was without power in between
    assert slot.ask(JPKI) == b"\x90\x00"


def test_reader_that_comes_late(insert: Callable[..., EmulatedCard]) -> None:
    port = free_ports()
    stop = threading.Event()
    card = threading.Thread(target=lambda: vpcd.serve(insert(), "127.0.0.1", port, stop=stop))
    card.start()
    try:
        stop.wait(0.5)
        with socket.create_server(("127.0.0.1", port)) as listener:
            listener.settimeout(LONG)
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"\x00\x01\x04")
                assert connection.recv(2) == len(insert().atr).to_bytes(2)
    finally:
        stop.set()
        card.join(LONG)
    assert not card.is_alive()
