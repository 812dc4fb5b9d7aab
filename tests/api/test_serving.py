"""`honnin up` and `honnin serve` as people start them: a second start, a port that is taken, several processes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.waiting import LONG, next_line, until

from honnin.platform import Platform, Settings
from honnin.web.serving import demo_key

HONNIN = Path(sys.executable).with_name("honnin")


@contextlib.contextmanager
def started(*arguments: str, data: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run a command that serves; yields the process and the JSON object that it prints. It must end with 0."""
    process = subprocess.Popen(
        [HONNIN, *arguments, "--data", str(data), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(next_line(process.stdout))
    finally:
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=LONG)
    assert (process.returncode, rest, errors) == (0, "", "")


def base_of(said: dict[str, Any]) -> str:
    return f"http://127.0.0.1:{httpx.URL(said['addresses']['api']).port}"


def healthy(base: str) -> bool:
    def well() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{base}/healthz", timeout=LONG, trust_env=False).status_code == 200
        return False

    return until(well, "the server does not answer")


def test_up_keeps_its_world_and_its_key_when_it_starts_again(data: Path) -> None:
    with started("up", "--port", "0", data=data) as (_, said):
        assert healthy(base_of(said))
        key = (data / "keys.json").read_text()
    assert (data / "keys.json").stat().st_mode & 0o777 == 0o600
    with started("up", "--port", "0", data=data) as (_, said):
        assert healthy(base_of(said))
        assert (data / "keys.json").read_text() == key
        authorization = {"Authorization": f"Bearer {json.loads(key)['api_key']}"}
        assert (
            httpx.get(f"{base_of(said)}/v1/events", headers=authorization, timeout=LONG, trust_env=False).status_code
            == 200
        )


def test_a_taken_port_is_a_coded_error_with_the_option_to_use(data: Path) -> None:
    with started("up", "--port", "0", data=data) as (_, said):
        port = str(httpx.URL(base_of(said)).port)
        for command in ("up", "serve"):
            second = subprocess.run(
                [HONNIN, command, "--data", str(data), "--port", port, "--json"],
                capture_output=True,
                text=True,
                check=False,
                timeout=LONG,
            )
            assert second.returncode == 2
            error = json.loads(second.stdout)["error"]
            assert error["code"] == "serve.port_taken"
            assert "--port" in error["next"]


def test_up_tells_people_where_to_look(data: Path) -> None:
    data = data / ("a folder with a long name " * 4).strip()
    process = subprocess.Popen([HONNIN, "up", "--data", str(data), "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = []
    while not any("Ctrl+C" in line for line in lines):
        lines.append(next_line(process.stdout))
        assert lines[-1], "it ended before it told"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LONG)
    said = "".join(lines)
    for part in ("http://bank.localhost:", "http://console.localhost:", "/openapi.json", f"{data}/keys.json"):
        assert part in said  # whole, so that it can be copied


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_is_the_product_alone(data: Path, workers: str) -> None:
    made = subprocess.run(
        [HONNIN, "tenant", "create", "試験銀行", "--data", str(data), "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=LONG,
    )
    key = {"Authorization": f"Bearer {json.loads(made.stdout)['api_key']}"}
    arguments = ["serve", "--port", "0", "--workers", workers, "--no-access-log"]
    with (
        started(*arguments, data=data) as (_, said),
        httpx.Client(base_url=base_of(said), timeout=LONG, trust_env=False) as client,
    ):
        assert healthy(base_of(said))
        assert client.get("/.well-known/honnin-sandbox").status_code == 404
        assert client.get("/v1/events", headers={**key, "Host": "check.example.jp"}).status_code == 200
        assert client.get("/", headers={"Host": "jlis.localhost"}).status_code == 421
        described = client.get("/openapi.json").json()["paths"]["/v1/verifications"]["post"]["requestBody"]
        example = described["content"]["application/json"]["examples"]["foreign_certificate"]["value"]
        asked = (base_of(said), example, {**key, "Idempotency-Key": "one-and-the-same"})
        with ThreadPoolExecutor(8) as pool:  # several processes, one store: each on a connection of its own
            answers = list(pool.map(lambda _: verify(*asked), range(8)))
        assert {answer.status_code for answer in answers} == {201}
        listed = client.get("/v1/verifications", headers=key).json()["data"]
        assert {answer.json()["id"] for answer in answers} == {row["id"] for row in listed}
        assert len(listed) == 1


# the supervisor's limits, in seconds, are set before the command runs
SERVING = (
    "import sys; from honnin.web import serving; {limits}; from honnin.cli.main import main; "
    "sys.argv[0] = 'honnin'; main()"
)


def two_workers(data: Path, limits: str = "pass") -> tuple["subprocess.Popen[str]", str]:
    """Start `honnin serve` with two workers; return it and where it answers."""
    program = [sys.executable, "-c", SERVING.format(limits=limits)]
    arguments = [*program, "serve", "--port", "0", "--workers", "2", "--no-access-log", "--data", str(data), "--json"]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    base = base_of(json.loads(next_line(process.stdout)))
    assert healthy(base)
    return process, base


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(one) for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def ended(process: "subprocess.Popen[str]") -> str:
    """Wait for the end of a supervisor, and return what it logged."""
    rest, errors = process.communicate(timeout=LONG)
    assert (process.returncode, rest) == (0, "")
    return errors


@pytest.mark.parametrize(
    ("signalled", "limits"), [(signal.SIGKILL, "pass"), (signal.SIGSTOP, "serving.ANSWER_SECONDS = 10")]
)
def test_a_worker_that_dies_or_is_silent_for_long_is_replaced_and_named(
    data: Path, signalled: signal.Signals, limits: str
) -> None:
    process, _ = two_workers(data, limits)
    dead = workers_of(process)[-1]
    os.kill(dead, signalled)
    until(lambda: len(workers_of(process)) == 2 and dead not in workers_of(process), "nobody took its place")
    process.send_signal(signal.SIGTERM)
    assert f"worker {dead} ended with -9, " in ended(process)


def test_a_signal_is_answered_beside_silent_workers_which_are_killed_when_they_do_not_end(data: Path) -> None:
    process, _ = two_workers(data, "serving.ANSWER_SECONDS, serving.END_SECONDS = 300, 1")
    silent = workers_of(process)
    for one in silent:
        os.kill(one, signal.SIGSTOP)
    process.send_signal(signal.SIGTERM)
    told = [line.partition("honnin.serve ")[2] for line in ended(process).splitlines()]
    assert told == [f"worker {one} does not end and is killed" for one in silent]


def test_workers_whose_supervisor_is_killed_end_and_give_the_port_back(data: Path) -> None:
    process, base = two_workers(data)
    process.kill()
    rest, _ = process.communicate(timeout=LONG)  # ends when nobody has them open any longer
    assert rest == ""
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base}/healthz", timeout=LONG, trust_env=False)
    with started("serve", "--port", str(httpx.URL(base).port), "--no-access-log", data=data) as (_, said):
        assert healthy(base_of(said))


def verify(base: str, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{base}/v1/verifications", json=body, headers=headers, timeout=LONG, trust_env=False)


def test_a_key_that_the_store_does_not_know_is_replaced(data: Path) -> None:
    (data / "keys.json").write_text('{"tenant": "ten_x", "api_key": "sk_test_unknown"}')
    platform = Platform(Settings(data=data))
    try:
        key = demo_key(platform, data, port=1)
        assert platform.authenticate(key).livemode is False
        assert demo_key(platform, data, port=1) == key
    finally:
        platform.close()


def test_counter_is_served_under_its_own_host_alone(data: Path) -> None:
    options = ("--port", "0", "--counter", "Counter.Example.JP", "--name", "api.example.jp", "--no-access-log")
    with started("serve", *options, data=data) as (_, said):
        base = base_of(said)
        assert healthy(base)
        assert said["addresses"]["counter"] == "https://counter.example.jp"

        def get(host: str, path: str) -> httpx.Response:
            return httpx.get(f"{base}{path}", headers={"host": host}, timeout=LONG, trust_env=False)

        page = get("counter.example.jp", "/sign-in")
        assert page.status_code == 200
        assert "登録コード" in page.text
        assert "テスト環境" not in page.text
        assert get("counter.example.jp", "/v1/verifications").status_code == 404
        assert get("counter.example.jp", "/checks").headers["location"] == "/sign-in"
        assert get("api.example.jp", "/sign-in").status_code == 404
        assert get("counter.localhost", "/sign-in").status_code == 421


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--counter", "counter.example.jp", "--workers", "2"), "serve.counter_alone"),
        (("--counter", "localhost"), "serve.counter_host"),
        (("--counter", "counter.example.jp:443"), "serve.counter_host"),
        (("--counter", "a b"), "serve.counter_host"),
        (("--counter", "api.example.jp", "--name", "API.example.jp"), "serve.counter_host"),
    ],
)
def test_counter_that_cannot_be_served_is_refused(data: Path, options: tuple[str, ...], code: str) -> None:
    command = [HONNIN, "serve", "--port", "0", *options, "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONG)
    assert done.returncode == 2
    assert code in done.stderr
