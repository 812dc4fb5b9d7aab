"""No test waits for ever: what does not come fails the test that waits for it (`tests.waiting`), not the whole run."""

import ast
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests import waiting

TESTS = Path(__file__).parents[1]
ENDLESS = frozenset({"join", "result", "communicate"})  # without an argument


def endless(code: str) -> list[str]:
    """Return the calls that may wait for ever."""
    found = []
    for call in (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)):
        name, given = ast.unparse(call.func), {word.arg for word in call.keywords}
        last = name.rpartition(".")[2]
        unlimited = name.startswith("subprocess.") and last in {"run", "check_output"} and not given & {"timeout", None}
        unlimited |= "." in name and last in ENDLESS and not call.args and "timeout" not in given
        unlimited |= last == "readline"
        if unlimited:
            found.append(f"{call.lineno} {name}")
    for block in (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.With)):
        named = [ast.unparse(item.context_expr) for item in block.items]
        found += [f"{block.lineno} with Popen" for one in named if one.startswith("subprocess.Popen(")]
    return found


def test_no_test_waits_without_a_limit() -> None:
    own = {TESTS / "waiting.py", Path(__file__)}
    files = [file for file in TESTS.rglob("*.py") if file not in own]
    found = [f"{file.relative_to(TESTS)}:{one}" for file in files for one in endless(file.read_text(encoding="utf-8"))]
    assert len(files) > 100
    assert not found, f"give them a limit, or take what tests/waiting.py has: {found}"


@pytest.mark.parametrize(
    "code",
    [
        "subprocess.run(['x'], check=True)",
        "thread.join()",
        "process.communicate(b'x')[0]; process.communicate()",
        "future.result()",
        "process.stdout.readline()",
        "with subprocess.Popen(['x']) as process: pass",
    ],
)
def test_each_of_them_is_found(code: str) -> None:
    assert len(endless(code)) == 1


def test_waits_end_with_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LONG", 0.1)
    over = threading.Event()
    thread = threading.Thread(target=over.wait, args=(60,))
    thread.start()
    silent = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"]
    with waiting.running(silent, stdout=subprocess.PIPE) as process:
        for wait in (lambda: waiting.joined(thread), lambda: waiting.next_line(process.stdout)):
            with pytest.raises(pytest.fail.Exception):
                wait()
    assert process.returncode == -9
    over.set()
    thread.join(60)
