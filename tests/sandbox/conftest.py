"""Worlds for tests: one that all tests of a process share and only read, new ones for tests that change it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from honnin.sandbox.opening import Sandbox
from honnin.sandbox.people import settle

BORN = datetime(2026, 11, 21, 0, 0, 0, tzinfo=UTC)  # 09:00 in Japan, six hours after the day's CRLs


@pytest.fixture
def new_world(tmp_path: Path) -> Callable[..., Sandbox]:
    """Make a world whose clock stands still at its birth."""

    def make(born: datetime = BORN, folder: str = "world") -> Sandbox:
        world = Sandbox(tmp_path / folder, born=born)
        world.set_clock(born, frozen=True)
        settle(world)
        return world

    return make


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A world that nobody changes: its keys are made once."""
    shared = Sandbox(tmp_path_factory.mktemp("shared"), born=BORN)
    shared.set_clock(BORN, frozen=True)
    settle(shared)
    return shared
