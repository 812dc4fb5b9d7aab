"""Lengths of BER-TLV objects, minimal and not, as genuine cards write them."""

import pytest

from honnin.chip.ber import object_length
from honnin.errors import FormatError


@pytest.mark.parametrize(
    ("start", "length"),
    [
        ("3082062B", 1583),  # the sheet's authentication certificate
        ("3005", 7),
        ("30817F", 130),  # non-minimal
        ("FF100C", 15),  # EF 0001 of the input support application
        ("FF2082000A", 15),  # non-minimal, two bytes
        ("7F21820233", 568),  # card-verifiable certificate
        ("308400000100", 262),
    ],
)
def test_length(start: str, length: int) -> None:
    assert object_length(bytes.fromhex(start)) == length
    assert object_length(bytes.fromhex(start) + b"\1\2\3") == length


@pytest.mark.parametrize("start", ["", "30", "3082", "308206", "FF", "FF10", "7F21", "FF2082", "FF81"])
def test_more_is_needed(start: str) -> None:
    assert object_length(bytes.fromhex(start)) is None


@pytest.mark.parametrize("start", ["3080", "3085", "30FF", "FFFFFF01", "1F818101"])
def test_refused(start: str) -> None:
    with pytest.raises(FormatError, match=r"chip\.object_malformed"):
        object_length(bytes.fromhex(start))
