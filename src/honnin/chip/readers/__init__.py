"""Readers by URL: `emulated:PERSON[/DOCUMENT]`, `pcsc:NAME`, `relay:URL`.

Any other scheme is found by the entry-point group `honnin.readers`, so the product runs without the sandbox.
"""

from honnin.chip.readers.opening import list_readers, open_reader
from honnin.chip.readers.reader import Reader, ReaderStatus

__all__ = ["Reader", "ReaderStatus", "list_readers", "open_reader"]
