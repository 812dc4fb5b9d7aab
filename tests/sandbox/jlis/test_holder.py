"""Certificates byte for byte: the reference's synthetic vector, and the profile of sections 5.1 to 5.5."""

import re

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from honnin.sandbox.jlis import anchors
from honnin.sandbox.jlis.authorities import authorities
from honnin.sandbox.jlis.holder import Holder, attributes, common_name
from honnin.sandbox.people import card_material
from honnin.sandbox.world import World

# my-number-card.md §5.4: computed for the persona of §3.3
VECTOR = (
    "3081C6A01F060A2A83088C9B5508050501A0110C0FE697A5E69CACE38080E5A4AAE9838EA019060A2A83088C9B5508050504A00B0C09343139"
    "393030343031A011060A2A83088C9B5508050503A0030C0131A03D060A2A83088C9B5508050505A02F0C2DE69DB1E4BAACE983BDE58D83E4BB"
    "A3E794B0E58CBAE99C9EE3818CE996A2EFBC91EFBC8DEFBC92EFBC8DEFBC93A015060A2A83088C9B5508050502A0070C053030303030A01F06"
    "0A2A83088C9B5508050506A0110C0F303030303030303030303030303030"
)
ALTERNATIVE = "2.5.29.17"
POLICIES, KEY_USAGE = "2.5.29.32", "2.5.29.15"


def certificate(world: World, person: str, purpose: str = "signature") -> x509.Certificate:
    der = getattr(card_material(world, person), f"{purpose}_certificate")
    return x509.load_der_x509_certificate(der)


def extension(parsed: x509.Certificate, oid: str) -> x509.Extension[x509.ExtensionType]:
    return next(e for e in parsed.extensions if e.oid.dotted_string == oid)


def test_alternative_name_is_the_references_vector() -> None:
    holder = Holder("日本　太郎", "東京都千代田区霞が関１－２－３", "419900401", "male", "13101", "00000", "0" * 15)
    assert attributes(holder).public_bytes().hex().upper() == VECTOR


def test_long_values_have_long_lengths() -> None:
    holder = Holder("見" * 100, "本" * 200, "419900401", "male", "13101", "0" * 100, "0" * 200)
    parsed = x509.SubjectAlternativeName(attributes(holder))
    assert next(name.value[-3:].decode() for name in parsed if isinstance(name, x509.OtherName)) == "見"


@pytest.mark.parametrize(
    ("person", "purpose", "usage", "policy", "host"),
    [
        ("hanako", "signature", "030206c0", "1.2.392.200149.8.5.1.1.20", "ocspsign"),
        ("hanako", "user_authentication", "03020780", "1.2.392.200149.8.5.1.3.30", "ocspauth"),
        ("keita", "signature", "030206c0", "1.2.392.200149.8.5.1.1.40", "ocspsign-mobile"),
        ("mirai", "signature", "030206c0", "1.2.392.200149.8.5.1.1.20", "ocspsign"),
    ],
)
def test_profile(world: World, person: str, purpose: str, usage: str, policy: str, host: str) -> None:
    parsed = certificate(world, person, purpose)
    oids = [e.oid.dotted_string for e in parsed.extensions]
    assert (ALTERNATIVE in oids) == (purpose == "signature")
    assert {e.oid.dotted_string for e in parsed.extensions if e.critical} == {KEY_USAGE, POLICIES}
    assert extension(parsed, KEY_USAGE).value.public_bytes().hex() == usage
    policies = extension(parsed, POLICIES).value
    assert isinstance(policies, x509.CertificatePolicies)
    assert [p.policy_identifier.dotted_string for p in policies] == [policy]
    assert policies[0].policy_qualifiers == ["http://www.jpki.go.jp/cps.html"]
    access = parsed.extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_INFORMATION_ACCESS).value
    assert isinstance(access, x509.AuthorityInformationAccess)
    assert access[0].access_location.value == f"http://{host}.jpki-test.invalid/ocsp"
    with pytest.raises(x509.ExtensionNotFound):
        parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage)


def test_names(world: World) -> None:
    parsed = certificate(world, "hanako")
    assert parsed.issuer.rfc4514_string() == (
        "OU=Japan Agency for Local Authority Information Systems,OU=JPKI for digital signature,OU=honnin sandbox,"
        "O=JPKI-TEST,C=JP"
    )
    localities = [a.value for a in parsed.subject.get_attributes_for_oid(NameOID.LOCALITY_NAME)]
    assert localities == ["Tokyo-to", "Chiyoda-ku"]
    assert not certificate(world, "hanako", "user_authentication").subject.get_attributes_for_oid(NameOID.LOCALITY_NAME)
    points = parsed.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert points[0].full_name is not None
    assert points[0].full_name[0].value.rfc4514_string() == (
        "CN=Chiyoda-ku CRLDP,OU=Tokyo-to,OU=CRL Distribution Points,OU=JPKI for digital signature,OU=honnin sandbox,"
        "O=JPKI-TEST,C=JP"
    )


def test_common_name_tells_the_municipality_and_no_person() -> None:
    first, second = common_name("signature", 1, "13221"), common_name("signature", 2, "13221")
    assert first != second
    for name in (first, second):
        assert re.fullmatch("[A-Z0-9]{14}13221[0-9]{3}[A-Z]", name)


def test_roots(world: World) -> None:
    """No authority key identifier, no policies, one name for every generation of a kind, keys of their own."""
    by_name: dict[str, set[bytes]] = {}
    for ca in authorities(world):
        oids = [e.oid.dotted_string for e in ca.certificate.extensions]
        assert oids == ["2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.31", "2.5.29.14"]
        assert [e.critical for e in ca.certificate.extensions] == [True, False, True, False, False]
        assert extension(ca.certificate, KEY_USAGE).value.public_bytes().hex() == "03020106"
        constraints = ca.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        assert (constraints.ca, constraints.path_length) == (True, None)
        ca.certificate.verify_directly_issued_by(ca.certificate)
        assert ca.certificate.not_valid_after_utc.strftime("%H%M%S") == "145959"
        by_name.setdefault(ca.certificate.subject.rfc4514_string(), set()).add(ca.key_id)
    assert sorted(len(keys) for keys in by_name.values()) == [2, 2, 3, 3]


def test_anchors_are_apart_by_purpose(world: World) -> None:
    roots = anchors(world)
    assert set(roots) == {"signature", "user_authentication"}
    assert not set(roots["signature"]) & set(roots["user_authentication"])
    assert len(roots["signature"]) == len(roots["user_authentication"]) == 5


def test_a_new_generation_begins_after_four_years(world: World, new_world: object) -> None:
    later = new_world()  # type: ignore[operator]
    later.set_clock(later.born.replace(year=later.born.year + 2), frozen=True)
    assert len(anchors(later)["signature"]) == len(anchors(world)["signature"]) + 2  # card and mobile
