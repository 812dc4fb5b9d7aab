"""A process whose threads all check at once from its first moment lives: nothing is made ready by two threads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.waiting import LONG

CODE = """
import sys, threading
sys.setswitchinterval(1e-6)
from honnin.platform.readying import ready_types
if sys.argv[1] == "ready":
    ready_types()
from honnin.law.table import rule_table
from honnin.pki.jpki import policy_profile
together = threading.Barrier(8)
def first() -> None:
    together.wait()
    rule_table()
    policy_profile("1.2.392.200149.8.5.1.1.20")
threads = [threading.Thread(target=first) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.parametrize("turn", range(6))
def test_threads_that_begin_together(tmp_path: Path, turn: int) -> None:
    script = tmp_path / "first.py"
    script.write_text(CODE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script, "ready"], capture_output=True, check=False, env=os.environ, timeout=LONG
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_platform_makes_types_ready() -> None:
    from honnin.platform.models import VerificationAnswer
    from honnin.platform.readying import _ready, ready_types

    ready_types()
    assert VerificationAnswer in _ready
