"""Several files signed as one: a text that names each with its length and SHA-256, which is what the person signs.

The text is `honnin-bundle/1`, UTF-8, lines ended by LF:

    words for the person
    (empty line)
    honnin-bundle/1
    1. name (12345 bytes) sha256:…

Whoever has the files makes the same text again and compares; nobody needs honnin for it.
"""

import hashlib
import unicodedata
from collections.abc import Sequence

from honnin.errors import InputError
from honnin.platform.hidden import hides
from honnin.platform.models import MOST_DOCUMENT, BundledFile

__all__ = ["bundle_document"]

FORMAT = "honnin-bundle/1"
MOST_FILES = 20


def bundle_document(words: str, bundled: Sequence[BundledFile]) -> bytes:
    """Return the text that binds the files, in the order given.

    Raises InputError `session.files` for none, too many, too large, a name twice, or one that a screen does not show
    as it is (control or reordering characters, line ends).
    """
    names = [unicodedata.normalize("NFKC", one.name).casefold() for one in bundled]
    shown = all(one.name.strip() and not hides(one.name) and len(one.name.splitlines()) == 1 for one in bundled)
    size = sum(len(one.content) for one in bundled)
    if not 1 <= len(bundled) <= MOST_FILES or len(set(names)) != len(names) or not shown or size > MOST_DOCUMENT:
        raise InputError(
            "session.files",
            f"`files` are 1 to {MOST_FILES} files with names of their own, together at most {MOST_DOCUMENT} bytes.",
        )
    lines = [
        f"{number}. {one.name} ({len(one.content)} bytes) sha256:{hashlib.sha256(one.content).hexdigest()}"
        for number, one in enumerate(bundled, 1)
    ]
    return "\n".join([*([words, ""] if words else []), FORMAT, *lines, ""]).encode("utf-8")
