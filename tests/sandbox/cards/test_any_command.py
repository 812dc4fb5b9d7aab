"""Random commands: always a status word, never more tries, fewer only by VERIFY with data."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from honnin.sandbox.cards.card import COMMANDS, EmulatedCard

JPKI = bytes.fromhex("00A4040C0AD392F000260100000001")
PINS = {"signature": (0x9B, b"TEST1234"), "user_authentication": (0x98, b"1234")}

octet = st.integers(0, 255)
header = st.tuples(
    st.sampled_from([0x00, 0x80]) | octet,
    st.sampled_from(sorted(COMMANDS)) | octet,
    st.sampled_from([0, 1, 2, 4, 0x80, 0x88, 0x8A]) | octet,
    st.sampled_from([0, 0x0C, 0x80, 0x97, 0x98, 0x9A, 0x9B]) | octet,
).map(bytes)
content = st.sampled_from(
    [b"", b"TEST1234", b"1234", b"0000", *(bytes([0, n]) for n in (1, 8, 10, 0x17, 0x18, 0x1A, 0x1B)), JPKI[5:]]
) | st.binary(max_size=255)
shape = st.sampled_from(
    [
        lambda h, b: h + bytes([len(b)]) + b,
        lambda h, b: h + bytes([len(b)]) + b + b"\x00",
        lambda h, b: h + b"\x00" + len(b).to_bytes(2) + b,
        lambda h, b: h + b"\x00" + len(b).to_bytes(2) + b + b"\x00\x00",
        lambda h, _: h,
        lambda h, _: h + b"\x00",
        lambda h, b: h + b,
    ]
)
apdu = st.builds(lambda h, b, s: s(h, b), header, content, shape) | st.binary(max_size=300)


def tries(card: EmulatedCard) -> dict[str, int]:
    return {name: card._counters.tries_left(card._session.chip, name) for name in card._session.chip.pins}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(apdus=st.lists(apdu, min_size=1, max_size=40))
def test_every_command_has_an_answer(insert: Callable[..., EmulatedCard], apdus: list[bytes]) -> None:
    card: Any = insert()
    card.transmit(JPKI)
    before = tries(card)
    for command in apdus:
        answer = card.transmit(command)
        assert 2 <= len(answer) <= 258
        status = int.from_bytes(answer[-2:])
        assert status == 0x9000 or len(answer) == 2
        assert status >> 12 in {6, 9}
        after = tries(card)
        changed = {name for name in after if after[name] != before[name]}
        if changed:
            assert command[1] == 0x20
            assert len(command) > 5
            assert len(changed) == 1
            (name,) = changed
            assert after[name] == before[name] - 1 or (status == 0x9000 and after[name] > before[name])
        before = after


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(apdus=st.lists(apdu, max_size=20))
def test_nothing_behind_a_pin_without_the_pin(insert: Callable[..., EmulatedCard], apdus: list[bytes]) -> None:
    card = insert()
    card.transmit(JPKI)
    secret = {pin for _, pin in PINS.values()}
    for command in apdus:
        if not any(pin in command for pin in secret):
            card.transmit(command)
    card.transmit(JPKI)
    assert card.transmit(bytes.fromhex("00B0810004")).hex() == "6982"
    assert card.transmit(bytes.fromhex("802A009A010100")).hex() == "6982"
    assert card.transmit(bytes.fromhex("802A0097010100")).hex() == "6982"
