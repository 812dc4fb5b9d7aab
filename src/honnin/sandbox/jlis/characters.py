"""Which characters a certificate carries, and what stands for the others (My Number Card sheet, section 5.4)."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

__all__ = ["carried"]

VARIATION_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


@cache
def _rules() -> Mapping[str, object]:
    rules: Mapping[str, object] = json.loads(files(__package__).joinpath("characters.json").read_text(encoding="utf-8"))
    return rules


def carried(text: str) -> tuple[str, str]:
    """Return a name or address as the certificate writes it, and a flag `0` or `1` for each of its characters.

    A variation selector is dropped and the character before it flagged.
    """
    written: list[str] = []
    flags: list[str] = []
    for character in text:
        if any(ord(character) in selectors for selectors in VARIATION_SELECTORS):
            if flags:
                flags[-1] = "1"
            continue
        stands = _stand_in(character)
        written.append(stands)
        flags.append("0" if stands == character else "1")
    return "".join(written), "".join(flags)


def _stand_in(character: str) -> str:
    rules = _rules()
    replacements = rules["replacements"]
    assert isinstance(replacements, Mapping)  # noqa: S101
    if character in str(rules["also_carried"]):
        return character
    try:
        character.encode("euc_jp")  # JIS X 0208 and 0212, the codec's repertoire beyond ASCII
    except UnicodeEncodeError:
        return str(replacements.get(character, rules["unknown"]))
    return character
