"""Templates and words of the service's pages: no sentence stands in code or template (`words.json`)."""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["LANGUAGES", "Look", "render"]

JAPANESE = re.compile("[\u3005\u3040-\u30ff\u3400-\u9fff]")
LANGUAGES = {"ja": "日本語", "ja-simple": "やさしい日本語", "en": "English"}


class Look(msgspec.Struct, frozen=True):
    """In which language a page is shown, and at which address it stands."""

    language: str
    path: str
    query: tuple[tuple[str, str], ...]

    def links(self) -> list[dict[str, str]]:
        """Return the same page in every language."""
        return [
            {"language": tag, "name": name, "href": f"{self.path}?{urlencode([*self.query, ('lang', tag)])}"}
            for tag, name in LANGUAGES.items()
        ]


def render(page: str, look: Look, /, **values: Any) -> str:
    """Return a page as HTML."""
    words = _words()

    def say(name: str, /, **parts: Any) -> str:
        return words[name][look.language].format(**parts)

    found: str = (
        _templates()
        .get_template(f"{page}.html")
        .render(
            language=look.language,
            html_lang="en" if look.language == "en" else "ja",
            links=look.links(),
            t=say,
            page=page,
            **values,
        )
    )
    return found


def _tongue(text: str) -> Markup:
    """Return the `lang` attribute of words that somebody else gave: Japanese where they are, else the page's own."""
    return Markup(' lang="ja"') if JAPANESE.search(text) else Markup("")


@cache
def _templates() -> Environment:
    loader = PackageLoader("honnin.sandbox.digital_auth")
    made = Environment(autoescape=True, loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["tongue"] = _tongue
    return made


@cache
def _words() -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = json.loads(files(__package__).joinpath("words.json").read_bytes())
    return words
