"""The seven shapes of a command APDU, there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from honnin.sandbox.cards.apdu import Command, parse
from honnin.sandbox.cards.status import Refusal


def build(body: bytes, le: int | None, *, extended: bool) -> bytes:
    """Lay out a command by ISO/IEC 7816-3 table 11."""
    size = 2 if extended else 1
    marker = b"\x00" if extended else b""
    content = len(body).to_bytes(size) + body if body else b""
    wanted = b"" if le is None else (le % (1 << 8 * size)).to_bytes(size)
    return b"\x00\xb0\x01\x02" + (marker if content or wanted else b"") + content + wanted


@given(body=st.binary(max_size=255), le=st.none() | st.integers(1, 256))
def test_short(body: bytes, le: int | None) -> None:
    assert parse(build(body, le, extended=False)) == Command(0, 0xB0, 1, 2, body, le, extended=False)


@given(body=st.binary(max_size=600), le=st.none() | st.integers(1, 65536))
def test_extended(body: bytes, le: int | None) -> None:
    assert parse(build(body, le, extended=True)) == Command(0, 0xB0, 1, 2, body, le, extended=bool(body or le))


@given(st.binary(max_size=600))
def test_anything(apdu: bytes) -> None:
    """Every string of bytes is one command or none, and its data field is part of it."""
    try:
        command = parse(apdu)
    except Refusal:
        return
    assert command.body in apdu
    assert command.le is None or 1 <= command.le <= 65536
    assert build(command.body, command.le, extended=command.extended)[4:] == apdu[4:]


@pytest.mark.parametrize("longer", [1, 2, 5])
def test_trailing_bytes(longer: int) -> None:
    with pytest.raises(Refusal):
        parse(build(b"ab", 256, extended=False) + bytes(longer))
