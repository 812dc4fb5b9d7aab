"""Which of the three languages a page speaks: `?lang=`, then the cookie, then Accept-Language, then Japanese."""

from starlette.requests import Request

from honnin.words import LANGUAGES, Language

__all__ = ["COOKIE", "chosen_now", "html_lang", "language_of"]

COOKIE = "honnin_lang"


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
