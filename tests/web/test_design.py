"""Languages, times, words: what every page stands on."""

import json
import re
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from honnin.web.design import times
from honnin.web.design.languages import html_lang, language_of
from honnin.words import LANGUAGES

WEB = Path(str(files("honnin.web")))
TEMPLATES = sorted(WEB.rglob("*.html"))
WORDS = Path(str(files("honnin.words")))
LITERAL = re.compile(r"""\bt\('([a-z_.]+)'(?=[,)])""")
COMPOSED = re.compile(r"""\bt\('([a-z_.]+)' [+~] """)
IN_CODE = re.compile(r'"((?:page|bank|check|console|demo)\.[a-z_]+)')


def request(query: str = "", cookie: str = "", accept: str = "") -> Request:
    headers = [(b"cookie", cookie.encode()), (b"accept-language", accept.encode())]
    return Request({"type": "http", "query_string": query.encode(), "headers": headers})


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "language"),
    [
        ("", "", "", "ja"),
        ("", "", "en-GB,en;q=0.9", "en"),
        ("", "", "fr-FR,fr;q=0.9", "ja"),
        ("", "honnin_lang=ja-simple", "en", "ja-simple"),
        ("lang=en", "honnin_lang=ja-simple", "ja", "en"),
        ("lang=xx", "honnin_lang=nonsense", "", "ja"),
    ],
)
def test_language_is_asked_kept_or_guessed(query: str, cookie: str, accept: str, language: str) -> None:
    assert language_of(request(query, cookie, accept)) == language


def test_plain_japanese_is_japanese_to_a_browser() -> None:
    assert [html_lang(language) for language in LANGUAGES] == ["ja", "ja", "en"]


def test_moments_are_written_in_japan() -> None:
    moment = datetime(2026, 11, 20, 15, 4, 5, tzinfo=UTC)
    assert times.write_moment(moment, "ja") == "2026年11月21日 0:04"
    assert times.write_moment("2026-11-20T15:04:05Z", "en", seconds=True) == "21 November 2026, 0:04:05 JST"
    assert times.write_date(date(1990, 4, 2), "en") == "2 April 1990"


def test_partial_date_stays_as_it_is() -> None:
    assert times.write_date("1941-00-00", "ja") == "1941-00-00"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_template_holds_no_sentence_and_every_word_exists(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    for key in LITERAL.findall(text):
        name, _, rest = key.partition(".")
        assert rest in _catalogue(name), key
    for key in COMPOSED.findall(text):
        name, _, rest = key.partition(".")
        assert any(known.startswith(rest) for known in _catalogue(name)), key
    bare = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>", "", text, flags=re.DOTALL)
    if template.stem != "parts":
        assert not re.search(r"[぀-ヿ一-鿿]", bare), "a sentence stands in the template"


@pytest.mark.parametrize("name", ["page", "bank", "check", "console", "demo"])
def test_no_word_is_left_over(name: str) -> None:
    """A word that no template and no code asks for has lost its place."""
    sources = [path.read_text(encoding="utf-8") for path in [*TEMPLATES, *WEB.rglob("*.py")]]
    sources += [path.read_text(encoding="utf-8") for path in (WEB.parent / "cli").glob("demo.py")]
    asked = "\n".join(sources)
    for key in _catalogue(name):
        stems = [key[: n + 1] for n, character in enumerate(key) if character == "_"]
        whole = f"{name}.{key}"
        composed = (f"'{name}.{stem}' +" in asked or f"'{name}.{stem}' ~" in asked for stem in stems)
        composed = [*composed, *(f"choice('{name}.{stem[:-1]}'" in asked for stem in stems)]
        formatted = [f'"{name}.{stem}{{' in asked for stem in stems]
        if key.endswith("_login"):  # what a page that says `w(word)` says instead in a login
            formatted.append(f"w('{whole.removesuffix('_login')}'" in asked)
        assert f"'{whole}'" in asked or f'"{whole}"' in asked or any(composed) or any(formatted), whole


def _catalogue(name: str) -> dict[str, Any]:
    return dict(json.loads((WORDS / f"{name}.json").read_text(encoding="utf-8")))
