"""Reading transparent files with as few APDUs as the protocol allows (my-number-card sheet §1.2, §3.1).

The first READ BINARY names the file by its short id and brings up to 256 bytes, header and body at once; the object's
own length says how much is left. A card that refuses the short id is asked by SELECT, a reader or card that carries
less is asked for less. Whoever asks is told how many bytes are there.
"""

from collections.abc import Callable

from honnin.chip.ber import HEADER_LIMIT, object_length
from honnin.chip.channel import Channel
from honnin.chip.iso7816 import (
    DONE,
    END_OF_FILE,
    Command,
    RefusalError,
    Response,
    read_binary,
    read_binary_by_short_id,
)
from honnin.errors import CardError

__all__ = ["Told", "is_blank", "read_bytes", "read_object"]

Told = Callable[[int, int], None]

LONGEST_READ = 256
SHORTEST_READ = 16
FIRST_READS = 40  # enough for the header, for halving the length from 256 to 16, and for a short fixed file
WRONG_LENGTH = 0x6700
PAST_THE_END = 0x6B00
LAST_SHORT_ID = 0x1E
# What a card may answer to a READ BINARY by a short id that it does not know; a SELECT of the file settles it.
NO_SHORT_ID = frozenset({0x6A80, 0x6A81, 0x6A82, 0x6A86, 0x6981, 0x6985, 0x6986, 0x6B00, 0x6D00})


def is_blank(content: bytes) -> bool:
    """Tell whether a file was never written: empty, or filled with FF or 00."""
    return not content.strip(b"\xff") or not content.strip(b"\0")


def read_object(channel: Channel, file_id: int, *, limit: int, told: Told | None = None) -> bytes:
    """Return the BER object that a file of the current application begins with; a blank file's first bytes as they are.

    limit: bytes above which the object is not believed. told: called with bytes read and bytes in all.
    Raises RefusalError with the card's status word, CardError `card.file_too_large`, `card.file_short`, FormatError.
    """
    reading = _File(channel, file_id, told)
    content = reading.first(LONGEST_READ)
    if is_blank(content):
        return content
    while (total := object_length(content)) is None and len(content) < HEADER_LIMIT:
        more = reading.at(len(content), HEADER_LIMIT - len(content))
        if not more:
            raise _short(file_id)
        content += more
    if total is None or total > limit:
        raise CardError(
            "card.file_too_large",
            f"File {file_id:04X} claims to hold more than {limit} bytes.",
            next="This is not what such a card holds; use another card or reader.",
        )
    return reading.rest(content, total)


def read_bytes(channel: Channel, file_id: int, length: int, *, told: Told | None = None) -> bytes:
    """Return the first `length` bytes of a file of the current application, fewer when the file is shorter.

    told: called with bytes read and bytes in all. Raises RefusalError with the card's status word.
    """
    reading = _File(channel, file_id, told)
    content = reading.first(length)
    return reading.rest(content, length, whole=False)


class _File:
    """One file being read; `_most` is what card and reader have shown that they carry at once."""

    def __init__(self, channel: Channel, file_id: int, told: Told | None) -> None:
        self._channel = channel
        self._file_id = file_id
        self._told = told
        self._most = LONGEST_READ
        self._reads_left = FIRST_READS

    def first(self, want: int) -> bytes:
        """Read from the start of the file, which becomes current; an empty file gives no bytes."""
        has_short_id = 0 < self._file_id <= LAST_SHORT_ID
        if has_short_id and self._channel.short_ids:
            command, response = self._read(None, want)
            if response.sw not in NO_SHORT_ID:
                return self._taken(command, response)
        self._channel.select_file(self._file_id)
        content = self._taken(*self._read(0, want))
        if has_short_id:
            self._channel.short_ids = False
        return content

    def at(self, offset: int, want: int) -> bytes:
        """Read on from `offset`, at most `want` bytes; none at the end of the file."""
        command, response = self._read(offset, want)
        if response.sw == PAST_THE_END:
            return b""
        return self._taken(command, response)

    def rest(self, content: bytes, total: int, *, whole: bool = True) -> bytes:
        """Read on until `total` bytes are there; a file that ends before gives what it has, unless `whole`.

        Raises CardError `card.file_short`.
        """
        self._reads_left = FIRST_READS + total // SHORTEST_READ
        parts = [content[:total]]
        have = len(parts[0])
        self._tell(have, total)
        while have < total:
            more = self.at(have, total - have)
            if not more:
                if whole:
                    raise _short(self._file_id)
                break
            parts.append(more)
            have += len(more)
            self._tell(have, total)
        return b"".join(parts)

    def _tell(self, have: int, total: int) -> None:
        if self._told is not None:
            self._told(have, total)

    def _read(self, offset: int | None, want: int) -> tuple[Command, Response]:
        """Send READ BINARY, by short id when `offset` is None; 6700 means: this is more than I carry."""
        while True:
            self._reads_left -= 1
            if self._reads_left < 0:
                raise _short(self._file_id)
            want = min(want, self._most)
            command = read_binary_by_short_id(self._file_id, want) if offset is None else read_binary(offset, want)
            response = self._channel.transmit(command)
            if response.sw != WRONG_LENGTH or want <= SHORTEST_READ:
                return command, response
            self._most = want // 2

    def _taken(self, command: Command, response: Response) -> bytes:
        """Return an answer's bytes, and learn from their number how much the card carries at once."""
        if response.sw not in {DONE, END_OF_FILE}:
            raise RefusalError(command, response.sw)
        if len(response.data) > command.le:
            raise CardError(
                "card.answer_malformed",
                f"The card gave {len(response.data)} bytes of file {self._file_id:04X}, more than were asked for.",
                next="Take the card off, put it back and try again.",
            )
        if 0 < len(response.data) < command.le:
            self._most = max(len(response.data), SHORTEST_READ)
        return response.data


def _short(file_id: int) -> CardError:
    return CardError(
        "card.file_short",
        f"File {file_id:04X} ends before the object in it does.",
        next="Take the card off, put it back and try again.",
        retryable=True,
    )
