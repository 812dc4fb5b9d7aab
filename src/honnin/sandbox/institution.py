"""The page that an institution's address shows to a browser: one head and one choice of language, the rest its own.

An institution keeps `index.html` and its words, `page.json`, in its folder.
"""

import json
from functools import cache
from importlib.resources import files

from jinja2 import DictLoader, Environment
from starlette.requests import Request

__all__ = ["language_of", "page"]

LANGUAGES = {"ja": "日本語", "ja-simple": "やさしい日本語", "en": "English"}


def language_of(request: Request) -> str:
    """Return the language that a browser asks for: by `?lang=`, else by its own; Japanese for any other."""
    asked = request.query_params.get("lang") or request.headers.get("accept-language", "")[:2]
    return asked if asked in LANGUAGES else "ja"


def page(package: str, language: str, **values: object) -> str:
    """Return an institution's page. package: its folder; values: what its template names beside `words`."""
    environment, words = _opened(package)
    template = environment.get_template("index.html")
    return template.render(language=language, languages=LANGUAGES.items(), words=words[language], **values)


@cache
def _opened(package: str) -> tuple[Environment, dict[str, dict[str, str]]]:
    own = files(package)
    written = {"institution.html": files(__package__) / "institution.html", "index.html": own / "index.html"}
    loader = DictLoader({name: file.read_text(encoding="utf-8") for name, file in written.items()})
    words = json.loads((own / "page.json").read_text(encoding="utf-8"))
    return Environment(autoescape=True, loader=loader), words
