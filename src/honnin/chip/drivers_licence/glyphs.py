"""Pictures of characters that no code has (外字): their dots, and a TIFF file that shows them (sheet §2.6).

How the dots are coded, public sources contradict one another: MMR (ITU-T T.6) or uncompressed rows. A picture whose
rows fit into the field and leave nothing but zeros behind them is taken as uncompressed, any other as MMR.
"""

import struct
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Glyph"]

UNCOMPRESSED: Final = 1
T6: Final = 4
SHORT: Final = 3
LONG: Final = 4


@dataclass(frozen=True, slots=True)
class Glyph:
    """One glyph. number: by which texts name it, from 1; dots: width and height, 0 where the card does not say them.

    bitmap: as the chip gave it.
    """

    number: int
    dots: int
    bitmap: bytes = field(repr=False)

    @property
    def compressed(self) -> bool:
        """Tell whether the bitmap is read as MMR."""
        size = self.dots * ((self.dots + 7) // 8)
        return size > len(self.bitmap) or any(self.bitmap[size:].rstrip(b"\xff"))

    def tiff(self) -> bytes | None:
        """Return the picture as a TIFF file, black on white; None where its size is not known."""
        if not self.dots:
            return None
        data = self.bitmap if self.compressed else self.bitmap[: self.dots * ((self.dots + 7) // 8)]
        entries = (
            (256, LONG, self.dots),
            (257, LONG, self.dots),
            (258, SHORT, 1),
            (259, SHORT, T6 if self.compressed else UNCOMPRESSED),
            (262, SHORT, 0),  # a set bit is black
            (273, LONG, 8),
            (277, SHORT, 1),
            (278, LONG, self.dots),
            (279, LONG, len(data)),
        )
        directory = struct.pack(">H", len(entries)) + b"".join(
            struct.pack(">HHI", tag, kind, 1)
            + (struct.pack(">HH", value, 0) if kind == SHORT else struct.pack(">I", value))
            for tag, kind, value in entries
        )
        padded = data + bytes(len(data) % 2)
        return b"MM\0\x2a" + struct.pack(">I", 8 + len(padded)) + padded + directory + bytes(4)
