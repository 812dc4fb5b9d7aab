"""Which of the three languages a page speaks: `?lang=`, then the cookie, then Accept-Language, then Japanese."""

import re

from starlette.requests import Request

from honnin.words import LANGUAGES, Language

__all__ = ["COOKIE", "chosen_now", "html_lang", "is_japanese", "language_of", "split_japanese"]

COOKIE = "honnin_lang"
# Kana and kanji, with those for compatibility, the rare ones, and the selectors of their variants.
JAPANESE = re.compile("[\u3005\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\U000e0100-\U000e01ef]")
PASSAGE = re.compile(f"({JAPANESE.pattern}+(?:[\u3000-\u303f\uff00-\uffef]+{JAPANESE.pattern}+)*)")  # with its marks


def chosen_now(request: Request) -> Language | None:
    """Return the language that this request's query asks for, if it is one of ours."""
    asked = request.query_params.get("lang")
    return next((language for language in LANGUAGES if language == asked), None)


def language_of(request: Request) -> Language:
    """Return the language to speak to the sender of this request."""
    if asked := chosen_now(request):
        return asked
    kept = request.cookies.get(COOKIE)
    for language in LANGUAGES:
        if language == kept:
            return language
    first = request.headers.get("accept-language", "").split(",")[0].strip().lower()
    return "en" if first.startswith("en") else "ja"


def html_lang(language: Language) -> str:
    """Return the BCP 47 tag for the `lang` attribute; plain Japanese is Japanese."""
    return "en" if language == "en" else "ja"


def is_japanese(text: str) -> bool:
    """Tell whether a name, an address or a paragraph is written in Japanese."""
    return JAPANESE.search(text) is not None


def split_japanese(text: str) -> list[str]:
    """Return the passages of a text in turns: not Japanese (perhaps empty), Japanese, and so on."""
    return PASSAGE.split(text)
