"""`honnin sandbox …`: JSON objects, coded errors, and one world for every call."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from honnin.errors import HonninError
from honnin.sandbox.command import sandbox
from honnin.sandbox.life import events


def run(data: Path, *arguments: str) -> str:
    done = CliRunner().invoke(sandbox, [*arguments, "--data", str(data)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def run_json(data: Path, *arguments: str) -> Any:
    return json.loads(run(data, *arguments, "--json"))


def test_people(data: Path) -> None:
    told = run_json(data, "people")
    assert len(told["people"]) >= 30
    assert {"id", "story", "documents", "pins", "expected"} <= set(told["people"][0])


def test_people_by_name(data: Path) -> None:
    assert [one["id"] for one in run_json(data, "people", "taro", "hanako")["people"]] == ["hanako", "taro"]
    told = run(data, "people", "taro")
    assert told.startswith("taro ")
    assert "hanako" not in told


@pytest.mark.parametrize("arguments", [("people", "hanoko"), ("event", "hanoko", "move")])
def test_a_misspelt_person(data: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(HonninError) as caught:
        run(data, *arguments)
    assert caught.value.code == "people.unknown"
    assert "Did you mean hanako" in (caught.value.next or "")
    with pytest.raises(HonninError) as caught:
        run(data, *(one.replace("hanoko", "zzzzzz") for one in arguments))
    assert caught.value.next == "`honnin sandbox people` lists them."


@pytest.mark.parametrize(("language", "word"), [("ja_JP.UTF-8", "ふつうの大人"), ("C.UTF-8", "An ordinary adult")])
def test_people_in_words(data: Path, monkeypatch: pytest.MonkeyPatch, language: str, word: str) -> None:
    monkeypatch.setenv("LANG", language)
    assert word in run(data, "people")


def test_events(data: Path) -> None:
    moved = run_json(data, "event", "hanako", "move")
    assert (list(moved["ended"]), moved["reason"]) == (["signature"], "affiliationChanged")
    issued = run_json(data, "event", "hanako", "issue")
    assert list(issued["issued"]) == ["signature"]
    assert "+ signature" in run(data, "event", "hanako", "renew")
    alone = run_json(data, "event", "taro", "request", "--only", "user_authentication")
    assert list(alone["ended"]) == ["user_authentication"]


def test_clock(data: Path) -> None:
    told = run_json(data, "clock", "set", "2027-01-01T00:00:00+09:00", "--freeze")
    assert told == {"now": "2026-12-31T15:00:00+00:00"}
    assert run_json(data, "clock", "advance", "1d12h") == {"now": "2027-01-02T03:00:00+00:00"}
    assert run_json(data, "clock", "advance", "-2h") == {"now": "2027-01-02T01:00:00+00:00"}
    assert run_json(data, "clock", "show") == {"now": "2027-01-02T01:00:00+00:00"}
    assert run_json(data, "clock", "reset")["now"] != "2027-01-02T01:00:00+00:00"


def test_the_clock_in_words_is_japans(data: Path) -> None:
    run(data, "clock", "set", "2027-01-01T00:00:00+00:00", "--freeze")
    assert run(data, "clock", "show") == "2027-01-01T09:00:00+09:00 (Japan)\n"


def test_help_lists_the_events(data: Path) -> None:
    told = run(data, "event", "--help")
    assert all(f"\n  {event} " in told for event in events())


def test_switch(data: Path) -> None:
    assert run_json(data, "switch", "jlis", "ocsp", "down")["jlis"]["ocsp"] == "down"
    assert "jlis ocsp down" in run(data, "switch")
    assert run_json(data, "switch", "jlis", "ocsp", "up")["jlis"]["ocsp"] == "up"


def test_the_emulated_card_is_one_of_the_commands(data: Path) -> None:
    done = CliRunner().invoke(sandbox, ["--help"])
    assert "card" in done.output
    assert "--vpcd" in CliRunner().invoke(sandbox, ["card", "--help"]).output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("event", "nobody", "move"), "people.unknown"),
        (("event", "hanako", "fly"), "life.event_unknown"),
        (("clock", "set", "tomorrow"), "clock.malformed"),
        (("clock", "set", "2027-01-01T00:00:00"), "clock.no_zone"),
        (("clock", "advance", "soon"), "clock.duration_malformed"),
        (("clock", "advance", "999999d"), "clock.out_of_range"),
        (("switch", "jlis", "ocsp"), "sandbox.switch_unknown"),
        (("switch", "moon", "ocsp", "down"), "sandbox.switch_unknown"),
    ],
)
def test_refusals_are_coded(data: Path, arguments: tuple[str, ...], code: str) -> None:
    with pytest.raises(HonninError) as caught:
        run(data, *arguments)
    assert caught.value.code == code
