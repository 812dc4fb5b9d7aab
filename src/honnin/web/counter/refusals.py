"""How the counter says what did not go: an error's words, and which PIN or number the card refused."""

from honnin.errors import HonninError, PinError
from honnin.words import Language, has, in_all, say

__all__ = ["refused_entry", "say_error", "words_of"]


def refused_entry(error: HonninError | None) -> str:
    """Return the key of the words for the PIN or number that an error is about; empty where it names none."""
    key = f"counter.pin_{error.pin}" if isinstance(error, PinError) else ""
    return key if key and has(key) else ""


def say_error(error: HonninError, language: Language) -> str:
    """Return an error in words. A wrong PIN is named: a licence has two, and the face of a card has numbers instead."""
    entry = refused_entry(error) if error.code == "card.pin_wrong" else ""
    return say("counter.refused", language, what=say(entry, language)) if entry else words_of(error.code, language)


def words_of(code: str, language: Language) -> str:
    """Return the words of an error's code; empty for none."""
    try:
        return in_all(code)[language] if code else ""
    except (KeyError, FileNotFoundError):
        return say("page.unexpected", language)
