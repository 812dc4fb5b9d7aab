"""What a room promises in `__all__` is there, and the room order of the design holds."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from tests.waiting import LONG

REPOSITORY = Path(__file__).parents[2]
ROOMS = ["honnin", "honnin.errors", "honnin.words", "honnin.identity", "honnin.pki", "honnin.chip", "honnin.law"]


@pytest.mark.parametrize("room", ROOMS)
def test_every_promised_name_loads(room: str) -> None:
    module = importlib.import_module(room)
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_version_command_loads_no_room() -> None:
    """`honnin --version` pays for the command line alone."""
    code = (
        "import sys; from honnin.cli.main import cli\n"
        "try: cli(['--version'])\n"
        "except SystemExit: pass\n"
        "rooms = ('honnin.pki', 'honnin.chip', 'honnin.platform', 'honnin.web', 'cryptography', 'sqlalchemy')\n"
        "print([m for m in rooms if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY, timeout=LONG
    )
    assert done.stdout.splitlines()[-1] == "[]"
