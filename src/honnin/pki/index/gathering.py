"""CRLs from their files, the small ones many at a time: a country's lists are two thousand of a few hundred entries.

Small lists whose entries have one shape and one length are laid behind each other and their entries read as one run
(`entries.read_uniform`): where every entry of the run is proven, and every list is a whole number of entries long, each
list ends where one of its entries does. Any other list, and any list with a fault, is read alone (`stream.read_crl`).
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from io import BytesIO

import numpy as np

from honnin.errors import HonninError
from honnin.pki.index.entries import SLACK, read_uniform
from honnin.pki.index.stream import BLOCK, Crl, make_buffer, open_crl, read_crl, read_frame
from honnin.pki.index.table import Table

__all__ = ["read_crls"]

SMALL = 1 << 16  # octets of a CRL that is read with others
TOGETHER = 256  # CRLs read together at most

Given = str | os.PathLike[str] | bytes
Result = Crl | HonninError


def read_crls(sources: Iterable[Given]) -> Iterator[tuple[str, Result]]:
    """Yield the name of each source, in order, with its CRL or why it cannot be read.

    sources: DER or PEM files, or DER bytes, whose name is their place, `#0`.
    """
    buffer = make_buffer()
    small: list[tuple[str, bytes]] = []
    octets = 0
    for place, source in enumerate(sources):
        name = f"#{place}" if isinstance(source, bytes | bytearray | memoryview) else os.fspath(source)
        try:
            with open_crl(source) as (stream, size):
                if size is not None and size <= SMALL:
                    found: bytes | Result = stream.read(size)
                else:
                    found = read_crl(stream, size, buffer)
        except HonninError as error:
            found = error
        if isinstance(found, bytes) and octets + len(found) <= BLOCK and len(small) < TOGETHER:
            small.append((name, found))
            octets += len(found)
            continue
        yield from _read_small(small, buffer)
        small, octets = [], 0
        if isinstance(found, bytes):
            small, octets = [(name, found)], len(found)
        else:
            yield name, found
    yield from _read_small(small, buffer)


def _read_small(files: list[tuple[str, bytes]], buffer: bytearray) -> Iterator[tuple[str, Result]]:
    alike: dict[tuple[int, bytes], list[tuple[Crl, bytes]]] = {}
    crls: list[Crl | None] = []
    for _, octets in files:
        try:
            crl, begin, end = read_frame(octets)
        except (HonninError, IndexError):
            crls.append(None)
            continue
        crls.append(crl)
        listed = octets[begin:end]
        alike.setdefault((crl.version, listed[:4]), []).append((crl, listed))
    read: set[int] = set()
    for (version, _), lists in alike.items():
        if _read_together(lists, buffer, extensible=version == 2):
            read.update(id(crl) for crl, _ in lists)
    for (name, octets), found in zip(files, crls, strict=True):
        if found is not None and id(found) in read:
            found.sha256 = hashlib.sha256(octets).hexdigest()
            yield name, found
        else:
            yield name, _read_alone(octets, buffer)


def _read_together(lists: list[tuple[Crl, bytes]], buffer: bytearray, *, extensible: bool) -> bool:
    """Fill the tables of CRLs whose entries all have the shape of the first; tell whether that was so."""
    listed = b"".join(octets for _, octets in lists)
    if not listed:
        return True
    width = listed[1] + 2
    if any(len(octets) % width for _, octets in lists):
        return False
    end = SLACK + len(listed)
    buffer[SLACK:end] = listed
    columns, stop = read_uniform(np.frombuffer(buffer, np.uint8), SLACK, end, extensible=extensible)
    if columns is None or stop != end:
        return False
    begin = 0
    for crl, octets in lists:
        rows = len(octets) // width
        crl.table = Table.of(columns.between(begin, begin + rows))
        begin += rows
    return True


def _read_alone(octets: bytes, buffer: bytearray) -> Result:
    try:
        return read_crl(BytesIO(octets), len(octets), buffer)
    except HonninError as error:
        return error
