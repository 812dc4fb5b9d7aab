"""A chip that answers anything: every call ends in bounded time, with a value or a coded error, and wastes no try."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from honnin.chip import Challenge, MyNumberCard, Pin, Reader, open_reader
from honnin.chip.ber import object_length
from honnin.chip.iso7816 import Command, Response
from honnin.chip.my_number_card.token import parse_token_info
from honnin.errors import FormatError, HonninError, ReaderError
from honnin.pki.rfc5280.certificate import parse_certificate

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
MOST_COMMANDS = 3500  # of one call to the worst chip: a 16 kB certificate in pieces of 16 bytes, each asked twice

STATUS_WORDS = [0x9000, 0x6282, 0x6283, 0x6300, *range(0x63C0, 0x63D0), 0x6700, 0x6881, 0x6981, 0x6982, 0x6983, 0x6984]
STATUS_WORDS += [0x6985, 0x6986, 0x6A80, 0x6A82, 0x6A83, 0x6A86, 0x6A88, 0x6B00, 0x6C00, 0x6C04, 0x6CFF, 0x6D00, 0x6E00]
STATUS_WORDS += [0x6F00, 0x6100, 0x6101, 0x61FF]


def status_words() -> st.SearchStrategy[int]:
    return st.sampled_from(STATUS_WORDS) | st.integers(0, 0xFFFF)


def answers() -> st.SearchStrategy[bytes]:
    """Anything: well-formed, too short, too long, beginning like a certificate, or like nothing."""
    bodies = (
        st.binary(max_size=300)
        | st.sampled_from(
            [b"\xff" * 256, bytes(256), b"\x30\x82\x06\x2b" + bytes(252), b"\x8f\x8f\0", b"\x30\x84" * 128]
        )
        | st.integers(0, 600).map(lambda n: b"\x30\x82" + bytes(n))
    )
    formed = st.builds(lambda body, sw: body + sw.to_bytes(2, "big"), bodies, status_words())
    likely = st.builds(lambda body: body + b"\x90\x00", bodies)
    return formed | likely | likely | st.binary(max_size=3)


class Hostile:
    """A reader whose card answers from a script, again from the start when it ends; at times contact is lost."""

    name = "hostile"
    atr = b""

    def __init__(self, script: list[bytes | None]) -> None:
        self.script = script
        self.sent: list[bytes] = []

    def transmit(self, apdu: bytes) -> bytes:
        self.sent.append(apdu)
        if len(self.sent) > MOST_COMMANDS:
            pytest.fail("the chip kept honnin busy")
        answer = self.script[(len(self.sent) - 1) % len(self.script)]
        if answer is None:
            raise ReaderError("reader.contact_lost", "Contact with the card was lost.")
        return answer

    def reset(self) -> None:
        if None in self.script:
            raise ReaderError("reader.contact_lost", "Contact with the card was lost.")

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    @property
    def pins_sent(self) -> int:
        """How many VERIFY or CHANGE commands carried data."""
        return sum(1 for apdu in self.sent if apdu[1] in {0x20, 0x24} and len(apdu) > 5)


def scripts(*, may_lose_contact: bool = True) -> st.SearchStrategy[list[bytes | None]]:
    element: st.SearchStrategy[Any] = answers() | st.none() if may_lose_contact else answers()
    return st.lists(element, min_size=1, max_size=12)


CALLS: list[tuple[Callable[[MyNumberCard], object], int]] = [
    (lambda card: card.detect(), 0),
    (lambda card: card.tries(), 0),
    (lambda card: card.jpki.token(), 0),
    (lambda card: card.jpki.issued(), 0),
    (lambda card: card.jpki.certificate("user_authentication"), 0),
    (lambda card: card.jpki.certificate("signature_ca"), 0),
    (lambda card: card.jpki.read(), 0),
    (lambda card: card.jpki.unlock(Pin("signature", "ABC123")), 1),
    (lambda card: card.jpki.unlock(Pin("user_authentication", "1234"), allow_last_try=True), 1),
    (lambda card: card.jpki.change_pin("user_authentication", "1234", "7391"), 2),
    (lambda card: unlock_and_use(card), 1),
]


def unlock_and_use(card: MyNumberCard) -> None:
    card.jpki.unlock(Pin("user_authentication", "1234"), allow_last_try=True)
    card.jpki.certificate("user_authentication")
    card.jpki.sign("user_authentication", bytes(32))
    card.jpki.prove(Challenge(bytes(16), "log in", "bank"))


@settings(UNHURRIED, max_examples=150)
@pytest.mark.parametrize(("call", "pins"), CALLS)
@given(script=scripts())
def test_every_call_ends_coded_and_wastes_no_try(
    call: Callable[[MyNumberCard], object], pins: int, script: list[bytes | None]
) -> None:
    reader = Hostile(script)
    said = ""
    with MyNumberCard(reader) as card:
        try:
            call(card)
        except HonninError as error:
            said = f"{error!s} {error!r} {error.__dict__}"
    assert "ABC123" not in said
    assert reader.pins_sent <= pins
    assert not any("31323334" in (exchange.sent or "") for exchange in card.transcript.exchanges)


@settings(UNHURRIED, max_examples=300)
@given(script=scripts(), bad=status_words().filter(lambda sw: sw & 0xFFF0 != 0x63C0 or sw == 0x63C0))
def test_no_pin_without_a_count(script: list[bytes | None], bad: int) -> None:
    """Whatever else the chip says: while the query names no tries, no PIN is sent."""

    class NoCount(Hostile):
        def transmit(self, apdu: bytes) -> bytes:
            if apdu[1] == 0x20 and len(apdu) == 4:
                self.sent.append(apdu)
                return bad.to_bytes(2, "big")
            return super().transmit(apdu)

    reader = NoCount(script)
    with pytest.raises(HonninError), MyNumberCard(reader) as card:
        card.jpki.unlock(Pin("user_authentication", "1234"), allow_last_try=True)
    assert reader.pins_sent == 0


@settings(UNHURRIED, max_examples=200)
@given(
    script=scripts(may_lose_contact=False), follow=st.sampled_from([b"\x61\x00", b"\x61\x05", b"\x6c\x00", b"\x6c\x10"])
)
def test_loops_of_follow_ups_end(script: list[bytes | None], follow: bytes) -> None:
    """A chip that announces more to every command."""
    reader = Hostile([(answer or b"")[:-2] + follow for answer in script])
    with MyNumberCard(reader) as card:
        for call, _ in CALLS:
            with pytest.raises(HonninError):
                call(card)
    assert reader.pins_sent == 0


@settings(UNHURRIED)
@given(answer=st.binary(max_size=600))
def test_answers_are_split_or_refused(answer: bytes) -> None:
    try:
        response = Response.parse(answer)
    except ReaderError:
        assert len(answer) < 2
    else:
        assert response.data + response.sw.to_bytes(2, "big") == answer


@settings(UNHURRIED)
@given(
    header=st.tuples(*[st.integers(0, 255)] * 4),
    data=st.binary(max_size=300) | st.sampled_from([255, 256, 257, 65534, 65535]).map(bytes),
    le=st.integers(0, 65536),
)
def test_commands_decode_to_what_they_were(header: tuple[int, int, int, int], data: bytes, le: int) -> None:
    """Read back by the rules of ISO/IEC 7816-4 §5.2 table 1, written down here anew."""
    apdu = Command(*header, data, le).encode()
    assert tuple(apdu[:4]) == header
    body = apdu[4:]
    if not body:
        read, expected = b"", 0
    elif len(body) == 1:
        read, expected = b"", body[0] or 256
    elif body[0]:
        read, rest = body[1 : 1 + body[0]], body[1 + body[0] :]
        expected = (rest[0] or 256) if rest else 0
        assert len(rest) <= 1
    elif len(body) == 3:
        read, expected = b"", int.from_bytes(body[1:], "big") or 65536
    else:
        length = int.from_bytes(body[1:3], "big")
        read, rest = body[3 : 3 + length], body[3 + length :]
        expected = (int.from_bytes(rest, "big") or 65536) if rest else 0
        assert len(rest) in {0, 2}
    assert (read, expected) == (data, le)


@settings(UNHURRIED)
@given(start=st.binary(max_size=12))
def test_object_lengths_are_told_or_refused(start: bytes) -> None:
    try:
        length = object_length(start)
    except FormatError:
        return
    if length is None:
        assert len(start) < 8
    else:
        assert length >= 2


@settings(UNHURRIED)
@given(content=st.binary(max_size=200))
def test_token_information_is_read_or_refused(content: bytes) -> None:
    try:
        token = parse_token_info(content, {})
    except FormatError:
        assert len(content) < 160
    else:
        assert token.carrier == "unknown"
        assert token.label.isprintable()


class Garbling:
    """A genuine card with one of its answers changed on the way."""

    atr = b""
    name = "garbling"

    def __init__(self, inner: Reader, at: int, change: Callable[[bytes], bytes]) -> None:
        self.inner = inner
        self.at = at
        self.change = change
        self.sent = 0
        self.pins = 0

    def transmit(self, apdu: bytes) -> bytes:
        answer = self.inner.transmit(apdu)
        self.pins += apdu[1] == 0x20 and len(apdu) > 4
        self.sent += 1
        return self.change(answer) if self.sent == self.at else answer

    def reset(self) -> None:
        self.inner.reset()

    def close(self) -> None:
        self.inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()


def changes() -> st.SearchStrategy[Callable[[bytes], bytes]]:
    """Flip a bit, cut, lengthen, or answer another status word."""
    flip = st.builds(lambda at, bit: lambda a: flipped(a, at, bit), st.integers(0, 600), st.integers(0, 7))
    cut = st.integers(0, 258).map(lambda n: lambda a: a[:n])
    longer = st.binary(min_size=1, max_size=300).map(lambda more: lambda a: a[:-2] + more + a[-2:])
    other = st.sampled_from(STATUS_WORDS).map(lambda sw: lambda a: a[:-2] + sw.to_bytes(2, "big"))
    refused = st.sampled_from(STATUS_WORDS).map(lambda sw: lambda _: sw.to_bytes(2, "big"))
    return flip | cut | longer | other | refused


def flipped(answer: bytes, at: int, bit: int) -> bytes:
    place = at % len(answer)
    return answer[:place] + bytes((answer[place] ^ 1 << bit,)) + answer[place + 1 :]


@pytest.fixture(scope="module")
def people_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@settings(UNHURRIED, max_examples=200)
@given(at=st.integers(1, 24), change=changes())
def test_one_answer_garbled(people_data: Path, at: int, change: Callable[[bytes], bytes]) -> None:
    """A coded error or the truth: never another certificate, never a proof that passes over changed bytes."""
    genuine = None
    with Garbling(open_reader("emulated:hanako", data=people_data), at, change) as reader:
        try:
            with MyNumberCard(reader) as card:
                card.tries()
                card.jpki.issued()
                card.jpki.token()
                card.jpki.unlock(Pin("user_authentication", "2468"))
                possession, *_ = card.jpki.prove(Challenge(bytes(16), "log in", "bank"))
                genuine = possession.result == "passed", possession.certificate
        except HonninError:
            pass
    assert reader.pins <= 1
    with open_reader("emulated:hanako", data=people_data) as untouched, MyNumberCard(untouched) as card:
        assert [tries.left for tries in card.tries()] == [5, 3]
        assert genuine is None or not genuine[0] or same_key(genuine[1], card.jpki.certificate("user_authentication"))


def same_key(one: bytes | None, other: bytes | None) -> bool:
    """A changed byte outside the key leaves possession proved: judging the certificate is the path's work."""
    assert one is not None
    assert other is not None
    return parse_certificate(one).spki == parse_certificate(other).spki
