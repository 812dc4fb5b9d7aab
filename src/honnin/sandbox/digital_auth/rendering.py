"""Templates and words of the service's pages: no sentence stands in code or template (`words.json`)."""

import json
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["LANGUAGES", "Look", "render"]

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


@cache
def _templates() -> Environment:
    loader = PackageLoader("honnin.sandbox.digital_auth")
    return Environment(autoescape=True, loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def _words() -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = json.loads(files(__package__).joinpath("words.json").read_bytes())
    return words
