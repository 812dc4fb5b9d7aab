"""Which list speaks for which certificate: names in other string types, indirect lists, reasons, kinds."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from tests.pki.index.lists import NOW, Issuer, entry, extension, make_issuer, point, reason, tlv

from honnin.errors import InputError
from honnin.pki import RevocationIndex
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.sandbox.jlis import crl as sandbox_lists
from honnin.sandbox.jlis.authorities import authority as jlis_authority
from honnin.sandbox.life import happen
from honnin.sandbox.opening import open_world
from honnin.sandbox.people import card_material, persons


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return make_issuer()


def directory(text: str, kind: _ASN1Type = _ASN1Type.UTF8String) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, text, kind)])


def scoped(*names: bytes, **more: object) -> bytes:
    """An issuing distribution point with GeneralNames."""
    flags = tlv(0x84, b"\xff") if more.get("indirect") else b""
    return extension("2.5.29.28", tlv(0x30, tlv(0xA0, tlv(0xA0, *names)), flags), critical=True)


def points(name: bytes = b"", *, reasons: bytes = b"", crl_issuer: bytes = b"") -> bytes:
    """A cRLDistributionPoints value of one point; `name`: the DistributionPointName's content."""
    return tlv(
        0x30,
        tlv(
            0x30,
            tlv(0xA0, name) if name else b"",
            tlv(0x81, reasons) if reasons else b"",
            tlv(0xA2, tlv(0xA4, crl_issuer)) if crl_issuer else b"",
        ),
    )


def full(name: bytes) -> bytes:
    return tlv(0xA0, tlv(0xA4, name))


def state(folder: Path, issuer: Issuer, serial: int, value: object = None, **more: object) -> str:
    return RevocationIndex.open(folder).lookup(issuer.key_id, serial, distribution_points=value, at=NOW, **more).state


def build(folder: Path, crl: bytes, *issuers: Issuer) -> None:
    report = RevocationIndex.build(folder, [crl], [issuer.der for issuer in issuers], at=NOW)
    assert not report.refused, report.refused


def test_a_name_meets_itself_in_another_string_type(tmp_path: Path, issuer: Issuer) -> None:
    written = directory("Chiyoda-ku  CRLDP").public_bytes()
    asked = directory("CHIYODA-KU CRLDP", _ASN1Type.PrintableString).public_bytes()
    build(tmp_path, issuer.crl(entry(5), extensions=(scoped(tlv(0xA4, written)),)), issuer)
    other = directory("Chiyoda-ku 2 CRLDP").public_bytes()
    for given in (points(full(asked)), tlv(0xA4, asked), asked, [asked]):
        assert state(tmp_path, issuer, 6, given) == "good"
        assert state(tmp_path, issuer, 5, given) == "revoked"
    for given in (points(full(other)), other):
        assert state(tmp_path, issuer, 5, given) == "unknown"


def test_the_issuer_of_a_list_is_found_by_its_prepared_name(tmp_path: Path) -> None:
    issuer = make_issuer("JPKI-TEST")
    spelled = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "jp"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "jpki-test", _ASN1Type.PrintableString),
        ]
    )
    crl = issuer.seal(issuer.tbs(entry(5), name=spelled.public_bytes()))
    build(tmp_path, crl, issuer)
    assert state(tmp_path, issuer, 5) == "revoked"
    assert state(tmp_path, issuer, 6) == "good"


def test_a_name_relative_to_the_issuer_meets_the_full_one(tmp_path: Path, issuer: Issuer) -> None:
    last = tlv(0x30, b"\x06\x03\x55\x04\x03", tlv(0x0C, b"part 1"))
    relative = tlv(0xA0, tlv(0xA1, last))
    whole = tlv(0x30, issuer.name[2:], tlv(0x31, last))
    build(
        tmp_path, issuer.crl(entry(5), extensions=(extension("2.5.29.28", tlv(0x30, relative), critical=True),)), issuer
    )
    assert state(tmp_path, issuer, 6, points(full(whole))) == "good"
    assert state(tmp_path, issuer, 6, points(tlv(0xA1, last))) == "good"
    assert state(tmp_path, issuer, 6, points(full(issuer.name))) == "unknown"


def test_an_indirect_list_speaks_only_where_it_was_appointed(tmp_path: Path, issuer: Issuer) -> None:
    other = make_issuer("OTHER-TEST")
    named = extension("2.5.29.29", tlv(0x30, tlv(0xA4, other.name)), critical=True)
    build(tmp_path, issuer.crl(entry(2, NOW, named), extensions=(point(indirect=True),)), issuer, other)
    uri = tlv(0xA0, tlv(0x86, b"http://crl.jpki-test.invalid/x"))
    assert state(tmp_path, other, 3, points(crl_issuer=issuer.name)) == "good"
    assert state(tmp_path, other, 2, points(crl_issuer=issuer.name)) == "revoked"
    assert state(tmp_path, other, 3, points(uri)) == "unknown"
    assert state(tmp_path, other, 3) == "unknown"
    assert state(tmp_path, other, 3, points(uri, crl_issuer=other.name)) == "unknown"
    email = tlv(0x30, tlv(0x30, tlv(0xA2, tlv(0x81, b"crl@jpki-test.invalid"))))
    assert state(tmp_path, other, 3, email) == "unknown"


def test_an_indirect_list_without_an_entry_speaks_by_its_silence(tmp_path: Path, issuer: Issuer) -> None:
    other = make_issuer("OTHER-TEST")
    named = extension("2.5.29.29", tlv(0x30, tlv(0xA4, other.name)), critical=True)
    build(tmp_path, issuer.crl(entry(2, NOW, named), number=1, extensions=(point(indirect=True),)), issuer, other)
    later = NOW - timedelta(hours=1)
    build(tmp_path, issuer.crl(number=2, this_update=later, extensions=(point(indirect=True),)), issuer, other)
    assert state(tmp_path, other, 2, points(crl_issuer=issuer.name)) == "good"


def test_a_point_with_cRLIssuer_wants_an_indirect_list(tmp_path: Path, issuer: Issuer) -> None:  # noqa: N802
    name = directory("x").public_bytes()
    build(tmp_path, issuer.crl(entry(5), extensions=(scoped(tlv(0xA4, name)),)), issuer)
    assert state(tmp_path, issuer, 6, points(full(name), crl_issuer=issuer.name)) == "unknown"
    assert state(tmp_path, issuer, 6, points(full(name))) == "good"


def test_reasons_of_point_and_list_are_both_counted(tmp_path: Path, issuer: Issuer) -> None:
    uri = "http://crl.jpki-test.invalid/some"
    build(tmp_path, issuer.crl(entry(5), extensions=(point(uri),)), issuer)
    named = tlv(0xA0, tlv(0x86, uri.encode()))
    assert state(tmp_path, issuer, 6, points(named, reasons=b"\x06\x40")) == "unknown"
    assert state(tmp_path, issuer, 5, points(named, reasons=b"\x06\x40")) == "revoked"
    two = tlv(0x30, points(named, reasons=b"\x06\x40")[2:], points(named, reasons=b"\x07\x3f\x80")[2:])
    assert state(tmp_path, issuer, 6, two) == "good"


def test_lists_of_some_reasons_add_up(tmp_path: Path, issuer: Issuer) -> None:
    build(tmp_path, issuer.crl(entry(5, NOW, reason(1)), extensions=(point(reasons=b"\x06\x40"),)), issuer)
    build(tmp_path, issuer.crl(entry(7, NOW, reason(4)), extensions=(point(reasons=b"\x07\x3f\x80"),)), issuer)
    assert [state(tmp_path, issuer, serial) for serial in (5, 6, 7)] == ["revoked", "good", "revoked"]


def test_lists_for_holders_and_for_authorities_are_told_apart(tmp_path: Path, issuer: Issuer) -> None:
    build(tmp_path, issuer.crl(entry(5), extensions=(point(only=1),)), issuer)
    assert state(tmp_path, issuer, 6) == "good"
    assert state(tmp_path, issuer, 6, ca=True) == "unknown"


def test_a_list_in_the_issuers_own_name_covers_every_point(tmp_path: Path, issuer: Issuer) -> None:
    build(tmp_path, issuer.crl(entry(5), extensions=(scoped(tlv(0xA4, issuer.name)),)), issuer)
    assert state(tmp_path, issuer, 6) == "good"
    assert state(tmp_path, issuer, 6, "http://crl.jpki-test.invalid/any") == "good"


def test_one_uri_is_not_taken_for_its_letters(tmp_path: Path, issuer: Issuer) -> None:
    uri = "http://crl.jpki-test.invalid/13221"
    build(tmp_path, issuer.crl(entry(5), extensions=(point(uri),)), issuer)
    for given in (uri, [uri], (uri,), tlv(0x86, uri.encode()), iter([uri])):
        assert state(tmp_path, issuer, 6, given) == "good"
    for given in ("http://例え.invalid/?", b"", b"\x30\x00", b"\x86\x05abc", [3], 3, [None], b"\xa4\x02\x30\x01"):
        with pytest.raises(InputError):
            state(tmp_path, issuer, 6, given)


def test_the_sandbox_lists_cover_the_sandbox_certificates(tmp_path: Path) -> None:
    """J-LIS's lists are partitioned by municipality under a directory name, as the holders' certificates name them."""
    world = open_world(tmp_path / "world")
    before = card_material(world, "hanako").signature_certificate
    assert before is not None
    happen(world, "hanako", "move")
    world.advance(timedelta(days=1))
    after = card_material(world, "taro").signature_certificate
    assert after is not None
    old, still = parse_certificate(before), parse_certificate(after)
    authority = jlis_authority(world, "signature", "rsa", 2)
    here, there = (sandbox_lists.municipal(world, authority, code, world.now()) for code in ("13101", "04101"))
    folder = tmp_path / "index"
    assert not RevocationIndex.build(folder, [there], [authority.der], at=world.now()).refused
    index = RevocationIndex.open(folder)

    def asked(certificate: Certificate) -> str:
        value = certificate.extensions["2.5.29.31"].value
        number = certificate.serial_number
        return index.lookup(authority.key_id, number, distribution_points=value, at=world.now()).state

    assert asked(old) == "unknown"
    assert not RevocationIndex.build(folder, [here], [authority.der], at=world.now()).refused
    index = index.refreshed()
    assert asked(old) == "revoked"
    municipality = next(one.municipality for one in persons() if one.id == "taro")
    own = sandbox_lists.municipal(world, authority, municipality, world.now())
    RevocationIndex.build(folder, [own], [authority.der], at=world.now())
    index = index.refreshed()
    assert asked(still) == "good"
