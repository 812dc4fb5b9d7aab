"""Every error code in the source has words for people, in three languages, and every catalogue is whole."""

import ast
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

import honnin
from honnin.words import LANGUAGES, in_all

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


ASKS = re.compile("ください|下さい|お願い|おねがい")

# Files that no proof covers or leaves out: of the JPKI application, free ones, and signatures themselves.
NEVER_PROVED = {
    *("signature_ca", "user_authentication_ca", "issued", "token", "basic", "delivery_key"),
    *("version", "kind", "reserved", "pin_setting", "licence_signature"),
}
CATALOGUES = sorted(p.name for p in files("honnin.words").iterdir() if p.name.endswith(".json"))


@pytest.mark.parametrize("code", sorted(codes()))
def test_error_code_has_words(code: str) -> None:
    subject, _, what = code.partition(".")
    catalogue = json.loads((ROOT / "words" / f"{subject}.json").read_text(encoding="utf-8"))
    assert what in catalogue


@pytest.mark.parametrize("code", sorted(codes()))
def test_error_tells_a_person_what_to_do_next(code: str) -> None:
    """Every error ends in a request in Japanese, plain Japanese too: what happened alone helps nobody on."""
    assert {language: bool(ASKS.search(words)) for language, words in in_all(code).items() if language != "en"} == {
        "ja": True,
        "ja-simple": True,
    }


@pytest.mark.parametrize("name", CATALOGUES)
def test_catalogue_speaks_every_language(name: str) -> None:
    catalogue = json.loads((ROOT / "words" / name).read_text(encoding="utf-8"))
    for key, sentences in catalogue.items():
        assert set(sentences) == set(LANGUAGES), key
        assert all(sentence.strip() for sentence in sentences.values()), key


def test_every_proof_says_why_in_words_and_names_its_parts() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py"))
    catalogue = json.loads((ROOT / "words" / "proof.json").read_text(encoding="utf-8"))
    written = set(re.findall(r'"proof\.(\w+)"', source))
    made = {f"agreement_{result}" for result in ("passed", "failed")} | {key for key in catalogue if "path_" in key}
    assert written | made == set(catalogue)
    situations = json.loads((ROOT / "pki" / "verdicts.json").read_text(encoding="utf-8"))["situations"]
    told = {sub for situation in situations.values() for _, sub in situation.values() if sub}
    assert {f"path_{sub}" for sub in told} <= set(catalogue)
    parts = json.loads((ROOT / "words" / "part.json").read_text(encoding="utf-8"))
    known = {
        name for path in (ROOT / "chip").rglob("profile.json") for name in file_names(json.loads(path.read_text()))
    }
    assert known - NEVER_PROVED <= set(parts)


def file_names(profile: object) -> set[str]:
    """All names of files in a document's profile."""
    if not isinstance(profile, dict):
        return set()
    own = set(profile["files"]) if isinstance(profile.get("files"), dict) else set()
    return own.union(*(file_names(value) for value in profile.values()))


def test_what_may_be_one_try_does_not_say_tries() -> None:
    """A wrong PIN may leave a single try: "Tries left: 1", not "1 tries"."""
    words = [json.loads((ROOT / name).read_text("utf-8")) for name in ("words/check.json", "words/taps.json")]
    said = [words[0]["pin_tries_now"]["en"], *(one["en"] for one in words[1].values() if "{n}" in one["en"])]
    assert len(said) > 1
    assert not [one for one in said if "{n} tries" in one]
