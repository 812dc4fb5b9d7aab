"""docs/icao9303.md names every computation and every error of the passport, and its lines for the sandbox run."""

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import honnin
from honnin.chip import icao9303
from honnin.cli.card import card
from honnin.sandbox.command import sandbox

PAGE = (Path(__file__).parents[2] / "docs" / "icao9303.md").read_text(encoding="utf-8")
WORDS = Path(honnin.__file__).parent / "words" / "passport.json"


@pytest.mark.parametrize("name", [name for name in icao9303.__all__ if name[0].islower()])
def test_every_computation_has_its_line(name: str) -> None:
    assert f"| `{name}(" in PAGE


def test_every_error_code_is_named() -> None:
    codes = {f"passport.{what}" for what in json.loads(WORDS.read_text(encoding="utf-8"))}
    assert set(re.findall(r"`(passport\.[a-z_]+)`", PAGE)) == codes


def test_the_lines_for_the_sandbox_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HONNIN_DATA", str(tmp_path / "data"))
    block = re.search(r"```\n(honnin sandbox passport .*?)```", PAGE, re.DOTALL)
    assert block
    ends = []
    for line in block[1].strip().splitlines():
        command, _, into = line.partition(" > ")
        words = shlex.split(command)[1:]
        group = {"sandbox": sandbox, "card": card}[words[0]]
        result = CliRunner().invoke(group, words[1:])
        if into:
            Path(into).write_text(result.stdout, encoding="utf-8")
        ends.append(result.exit_code)
    assert ends == [0, 0, 1]
