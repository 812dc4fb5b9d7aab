"""BER made definite: what streaming writers produce, and what an attacker would."""

import pytest

from honnin.errors import FormatError
from honnin.pki.ber import definite


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("3003020105", "3003020105"),
        ("30800201050000", "3003020105"),
        ("308030800000 0000", "30023000"),
        ("2480 0402aabb 0401cc 0000", "0403aabbcc"),
        ("2406 0402aabb 0400", "0402aabb"),
        ("2480 2480 0401aa 0000 0401bb 0000", "0402aabb"),
        ("30810100", None),
        ("308103020105", "3003020105"),
        ("a080 3080 0000 0000", "a0023000"),
    ],
)
def test_definite(given: str, written: str | None) -> None:
    if written is None:
        with pytest.raises(FormatError):
            definite(bytes.fromhex(given))
    else:
        assert definite(bytes.fromhex(given)) == bytes.fromhex(written)


def test_long_content_keeps_its_octets() -> None:
    pieces = b"".join(b"\x04\x82\x03\xe8" + bytes([n]) * 1000 for n in range(70))
    whole = definite(b"\x24\x80" + pieces + b"\x00\x00")
    assert whole == b"\x04\x83\x01\x11\x70" + b"".join(bytes([n]) * 1000 for n in range(70))


@pytest.mark.parametrize(
    "given",
    [
        "",
        "30",
        "3080",
        "308002",
        "30800201",
        "3080020105",
        "308002010500",
        "0480",
        "30030201",
        "300302010500",
        "1f8101",
        "24030201 05",
        "0000",
        "3002 0000",
        "30890000000000000000 01",
    ],
)
def test_refused(given: str) -> None:
    with pytest.raises(FormatError, match=r"der\.malformed"):
        definite(bytes.fromhex(given))


def test_depth_and_number_are_bounded() -> None:
    for hostile in (b"\x30\x80" * 100_000, b"\x24\x80" * 60 + b"\x00\x00" * 60):
        with pytest.raises(FormatError, match=r"der\.malformed"):
            definite(hostile)
    many = b"\x05\x00" * 250_000
    with pytest.raises(FormatError, match="too many"):
        definite(b"\x30\x83" + len(many).to_bytes(3, "big") + many)
