"""How a command ends when it cannot be done: one coded sentence and 2, for every command and every broken folder."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from tests.waiting import LONG

from honnin.cli.ending import ended
from honnin.cli.main import main
from honnin.connect.worlds import open_world
from honnin.sandbox.world import World

COMMANDS = (
    ("sandbox", "people"),
    ("sandbox", "event", "hanako", "move"),
    ("sandbox", "clock", "show"),
    ("sandbox", "switch"),
    ("tenant", "create", "Test"),
    ("tenant", "list"),
    ("evidence", "export", "ver_x", "--out", "receipt"),
    ("upkeep", "run"),
    ("demo",),
    ("up", "--port", "0"),
    ("card", "info", "--reader", "emulated:hanako"),
    ("card", "pin", "status", "--reader", "emulated:hanako"),
)
Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, Any]:
        monkeypatch.setattr(sys, "argv", ["honnin", *arguments, "--json"])
        with pytest.raises(SystemExit) as ended_with:
            main()
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        (line,) = shown.out.splitlines()
        return int(str(ended_with.value.code)), json.loads(line)

    return call


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_damaged_world(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "world.sqlite3").write_bytes(os.urandom(5000))
    (tmp_path / "honnin.sqlite3").write_bytes(os.urandom(5000))
    status, told = run(*command, "--data", str(tmp_path))
    assert (status, told["error"]["code"], told["error"]["retryable"]) == (2, "world.damaged", False)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] not in {"sandbox", "card"}], ids=" ".join)
def test_a_damaged_store(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    World(tmp_path)
    (tmp_path / "honnin.sqlite3").write_bytes(os.urandom(5000))
    status, told = run(*command, "--data", str(tmp_path))
    assert (status, told["error"]["code"], told["error"]["retryable"]) == (2, "store.damaged", False)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_folder_that_cannot_be_made(run: Run, command: tuple[str, ...]) -> None:
    status, told = run(*command, "--data", "/proc/nowhere")
    assert (status, told["error"]["code"]) in {(2, "world.unwritable"), (2, "input.no_data")}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_file_in_place_of_the_folder(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "file").touch()
    status, told = run(*command, "--data", str(tmp_path / "file"))
    assert (status, told["error"]["code"]) == (2, "input.usage")


@pytest.mark.parametrize("command", [("sandbox", "people"), ("tenant", "create", "Test")], ids=" ".join)
def test_a_full_disk(tmp_path: Path, command: tuple[str, ...]) -> None:
    """No file may grow beyond 60 kB: the system answers as it does for a full disk."""

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    done = subprocess.run(
        [sys.executable, "-c", "from honnin.cli.main import main; main()", *command, "--data", str(tmp_path), "--json"],
        capture_output=True,
        preexec_fn=small,
        timeout=LONG,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, b"")
    assert json.loads(done.stdout)["error"]["code"] in {"world.full", "store.full"}


@pytest.mark.peer("unshare")
def test_a_demo_without_a_loopback() -> None:
    """A new network namespace has a loopback interface that is down."""
    program = (sys.executable, "-c", "from honnin.cli.main import main; main()", "demo", "--json")
    done = subprocess.run(
        ["unshare", "--map-root-user", "--net", *program], capture_output=True, timeout=LONG, check=False
    )
    assert (done.returncode, done.stderr) == (2, b"")
    assert json.loads(done.stdout)["error"]["code"] in {"serve.loopback", "serve.address"}


@pytest.mark.parametrize(
    "arguments",
    [(), ("card",), ("card", "read", "--bogus"), ("nothing",), ("verify",), ("sandbox", "event", "hanako", "")],
)
def test_usage_errors_are_json_too(run: Run, arguments: tuple[str, ...]) -> None:
    status, told = run(*arguments)
    assert (status, bool(told["error"]["next"])) == (2, True)


def test_a_usage_error_in_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["honnin", "verify"])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr()
    told = "input.usage: Missing argument 'FILE'.\nSee honnin verify --help.\n"
    assert (shown.out, shown.err) == (
        "",
        f"{told}コマンドの書き方が正しくありません。--help で使い方を確かめてください。\n",
    )


@pytest.mark.parametrize("stopped", [click.Abort, KeyboardInterrupt])
def test_ctrl_c_ends_with_2(stopped: type[BaseException], capsys: pytest.CaptureFixture[str]) -> None:
    def stop() -> None:
        raise stopped

    assert ended(stop, as_json=False) == 2
    assert capsys.readouterr().err.startswith("input.interrupted: ")


def test_a_status_that_a_command_chose_stays() -> None:
    assert [ended(lambda: 1, as_json=False), ended(lambda: None, as_json=False)] == [1, 0]


EMULATED = ("hanako", "hanako/passport", "hanako/drivers_licence", "anna/residence_card")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    open_world(folder).people()
    return folder


def read_card(world: Path, target: str, more: str = "", **streams: Any) -> subprocess.CompletedProcess[bytes]:
    """Run `honnin card read` in a shell, whose redirections may close what Python opens."""
    command = f"exec {sys.executable} -c 'from honnin.cli.main import main; main()' card read"
    line = f"{command} --reader emulated:{target} --data {world} {more}"
    return subprocess.run(["/bin/sh", "-c", line], timeout=120, check=False, **streams)


@pytest.mark.parametrize("as_json", ["", "--json"])
@pytest.mark.parametrize("target", EMULATED)
def test_standard_output_that_takes_nothing(world: Path, target: str, as_json: str) -> None:
    """Full, closed, or read by nobody: 2, as nobody got the answer, and never a traceback."""
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    full = read_card(world, target, f"{as_json} >/dev/full", **streams)
    assert (full.returncode, full.stderr.split(b":")[0]) == (2, b"input.file")
    closed = read_card(world, target, f"{as_json} >&-", **streams)
    assert (closed.returncode, closed.stderr.split(b":")[0]) == (2, b"input.file")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        unread = read_card(world, target, as_json, stdout=writing, **streams)
    finally:
        os.close(writing)
    assert (unread.returncode, unread.stderr) == (2, b"")


@pytest.mark.parametrize("target", EMULATED)
def test_standard_input_that_is_closed(world: Path, target: str) -> None:
    done = read_card(world, target, "--json <&-", capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["answers"]["authentic"]["result"] == "verified"


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("hanako/passport", ("--part", "age")),
        ("hanako/drivers_licence", ("--signature",)),
        ("hanako", ("--signature", "--part", "age")),
        ("hanako", ("--portrait", "portrait.jp2")),
        ("hanako", ("--passport", "--document", "residence_card")),
    ],
)
def test_options_for_nothing_that_is_read(run: Run, world: Path, target: str, options: tuple[str, ...]) -> None:
    status, told = run("card", "read", "--reader", f"emulated:{target}", "--data", str(world), *options)
    assert (status, told["error"]["code"]) == (2, "input.usage")


@pytest.mark.parametrize("target", EMULATED)
def test_anchors_that_are_none(run: Run, world: Path, target: str) -> None:
    common = ("card", "read", "--reader", f"emulated:{target}", "--data", str(world), "--anchor")
    for path in (__file__, os.devnull):
        status, told = run(*common, path)
        assert (status, told["error"]["code"]) == (2, "input.unreadable")
