"""Tenants spread over two PostgreSQL clusters behind one API: each finds its own, and one's death is its own."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from tests.platform.conftest import POSTGRESQL, Cluster, Jlis, running_cluster
from tests.platform.damage import let_wait, live_log_damaged

from honnin.api import create_app
from honnin.cli.tenant import tenant as commands
from honnin.errors import InputError, ServiceError, StateError
from honnin.platform import Platform, Settings, moving
from honnin.platform.evidence.packing import read_opening
from honnin.platform.evidence.receipt import verify_receipt
from honnin.platform.moving import move_tenant
from honnin.platform.settings import Services
from honnin.platform.shards import FILE, Shards, read_shards
from honnin.platform.verifying import find_evidence
from honnin.sandbox.world import World

HALVES = {"east": [0, 127], "west": [128, 255]}


def write(data: Path, urls: dict[str, str], **members: Any) -> None:
    shards = [{"name": name, "database_url": url, "slots": HALVES[name]} for name, url in urls.items()]
    (data / FILE).write_text(json.dumps({"shards": shards, **members}), encoding="utf-8")


@pytest.fixture(scope="module")
def clusters() -> Iterator[dict[str, Cluster]]:
    with running_cluster() as east, running_cluster() as west:
        yield {"east": east, "west": west}


@pytest.fixture
def shards(clusters: dict[str, Cluster], data: Path, world: World, jlis: Jlis) -> Iterator[Shards]:
    made = {name: one.create() for name, one in clusters.items()}
    write(data, {name: one.url(made[name]) for name, one in clusters.items()})
    anchors = world.anchors()
    services = Services(jlis, jlis, anchors["signature"], anchors["user_authentication"])
    opened = Shards(Settings(data, test=services))
    yield opened
    opened.close()
    for name, one in clusters.items():
        one.drop(made[name])


def tenants_of_both(shards: Shards) -> dict[str, str]:
    """Make tenants until each shard has one; give a key by shard."""
    keys: dict[str, str] = {}
    while len(keys) < len(HALVES):
        made = shards.create_tenant("分散商店")
        keys.setdefault(shards.shard_of(made.tenant), made.api_key)
    return keys


def body(card: Any) -> dict[str, str]:
    document = b"open an account"
    return {
        "document": b64encode(document).decode(),
        "signature": b64encode(card.sign(document)).decode(),
        "certificate": b64encode(card.certificate).decode(),
        "purpose": "account_opening",
        "channel": "remote",
    }


@pytest.mark.peer(str(POSTGRESQL / "initdb"))
@pytest.mark.anyio
async def test_one_api_two_clusters(
    shards: Shards, clusters: dict[str, Cluster], card: Callable[[str], Any], anyio_backend: str
) -> None:
    assert anyio_backend == "asyncio"
    keys, sent = tenants_of_both(shards), body(card("hanako"))
    transport = httpx.ASGITransport(app=create_app(shards))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://honnin") as client:

        def with_key(name: str) -> dict[str, str]:
            return {"Authorization": f"Bearer {keys[name]}"}

        ids = {}
        for name in keys:
            answer = await client.post("/v1/verifications", json=sent, headers=with_key(name))
            assert answer.status_code == 201, answer.text
            assert answer.json()["verdict"]["indication"] == "TOTAL-PASSED"
            ids[name] = answer.json()["id"]
        assert shards.sequence() == 2
        for name, other in (("east", "west"), ("west", "east")):
            platform = shards.platform(name)
            caller = shards.authenticate(keys[name])
            with platform.store.read() as db:  # rows of its own tenants, and of no other
                assert db.exec_driver_sql("SELECT verification_id FROM verifications").scalars().all() == [ids[name]]
            verify_receipt(platform.receipt(caller, ids[name]), platform.keys.log.public)
            found = await client.get(f"/v1/verifications/{ids[name]}", headers=with_key(name))
            strange = await client.get(f"/v1/verifications/{ids[name]}", headers=with_key(other))
            assert (found.status_code, strange.status_code) == (200, 404)

        clusters["west"].stop()
        try:
            answer = await client.post("/v1/verifications", json=sent, headers=with_key("east"))
            assert answer.status_code == 201
            answer = await client.post("/v1/verifications", json=sent, headers=with_key("west"))
            assert (answer.status_code, answer.json()["code"]) == (503, "store.down")
            assert (await client.get("/healthz")).status_code == 503
        finally:
            clusters["west"].start()
        answer = await client.get(f"/v1/verifications/{ids['west']}", headers=with_key("west"))
        assert answer.status_code == 200
        answer = await client.post("/v1/verifications", json=sent, headers=with_key("west"))
        assert answer.status_code == 201


@pytest.mark.peer(str(POSTGRESQL / "initdb"))
def test_a_shard_that_never_answered_keeps_nobody_elses_tenants_waiting(
    clusters: dict[str, Cluster], data: Path, world: World, jlis: Jlis
) -> None:
    east = clusters["east"]
    urls = {"east": east.url(east.create()), "west": "postgresql://honnin@/none?host=/nowhere"}
    write(data, urls)
    shards = Shards(Settings(data, test=Services(jlis, jlis, world.anchors()["signature"])))
    placed = {"east": 0, "west": 0}
    while not all(placed.values()):
        try:
            made = shards.create_tenant("分散商店")
        except ServiceError:
            placed["west"] += 1
        else:
            assert shards.authenticate(made.api_key).id == made.tenant
            placed["east"] += 1
    with pytest.raises(ServiceError, match="down"):
        shards.platform("west")
    shards.close()


@pytest.mark.peer(str(POSTGRESQL / "initdb"))
@pytest.mark.anyio
async def test_a_tenant_moves_there_and_back(
    shards: Shards, card: Callable[[str], Any], data: Path, monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> None:
    assert anyio_backend == "asyncio"
    keys, sent = tenants_of_both(shards), body(card("hanako"))
    east, west = shards.platform("east"), shards.platform("west")
    tenant, stays = (shards.authenticate(keys[name]).id for name in ("east", "west"))
    headers = {"Authorization": f"Bearer {keys['east']}"}
    transport = httpx.ASGITransport(app=create_app(shards))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://honnin", headers=headers) as client:

        async def check(**more: str) -> httpx.Response:
            return await client.post("/v1/verifications", json=sent, headers=more)

        made = [(await check()).json()["id"] for _ in range(3)]
        first = (await check(**{"Idempotency-Key": "once"})).json()
        shards.sequence()
        late = (await check()).json()["id"]  # has no number in its log yet
        shards.change_tenant(tenant, return_urls=("https://shop.example/back",))
        asked = {"purpose": "sign_up", "text": "t", "return_url": "https://shop.example/back"}
        opened = (await client.post("/v1/sessions", json=asked)).json()
        before = {one: (await client.get(f"/v1/verifications/{one}/receipt")).content for one in made}
        assert all(b"audit_path" in receipt for receipt in before.values())
        events = (await client.get("/v1/events")).json()

        # killed when the rows are on both sides: nobody is answered, and the command goes on from there
        monkeypatch.setattr(moving, "_proofs", lambda *_: 0)
        with monkeypatch.context() as patch:
            patch.setattr(moving, "delete", stopped)
            with pytest.raises(KeyboardInterrupt):
                move_tenant(shards, tenant, "west", drain=0)
        assert rows(east, tenant) == rows(west, tenant) > 0
        answer = await check()
        assert (answer.status_code, answer.json()["code"]) == (503, "store.moving")
        with pytest.raises(StateError, match="another shard"):
            move_tenant(shards, tenant, "east", drain=0)

        for target, source in ((west, east), (east, west)):
            name = "west" if target is west else "east"
            there = move_tenant(shards, tenant, name, drain=0)
            assert there.rows["verifications"] == 5
            assert rows(source, tenant) == 0
            assert move_tenant(shards, tenant, name, drain=0).rows == there.rows
            assert shards.platform(name) is target
            listed = (await client.get("/v1/verifications?limit=50")).json()["data"]
            assert sorted(one["id"] for one in listed) == sorted([*made, first["id"], late])
            assert (await client.get("/v1/events")).json() == events
            for one, receipt in before.items():
                assert (await client.get(f"/v1/verifications/{one}/receipt")).content == receipt
            caller = shards.authenticate(keys["east"])
            for one in (*made, first["id"], late):
                verify_receipt(target.receipt(caller, one), target.keys.log.public)
                with target.store.read() as db:  # with the certificates that lie beside, kept once
                    _, evidence = find_evidence(db, caller.id, one)
                    assert read_opening(db, target._sealer, caller.id, evidence).revocation
            assert (await check(**{"Idempotency-Key": "once"})).json() == first
            assert shards.sessions.page(opened["url"].rpartition("/")[2]).status == "open"

        assert shards.authenticate(keys["west"]).id == stays
        assert rows(west, stays) > 0
        more = (await check()).json()
        assert more["verdict"]["indication"] == "TOTAL-PASSED"
        shards.sequence()
        verify_receipt(east.receipt(shards.authenticate(keys["east"]), more["id"]), east.keys.log.public)
        assert read_shards(data).moving == {}
        assert read_shards(data).placed == {tenant: "east"}


@pytest.mark.peer(str(POSTGRESQL / "initdb"))
def test_a_damaged_log_keeps_no_other_shard_and_no_move(shards: Shards) -> None:
    keys = tenants_of_both(shards)
    tenant, stays = (shards.authenticate(keys[name]).id for name in ("east", "west"))
    east, west = (shards.platform(name) for name in ("east", "west"))
    first = next(iter(shards._open.values()))
    live_log_damaged(first)
    for platform, one in ((east, tenant), (west, stays)):
        let_wait(platform, one, "evd_of_check")
    with pytest.raises(StateError, match="log_damaged"):
        shards.sequence()
    assert [platform.log.waiting(one) for platform, one in ((east, tenant), (west, stays))] == [[], []]
    source, moved, target = (east, tenant, "west") if first is east else (west, stays, "east")
    let_wait(source, moved, "evd_late")
    assert move_tenant(shards, moved, target, drain=0).target == target


def stopped(*_: object) -> None:
    raise KeyboardInterrupt


def rows(platform: Platform, tenant_id: str) -> int:
    return sum(moving._counts(platform, tenant_id).values())


@pytest.mark.peer(str(POSTGRESQL / "initdb"))
def test_commands_for_tenants_know_shards(shards: Shards, data: Path) -> None:
    keys = tenants_of_both(shards)
    tenant = shards.authenticate(keys["east"]).id

    def run(*arguments: str) -> Any:
        found = CliRunner().invoke(commands, [*arguments, "--data", str(data), "--json"])
        return found.exit_code, json.loads(found.stdout) if found.exit_code == 0 else found.exception

    _, listed = run("list")
    assert tenant in {one["id"] for one in listed["tenants"]}
    assert run("move", tenant, "nowhere", "--drain", "0")[1].code == "store.no_shard"
    status, moved = run("move", tenant, "west", "--drain", "0")
    assert (status, moved["target"], moved["rows"]["tenants"]) == (0, "west", 1)
    assert shards.shard_of(tenant) == "west"
    _, key = run("key", tenant)
    assert shards.authenticate(key["api_key"]).id == tenant
    assert not (data / "honnin.sqlite3").exists()


def test_a_tenant_placed_by_name_goes_there(data: Path) -> None:
    write(data, {"east": "postgresql://a/b", "west": "postgresql://c/d"}, placed={"ten_x": "west", "ten_y": "east"})
    shards = Shards(Settings(data))
    assert (shards.shard_of("ten_x"), shards.shard_of("ten_y")) == ("west", "east")
    found = [shards.shard_of(f"ten_{number}") for number in range(1000)]
    assert 400 < found.count("east") < 600
    assert "postgresql" not in repr(read_shards(data))
    shards.close()


@pytest.mark.parametrize(
    "members",
    [
        {"shards": []},
        {"shards": [{"name": "a", "database_url": "postgresql://a/b", "slots": [0, 254]}]},
        {
            "shards": [
                {"name": "a", "database_url": "postgresql://a/b", "slots": [0, 200]},
                {"name": "b", "database_url": "postgresql://a/b", "slots": [200, 255]},
            ]
        },
        {
            "shards": [
                {"name": "a", "database_url": "postgresql://a/b", "slots": [0, 100]},
                {"name": "a", "database_url": "postgresql://a/b", "slots": [101, 255]},
            ]
        },
        {"shards": [{"name": "a", "database_url": "postgresql://a/b", "slots": [0, 255]}], "placed": {"ten_x": "b"}},
        {"shards": [{"name": "a", "database_url": "postgresql://a/b", "slots": [0, 255], "more": 1}]},
    ],
)
def test_a_placing_that_could_lose_a_tenant_is_refused(data: Path, members: dict[str, Any]) -> None:
    (data / FILE).write_text(json.dumps(members), encoding="utf-8")
    with pytest.raises(InputError, match="shards"):
        read_shards(data)


@pytest.mark.peer(str(POSTGRESQL / "initdb"))
def test_counter_finds_each_tenants_shard(shards: Shards) -> None:
    """A terminal's key names its tenant: staff of both shards sign in at one counter, and see their own checks."""
    from tests.platform.test_counter import AT, reading
    from tests.web.test_counter_door import OWN, Browser

    made = {}
    for key in tenants_of_both(shards).values():
        caller = shards.authenticate(key)
        home = shards.of_tenant(caller.id)
        browser = Browser(shards).enrol(home.terminals.add(caller.id, "窓口1", "本店")[1])  # type: ignore[arg-type]
        _, given = home.staff.add(caller.id, "mihon", "見本　係員")
        assert browser.sign_in(password=given).headers["location"] == "/"
        assert browser.post("/password", {"password": OWN, "again": OWN}, form="/password").status_code == 303
        made[home.counter.record(caller.tenant, reading(), at=AT).id] = browser
    for check, browser in made.items():
        page = browser.get("/checks").text
        assert [other for other in made if other in page] == [check]
