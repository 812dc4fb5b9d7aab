"""The world's file: one clock, one lock, several processes at once."""

import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.waiting import LONG

from honnin.errors import InputError
from honnin.sandbox import people
from honnin.sandbox.jlis import register
from honnin.sandbox.opening import open_world
from honnin.sandbox.world import World

NewWorld = Callable[..., World]
WORKERS = 4

MAKE_A_KEY = """
from honnin.sandbox.jlis.keys import kept_key
from honnin.sandbox.jlis.profile import profile
print(kept_key(world, "test/key", profile().lines["p384"]).hex())
"""
LIST = """
print([person["id"] for person in world.people()])
"""
RENEW = """
from honnin.sandbox.life import happen
from honnin.sandbox.people import settle
settle(world)
for person in ("hanako", "taro", "kaede", "mayu", "sanji"):
    happen(world, person, "renew")
"""
READ_A_CARD = """
from honnin.sandbox.people import card_material
card = card_material(world, "hanako")
print((card.signature_certificate + card.user_authentication_certificate + card.signature_ca_certificate).hex())
"""


def in_processes(program: str, folder: Path) -> list[str]:
    """Run a program over a world in several new processes at the same time; return what each one printed."""
    opening = (
        "import sys, pathlib\nfrom honnin.sandbox.opening import Sandbox\nworld = Sandbox(pathlib.Path(sys.argv[1]))\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", opening + program, str(folder)], stdout=subprocess.PIPE, text=True)
        for _ in range(WORKERS)
    ]
    printed = [process.communicate(timeout=LONG)[0] for process in running]
    assert [process.returncode for process in running] == [0] * WORKERS
    return printed


class TestClock:
    def test_runs_with_the_machine_until_it_is_set(self, data: Path) -> None:
        world, before = World(data), datetime.now(UTC)
        assert before <= world.now() <= datetime.now(UTC)

    def test_set_is_seen_by_whoever_opens_the_folder(self, data: Path) -> None:
        at = datetime(2030, 1, 1, tzinfo=UTC)
        World(data).set_clock(at, frozen=True)
        assert World(data).now() == at

    def test_runs_on_from_where_it_was_set(self, data: Path) -> None:
        world, at, before = World(data), datetime(2030, 1, 1, tzinfo=UTC), datetime.now(UTC)
        world.set_clock(at)
        now = world.now()
        assert at <= now <= at + (datetime.now(UTC) - before)

    def test_advance_keeps_a_frozen_clock_frozen(self, data: Path) -> None:
        world = World(data)
        world.set_clock(datetime(2030, 1, 1, tzinfo=UTC), frozen=True)
        assert world.advance(timedelta(hours=36)) == datetime(2030, 1, 2, 12, tzinfo=UTC)
        assert world.now() == datetime(2030, 1, 2, 12, tzinfo=UTC)

    def test_reset_returns_to_the_machine(self, data: Path) -> None:
        world = World(data)
        world.set_clock(datetime(2030, 1, 1, tzinfo=UTC), frozen=True)
        world.reset_clock()
        before = datetime.now(UTC)
        assert before <= world.now() <= datetime.now(UTC)

    def test_birth_does_not_move(self, new_world: NewWorld) -> None:
        world = new_world()
        born = world.born
        world.advance(timedelta(days=400))
        assert World(world.data).born == born

    def test_refuses_a_time_without_zone(self, data: Path) -> None:
        with pytest.raises(InputError) as caught:
            World(data).set_clock(datetime(2030, 1, 1))  # noqa: DTZ001 - the case
        assert caught.value.code == "clock.no_zone"

    @pytest.mark.parametrize("days", [-(10**6), 10**6, -(10**9) // 2, 10**9 // 2])
    def test_refuses_to_go_out_of_range(self, data: Path, days: int) -> None:
        world = World(data)
        before = world.now()
        with pytest.raises(InputError) as caught:
            world.advance(timedelta(days=days))
        assert caught.value.code == "clock.out_of_range"
        assert abs(world.now() - before) < timedelta(seconds=5)


class TestFile:
    def test_is_its_owners_alone(self, data: Path) -> None:
        World(data / "inner")
        assert stat.S_IMODE((data / "inner").stat().st_mode) == 0o700
        assert stat.S_IMODE((data / "inner" / "world.sqlite3").stat().st_mode) == 0o600

    def test_open_world_gives_one_world_a_folder(self, data: Path) -> None:
        assert open_world(data) is open_world(data)

    def test_a_failed_transaction_leaves_nothing(self, data: Path) -> None:
        world = World(data)

        def fail_half_way() -> None:
            with world.transaction() as db:
                db.execute("INSERT INTO switches VALUES ('jlis', 'ocsp', 'down')")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail_half_way()
        assert world.connection().execute("SELECT count(*) FROM switches").fetchone()[0] == 0


class TestSeveralProcesses:
    def test_a_new_folder_is_made_once(self, data: Path) -> None:
        assert len(set(in_processes(LIST, data))) == 1
        db = World(data).connection()
        assert db.execute("SELECT count(*) FROM person_states WHERE event = 'born'").fetchone()[0] == len(
            people.persons()
        )

    def test_two_makers_of_a_key_end_with_one(self, data: Path) -> None:
        assert len(set(in_processes(MAKE_A_KEY, data))) == 1

    def test_everybody_reads_the_same_card(self, data: Path) -> None:
        assert len(set(in_processes(READ_A_CARD, data))) == 1

    def test_serial_numbers_stay_unique(self, data: Path) -> None:
        in_processes(RENEW, data)
        world = World(data)
        rows = world.connection().execute("SELECT kind, serial FROM jlis_certificates").fetchall()
        assert len({(row["kind"], row["serial"]) for row in rows}) == len(rows)
        for person in ("hanako", "taro"):
            chain = [e for e in register.of_person(world, person, world.now()) if e.kind == "signature"]
            assert len(chain) == 1 + WORKERS
            assert sum(e.revoked_at is None for e in chain) == 1
