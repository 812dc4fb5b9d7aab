"""A file in memory that a reader may go over only a few times, whoever wrote it.

pyHanko reads a PDF's structure octet by octet, and from wherever the file points to. A file in which thousands of
objects begin inside the same comment costs its length once for each: eight megabytes would keep a processor busy
for hours. Of honest files about as much is read as they are long.
"""

from io import BytesIO

from honnin.errors import FormatError

__all__ = ["BoundedReading"]

MOST_TIMES = 2
ALWAYS = 4 << 20  # octets, so that small files of many revisions are read too


class BoundedReading(BytesIO):
    """A stream of `octets` that refuses to be read more than about twice.

    What was read is counted where the reader seeks, which costs nothing beside reading. Raises FormatError
    `signature.pdf_malformed` there.
    """

    def __init__(self, octets: bytes) -> None:
        super().__init__(octets)
        self._left = ALWAYS + MOST_TIMES * len(octets)
        self._at = 0

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._left -= max(self.tell() - self._at, 0)
        if self._left < 0:
            raise FormatError("signature.pdf_malformed", "The PDF would have to be read over and over.")
        self._at = super().seek(offset, whence)
        return self._at
