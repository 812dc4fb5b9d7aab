"""Pictures for the invented documents: drawn portraits marked SPECIMEN, and text as pixels, in the chips' formats.

JPEG 2000 for portraits (bare codestream or in a JP2 container), PNG and TIFF with T.6 (MMR) compression for text. The
font is that of the package matplotlib-fontja, found and not imported.
"""

import io
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from honnin.sandbox.strongroom import seed

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

__all__ = ["codestream", "glyph", "jp2", "mmr", "png", "portrait", "text", "tiff"]

SKINS = ("#f1d3b8", "#e8c39e", "#d9a878", "#c08a5c")
HAIR = ("#1e1a18", "#3a2a20", "#5b4636", "#7a7a7a")
SHIRTS = ("#2f4858", "#33658a", "#86624a", "#55743b")
STRIP_OFFSET, STRIP_LENGTH = 273, 279  # TIFF 6.0 section 8


def portrait(person: str, size: tuple[int, int], *, colour: bool = True) -> "Image":
    """Draw an invented face: the same for the same person, marked as a specimen across the chest."""
    from PIL import Image, ImageDraw

    wide, high = 300, 400
    picture = Image.new("RGB", (wide, high), "#dfe7ec")
    draw = ImageDraw.Draw(picture)
    skin, hair, shirt = (row[seed(f"{person}/{n}", len(row))] for n, row in enumerate((SKINS, HAIR, SHIRTS)))
    half = 70 + seed(f"{person}/face", 25)
    fringe = 95 + seed(f"{person}/fringe", 40)
    draw.ellipse((20, 300, 280, 520), fill=shirt)
    draw.rectangle((125, 250, 175, 320), fill=skin)
    draw.ellipse((150 - half - 14, 55, 150 + half + 14, 250), fill=hair)
    draw.ellipse((150 - half, 75, 150 + half, 285), fill=skin)
    draw.pieslice((150 - half - 6, 58, 150 + half + 6, 58 + 2 * fringe), 180, 360, fill=hair)
    for centre in (115, 185):
        draw.ellipse((centre - 14, 172, centre + 14, 190), fill="white", outline="#30302e", width=2)
        draw.ellipse((centre - 6, 174, centre + 6, 188), fill="#30302e")
        if seed(f"{person}/glasses", 3) == 0:
            draw.ellipse((centre - 26, 158, centre + 26, 204), outline="#30302e", width=4)
    draw.line((150, 190, 142, 222, 152, 224), fill="#7a5a44", width=3)
    draw.arc((122, 225, 178, 258), 20, 160, fill="#a04038", width=5)
    draw.text((150, 356), "SPECIMEN", font=_font(44), fill="white", anchor="mm")
    return picture.convert("RGB" if colour else "L").resize(size)


def text(content: str, size: tuple[int, int]) -> "Image":
    """Write text as black pixels on white, as large as it fits, in as many lines as that takes."""
    from PIL import Image, ImageDraw

    picture = Image.new("1", size, 1)
    draw = ImageDraw.Draw(picture)
    wide, high = size
    height = next(h for h in range(high, 0, -1) if (high // h) * (wide // h) >= max(len(content), 1))
    each = wide // height
    for line in range(0, len(content), each):
        draw.text((0, line // each * height), content[line : line + each], font=_font(height), fill=0)
    return picture


def glyph(character: str, dots: int) -> "Image":
    """Draw one character, its variation selector with it; the drawn dots are the ones."""
    from PIL import Image, ImageDraw

    picture = Image.new("1", (dots, dots), 0)
    ImageDraw.Draw(picture).text((0, 0), character, font=_font(dots), fill=1)
    return picture


def png(picture: "Image") -> bytes:
    """Return a PNG file."""
    return _saved(picture, "PNG")


def tiff(picture: "Image") -> bytes:
    """Return a TIFF file of one strip with T.6 compression."""
    return _saved(picture, "TIFF", compression="group4", strip_size=1 << 20)


def mmr(picture: "Image") -> bytes:
    """Return T.6 data alone (ITU-T T.6: zeros are white, ones black, ended by EOFB)."""
    from PIL import Image

    whole = tiff(picture)
    tags = Image.open(io.BytesIO(whole)).getexif()
    return whole[tags[STRIP_OFFSET] :][: tags[STRIP_LENGTH]]


def codestream(picture: "Image", most: int) -> bytes:
    """Return a bare JPEG 2000 codestream of at most `most` bytes. Raises ValueError for a picture too large."""
    return _within(picture, most, bare=True)


def jp2(picture: "Image", most: int) -> bytes:
    """Return a JPEG 2000 file (JP2 container) of at most `most` bytes."""
    return _within(picture, most, bare=False)


def _within(picture: "Image", most: int, *, bare: bool) -> bytes:
    for rate in (8, 12, 16, 24, 32, 48, 64, 96, 128, 200):
        made = _saved(picture, "JPEG2000", no_jp2=bare, quality_mode="rates", quality_layers=[rate])
        if len(made) <= most:
            return made
    raise ValueError(most)


def _saved(picture: "Image", kind: str, **options: object) -> bytes:
    into = io.BytesIO()
    picture.save(into, kind, **options)
    return into.getvalue()


@cache
def _font(size: int) -> "FreeTypeFont":
    from PIL import ImageFont

    package = find_spec("matplotlib_fontja")
    origin = package.origin if package else None
    path = Path(origin or ".").parent / "fonts" / "ipaexg.ttf"
    return ImageFont.truetype(str(path), size)
