"""What all tests share: a fresh data folder, and foreign programs that are required by name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

REQUIRE_ALL = os.environ.get("HONNIN_REQUIRE_ALL") == "1"

# A busy machine is no finding: properties are judged by what holds, not by how long one example took. Where a change is
# judged (HONNIN_REQUIRE_ALL=1), the same examples judge it each time; everywhere else new ones are drawn at each run.
settings.register_profile("honnin", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("judging", settings.get_profile("honnin"), derandomize=True, database=None)
settings.load_profile("judging" if REQUIRE_ALL else "honnin")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of this test's own."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(autouse=True)
def _peers(request: pytest.FixtureRequest) -> None:
    """Skip by name a test whose foreign program is missing; fail it where everything is required."""
    for mark in request.node.iter_markers("peer"):
        for program in mark.args:
            if shutil.which(program) or Path(program).exists():
                continue
            sentence = f"peer {program} is not installed (scripts/install-peers)"
            if REQUIRE_ALL:
                pytest.fail(sentence)
            pytest.skip(sentence)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object | None) -> None:
    """Say at once how a process of the tests died: the report at the end never comes if the run is cut off."""
    if not error:
        return
    process = node.gateway._io.popen
    try:
        status = process.wait(10)
    except subprocess.TimeoutExpired:  # it lives, and has lost its way to us
        process.kill()
        status = "still running"
    sys.stderr.write(f"\n{node.gateway.id}: {status}\n")


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str) -> None:
    """Say at once in which test it died."""
    sys.stderr.write(f"\ndied in {crashitem}\n")
