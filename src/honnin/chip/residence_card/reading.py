"""Reading a residence card's files: plain by short id, or encrypted in as few answers as card and reader carry.

A protected file is first asked for whole, with extended lengths as the specification writes it; a card or reader that
cannot carry that is asked for pieces, smaller each time it refuses.
"""

from typing import Final

from honnin.chip.channel import Channel
from honnin.chip.document import Progress
from honnin.chip.files import read_bytes
from honnin.chip.iso7816 import DONE, END_OF_FILE, Command, RefusalError
from honnin.chip.residence_card.messaging import Session
from honnin.chip.residence_card.profile import CardFile
from honnin.errors import CardError, FormatError

__all__ = ["ResidenceReading"]

SECURE: Final = 0x08
READ_BINARY: Final = 0xB0
LONGEST_LE: Final = 65536
PIECES: Final = (1024, 223, 111, 47, 15)
TOO_LONG: Final = frozenset({0x6700, 0x6F00, 0x6A80, 0x6A86, 0x6D00})
PAST_THE_END: Final = 0x6B00


class ResidenceReading:
    """Reads files of the DF that is current. progress: called with part, bytes read and bytes in all."""

    def __init__(self, channel: Channel, progress: Progress | None) -> None:
        self._channel = channel
        self._progress = progress
        self._most = 0  # 0: everything at once

    def plain(self, part: str, file: CardFile) -> bytes:
        """Return a file's bytes. Raises RefusalError."""
        progress = self._progress
        told = None if progress is None else (lambda have, total: progress(part, have, total))
        return read_bytes(self._channel, file.sfi, file.length, told=told)

    def protected(self, part: str, file: CardFile, session: Session) -> bytes:
        """Return a file's bytes, decrypted. Raises RefusalError, CardError `residence.session_broken`."""
        content = b""
        reads_left = 64 + file.length // PIECES[-1]
        while len(content) < file.length:
            reads_left -= 1
            if reads_left < 0:
                raise CardError("card.endless_answer", "The chip answers without giving anything.")
            more = self._piece(file, session, len(content))
            if not more:
                break
            content += more
            if self._progress is not None:
                self._progress(part, min(len(content), file.length), file.length)
            if self._most == 0:
                break
        return content[: file.length]

    def _piece(self, file: CardFile, session: Session, offset: int) -> bytes:
        while True:
            want = min(self._most, file.length - offset) if self._most else 0
            p1, p2 = (0x80 | file.sfi, 0) if offset == 0 else (offset >> 8, offset & 0xFF)
            le = LONGEST_LE if want == 0 or want > PIECES[1] else 256
            command = Command(SECURE, READ_BINARY, p1, p2, b"\x96\x02" + want.to_bytes(2, "big"), le)
            response = self._channel.transmit(command)
            if response.sw in {DONE, END_OF_FILE} and response.data:
                return _opened(session, response.data)
            if response.sw == PAST_THE_END and offset:
                return b""
            smaller = next((size for size in PIECES if not self._most or size < self._most), None)
            if response.sw not in TOO_LONG or smaller is None:
                raise RefusalError(command, response.sw)
            self._most = smaller


def _opened(session: Session, answer: bytes) -> bytes:
    try:
        return session.open(answer)
    except FormatError:
        raise CardError(
            "residence.session_broken",
            "The chip's answer is not encrypted as it must be.",
            next="Put the card back and give its number again.",
            retryable=True,
        ) from None
