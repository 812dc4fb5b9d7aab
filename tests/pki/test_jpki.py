"""Both kinds of JPKI certificate as typed values."""

from datetime import date

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from tests.pki.signing import (
    ATTRIBUTES,
    NOW,
    PERSON,
    POINT,
    USER_POLICY,
    Authority,
    distinguished,
    ec_key,
    key_usage,
    rsa_key,
    utf8,
)

from honnin.errors import FormatError
from honnin.pki import der
from honnin.pki.jpki import _other_names, distinguished_name, parse_jpki_certificate
from honnin.pki.rfc5280.names import general_names

# my-number-card.md §5.4: a subjectAltName computed for that sheet's persona.
VECTOR = bytes.fromhex(
    "3081C6A01F060A2A83088C9B5508050501A0110C0FE697A5E69CACE38080E5A4AAE9838EA019060A2A83088C9B5508050504A00B0C09343139"
    "393030343031A011060A2A83088C9B5508050503A0030C0131A03D060A2A83088C9B5508050505A02F0C2DE69DB1E4BAACE983BDE58D83E4BB"
    "A3E794B0E58CBAE99C9EE3818CE996A2EFBC91EFBC8DEFBC92EFBC8DEFBC93A015060A2A83088C9B5508050502A0070C053030303030A01F06"
    "0A2A83088C9B5508050506A0110C0F303030303030303030303030303030"
)
MOBILE_USER = "2.25.85204390940760990150265818746411302622.1"
CA = Authority.make()
KEY = rsa_key().public_key()


def test_signature_certificate() -> None:
    found = parse_jpki_certificate(CA.issue(KEY, person=PERSON))
    items = found.four_items
    assert (found.purpose, found.carrier, found.environment, found.generation) == (
        "signature",
        "card",
        "test",
        "current",
    )
    assert (found.serial, found.key) == (0x132C4AB, "rsa-2048")
    assert found.issuer_key_id == CA._key_id()
    assert (found.prefecture, found.municipality, found.municipality_code) == ("Tokyo-to", "Chiyoda-ku", "13101")
    assert found.ocsp_url == "http://ocspsign.jpki-test.invalid/"
    assert found.distribution_points == (POINT.public_bytes(),)
    assert (found.not_before, found.not_after.tzinfo) == (NOW.replace(month=10, day=22), NOW.tzinfo)
    assert items is not None
    assert (items.name, items.address, items.sex) == (PERSON[1], PERSON[5], "female")
    assert items.birth_date is not None
    assert (items.birth_date.whole, items.birth_date.era) == (date(1990, 4, 1), "heisei")
    assert (items.name_substituted, items.address_substituted) == ((4,), ())


def test_user_authentication_certificate_has_no_person() -> None:
    found = parse_jpki_certificate(CA.issue(KEY, policy=USER_POLICY, usage=key_usage(commit=False)))
    assert (found.purpose, found.carrier, found.four_items) == ("user_authentication", "card", None)


@pytest.mark.parametrize(
    ("policy", "purpose", "carrier"),
    [
        ("1.2.392.200149.8.5.1.1.40", "signature", "mobile"),
        (MOBILE_USER, "user_authentication", "mobile"),
    ],
)
def test_mobile_policies(policy: str, purpose: str, carrier: str) -> None:
    found = parse_jpki_certificate(CA.issue(KEY, policy=policy))
    assert (found.purpose, found.carrier) == (purpose, carrier)


def test_test_hierarchy_tells_its_purpose_by_key_usage() -> None:
    policy = "1.2.392.200149.8.5.1.0.20"
    assert parse_jpki_certificate(CA.issue(KEY, policy=policy)).purpose == "signature"
    user = parse_jpki_certificate(CA.issue(KEY, policy=policy, usage=key_usage(commit=False)))
    assert (user.purpose, user.environment) == ("user_authentication", "test")
    with pytest.raises(FormatError, match=r"jpki\.not_jpki"):
        parse_jpki_certificate(CA.issue(KEY, policy=policy, usage=key_usage(sign=False)))


def test_next_generation() -> None:
    found = parse_jpki_certificate(Authority.make("next", curve="P-384").issue(ec_key().public_key(), person=PERSON))
    assert (found.key, found.generation) == ("ec-secp384r1", "next")


def test_vector_of_the_reference() -> None:
    names = tuple(general_names(VECTOR, *der.whole(VECTOR, der.SEQUENCE)))
    assert _other_names(names) == {
        "name": "日本　太郎",
        "birth_date": "419900401",
        "sex": "1",
        "address": "東京都千代田区霞が関１－２－３",
        "name_substituted": "00000",
        "address_substituted": "0" * 15,
    }


@pytest.mark.parametrize("missing", [1, 2, 3, 4, 5, 6])
def test_every_attribute_is_optional(missing: int) -> None:
    person = {arc: text for arc, text in PERSON.items() if arc != missing}
    items = parse_jpki_certificate(CA.issue(KEY, person=person)).four_items
    assert items is not None
    assert (items.name is None) == (missing == 1)
    assert (items.sex is None) == (missing == 3)
    assert (items.birth_date is None) == (missing == 4)
    assert (items.address is None) == (missing == 5)


@pytest.mark.parametrize(("code", "sex"), [("1", "male"), ("2", "female"), ("3", "unknown"), ("9", "unknown")])
def test_sex_codes(code: str, sex: str) -> None:
    items = parse_jpki_certificate(CA.issue(KEY, person={**PERSON, 3: code})).four_items
    assert items is not None
    assert items.sex == sex


def test_partial_birth_date() -> None:
    items = parse_jpki_certificate(CA.issue(KEY, person={**PERSON, 4: "319450000"})).four_items
    assert items is not None
    assert items.birth_date is not None
    assert (items.birth_date.iso(), items.birth_date.whole) == ("1945-00-00", None)


def test_long_attributes_of_real_length() -> None:
    person = {1: "寿限無" * 30, 4: "419900401", 5: "あ" * 200, 2: "0" * 90, 6: "1" * 200}
    items = parse_jpki_certificate(CA.issue(KEY, person=person)).four_items
    assert items is not None
    assert items.address == "あ" * 200
    assert items.address_substituted == tuple(range(200))


@pytest.mark.parametrize(
    ("arc", "text"), [(4, "19900401"), (4, "419901301"), (2, "0000x"), (6, "１"), (4, "４１９９００４０１")]
)
def test_attributes_in_another_form_are_refused(arc: int, text: str) -> None:
    with pytest.raises(FormatError, match=r"jpki\.attribute_malformed") as caught:
        parse_jpki_certificate(CA.issue(KEY, person={**PERSON, arc: text}))
    assert text not in str(caught.value)


def test_unknown_other_names_and_other_kinds_of_name_are_passed_over() -> None:
    names = [
        x509.DNSName("example.invalid"),
        x509.OtherName(x509.ObjectIdentifier(f"{ATTRIBUTES}.7"), utf8("ミホン　ハナコ")),
        x509.OtherName(x509.ObjectIdentifier(f"{ATTRIBUTES}.1"), utf8("見本　花子")),
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), utf8("hanako@example.invalid")),
    ]
    certificate = CA.issue(KEY, extra=[(x509.SubjectAlternativeName(names), False)])
    items = parse_jpki_certificate(certificate).four_items
    assert items is not None
    assert (items.name, items.address) == ("見本　花子", None)


def test_an_attribute_twice_is_refused() -> None:
    name = x509.OtherName(x509.ObjectIdentifier(f"{ATTRIBUTES}.1"), utf8("見本　花子"))
    twice = [(x509.SubjectAlternativeName([name, name]), False)]
    with pytest.raises(FormatError, match=r"jpki\.attribute_malformed"):
        parse_jpki_certificate(CA.issue(KEY, extra=twice))


def test_other_certificates_have_their_own_errors() -> None:
    with pytest.raises(FormatError, match=r"jpki\.not_jpki"):
        parse_jpki_certificate(CA.issue(KEY, policy="1.3.6.1.4.1.99999.1"))
    with pytest.raises(FormatError, match=r"jpki\.not_jpki"):
        parse_jpki_certificate(CA.issue(KEY, policy=None))
    with pytest.raises(FormatError, match=r"jpki\.policy_unknown"):
        parse_jpki_certificate(CA.issue(KEY, policy="1.2.392.200149.8.5.1.1.60"))
    with pytest.raises(FormatError, match=r"certificate\.malformed"):
        parse_jpki_certificate(b"\x30\x03\x02\x01\x00")


def test_repr_shows_no_person() -> None:
    shown = repr(parse_jpki_certificate(CA.issue(KEY, person=PERSON)))
    assert shown == "<JpkiCertificate signature card test>"


def test_distinguished_name_as_rfc_4514() -> None:
    name = distinguished(
        (NameOID.COUNTRY_NAME, "JP"), (NameOID.ORGANIZATION_NAME, 'A, "B" + C'), (NameOID.COMMON_NAME, " x#")
    )
    assert distinguished_name(name.public_bytes()) == r"CN=\ x#,O=A\, \"B\" \+ C,C=JP"
    assert distinguished_name(POINT.public_bytes()) == "CN=Chiyoda-ku CRLDP,OU=CRL Distribution Points,O=JPKI-TEST,C=JP"
