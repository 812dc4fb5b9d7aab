"""Going on after lost contact: the same card put back is opened again and read on from its last whole file.

What may be taken up again is the chip readers' own judgement (`honnin.chip.keeping`): a card that is not known again is
read anew from its first file.
"""

from collections.abc import Callable
from typing import TypeVar

from honnin.errors import ReaderError

__all__ = ["persistently"]

T = TypeVar("T")
TIMES = 4


def persistently(read: Callable[[], T]) -> T:
    """Return what `read` returns; it begins again when contact was lost, at most three times. Raises what it raises."""
    for _ in range(TIMES - 1):
        try:
            return read()
        except ReaderError as error:
            if error.code != "reader.contact_lost":
                raise
    return read()
