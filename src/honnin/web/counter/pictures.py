"""Pictures of chips in a form that browsers show: JPEG as it is, JPEG 2000 and TIFF decoded and written as PNG."""

from io import BytesIO

from PIL import Image, UnidentifiedImageError

from honnin.errors import FormatError

__all__ = ["showable", "shown_picture"]

MOST_PIXELS = 12_000_000  # a small file can claim to be a huge picture
FORMATS = ("JPEG", "JPEG2000", "TIFF", "PNG", "BMP", "GIF")


def shown_picture(content: bytes) -> tuple[str, bytes]:
    """Return (media type, bytes). Raises FormatError `counter.picture` for what is no picture."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", content
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise _unshown()
            out = BytesIO()
            picture.convert("L" if picture.mode in {"1", "L"} else "RGB").save(out, "PNG")
    except (OSError, ValueError, SyntaxError, EOFError, UnidentifiedImageError, Image.DecompressionBombError):
        raise _unshown() from None
    return "image/png", out.getvalue()


def showable(content: bytes) -> bool:
    """Tell whether a picture can be shown."""
    try:
        shown_picture(content)
    except FormatError:
        return False
    return True


def _unshown() -> FormatError:
    return FormatError("counter.picture", "The picture on the chip cannot be shown.", next="Read the other fields.")
