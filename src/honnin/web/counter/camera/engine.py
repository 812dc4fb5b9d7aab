"""Text lines of a photograph, by RapidOCR (Apache-2.0) with the PP-OCR models that come inside its package.

Nothing is downloaded and nothing leaves this machine; the photograph lives in memory for one call. The engine is loaded
at its first use (about two seconds) and used by one thread at a time.
"""

import threading
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from honnin.errors import FormatError, InputError, StateError

__all__ = ["available", "number_in_qr", "refuse_qr", "text_lines"]

MOST_PIXELS = 40_000_000
LONGEST_SIDE = 1600  # pixels; larger photographs are made smaller, which costs no accuracy and saves seconds
_TURN = threading.Lock()


def available() -> bool:
    """Tell whether the optional extra is installed."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


def text_lines(photograph: bytes) -> tuple[str, ...]:
    """Return the lines of text in a photograph (JPEG, PNG or WebP), from top to bottom.

    Raises StateError `camera.missing` without the extra, FormatError `camera.picture` for what is no picture.
    """
    if not available():
        raise _missing()
    pixels = _pixels(photograph)
    with _TURN:
        found = _engine()(pixels)
    return tuple(str(text) for text in found.txts or ())


def refuse_qr(photograph: bytes) -> None:
    """Refuse a photograph of a My Number Card that shows a QR code, which is its individual number.

    The code is looked for and not read; without the extra nothing is looked at, as nothing is read then.
    Raises InputError `counter.qr_refused`, FormatError `camera.picture`.
    """
    if not available():
        return
    import cv2  # comes with RapidOCR

    found, _ = cv2.QRCodeDetector().detect(_pixels(photograph))
    if found:
        raise InputError(
            "counter.qr_refused",
            "The photograph shows a QR code, which on a My Number Card is the individual number; it was not read.",
            next="Photograph the front without the QR code, or type the numbers.",
        )


def number_in_qr(photograph: bytes) -> str:
    """Return what the QR code on a My Number Card says: its individual number. Only for who may collect it.

    Raises StateError `camera.missing`, InputError `counter.qr_missing`, FormatError `camera.picture`.
    """
    if not available():
        raise _missing()
    import cv2

    try:
        text, _, _ = cv2.QRCodeDetector().detectAndDecode(_pixels(photograph))
    except UnicodeDecodeError:  # a code in another character set
        text = ""
    if not text:
        raise InputError(
            "counter.qr_missing",
            "No QR code can be read in the photograph.",
            next="Photograph the back of the card from above, or type the number.",
        )
    return str(text)


def _missing() -> StateError:
    return StateError("camera.missing", "Reading photographs needs honnin[ocr].", next="pip install 'honnin[ocr]'")


@cache
def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(params={"Global.log_level": "critical"})


def _pixels(photograph: bytes) -> Any:
    import numpy as np

    try:
        with Image.open(BytesIO(photograph), formats=("JPEG", "PNG", "WEBP")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise _no_picture()
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, UnidentifiedImageError, Image.DecompressionBombError):
        raise _no_picture() from None
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return np.asarray(upright)[:, :, ::-1]  # the engine takes blue, green, red


def _no_picture() -> FormatError:
    return FormatError("camera.picture", "That is no photograph that can be read.", next="Take a JPEG or PNG, or type.")
