"""The font for Japanese text in files that people read (PDF): IPAexGothic, as an installed package carries it.

IPAexGothic covers JIS X 0213 and may be embedded (IPA Font License 1.0). `$HONNIN_FONT` names another TrueType file,
as for a name whose characters lie outside (docs/decisions/0009).
"""

import os
from importlib.util import find_spec
from pathlib import Path

from honnin.errors import InputError

__all__ = ["japanese_font"]


def japanese_font() -> Path:
    """Return the path of the TrueType font for Japanese text. Raises `font.missing` where there is no such file."""
    chosen = os.environ.get("HONNIN_FONT")
    if chosen:
        path = Path(chosen)
    else:
        # The package is only found, never imported: importing it would load matplotlib.
        package = find_spec("matplotlib_fontja")
        path = Path(package.origin).parent / "fonts" / "ipaexg.ttf" if package and package.origin else Path()
    if not path.is_file():
        raise InputError(
            "font.missing",
            "There is no font for Japanese text.",
            next="Install matplotlib-fontja, or set HONNIN_FONT to a TrueType file.",
        )
    return path
