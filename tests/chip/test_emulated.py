"""The chip room end to end over emulated cards: real keys, real counters, and the people's stories."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from honnin.chip import Challenge, MyNumberCard, Pin, Trust, open_reader
from honnin.connect.worlds import open_world
from honnin.errors import CardError, HonninError, PinError

MESSAGE = b"an application"


@pytest.fixture(scope="module")
def people_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One world for this file; each test uses a person of its own."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def pins(people_data: Path) -> dict[str, dict[str, str]]:
    """Each person's PINs, as `honnin sandbox people` lists them."""
    return {person["id"]: person["pins"] for person in open_world(people_data).people()}


def verify(certificate: bytes, value: bytes, encoding: str, algorithm: str) -> None:
    """Check a signature over MESSAGE with the platform's library; raises when it is wrong."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    made = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[algorithm]
    if encoding == "pkcs1_v15":
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(value, MESSAGE, padding.PKCS1v15(), made)
        return
    assert isinstance(key, ec.EllipticCurvePublicKey)
    half = len(value) // 2
    der = encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
    key.verify(der, MESSAGE, ec.ECDSA(made))


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("person", ["hanako", "keita", "mirai"])
def test_both_keys_of_card_phone_and_next_card(
    people_data: Path, pins: dict[str, dict[str, str]], person: str, algorithm: str
) -> None:
    digest = hashlib.new(algorithm, MESSAGE).digest()
    with open_reader(f"emulated:{person}", data=people_data) as reader, MyNumberCard(reader) as card:
        for purpose, pin in pins[person].items():
            card.jpki.unlock(Pin(purpose, pin))
            made = card.jpki.sign(purpose, digest, algorithm=algorithm)
            verify(card.jpki.certificate(purpose), made.value, made.encoding, algorithm)


def test_possession_and_issuer(people_data: Path, pins: dict[str, dict[str, str]]) -> None:
    world = open_world(people_data)
    trust = Trust(world.anchors()["user_authentication"], world.now())
    for person, purpose in (("hanako", "user_authentication"), ("mirai", "user_authentication")):
        with open_reader(f"emulated:{person}", data=people_data) as reader, MyNumberCard(reader) as card:
            card.jpki.unlock(Pin(purpose, pins[person][purpose]))
            possession, issuer, revocation = card.jpki.prove(Challenge.fresh("log in", "bank"), trust=trust)
        assert (possession.result, revocation.result) == ("passed", "not_checked")
        assert issuer.result == "passed", issuer.reason


@pytest.mark.parametrize(("anchors", "later"), [("signature", 0), ("user_authentication", 4000)])
def test_another_issuer_and_an_expired_certificate(
    people_data: Path,
    pins: dict[str, dict[str, str]],
    anchors: Literal["signature", "user_authentication"],
    later: int,
) -> None:
    """The chip's key is proved all the same: one proof does not stand for another."""
    world = open_world(people_data)
    trust = Trust(world.anchors()[anchors], world.now() + timedelta(days=later))
    with open_reader("emulated:hanako", data=people_data) as reader, MyNumberCard(reader) as card:
        card.jpki.unlock(Pin("user_authentication", pins["hanako"]["user_authentication"]))
        possession, issuer, _ = card.jpki.prove(Challenge.fresh("log in", "bank"), trust=trust)
    assert (possession.result, issuer.result) == ("passed", "failed")


@pytest.mark.parametrize(
    ("person", "purpose", "code"),
    [
        ("goro", "signature", "card.pin_locked"),
        ("sanji", "user_authentication", "card.pin_locked"),
        ("ichika", "signature", "card.pin_last_try"),
        ("yui", "signature", "card.not_issued"),
        ("shin", "user_authentication", "card.not_issued"),
    ],
)
def test_stories(people_data: Path, pins: dict[str, Any], person: str, purpose: str, code: str) -> None:
    pin = pins[person].get(purpose, {"signature": "ABC123", "user_authentication": "1357"}[purpose])
    with open_reader(f"emulated:{person}", data=people_data) as reader, MyNumberCard(reader) as card:
        before = card.tries()
        with pytest.raises(CardError) as caught:
            card.jpki.unlock(Pin(purpose, pin))
        assert caught.value.code == code
        assert card.tries() == before


def test_a_wrong_pin_counts_down_in_every_process_and_a_right_one_restores(
    people_data: Path, pins: dict[str, dict[str, str]]
) -> None:
    for left in (2, 1):
        with open_reader("emulated:kaede", data=people_data) as reader, MyNumberCard(reader) as card:
            with pytest.raises(PinError, match=r"card\.pin_wrong") as caught:
                card.jpki.unlock(Pin("user_authentication", "0918"))
            assert caught.value.tries_left == left
    with open_reader("emulated:kaede", data=people_data) as reader, MyNumberCard(reader) as card:
        with pytest.raises(PinError, match=r"card\.pin_last_try"):
            card.jpki.unlock(Pin("user_authentication", pins["kaede"]["user_authentication"]))
        card.jpki.unlock(Pin("user_authentication", pins["kaede"]["user_authentication"]), allow_last_try=True)
        assert [tries.left for tries in card.tries()] == [5, 3]


def test_the_last_try_wrong_locks(people_data: Path) -> None:
    with open_reader("emulated:tsuru", data=people_data) as reader, MyNumberCard(reader) as card:
        for _ in range(2):
            with pytest.raises(PinError, match=r"card\.pin_wrong"):
                card.jpki.unlock(Pin("user_authentication", "0918"))
        with pytest.raises(PinError, match=r"card\.pin_locked"):
            card.jpki.unlock(Pin("user_authentication", "0918"), allow_last_try=True)
        assert card.tries()[1].state == "locked"


def test_changing_both_pins(people_data: Path, pins: dict[str, dict[str, str]]) -> None:
    with open_reader("emulated:sora", data=people_data) as reader, MyNumberCard(reader) as card:
        card.jpki.change_pin("signature", pins["sora"]["signature"], "new0pin7")
        card.jpki.change_pin("user_authentication", pins["sora"]["user_authentication"], "7391")
    with open_reader("emulated:sora", data=people_data) as reader, MyNumberCard(reader) as card:
        card.jpki.unlock(Pin("signature", "NEW0PIN7"))
        card.jpki.unlock(Pin("user_authentication", "7391"))
        with pytest.raises(PinError, match=r"card\.pin_wrong"):
            card.jpki.unlock(Pin("user_authentication", pins["sora"]["user_authentication"]))


def test_leaving_drops_the_pin_on_the_card(people_data: Path, pins: dict[str, dict[str, str]]) -> None:
    """Asked of the card itself, not of honnin's memory: the key refuses after a leave."""
    with open_reader("emulated:naoki", data=people_data) as reader:
        with MyNumberCard(reader) as card:
            card.jpki.unlock(Pin("user_authentication", pins["naoki"]["user_authentication"]))
        select, sign = "00A4040C0AD392F000260100000001", "802A00973330313030"
        assert reader.transmit(bytes.fromhex(select)) == b"\x90\x00"
        assert reader.transmit(bytes.fromhex(sign[:8] + "04" + sign[10:18] + "00"))[-2:] == b"\x69\x82"


def test_reading_with_and_without_the_pin(people_data: Path, pins: dict[str, dict[str, str]]) -> None:
    with open_reader("emulated:hanako", data=people_data) as reader, MyNumberCard(reader) as card:
        before = card.jpki.read()
        card.jpki.unlock(Pin("signature", pins["hanako"]["signature"]))
        after = card.jpki.read()
    assert before.values.signature is None
    assert before.values.user_authentication is not None
    assert before.values.user_authentication.four_items is None
    assert after.values.signature is not None
    assert after.values.signature.four_items is not None
    assert after.values.signature.four_items.name == "見本　花子"
    assert "見本" not in repr(after)


@pytest.mark.parametrize("purpose", ["signature", "user_authentication"])
def test_apdu_count_on_a_whole_card(people_data: Path, pins: dict[str, dict[str, str]], purpose: str) -> None:
    """SELECT, query, VERIFY, one read for each 256 bytes, sign, SELECT issuer domain."""
    with open_reader("emulated:taro", data=people_data) as reader, MyNumberCard(reader) as card:
        card.jpki.unlock(Pin(purpose, pins["taro"][purpose]))
        certificate = card.jpki.certificate(purpose)
        card.jpki.sign(purpose, bytes(32))
    assert certificate is not None
    assert len(card.transcript) == 5 + -(-len(certificate) // 256)


@pytest.mark.parametrize("target", ["", "nobody", "hanako/nothing", "../hanako", "hanako/passport:nothing", "h" * 5000])
def test_nobody_and_nothing(people_data: Path, target: str) -> None:
    with pytest.raises(HonninError) as caught:
        open_reader(f"emulated:{target}", data=people_data)
    assert caught.value.code != "reader.failed"
