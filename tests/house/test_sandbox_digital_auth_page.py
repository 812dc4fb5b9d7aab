"""docs/sandbox-digital-auth.md and docs/sandbox-limits.md name what the Digital Authentication Service has."""

import json
import re
from pathlib import Path

import click
import msgspec
import pytest

from honnin.sandbox import digital_auth as digital_auth_package
from honnin.sandbox.digital_auth.command import digital_auth
from honnin.sandbox.digital_auth.parties import Party
from honnin.sandbox.digital_auth.profile import profile
from honnin.sandbox.digital_auth.switches import SERVICES
from honnin.sandbox.opening import Sandbox

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "sandbox-digital-auth.md").read_text(encoding="utf-8")
LIMITS = (DOCS / "sandbox-limits.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", sorted(digital_auth.commands))
def test_command(command: str) -> None:
    assert f"honnin sandbox digital-auth {command}" in PAGE


def test_options_of_the_examples_exist() -> None:
    known = {
        opt for c in digital_auth.commands.values() for p in c.params if isinstance(p, click.Option) for opt in p.opts
    }
    examples = [line for line in PAGE.splitlines() if line.startswith("honnin ")]
    assert {word for line in examples for word in line.split() if word.startswith("--")} <= known


@pytest.mark.parametrize("member", [field.name for field in msgspec.structs.fields(Party)])
def test_member(member: str) -> None:
    assert f"| `{member}` |" in PAGE


@pytest.mark.parametrize("service", SERVICES)
def test_switch(service: str) -> None:
    assert f"| digital-auth {service} | {', '.join(SERVICES[service])} |" in LIMITS


def test_outcomes(tmp_path: Path) -> None:
    for outcome in profile(Sandbox(tmp_path)).assumptions.answers:
        assert f"`{outcome}`" in PAGE


def test_words_of_the_screens_are_whole() -> None:
    source = Path(digital_auth_package.__file__).parent
    words = json.loads((source / "words.json").read_text(encoding="utf-8"))
    assert all(set(sentences) == {"ja", "ja-simple", "en"} for sentences in words.values())
    templates = "".join(path.read_text(encoding="utf-8") for path in (source / "templates").iterdir())
    assert set(re.findall(r"\bt\('(\w+)'[,)]", templates)) <= set(words)
    refusals = "".join(path.read_text(encoding="utf-8") for path in source.glob("*.py"))
    assert {f"refused_{reason}" for reason in re.findall(r'PageRefusal\("(\w+)"', refusals)} <= set(words)
    packaged = json.loads((source / "profile.json").read_text(encoding="utf-8"))
    assert {f"reason_{reason}" for reason in packaged["assumptions"]["A-03"]} <= set(words)
