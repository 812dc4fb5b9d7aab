"""Upkeep: what a new list ends is told once, to the right tenant, and no more than it may know; on both engines."""

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from honnin.bench.lists import NOW, Shape, Signer
from honnin.pki.index import RevocationIndex
from honnin.platform import Platform, Settings
from honnin.platform.customers import forget_customers, keep_customer, open_serials, seal_serial, serial_key
from honnin.platform.models import Caller
from honnin.platform.store import schema
from honnin.platform.upkeep import Upkeep, UpkeepReport
from honnin.sandbox.world import World

pytestmark = pytest.mark.xdist_group("upkeep")
FIRST = 1 << 24  # first serial of `bench.lists` with four octets
KEY = bytes(range(32))


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture
def lists(signer: Signer, tmp_path: Path) -> Callable[..., RevocationIndex]:
    """Take a list of serials FIRST + first, FIRST + first + 1, … into one index."""

    def take(count: int, *, first: int = 0, number: int = 1) -> RevocationIndex:
        path = tmp_path / f"{number}.crl"
        signer.write(path, Shape(count), number=number, first=first)
        report = RevocationIndex.build(tmp_path / "index", [path], [signer.certificate], at=NOW)
        assert not report.refused
        return RevocationIndex.open(tmp_path / "index")

    return take


@pytest.fixture
def customers(platform: Platform, signer: Signer) -> Callable[..., None]:
    """Make customers `per_N` of a tenant with serials FIRST + N."""

    def make(tenant_id: str, numbers: Iterable[int]) -> None:
        def work(db: Any) -> None:
            for number in numbers:
                keep_customer(db, platform.keys, tenant_id, f"per_{number}", signer.key_id, FIRST + number)

        platform.store.write(work)

    return make


def run(platform: Platform, index: RevocationIndex, signer: Signer, **options: Any) -> UpkeepReport:
    kinds = {signer.key_id: "signature"}
    return Upkeep(platform.store, platform.keys, index, kinds, **options).run(livemode=False, at=NOW)


def told(platform: Platform, caller: Caller) -> list[Any]:
    events: list[Any] = []
    after = None
    while True:
        page = platform.events(caller, after=after)
        events += page.data
        if not page.has_more:
            return events
        after = page.next


def test_what_is_listed_is_told_once(
    platform: Platform, caller: Caller, signer: Signer, lists: Any, customers: Any
) -> None:
    other = platform.authenticate(platform.create_tenant("別の銀行").api_key)
    customers(caller.id, range(100))
    customers(other.id, range(90, 120))
    report = run(platform, lists(95), signer)
    assert (report.customers, report.ended, report.unanswered) == (130, 100, [])
    assert {event.data["person"] for event in told(platform, caller)} == {f"per_{n}" for n in range(95)}
    assert {event.data["person"] for event in told(platform, other)} == {f"per_{n}" for n in range(90, 95)}
    again = run(platform, lists(95), signer)
    assert (again.customers, again.ended, again.resumed) == (130, 0, 0)
    assert run(platform, lists(105, number=2), signer).ended == 5 + 10
    assert [event.type for event in told(platform, caller)].count("certificate.ended") == 100


def test_an_event_says_no_more_than_it_may(
    platform: Platform, caller: Caller, signer: Signer, lists: Any, customers: Any
) -> None:
    customers(caller.id, range(5))
    run(platform, lists(1), signer)
    (event,) = told(platform, caller)
    assert event.type == "certificate.ended"
    assert set(event.data) == {"person", "certificate", "source", "status", "reason", "ended_at", "checked_at"}
    assert event.data["person"] == "per_0"
    assert event.data["certificate"] == "signature"
    assert event.data["source"] == "crl"
    assert event.data["ended_at"].startswith("2026-01")
    assert f"{FIRST:x}" not in json.dumps(event.data)


def test_a_hold_ends_or_becomes_a_revocation(
    platform: Platform, caller: Caller, lists: Any, customers: Any, signer: Signer
) -> None:
    """Serials on hold in the first list; the second list leaves the first of them out."""
    index = lists(200)
    segment = index.sources(signer.key_id)[0].segment
    reasons = {segment.serial(row) - FIRST: segment.reasons[row] for row in range(200)}
    customers(caller.id, range(200))
    run(platform, index, signer)
    held = {n for n, reason in reasons.items() if reason == 6}
    statuses = {event.data["person"]: event.data["status"] for event in told(platform, caller)}
    assert {f"per_{n}" for n in held} == {person for person, status in statuses.items() if status == "on_hold"} != set()
    later = lists(100, first=100, number=2)
    segment = later.sources(signer.key_id)[0].segment
    reasons = {**dict.fromkeys(range(100)), **{segment.serial(r) - FIRST: segment.reasons[r] for r in range(100)}}
    report = run(platform, later, signer)
    assert report.hold_ended == len({n for n in held if n < 100})
    assert report.ended == 0
    events = told(platform, caller)[200:]
    assert {event.data["person"] for event in events if event.type == "certificate.hold_ended"} == {
        f"per_{n}" for n in held if n < 100
    }
    assert report.reason_changed == len([e for e in events if e.type == "certificate.reason_changed"]) > 0
    assert run(platform, later, signer) == UpkeepReport(customers=200)


def test_a_stale_list_ends_nothing(
    platform: Platform, caller: Caller, signer: Signer, lists: Any, customers: Any
) -> None:
    customers(caller.id, range(5))
    index = lists(5)
    report = Upkeep(platform.store, platform.keys, index).run(livemode=False, at=NOW + timedelta(days=60))
    assert (report.customers, report.ended, report.unanswered) == (0, 0, [signer.key_id.hex()])
    assert Upkeep(platform.store, platform.keys, index).run(livemode=True, at=NOW).customers == 0
    assert told(platform, caller) == []


@pytest.mark.parametrize("page", [1, 7, 64])
def test_pages_of_any_size(
    platform: Platform, caller: Caller, signer: Signer, lists: Any, customers: Any, page: int
) -> None:
    customers(caller.id, range(0, 60, 2))
    report = run(platform, lists(31), signer, page=page)
    assert (report.customers, report.ended) == (30, 16)
    assert {e.data["person"] for e in told(platform, caller)} == {f"per_{n}" for n in range(0, 31, 2)}


def test_large_serials(platform: Platform, caller: Caller, tmp_path: Path, signer: Signer) -> None:
    for octets in (8, 20):
        path = tmp_path / f"wide{octets}.crl"
        signer.write(path, Shape(50, octets=octets, ordered=False, seed=octets), number=octets)
        folder = tmp_path / f"index{octets}"
        assert not RevocationIndex.build(folder, [path], [signer.certificate], at=NOW).refused
        index = RevocationIndex.open(folder)
        segment = index.sources(signer.key_id)[0].segment
        serials = [segment.serial(row) for row in range(0, 50, 5)]

        def work(db: Any, serials: list[int] = serials) -> None:
            for serial in serials:
                keep_customer(db, platform.keys, caller.id, "per_listed", signer.key_id, serial)
                keep_customer(db, platform.keys, caller.id, "per_other", signer.key_id, serial ^ 1 << 60)

        platform.store.write(work)
        assert run(platform, index, signer).ended == 10
    assert {event.data["person"] for event in told(platform, caller)} == {"per_listed"}


def test_an_unfinished_run_goes_on(
    platform: Platform, caller: Caller, signer: Signer, lists: Any, customers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    customers(caller.id, range(60))
    index = lists(60)
    pages = []
    listed = Upkeep._page_after

    def stops(self: Upkeep, line: Any, after: bytes) -> list[bytes]:
        pages.append(after)
        if len(pages) == 4:
            raise KeyboardInterrupt
        return listed(self, line, after)

    monkeypatch.setattr(Upkeep, "_page_after", stops)
    with pytest.raises(KeyboardInterrupt):
        run(platform, index, signer, page=10)
    assert len(told(platform, caller)) == 30
    report = run(platform, index, signer, page=10)
    assert (report.customers, report.ended, report.resumed) == (30, 30, 1)
    assert len({event.data["person"] for event in told(platform, caller)}) == 60
    with platform.store.read() as db:
        assert db.execute(select(schema.upkeep_cursors)).all() == []


def test_forgetting_a_person_forgets_its_certificates(
    platform: Platform, caller: Caller, signer: Signer, lists: Any, customers: Any
) -> None:
    customers(caller.id, range(3))
    run(platform, lists(3), signer)
    platform.store.write(lambda db: forget_customers(db, caller.id, ["per_1"]))
    with platform.store.read() as db:
        assert len(db.execute(select(schema.customer_certificates)).all()) == 2
        assert len(db.execute(select(schema.certificate_ends)).all()) == 2


def test_a_checked_customer_is_kept_and_told(
    platform: Platform, caller: Caller, world: World, card: Callable[[str], Any], later: Callable[..., None]
) -> None:
    """The whole way: a check makes the customer, a life event ends the certificate, J-LIS's list of the day tells."""
    from honnin.sandbox.jlis import crl
    from honnin.sandbox.jlis.authorities import authorities
    from honnin.sandbox.life import happen

    answer = platform.verify(caller, card("hanako").request())
    assert answer.person_status == "linked"
    with platform.store.read() as db:
        (row,) = db.execute(select(schema.customer_certificates)).all()
    assert row.person_id == answer.person
    happen(world, "hanako", "move")
    later(days=2)
    fresh = [crl.full(world, ca, world.now()) for ca in authorities(world) if ca.key_id == row.issuer_key_id]
    assert not platform.take_lists(fresh, livemode=False).refused
    assert platform.upkeep(livemode=False).ended == 1
    event = told(platform, caller)[-1]
    assert (event.type, event.data["person"], event.data["status"]) == ("certificate.ended", answer.person, "revoked")
    assert event.data["certificate"] == "signature"
    assert platform.upkeep(livemode=False).ended == 0


def test_no_two_tenants_rows_can_be_joined(platform: Platform, signer: Signer, customers: Any) -> None:
    tenants = [platform.create_tenant(name).tenant for name in ("一", "二")]
    for tenant in tenants:
        customers(tenant, range(5))
    with platform.store.read() as db:
        serials = list(db.execute(select(schema.customer_certificates.c.serial)).scalars())
    assert len(set(serials)) == 10
    assert not any(FIRST.to_bytes(4, "big") in serial for serial in serials)


def test_the_command(data: Path, signer: Signer, tmp_path: Path) -> None:
    from honnin.cli.upkeep import upkeep

    foreign = tmp_path / "foreign.crl"
    signer.write(foreign, Shape(3))
    Platform(Settings(data)).close()
    run = CliRunner().invoke(upkeep, ["run", "--data", str(data), "--json"])
    assert (run.exit_code, json.loads(run.output)["ended"]) == (0, 0)
    refused = CliRunner().invoke(upkeep, ["run", "--data", str(data), "--crl", str(foreign)])
    assert refused.exit_code == 1
    assert "refused" in refused.output


@given(st.lists(st.integers(0, (1 << 160) - 1), unique=True, max_size=20))
def test_serials_come_back(serials: list[int]) -> None:
    sealed = [seal_serial(KEY, serial) for serial in serials]
    assert len(set(sealed)) == len(serials)
    narrow, wide = open_serials(KEY, sealed)
    assert [wide.get(row, int(one)) for row, one in enumerate(narrow.tolist())] == serials


def test_impossible_serials_and_keys(platform: Platform) -> None:
    for serial in (-1, 1 << 160):
        with pytest.raises(ValueError, match="serial"):
            seal_serial(KEY, serial)
    assert serial_key(platform.keys, "ten_a") != serial_key(platform.keys, "ten_b")
