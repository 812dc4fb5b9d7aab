"""The invented persons: enough of them, recognisably invented, and consistent with their own stories."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from honnin.errors import NotFoundError
from honnin.identity.dates import JST
from honnin.sandbox import people
from honnin.sandbox.people import card_material, person, persons
from honnin.sandbox.people_listing import listing
from honnin.sandbox.world import World

NewWorld = Callable[..., World]
INVENTED = re.compile("見本|試験|架空|例示|ＳＡＭＰＬＥ|ＳＰＥＣＩＭＥＮ|ＭＡＤＥＵＰ")
IDS = [one.id for one in persons()]


def subject_alternative(der: bytes) -> dict[str, str]:
    """Return the attributes of a certificate by OID, last arc."""
    names = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {n.type_id.dotted_string.rpartition(".")[2]: n.value[2:].decode() for n in names if n.value[1] < 0x80}


def test_there_are_enough_and_each_once() -> None:
    assert len(IDS) >= 30
    assert len(set(IDS)) == len(IDS)
    assert all(re.fullmatch("[a-z]+", one) for one in IDS)


@pytest.mark.parametrize("one", persons(), ids=IDS)
def test_person_is_whole_and_invented(one: people.Person) -> None:
    assert INVENTED.search(one.name)
    assert set(one.story) == {"ja", "en"}
    assert all(one.story.values())
    assert re.fullmatch("[A-Z0-9]{6,16}", one.pins.get("signature", "ABCDEF"))
    assert re.fullmatch("[0-9]{4}", one.pins.get("user_authentication", "0000"))
    assert ("indication" in people.msgspec.to_builtins(one.expected)) != (one.expected.error is not None)
    assert one.expected.account_opened == (one.expected.indication == "TOTAL-PASSED")


def test_pins_are_proper(new_world: NewWorld) -> None:
    """No PIN is the holder's birth date or the like."""
    for one in listing(new_world()):
        digits = one["birth_date"].replace("-", "")
        for pin in one["pins"].values():
            assert pin not in {digits[4:], digits[:4], digits[2:], digits}, one["id"]


def test_listing_says_what_a_tester_needs(new_world: NewWorld) -> None:
    listed = {one["id"]: one for one in listing(new_world())}
    assert listed["hanako"]["pins"] == {"signature": "HANAKO2468", "user_authentication": "2468"}
    assert listed["hanako"]["expected"] == {"account_opened": True, "indication": "TOTAL-PASSED"}
    assert listed["goro"]["expected"] == {"account_opened": False, "error": "card.pin_locked"}
    assert listed["goro"]["tries_left_at_first"]["signature"] == 0
    for one in listed.values():
        assert set(one["next"]) == {"ja", "ja-simple", "en"}


@pytest.mark.parametrize("one", persons(), ids=IDS)
def test_expectation_follows_from_the_register(one: people.Person, world: World) -> None:
    """What the story promises is what a reader of the register concludes."""
    material = card_material(world, one.id)
    expected = one.expected
    entry = None
    if material.signature_certificate is not None:
        serial = x509.load_der_x509_certificate(material.signature_certificate).serial_number
        kind = "mobile_signature" if material.mobile else "signature"
        entry = people.register.entry(world, kind, serial)
    if entry is None:
        concluded = "card.not_issued"
    elif material.signature_tries_used >= people.TRIES["signature"]:
        concluded = "card.pin_locked"
    elif material.signature_tries_used == people.TRIES["signature"] - 1:
        concluded = "card.pin_last_try"
    elif entry.revoked_by(world.now()):
        concluded = "REVOKED"
    elif entry.not_after < world.now():
        concluded = "EXPIRED"
    elif one.switches.get("crl"):
        concluded = "TRY_LATER"
    else:
        concluded = "TOTAL-PASSED"
    assert concluded == (expected.error or expected.sub_indication or expected.indication)


@pytest.mark.parametrize("one", persons(), ids=IDS)
def test_keys_belong_to_certificates(one: people.Person, world: World) -> None:
    material = card_material(world, one.id)
    pairs = (
        (material.signature_certificate, material.signature_key, material.signature_ca_certificate),
        (
            material.user_authentication_certificate,
            material.user_authentication_key,
            material.user_authentication_ca_certificate,
        ),
    )
    assert any(certificate for certificate, _, _ in pairs)
    for certificate, key, root in pairs:
        assert (certificate is None) == (key is None)
        if certificate is None or key is None:
            continue
        parsed = x509.load_der_x509_certificate(certificate)
        own = load_der_private_key(key, None)
        assert isinstance(own, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        assert parsed.public_key() == own.public_key()
        parsed.verify_directly_issued_by(x509.load_der_x509_certificate(root))


def test_a_card_is_the_same_whenever_it_is_asked_for(world: World) -> None:
    assert card_material(world, "hanako") == card_material(World(world.data), "hanako")


@pytest.mark.parametrize(
    ("born", "ages"),
    [
        (datetime(2026, 11, 21, 23, 59, 59, tzinfo=JST), {"nana": 17, "aoi": 18, "iku": 19, "niko": 20}),
        (datetime(2026, 11, 22, 0, 0, 0, tzinfo=JST), {"nana": 17, "aoi": 18, "iku": 19, "niko": 20}),
        (datetime(2028, 2, 29, 12, 0, 0, tzinfo=JST), {"nana": 17, "iku": 19, "niko": 20}),
    ],
)
def test_ages_turn_at_midnight_in_japan(new_world: NewWorld, born: datetime, ages: dict[str, int]) -> None:
    world = new_world(born)

    def age(who: str) -> int:
        return next(one["age"] for one in listing(world) if one["id"] == who)

    assert {who: age(who) for who in ages} == ages
    midnight = (born + timedelta(days=1)).replace(hour=0, minute=0, second=0)
    world.set_clock(midnight - timedelta(seconds=1), frozen=True)
    assert (age("nana"), age("iku")) == (17, 19)
    world.set_clock(midnight, frozen=True)
    assert (age("nana"), age("iku")) == (18, 20)


def test_expiry_follows_the_clock_at_midnight(new_world: NewWorld) -> None:
    """The certificate's last second is 23:59:59 of the birthday, Japanese time."""
    world = new_world()
    certificate = card_material(world, "asuka").signature_certificate
    assert certificate is not None
    end = x509.load_der_x509_certificate(certificate).not_valid_after_utc
    assert end == datetime(2026, 11, 22, 14, 59, 59, tzinfo=UTC)
    expired = card_material(world, "saku").signature_certificate
    assert expired is not None
    assert x509.load_der_x509_certificate(expired).not_valid_after_utc == datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC)


def test_two_worlds_of_one_moment_differ_in_keys_alone(new_world: NewWorld) -> None:
    query = (
        "SELECT kind, serial, generation, person, card, holder, not_before, not_after, previous, revoked_at, reason"
        " FROM jlis_certificates ORDER BY kind, serial"
    )
    first, second = (
        [tuple(row) for row in new_world(folder=name).connection().execute(query)] for name in ("one", "two")
    )
    assert first == second
    assert len(first) > 70


def test_glyphs_that_a_certificate_cannot_carry_are_flagged(world: World) -> None:
    takako = card_material(world, "takako").signature_certificate
    katsura = card_material(world, "katsura").signature_certificate
    kou = card_material(world, "kou").signature_certificate
    assert takako is not None
    assert katsura is not None
    assert kou is not None
    assert subject_alternative(takako)["1"] == "架空崎　高子"
    assert subject_alternative(takako)["2"] == "001010"
    assert subject_alternative(takako)["6"].count("1") == 1
    assert subject_alternative(katsura)["1"] == "葛見本　桂"
    assert subject_alternative(katsura)["2"] == "10000"
    assert subject_alternative(kou)["1"] == "見本　侊"
    assert subject_alternative(kou)["2"] == "0000"


def test_unknown_parts_of_a_birth_date_are_zeros(world: World) -> None:
    toki = card_material(world, "toki").signature_certificate
    assert toki is not None
    assert subject_alternative(toki)["4"] == "019410000"


def test_a_phone_is_a_phone(world: World) -> None:
    material = card_material(world, "keita")
    assert material.mobile
    assert material.label == "JPKIAPGPSETOKEN"


def test_the_next_card_has_other_keys(world: World) -> None:
    certificate = card_material(world, "mirai").signature_certificate
    assert certificate is not None
    parsed = x509.load_der_x509_certificate(certificate)
    assert isinstance(parsed.public_key(), ec.EllipticCurvePublicKey)
    assert parsed.signature_hash_algorithm is not None
    assert parsed.signature_hash_algorithm.name == "sha384"
    assert parsed.not_valid_after_utc.year == 2035  # as long as the card: the tenth birthday


def test_nobody_else_is_here(world: World) -> None:
    for call in (lambda: person("nobody"), lambda: card_material(world, "nobody")):
        with pytest.raises(NotFoundError) as caught:
            call()
        assert caught.value.code == "people.unknown"
    with pytest.raises(NotFoundError) as caught:
        card_material(world, "hanako", "passport")
    assert caught.value.code == "people.no_document"


def test_material_shows_nothing_in_its_repr(world: World) -> None:
    shown = repr(card_material(world, "hanako"))
    assert "HANAKO" not in shown
    assert "b'" not in shown
