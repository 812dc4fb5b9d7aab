"""Words for people: message catalogues in Japanese (`ja`), plain Japanese (`ja-simple`) and English (`en`).

One JSON file a subject, `{key: {"ja": …, "ja-simple": …, "en": …}}`; no sentence for a person stands in code. A key is
looked up as `<file>.<key>`: the code of an error is such a key (`card.pin_wrong` stands in `card.json` under
`pin_wrong`), and so is the name of a page's sentence.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

__all__ = ["LANGUAGES", "Language", "has", "in_all", "say"]

Language = Literal["ja", "ja-simple", "en"]
LANGUAGES: tuple[Language, ...] = ("ja", "ja-simple", "en")


@cache
def _catalogue(name: str) -> Mapping[str, Mapping[str, str]]:
    text = files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8")
    catalogue: Mapping[str, Mapping[str, str]] = json.loads(text)
    return catalogue


def has(key: str) -> bool:
    """Tell whether there is a sentence for `key`."""
    name, _, rest = key.partition(".")
    return rest in _catalogue(name)


def in_all(key: str) -> dict[str, str]:
    """Return the sentence for `key` in every language. Raises KeyError for a key without words."""
    name, _, rest = key.partition(".")
    return dict(_catalogue(name)[rest])


def say(key: str, language: Language = "ja", **values: object) -> str:
    """Return the sentence for `key` in one language with `{named}` values filled in."""
    name, _, rest = key.partition(".")
    return _catalogue(name)[rest][language].format(**values)
