"""A CRL (RFC 5280 §5.1) read as a stream: header, entries in blocks, trailer, and the digest over the same pass.

Memory does not grow with the list: one block is held at a time, and what leaves it are columns (`entries`). Lengths are
believed only as far as the file goes; nothing read here may be used before `building` has checked the signature over
the digest that this pass computed.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any, BinaryIO

from honnin.errors import FormatError, InputError
from honnin.pki.der import BIT_STRING, GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, bits, read, time
from honnin.pki.index.entries import SLACK, read_block
from honnin.pki.index.table import Table
from honnin.pki.rfc5280.keys import scheme

__all__ = ["Crl", "make_buffer", "open_crl", "read_crl", "read_frame"]

BLOCK = 1 << 18
HEADER = 1 << 16  # octets that version, algorithm, issuer and times may take
TRAILER = 1 << 16  # octets that extensions, algorithm and signature may take
ENTRY = 1 << 16  # octets that one entry may take
EXTENSIONS = 0xA0
SHORTEST = 20  # octets of an entry with a serial of one octet and no extension
WEAK = {"md5", "sha1"}


@dataclass(slots=True)
class Crl:
    """What one pass over a CRL gave; not to be believed before its signature is checked.

    issuer: Name DER. signature_algorithm: AlgorithmIdentifier DER. table: the entries.
    issuers: (row, certificateIssuer) of entries that name one. extensions: crlExtensions (DER) or None.
    tbs_digest: digest of tBSCertList under `digest_name`. sha256: of the whole file.
    """

    issuer: bytes
    signature_algorithm: bytes
    digest_name: str
    this_update: datetime
    next_update: datetime | None
    version: int
    table: Table = field(default_factory=Table)
    issuers: list[tuple[int, bytes]] = field(default_factory=list)
    extensions: bytes | None = None
    signature: bytes = b""
    tbs_digest: bytes = b""
    sha256: str = ""


@contextmanager
def open_crl(source: str | os.PathLike[str] | bytes) -> Iterator[tuple[BinaryIO, int | None]]:
    """Open a DER or PEM file, a pipe of DER, or bytes; give the stream and its size, None for a pipe.

    Raises InputError when it cannot be read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        yield BytesIO(source), len(source)
        return
    try:
        with open(source, "rb", buffering=0) as stream:  # noqa: PTH123 - a Path would cost more than the reading
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode):
                yield stream, None
                return
            size = found.st_size
            if os.pread(stream.fileno(), 11, 0) == b"-----BEGIN ":
                octets = _unwrap(stream.readall())
                yield BytesIO(octets), len(octets)
            else:
                yield stream, size
    except OSError as error:
        raise InputError("index.unreadable", "The CRL's file cannot be read.", next="Check its path.") from error


def _unwrap(pem: bytes) -> bytes:
    from base64 import b64decode
    from binascii import Error

    try:
        return b64decode(b"".join(pem.strip().splitlines()[1:-1]), validate=True)
    except Error as error:
        raise FormatError("index.malformed", "The CRL's PEM is damaged.") from error


class _Window:
    """A buffer that slides over the stream, with SLACK octets on both sides, feeding the digests."""

    def __init__(self, stream: BinaryIO, buffer: bytearray) -> None:
        self.stream = stream
        self.buffer = buffer
        self.start = self.end = SLACK
        self.whole = hashlib.sha256()
        self.tbs: hashlib._Hash | None = None
        self.tbs_left = 0

    def digest_also(self, tbs: "hashlib._Hash", octets: int) -> None:
        """Feed the next `octets` octets of the stream to a digest of the part that is signed."""
        self.tbs, self.tbs_left = tbs, octets

    def fill(self, left: int) -> int:
        """Move what is unread to the front and read up to a block more; return the octets read."""
        kept = self.end - self.start
        if self.start != SLACK:
            self.buffer[SLACK : SLACK + kept] = self.buffer[self.start : self.end]
            self.start, self.end = SLACK, SLACK + kept
        want = min(BLOCK + ENTRY - kept, BLOCK, left)
        view = memoryview(self.buffer)
        got = 0
        while got < want:
            read = self.stream.readinto(view[self.end + got : self.end + want])  # type: ignore[attr-defined]
            if not read:
                break
            got += read
        fresh = view[self.end : self.end + got]
        self.whole.update(fresh)
        if self.tbs is not None and self.tbs_left:
            part = fresh[: self.tbs_left]
            self.tbs.update(part)
            self.tbs_left -= len(part)
        self.end += got
        return got


def make_buffer() -> bytearray:
    """Return the buffer that `read_crl` works in; it may be used again for the next CRL."""
    return bytearray(SLACK + BLOCK + ENTRY + SLACK)


def read_crl(stream: BinaryIO, size: int | None, buffer: bytearray) -> Crl:
    """Read one CRL of `size` octets; None for a pipe, whose length is what the CRL says itself.

    Raises FormatError `index.malformed` for anything that is not one DER CertificateList filling the file exactly,
    `index.entry` for an entry that cannot be read, `index.algorithm` for a signature that cannot be checked so.
    """
    try:
        crl = _read(stream, size, buffer)
    except IndexError as error:
        raise FormatError("index.malformed", "The CRL is cut short in its header.") from error
    except FormatError as error:
        if error.code.startswith("index."):
            raise
        raise FormatError("index.malformed", f"The CRL is not DER: {error.message}") from error
    if size is None and stream.read(1):
        raise FormatError("index.malformed", "Something follows the CRL.")
    return crl


def read_frame(octets: bytes) -> tuple[Crl, int, int]:
    """Read all of one CRL but its entries and its own digest; return where the entries start and end.

    Raises FormatError, or IndexError, for one that is malformed.
    """
    crl, tbs_start, start, end, tbs_end = _header(octets, len(octets))
    _trailer(crl, octets[end:], tbs_end - end)
    crl.tbs_digest = _digest(crl.digest_name)(octets[tbs_start:tbs_end]).digest()
    return crl, start, end


def _read(stream: BinaryIO, known: int | None, buffer: bytearray) -> Crl:
    window = _Window(stream, buffer)
    window.fill(HEADER if known is None else min(known, HEADER))
    octets = bytes(window.buffer[window.start : window.end])
    size = read(octets, 0, 1 << 40)[2] if known is None else known
    if len(octets) > size:
        raise FormatError("index.malformed", "Something follows the CRL.")
    crl, tbs_start, position, entries_end, tbs_end = _header(octets, size)
    reserved = entries_end - position if known is not None else min(entries_end - position, BLOCK)
    crl.table = Table(reserved // SHORTEST)
    extensible = crl.version == 2
    tbs = _digest(crl.digest_name)(octets[tbs_start:tbs_end])
    window.digest_also(tbs, max(tbs_end - len(octets), 0))
    view = memoryview(window.buffer)
    base = -SLACK  # file offset of the buffer's first octet
    total_read = len(octets)
    while position < entries_end:
        end = min(window.end, entries_end - base)
        final = end + base == entries_end
        after = bytes(view[end : end + SLACK])
        view[end : end + SLACK] = bytes(SLACK)  # what stands behind must not look like a part of the last entry
        parts, stop = read_block(window.buffer, position - base, end, final=final, extensible=extensible)
        view[end : end + SLACK] = after
        for part in parts:
            crl.issuers += [(crl.table.count + row, names) for row, names in part.issuers]
            crl.table.append(part)
        moved = stop + base > position
        position = stop + base
        if position >= entries_end:
            break
        if not moved and window.end - (position - base) >= ENTRY:
            raise FormatError("index.entry", f"An entry is longer than {ENTRY} octets.")
        window.start = position - base
        base = position - SLACK
        if not window.fill(size - total_read):
            raise FormatError("index.malformed", "The CRL ends in the middle of its list.")
        total_read = window.end + base
    if position != entries_end:
        raise FormatError("index.malformed", "An entry runs past the end of the list.")
    trailer = _rest(window, position - base, size - position, size - total_read)
    _trailer(crl, trailer, tbs_end - position)
    crl.tbs_digest = tbs.digest()
    crl.sha256 = window.whole.hexdigest()
    return crl


def _header(octets: bytes, size: int) -> tuple[Crl, int, int, int, int]:
    """Read up to the first entry of a file of `size` octets that begins with `octets`.

    Returns the CRL and the offsets where the TBS starts, where entries start, where they end, and where the TBS ends.
    """
    tag, tbs_start, stop = read(octets, 0, size)
    if tag != SEQUENCE or stop != size:
        raise FormatError("index.malformed", "The file is not exactly one CertificateList.")
    tag, at, tbs_end = read(octets, tbs_start, size)
    if tag != SEQUENCE:
        raise FormatError("index.malformed", "The list to be signed is not a SEQUENCE.")
    version = 1
    if octets[at] == INTEGER:
        _, start, at = read(octets, at, tbs_end)
        version = 2
        if octets[start:at] != b"\x01":
            raise FormatError("index.malformed", "The CRL names a version that there is not.")
    _, _, stop = read(octets, at, tbs_end)
    algorithm = octets[at:stop]
    digest = _digest_name(algorithm)
    at = stop
    tag, _, stop = read(octets, at, tbs_end)
    if tag != SEQUENCE:
        raise FormatError("index.malformed", "The CRL's issuer is not a Name.")
    issuer = octets[at:stop]
    tag, start, at = read(octets, stop, tbs_end)
    this_update = time(octets, tag, start, at)
    next_update = None
    if at < tbs_end and octets[at] in {UTC_TIME, GENERALIZED_TIME}:
        tag, start, at = read(octets, at, tbs_end)
        next_update = time(octets, tag, start, at)
    entries_start = entries_end = at
    if at < tbs_end and octets[at] == SEQUENCE:
        _, entries_start, entries_end = read(octets, at, tbs_end)
    if entries_start > len(octets):
        raise FormatError("index.malformed", f"The CRL's header is longer than {HEADER} octets.")
    crl = Crl(
        issuer,
        algorithm,
        digest,
        this_update,
        next_update,
        version,
    )
    return crl, tbs_start, entries_start, entries_end, tbs_end


def _digest(name: str) -> Any:
    return getattr(hashlib, name)  # `hashlib.new` looks the name up anew each time


def _digest_name(algorithm: bytes) -> str:
    """Return the name of the digest that an algorithm (AlgorithmIdentifier DER) signs."""
    try:
        digest = scheme(algorithm).hash
    except FormatError as error:
        raise FormatError("index.algorithm", f"The CRL's signature: {error.message}", next=error.next) from error
    if digest is None or digest.name in WEAK:
        raise FormatError(
            "index.algorithm",
            "The CRL is signed with an algorithm that is too weak, or that cannot be checked in one pass.",
            next="Ask the issuer for a CRL signed with RSA or ECDSA and SHA-256 or better.",
        )
    return digest.name


def _rest(window: _Window, start: int, length: int, unread: int) -> bytes:
    """Return everything behind the list."""
    if length > TRAILER:
        raise FormatError("index.malformed", f"What follows the list is longer than {TRAILER} octets.")
    window.start = start
    while window.end - window.start < length:
        got = window.fill(unread)
        if not got:
            raise FormatError("index.malformed", "The CRL ends before its signature.")
        unread -= got
    return bytes(window.buffer[window.start : window.start + length])


def _trailer(crl: Crl, trailer: bytes, tbs_length: int) -> None:
    """Read crlExtensions, the outer algorithm and the signature."""
    try:
        at = 0
        if tbs_length:
            tag, start, at = read(trailer, 0, tbs_length)
            if tag != EXTENSIONS or at != tbs_length or crl.version != 2:
                raise FormatError("index.malformed", "Something else than extensions follows the list.")
            crl.extensions = trailer[start:at]
        _, _, stop = read(trailer, at, len(trailer))
        if trailer[at:stop] != crl.signature_algorithm:
            raise FormatError("index.malformed", "The CRL's two signature algorithms differ.")
        tag, start, end = read(trailer, stop, len(trailer))
    except IndexError as error:
        raise FormatError("index.malformed", "The CRL is cut short behind its list.") from error
    if tag != BIT_STRING or end != len(trailer):
        raise FormatError("index.malformed", "The CRL's signature is not a BIT STRING that ends the file.")
    crl.signature = bits(trailer, start, end)
