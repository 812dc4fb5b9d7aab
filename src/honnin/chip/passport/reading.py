"""Reading files of the logical data structure: adaptive lengths, progress in bytes, and one fresh start.

The first READ BINARY brings as much as a short protected answer holds. What is long is then asked in extended reads; a
chip or reader that cannot carry those ends the session, which is opened anew once, and everything goes on in short
reads from where it stopped. Chips that give or accept less (some, 160 bytes) are asked for less. Offsets beyond 32767
need the odd instruction (ISO/IEC 7816-4 §7.2.3).
"""

from collections.abc import Callable
from typing import Final

from honnin.chip.ber import HEADER_LIMIT, object_length
from honnin.chip.channel import Channel
from honnin.chip.document import Progress
from honnin.chip.icao9303.tlv import encode, only
from honnin.chip.iso7816 import DONE, END_OF_FILE, Command, RefusalError, read_binary, read_binary_by_short_id
from honnin.errors import CardError, FormatError, ReaderError

__all__ = ["FileReading"]

SHORT_READ: Final = 223  # with the padding of AES and all data objects just under 256
EXTENDED_READ: Final = 2000
SHORTEST_READ: Final = 16
ODD_FROM: Final = 0x8000
LIMIT: Final = 512 * 1024  # bytes of one file above which it is not believed
TOO_LONG: Final = frozenset({0x6700, 0x6B00, 0x6F00, 0x6A80, 0x6A86})


class FileReading:
    """Reads files of the selected application. reopen: opens the chip anew, with the application selected."""

    def __init__(
        self, channel: Channel, reopen: Callable[[], None], *, extended: bool = True, progress: Progress | None = None
    ) -> None:
        self._channel = channel
        self._reopen = reopen
        self._progress = progress
        self._extended = extended
        self._most = SHORT_READ
        self._reads_left = 0
        self._short_ids = True

    def read(self, name: str, file_id: int, tag: int) -> bytes | None:
        """Return a file's one data object, None when the chip has no such file or does not give it.

        tag: what the file must begin with. Raises CardError `card.file_too_large`, `card.file_short`, FormatError.
        """
        self._reads_left = 64
        content = self._first(file_id)
        if content is None:
            return None
        total = object_length(content)
        while total is None and content and len(content) < HEADER_LIMIT:
            more = self._at(len(content), HEADER_LIMIT - len(content))
            if not more:
                break
            content += more
            total = object_length(content)
        if total is None:
            raise _short(file_id)
        if int.from_bytes(content[:1], "big") != tag:
            raise FormatError("chip.object_malformed", f"File {file_id:04X} begins with another tag than its own.")
        if total > LIMIT:
            raise CardError("card.file_too_large", f"File {file_id:04X} claims to hold more than {LIMIT} bytes.")
        if len(content) < min(self._most, total):
            self._most = max(len(content), SHORTEST_READ)
        return self._rest(name, file_id, content, total)

    def _first(self, file_id: int) -> bytes | None:
        """Read from the start of a file, which becomes current: by short id where the chip knows those."""
        if self._short_ids:
            command = read_binary_by_short_id(file_id & 0x1F, self._most)
            response = self._channel.transmit(command)
            if response.sw in {DONE, END_OF_FILE}:
                return response.data[: command.le]
        if not self._select(file_id):
            return None
        content = self._at(0, self._most)
        self._short_ids = False
        return content

    def _rest(self, name: str, file_id: int, content: bytes, total: int) -> bytes:
        self._reads_left = 64 + total // SHORTEST_READ
        parts = [content[:total]]
        have = len(parts[0])
        self._tell(name, have, total)
        while have < total:
            want = total - have
            more = self._long(file_id, have, want) if self._extended and want > self._most else None
            if more is None:
                asked = min(want, self._most)
                more = self._at(have, asked)
                if 0 < len(more) < asked:
                    self._most = max(len(more), SHORTEST_READ)
            if not more:
                raise _short(file_id)
            parts.append(more[:want])
            have += len(parts[-1])
            self._tell(name, have, total)
        return b"".join(parts)

    def _long(self, file_id: int, offset: int, want: int) -> bytes | None:
        """Try an extended read; None when the chip, or the reader, cannot carry one, and never asked again then."""
        if offset + EXTENDED_READ >= ODD_FROM:
            return None
        command = read_binary(offset, min(want, EXTENDED_READ))
        try:
            response = self._channel.transmit(command)
        except (CardError, ReaderError):
            self._extended = False
            self._reopen()
            if not self._select(file_id):
                raise _short(file_id) from None
            return None
        if response.sw in {DONE, END_OF_FILE} and response.data:
            return response.data[: command.le]
        self._extended = False
        return None

    def _at(self, offset: int, want: int) -> bytes:
        """Read up to `want` bytes at an offset; none at the end of the file."""
        while True:
            self._reads_left -= 1
            if self._reads_left < 0:
                raise CardError("card.endless_answer", "The chip answers without giving anything.")
            command = _read(offset, want)
            response = self._channel.transmit(command)
            if response.sw in {DONE, END_OF_FILE}:
                data = only(response.data, 0x53) if command.ins == 0xB1 and response.data else response.data
                if len(data) > want:
                    raise CardError("card.answer_malformed", "The chip gave more bytes than were asked for.")
                return data
            if response.sw == 0x6B00 and offset:
                return b""
            if response.sw not in TOO_LONG or want <= SHORTEST_READ:
                raise RefusalError(command, response.sw)
            want = max(want // 2, SHORTEST_READ) if want != SHORT_READ else 160
            self._most = want

    def _select(self, file_id: int) -> bool:
        command = Command(0x00, 0xA4, 0x02, 0x0C, file_id.to_bytes(2, "big"))
        response = self._channel.transmit(command)
        if response.sw in {0x6A82, 0x6A83, 0x6982}:
            return False
        if not response.done:
            raise RefusalError(command, response.sw)
        return True

    def _tell(self, name: str, have: int, total: int) -> None:
        if self._progress is not None:
            self._progress(name, have, total)


def _read(offset: int, want: int) -> Command:
    if offset + want < ODD_FROM:
        return read_binary(offset, want)
    place = encode(0x54, offset.to_bytes(3 if offset >> 16 else 2, "big"))
    return Command(0x00, 0xB1, 0x00, 0x00, place, min(want + 4, 256))


def _short(file_id: int) -> CardError:
    return CardError(
        "card.file_short",
        f"File {file_id:04X} ends before the object in it does.",
        next="Take the document off, put it back and try again.",
        retryable=True,
    )
