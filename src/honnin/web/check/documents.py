"""What the person is told of a document whose bytes are not what the page shows as text."""

from hashlib import sha256

import msgspec

from honnin.platform.models import SessionPage

__all__ = ["Unseen", "unseen"]

GROUP = 4  # hexadecimal digits that stand together


class Unseen(msgspec.Struct, frozen=True):
    """A document that is signed but not shown: size in bytes (with commas), SHA-256 in groups of digits."""

    size: str
    digest: str


def unseen(page: SessionPage) -> Unseen | None:
    """Return what tells a document from others, None where the page shows every character of it."""
    if page.text.encode("utf-8", "replace") == page.document:
        return None
    digits = sha256(page.document).hexdigest()
    groups = [digits[start : start + GROUP] for start in range(0, len(digits), GROUP)]
    return Unseen(size=f"{len(page.document):,}", digest=" ".join(groups))
