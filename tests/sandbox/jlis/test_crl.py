"""CRLs as of the clock: what was known at the day's publication time, in the scope that the list says."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from honnin.sandbox.jlis import crl
from honnin.sandbox.jlis.authorities import Authority, authority
from honnin.sandbox.life import happen
from honnin.sandbox.people import card_material
from honnin.sandbox.world import World

NewWorld = Callable[..., World]


def listed(der: bytes) -> dict[int, x509.ReasonFlags | None]:
    """Return serial → reason."""
    found = {}
    for entry in x509.load_der_x509_crl(der):
        try:
            found[entry.serial_number] = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        except x509.ExtensionNotFound:
            found[entry.serial_number] = None
    return found


def serial(world: World, person: str) -> int:
    certificate = card_material(world, person).signature_certificate
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number


def signature_ca(world: World, generation: int = 2) -> Authority:
    return authority(world, "signature", "rsa", generation)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-21T00:00:00+00:00", "2026-11-20T18:00:00+00:00"),
        ("2026-11-20T18:00:00+00:00", "2026-11-20T18:00:00+00:00"),
        ("2026-11-20T17:59:59+00:00", "2026-11-19T18:00:00+00:00"),
    ],
)
def test_publication_is_once_a_day(moment: str, expected: str) -> None:
    assert crl.publication(datetime.fromisoformat(moment)) == datetime.fromisoformat(expected)


def test_what_happened_today_appears_tomorrow(new_world: NewWorld) -> None:
    world = new_world()
    number = serial(world, "hanako")
    happen(world, "hanako", "move")
    assert number not in listed(crl.municipal(world, signature_ca(world), "13101", world.now()))
    world.advance(timedelta(days=1))
    found = listed(crl.municipal(world, signature_ca(world), "13101", world.now()))
    assert found[number] is x509.ReasonFlags.affiliation_changed


def test_lists_are_apart_by_municipality_and_whole_together(world: World) -> None:
    ca = signature_ca(world)
    minoru, meiko = serial(world, "minoru"), serial(world, "meiko")
    sendai, osaka = (listed(crl.municipal(world, ca, code, world.now())) for code in ("04101", "27127"))
    assert minoru in sendai
    assert minoru not in osaka
    assert meiko in osaka
    assert {minoru, meiko} <= set(listed(crl.full(world, ca, world.now())))
    assert not listed(crl.authority_list(world, ca, world.now()))


def test_a_list_names_its_scope(world: World) -> None:
    ca = signature_ca(world)
    parsed = x509.load_der_x509_crl(crl.municipal(world, ca, "04101", world.now()))
    scope = parsed.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    certificate = card_material(world, "minoru").signature_certificate
    assert certificate is not None
    points = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(x509.CRLDistributionPoints)
    assert scope.critical
    assert scope.value.full_name == points.value[0].full_name
    whole = x509.load_der_x509_crl(crl.full(world, ca, world.now()))
    with pytest.raises(x509.ExtensionNotFound):
        whole.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    roots = x509.load_der_x509_crl(crl.authority_list(world, ca, world.now()))
    assert roots.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value.only_contains_ca_certs


def test_one_name_two_keys(world: World) -> None:
    """Each generation signs its own list under the shared name; the key identifier tells them apart."""
    first, second = (x509.load_der_x509_crl(crl.full(world, signature_ca(world, g), world.now())) for g in (1, 2))
    assert first.issuer == second.issuer
    keys = [
        parsed.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        for parsed in (first, second)
    ]
    assert keys == [signature_ca(world, 1).key_id, signature_ca(world, 2).key_id]
    assert not {e.serial_number for e in first} & {e.serial_number for e in second}


@pytest.mark.parametrize("line", ["rsa", "p384"])
def test_one_day_gives_the_same_bytes(world: World, line: str) -> None:
    ca = authority(world, "signature", line, 1)  # type: ignore[arg-type]
    morning, evening = world.now(), world.now() + timedelta(hours=10)
    assert crl.full(world, ca, morning) == crl.full(world, ca, evening)
    tomorrow = crl.full(world, ca, morning + timedelta(days=1))
    first, second = (x509.load_der_x509_crl(der) for der in (crl.full(world, ca, morning), tomorrow))
    numbers = [p.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for p in (first, second)]
    assert numbers[1] == numbers[0] + 1
    assert first.is_signature_valid(ca.certificate.public_key())  # type: ignore[arg-type]
    assert first.next_update_utc == first.last_update_utc + timedelta(hours=25)


def test_expired_certificates_leave_the_list(new_world: NewWorld) -> None:
    world = new_world()
    number, ca = serial(world, "minoru"), signature_ca(world)
    world.set_clock(datetime(2028, 6, 30, 18, 0, tzinfo=UTC), frozen=True)
    assert number in listed(crl.full(world, ca, world.now()))
    world.advance(timedelta(days=3))
    assert number not in listed(crl.full(world, ca, world.now()))


def test_an_unspecified_reason_is_not_written(new_world: NewWorld) -> None:
    world = new_world()
    number = serial(world, "hanako")
    happen(world, "hanako", "discard")
    world.advance(timedelta(days=1))
    assert listed(crl.full(world, signature_ca(world), world.now()))[number] is None
