"""Revocation lists in the index of a mode: fetched when needed, kept while fresh, refused when older, shared."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from honnin.connect.jlis import RevocationData
from honnin.errors import ServiceError
from honnin.pki import check_revocation
from honnin.platform.revocation import IndexedCrls, open_index
from honnin.platform.services import open_modes, revocation_folder
from honnin.platform.settings import Settings
from honnin.sandbox import people
from honnin.sandbox.jlis import crl
from honnin.sandbox.jlis.authorities import authorities
from honnin.sandbox.world import World


class Lists:
    """The sandbox's own municipal lists, asked in process, as they are at a moment that a test may set."""

    def __init__(self, world: World, person: str) -> None:
        self.world = world
        self.asked = 0
        self.down = False
        self.back = timedelta()
        self.municipality = people.person(person).municipality

    def fetch(self, certificate: bytes, issuer: bytes, *, at: Any) -> RevocationData:
        self.asked += 1
        if self.down:
            raise ServiceError("gateway.unavailable", "J-LIS is down.", retryable=True)
        (ca,) = [ca for ca in authorities(self.world) if ca.der == issuer]
        made = crl.municipal(self.world, ca, self.municipality, at - self.back)
        return RevocationData(crls=(made,), source="crl_http", fetched_at=at)


@pytest.fixture
def lists(world: World) -> Lists:
    return Lists(world, "hanako")


@pytest.fixture
def pair(world: World) -> tuple[bytes, bytes]:
    material = people.card_material(world, "hanako")
    assert material.signature_certificate is not None
    assert material.signature_ca_certificate is not None
    return material.signature_certificate, material.signature_ca_certificate


def good(pair: tuple[bytes, bytes], got: RevocationData, at: Any) -> bool:
    return check_revocation(*pair, crls=got.crls, at=at).state == "good"


def test_a_fresh_list_is_fetched_once_for_all_processes(
    data: Path, world: World, lists: Lists, pair: tuple[bytes, bytes]
) -> None:
    at = world.now()
    source = IndexedCrls(data / "revocation", lists)
    first = source.fetch(*pair, at=at)
    assert good(pair, first, at)
    assert source.fetch(*pair, at=at + timedelta(seconds=60)).crls == first.crls
    other = IndexedCrls(data / "revocation", lists)  # as another process opens it
    got = other.fetch(*pair, at=at + timedelta(seconds=120))
    assert (got.crls, got.source) == (first.crls, "crl_http")
    assert abs(got.fetched_at - at) < timedelta(seconds=1)
    assert lists.asked == 1
    assert other.fetch(*pair, at=at + timedelta(seconds=130)).crls[0] is got.crls[0]


def test_a_kept_list_is_asked_for_again_and_stays_when_that_fails(
    data: Path, world: World, lists: Lists, pair: tuple[bytes, bytes]
) -> None:
    at = world.now()
    source = IndexedCrls(data / "revocation", lists, ask_again=900)
    first = source.fetch(*pair, at=at)
    lists.down = True
    later = at + timedelta(seconds=901)
    assert source.fetch(*pair, at=later).crls == first.crls
    assert lists.asked == 2
    lists.down = False
    next_day = at + timedelta(days=1)
    assert good(pair, got := source.fetch(*pair, at=next_day), next_day)
    assert got.crls != first.crls


def test_no_list_past_its_next_update(data: Path, world: World, lists: Lists, pair: tuple[bytes, bytes]) -> None:
    at = world.now()
    source = IndexedCrls(data / "revocation", lists)
    source.fetch(*pair, at=at)
    lists.down = True
    with pytest.raises(ServiceError) as caught:
        source.fetch(*pair, at=at + timedelta(days=3))
    assert caught.value.code == "gateway.unavailable"


def test_an_older_list_is_not_given_on(data: Path, world: World, lists: Lists, pair: tuple[bytes, bytes]) -> None:
    at = world.now().replace(hour=18, minute=30)  # half an hour after a list came out: the one before is fresh still
    source = IndexedCrls(data / "revocation", lists, ask_again=0)
    first = source.fetch(*pair, at=at)
    lists.back = timedelta(hours=1)
    older = lists.fetch(*pair, at=at)
    assert good(pair, older, at)
    assert older.crls != first.crls
    assert source.fetch(*pair, at=at).crls == first.crls  # the last good one stays
    for path in (data / "revocation" / "lists").glob("*.crl"):
        path.unlink()
    with pytest.raises(ServiceError) as caught:
        IndexedCrls(data / "revocation", lists).fetch(*pair, at=at)
    assert caught.value.code == "jlis.list_rolled_back"


def test_a_stale_list_does_not_replace_a_fresh_one(
    data: Path, world: World, lists: Lists, pair: tuple[bytes, bytes]
) -> None:
    at = world.now()
    source = IndexedCrls(data / "revocation", lists, ask_again=0)
    first = source.fetch(*pair, at=at)
    lists.back = timedelta(days=7)
    assert source.fetch(*pair, at=at).crls == first.crls


def test_a_damaged_list_is_left_to_the_judgement(
    data: Path, world: World, lists: Lists, pair: tuple[bytes, bytes]
) -> None:
    at = world.now()

    class Forged(Lists):
        def fetch(self, certificate: bytes, issuer: bytes, *, at: Any) -> RevocationData:
            (made,) = super().fetch(certificate, issuer, at=at).crls
            return RevocationData(crls=(made[:-1] + bytes((made[-1] ^ 1,)),), source="crl_http", fetched_at=at)

    source = IndexedCrls(data / "revocation", Forged(world, "hanako"))
    got = source.fetch(*pair, at=at)
    assert check_revocation(*pair, crls=got.crls, at=at).state == "unknown"
    assert list((data / "revocation").rglob("*.crl")) == []
    assert good(pair, IndexedCrls(data / "revocation", lists).fetch(*pair, at=at), at)


def test_a_full_disk_does_not_stop_a_check(
    data: Path, world: World, lists: Lists, pair: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from honnin.errors import StateError
    from honnin.pki.index import RevocationIndex

    open_index(data / "revocation")

    def full(*_: Any, **__: Any) -> None:
        raise StateError("index.no_room", "No room.")

    monkeypatch.setattr(RevocationIndex, "build", full)
    assert good(pair, IndexedCrls(data / "revocation", lists).fetch(*pair, at=world.now()), world.now())


@pytest.mark.parametrize("order", ["ocsp_first", "crl_first"])
def test_the_order_of_sources_is_a_setting(data: Path, world: World, order: Any) -> None:
    from honnin.connect.jlis import OcspClient

    mode = open_modes(Settings(data, revocation=order))[False]
    revocation: Any = mode.services.revocation
    assert isinstance(revocation._first, OcspClient if order == "ocsp_first" else IndexedCrls)
    assert isinstance(revocation._then, IndexedCrls if order == "ocsp_first" else OcspClient)
    mode.close()


def test_test_and_live_lists_lie_apart(data: Path) -> None:
    settings = Settings(data)
    assert revocation_folder(settings, livemode=True) != revocation_folder(settings, livemode=False)
    assert open_index(revocation_folder(settings, livemode=True)).issuers() == []


def test_nothing_is_kept_of_lists_that_were_waited_for(data: Path, world: World, lists: Lists) -> None:
    source = IndexedCrls(data / "revocation", lists)
    for number in range(100):
        with source._turn(b"%d" % number):
            assert source._turn(b"%d" % number) is source._turn(b"%d" % number)
    assert len(source._turns) == 0
