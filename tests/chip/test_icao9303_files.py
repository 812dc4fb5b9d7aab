"""Data groups and the security object of whatever bytes: a value or a coded error, never green beside a change."""

import os
from collections.abc import Callable
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from honnin.chip.icao9303 import active_authentication, lds, master_list, parse_security_object
from honnin.chip.icao9303.passive import passive_authentication
from honnin.errors import FormatError
from honnin.sandbox.cards.passport.authenticating import active_signature
from honnin.sandbox.foreign_ministry import csca_certificates
from honnin.sandbox.foreign_ministry.passports import IssuedPassport, issue
from honnin.sandbox.world import World

pytestmark = pytest.mark.xdist_group("emulated_passports")

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
PARSERS: dict[str, Callable[[bytes], object]] = {
    "com": lds.parse_common,
    "sod": parse_security_object,
    "dg1": lds.parse_dg1,
    "dg2": lds.parse_dg2,
    "dg7": lds.parse_dg7,
    "dg11": lds.parse_dg11,
    "dg12": lds.parse_dg12,
    "dg14": lds.parse_dg14,
    "dg15": lds.parse_dg15,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("passports"))


@pytest.fixture(scope="module")
def issued(world: World) -> IssuedPassport:
    return issue(world, "hanako", "jp-bac-ec")


def mutations() -> st.SearchStrategy[Callable[[bytes], bytes]]:
    """Overwrite, cut out, insert, repeat: what a damaged or a forged file looks like."""
    place = st.integers(0, 1 << 14)
    overwrite = st.builds(
        lambda at, b: lambda c: c[: at % len(c)] + b + c[at % len(c) + len(b) :],
        place,
        st.binary(min_size=1, max_size=8),
    )
    cut = st.builds(lambda at, n: lambda c: c[: at % len(c)] + c[at % len(c) + n :], place, st.integers(1, 64))
    insert = st.builds(
        lambda at, b: lambda c: c[: at % len(c)] + b + c[at % len(c) :], place, st.binary(min_size=1, max_size=16)
    )
    return overwrite | cut | insert | st.just(lambda c: c + c)


@pytest.mark.parametrize("name", PARSERS)
@settings(UNHURRIED, max_examples=60)
@given(content=st.binary(max_size=200))
def test_any_bytes(name: str, content: bytes) -> None:
    tag = lds.TAGS[name].to_bytes(1)
    for given_ in (content, tag + bytes((len(content) & 0x7F,)) + content[:127].ljust(len(content) & 0x7F, b"\0")):
        with suppress(FormatError):
            PARSERS[name](given_)


@pytest.mark.parametrize("name", [name for name in PARSERS if name != "dg7"])
@settings(UNHURRIED, max_examples=60)
@given(change=mutations())
def test_damaged_files(issued: IssuedPassport, name: str, change: Callable[[bytes], bytes]) -> None:
    with suppress(FormatError):
        PARSERS[name](change(issued.files[lds.FILES[name]]))


@settings(UNHURRIED, max_examples=200)
@given(change=mutations())
def test_a_damaged_security_object_verifies_nothing_else(
    world: World, issued: IssuedPassport, change: Callable[[bytes], bytes]
) -> None:
    sod = issued.files[0x011D]
    groups = {number & 0xFF: content for number, content in issued.files.items() if number & 0xFF <= 16}
    changed = change(sod)
    judged = passive_authentication(changed, groups, anchors=csca_certificates(world), at=world.now())
    if judged.result == "passed":
        assert parse_security_object(changed).digests == parse_security_object(sod).digests
    forged = groups | {1: groups[1][:-1] + b"9"}
    assert passive_authentication(changed, forged, anchors=csca_certificates(world), at=world.now()).result != "passed"


@UNHURRIED
@given(octets=st.binary(max_size=300))
def test_no_master_list(octets: bytes) -> None:
    with pytest.raises(FormatError):
        master_list(octets)


@settings(UNHURRIED, max_examples=60)
@given(answer=st.binary(max_size=300), challenge=st.binary(min_size=8, max_size=8))
def test_no_signature_of_a_chip(world: World, issued: IssuedPassport, answer: bytes, challenge: bytes) -> None:
    for passport in (issued, issue(world, "hanako", "jp-bac-rsa")):
        assert active_authentication(lds.parse_dg15(passport.files[0x010F]), challenge, answer) is None


@pytest.mark.parametrize("first", range(6))
def test_chips_leave_the_power_as_it_is_and_both_forms_are_read(world: World, first: int) -> None:
    """ISO/IEC 9796-2 has two signature production functions: the power itself, and the smaller of it and its negative.

    Readers in the field (JMRTD with BouncyCastle, gmrtd) open the first alone, so the emulated chips give that one.
    """
    passport = issue(world, "hanako", "jp-bac-rsa")
    challenge = bytes((first, *range(7)))
    spki = lds.parse_dg15(passport.files[0x010F])
    key = load_der_public_key(spki)
    assert isinstance(key, rsa.RSAPublicKey)
    numbers, size = key.public_numbers(), key.key_size // 8
    assert passport.active_key is not None
    answer = active_signature(passport.active_key, challenge, os.urandom)
    assert pow(int.from_bytes(answer), numbers.e, numbers.n).to_bytes(size)[0] == 0x6A
    for form in (answer, (numbers.n - int.from_bytes(answer)).to_bytes(size)):
        assert active_authentication(spki, challenge, form) == "iso9796_2_sha256"
        assert active_authentication(spki, bytes(8), form) is None


def test_faces_of_the_newer_record() -> None:
    """ISO/IEC 39794-5 is a tagged tree; the image is the value that begins as an image does."""
    image = bytes.fromhex("0000000c6a5020200d0a870a") + bytes(40)
    inner = b"\xa1\x3a\xa2\x38\x80\x36" + image + bytes(2)
    record = b"\x7f\x2e" + bytes((len(inner),)) + inner
    template = b"\x7f\x60" + bytes((len(record),)) + record
    group = b"\x7f\x61" + bytes((len(template) + 3,)) + b"\x02\x01\x01" + template
    (face,) = lds.parse_dg2(b"\x75" + bytes((len(group),)) + group)
    assert face.media_type == "image/jp2"
    assert face.image.startswith(image)


def test_dates_as_digits_and_as_decimals() -> None:
    for value in (b"19900412", bytes.fromhex("19900412")):
        content = b"\x6b" + bytes((3 + len(value),)) + b"\x5f\x2b" + bytes((len(value),)) + value
        assert lds.parse_dg11(content).birth_date == "19900412"
