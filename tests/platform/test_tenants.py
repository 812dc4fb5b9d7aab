"""Tenants and their keys: kept as keyed hashes, bound to their mode, refused in every other shape."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.waiting import joined

from honnin.errors import InputError, KeyRefusedError, StateError
from honnin.platform import Platform, Settings
from honnin.platform.models import Caller
from honnin.platform.settings import Services
from honnin.sandbox.world import World

sqlite_alone = pytest.mark.parametrize("database_url", [None])  # nothing here depends on the engine


def test_key_is_kept_as_a_keyed_hash_alone(platform: Platform) -> None:
    key = platform.create_tenant("試験銀行").api_key
    with platform.store.read() as db:
        for table in ("tenants", "api_keys"):
            content = str(db.exec_driver_sql(f"SELECT * FROM {table}").all())  # noqa: S608
            assert key not in content
            assert key[-32:] not in content
    assert key not in repr(platform.authenticate(key))


@pytest.mark.parametrize(
    "change",
    [
        lambda key: "",
        lambda key: key[:-1],
        lambda key: key + "0",
        lambda key: key.replace("sk_test_", "sk_live_"),
        lambda key: key[:-1] + ("0" if key[-1] != "0" else "1"),
        lambda key: key.upper(),
        lambda key: key + "\n",
        lambda key: " " + key,
        lambda key: "sk_test_" + "0" * 56,
        lambda key: "sk_test_" + "é" * 56,
        lambda key: "x" * 10_000,
    ],
)
@sqlite_alone
def test_any_other_key_is_refused(platform: Platform, change: Callable[[str], str]) -> None:
    key = platform.create_tenant("試験銀行").api_key
    with pytest.raises(KeyRefusedError) as refused:
        platform.authenticate(change(key))
    assert (refused.value.code, refused.value.http_status) == ("tenant.key", 401)


def test_one_more_key(platform: Platform) -> None:
    made = platform.create_tenant("試験銀行")
    second = platform.new_key(made.tenant)
    assert second != made.api_key
    assert platform.authenticate(second).id == platform.authenticate(made.api_key).id == made.tenant


def test_modes_are_told_apart_everywhere(platform: Platform) -> None:
    test = platform.authenticate(platform.create_tenant("試験").api_key)
    live = platform.authenticate(platform.create_tenant("本番", livemode=True).api_key)
    assert (test.livemode, test.tenant.verifier_status) == (False, "deemed")
    assert (live.livemode, live.tenant.verifier_status) == (True, "none")


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\nb", "a\x00b"])
@sqlite_alone
def test_impossible_names_are_refused(platform: Platform, name: str) -> None:
    with pytest.raises(InputError) as refused:
        platform.create_tenant(name)
    assert refused.value.code == "tenant.name"


def test_unknown_tenant_and_attribute_are_refused(platform: Platform, caller: Caller) -> None:
    for call, code in (
        (lambda: platform.change_tenant("ten_none", number_handler=True), "tenant.unknown"),
        (lambda: platform.new_key("ten_none"), "tenant.unknown"),
        (lambda: platform.change_tenant(caller.id, attributes=("blood_type",)), "tenant.attribute"),
    ):
        with pytest.raises(InputError) as refused:
            call()
        assert refused.value.code == code


@sqlite_alone
def test_live_configuration_with_a_sandbox_anchor_is_refused(settings: Settings, world: World) -> None:
    import dataclasses

    wrong = dataclasses.replace(settings, live=Services(anchors=world.anchors()["signature"]))
    with pytest.raises(StateError) as refused:
        Platform(wrong)
    assert refused.value.code == "tenant.sandbox_anchor"


def test_events_come_in_the_order_of_commits_and_none_is_stepped_over(
    platform: Platform, caller: Caller, card: Callable[[str], Any]
) -> None:
    request, seen, stop = card("hanako").request(), [], threading.Event()

    def read() -> None:
        after = None
        while True:
            last_look = stop.is_set()
            page = platform.events(caller, after=after, limit=3)
            seen.extend(event.id for event in page.data)
            after = page.next or after
            if last_look and not page.data:
                return

    def write() -> None:
        for _ in range(8):
            platform.verify(caller, request)

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write) for _ in range(3)]
    for thread in (reader, *writers):
        thread.start()
    joined(*writers)
    stop.set()
    reader.join(30)
    assert len(seen) == len(set(seen)) == 24


def test_impossible_cursors_are_refused(platform: Platform, caller: Caller) -> None:
    for arguments, code in (
        ({"after": "evt_none"}, "events.cursor"),
        ({"limit": 0}, "events.limit"),
        ({"limit": 101}, "events.limit"),
    ):
        with pytest.raises(InputError) as refused:
            platform.events(caller, **arguments)
        assert refused.value.code == code
