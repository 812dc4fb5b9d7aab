"""Every error code in the source has words for people, in three languages, and every catalogue is whole."""

import ast
import json
from importlib.resources import files
from pathlib import Path

import pytest

import honnin
from honnin.words import LANGUAGES

ROOT = Path(honnin.__file__).parent
ERRORS = {
    "HonninError",
    "InputError",
    "FormatError",
    "CardError",
    "PinError",
    "ReaderError",
    "ServiceError",
    "AccessError",
    "StateError",
    "NotFoundError",
    "KeyRefusedError",
    "GoneError",
}


def codes() -> set[str]:
    """All literal first arguments of an error's constructor."""
    found = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ERRORS
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(node.args[0].value)
    return found


CATALOGUES = sorted(p.name for p in files("honnin.words").iterdir() if p.name.endswith(".json"))


@pytest.mark.parametrize("code", sorted(codes()))
def test_error_code_has_words(code: str) -> None:
    subject, _, what = code.partition(".")
    catalogue = json.loads((ROOT / "words" / f"{subject}.json").read_text(encoding="utf-8"))
    assert what in catalogue


@pytest.mark.parametrize("name", CATALOGUES)
def test_catalogue_speaks_every_language(name: str) -> None:
    catalogue = json.loads((ROOT / "words" / name).read_text(encoding="utf-8"))
    for key, sentences in catalogue.items():
        assert set(sentences) == set(LANGUAGES), key
        assert all(sentence.strip() for sentence in sentences.values()), key
