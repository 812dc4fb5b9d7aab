"""docs/cards.md names every command, reader and error of the chip room, and its example runs."""

import json
import re
from pathlib import Path

import click
import pytest

import honnin
from honnin.cli.card import card

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "cards.md").read_text(encoding="utf-8")
WORDS = Path(honnin.__file__).parent / "words"


def commands(group: click.Group, before: str) -> list[str]:
    found = []
    for name, command in group.commands.items():
        path = f"{before} {name}"
        found += commands(command, path) if isinstance(command, click.Group) else [path]
    return found


@pytest.mark.parametrize("command", commands(card, "honnin card"))
def test_every_command_has_its_line(command: str) -> None:
    assert f"`{command}" in PAGE


@pytest.mark.parametrize("subject", ["card", "chip", "reader", "licence", "residence"])
def test_every_error_code_is_named(subject: str) -> None:
    codes = {f"{subject}.{what}" for what in json.loads((WORDS / f"{subject}.json").read_text(encoding="utf-8"))}
    named = set(re.findall(rf"`({subject}\.[a-z_]+)`", PAGE))
    assert named == codes


def test_the_example_runs(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HONNIN_DATA", str(data))
    example = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert example
    names: dict[str, object] = {}
    exec(example[1], names)  # noqa: S102 - our own page
    assert "user_authentication" in capsys.readouterr().out
    assert names["certificate"]
