"""Text on licences: JIS X 0208 in two bytes a character, with glyphs of the card's own and with gaps (sheet §2.3).

A name is a row of runs, so that a character which no code has is shown as its picture, and one that could not be
printed as what it is; none is dropped.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from honnin.chip.drivers_licence.tlv import malformed

__all__ = ["Run", "Text", "ascii_text", "kanji_text"]

FIRST_GLYPH: Final = 0xFFF1
LAST_GLYPH: Final = 0xFFF7
SPACE: Final = b"\x21\x21"
STAND_IN: Final = "〓"  # what Japanese printers set for a character they do not have


@dataclass(frozen=True, slots=True)
class Run:
    """A part of a text. kind `text`; `glyph`, whose picture has the number `glyph`; or `missing`: not printable."""

    kind: Literal["text", "glyph", "missing"]
    text: str = field(default="", repr=False)
    glyph: int | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A text in runs."""

    runs: tuple[Run, ...] = field(repr=False)

    @property
    def plain(self) -> str:
        """The text, with 〓 for every character that no code has; to be compared only where `whole`."""
        return "".join(run.text if run.kind == "text" else STAND_IN for run in self.runs)

    @property
    def whole(self) -> bool:
        """Tell whether every character has a code."""
        return all(run.kind == "text" for run in self.runs)

    @property
    def glyphs(self) -> tuple[int, ...]:
        """Numbers of the glyphs in it, in order."""
        return tuple(run.glyph for run in self.runs if run.glyph is not None)


def kanji_text(octets: bytes) -> Text:
    """Read two-byte JIS X 0208 without escape sequences; spaces at its end are none of it.

    Raises FormatError `licence.record_malformed` for half a character.
    """
    if len(octets) % 2:
        raise malformed("A text ends within a character.")
    while octets.endswith(SPACE):
        octets = octets[:-2]
    runs: list[Run] = []
    for at in range(0, len(octets), 2):
        run = _run(octets[at : at + 2])
        if run.kind == "text" and runs and runs[-1].kind == "text":
            run = Run("text", runs.pop().text + run.text)
        runs.append(run)
    return Text(tuple(runs))


def ascii_text(octets: bytes) -> str:
    """Read JIS X 0201 letters and digits. Raises FormatError `licence.record_malformed`."""
    if any(not 0x20 <= octet <= 0x7E for octet in octets):
        raise malformed("A field that holds letters and digits holds something else.")
    return octets.decode("ascii").strip()


def _run(pair: bytes) -> Run:
    code = int.from_bytes(pair, "big")
    if FIRST_GLYPH <= code <= LAST_GLYPH:
        return Run("glyph", glyph=code - FIRST_GLYPH + 1)
    try:
        if max(pair) > 0x7E:
            return Run("missing")
        return Run("text", bytes(octet | 0x80 for octet in pair).decode("euc_jp"))
    except UnicodeDecodeError:
        return Run("missing")
