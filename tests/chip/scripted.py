"""A card of files and PINs, written from the reference sheets for the readers' tests: no cryptography, no document."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from honnin.errors import ReaderError

MASTER = b""


@dataclass
class Folder:
    """A DF or application. files: content by id; needs: PIN names by file id; pins: name by file id."""

    files: dict[int, bytes] = field(default_factory=dict)
    needs: dict[int, tuple[str, ...]] = field(default_factory=dict)
    pins: dict[int, str] = field(default_factory=dict)
    records: dict[int, bytes] = field(default_factory=dict)
    sign: Callable[[bytes], bytes] | None = None


class ScriptedCard:
    """A reader with such a card. one_name_many: whether PINs outlive the selection of another DF (driver's licence).

    lose_after: number of READ BINARY after which contact is lost once.
    """

    name = "scripted"
    atr = b""

    def __init__(
        self,
        folders: dict[bytes, Folder],
        pins: dict[str, tuple[bytes, int]],
        *,
        outlive: bool = False,
        most: int = 256,
        alternatives: dict[int, frozenset[str]] | None = None,
    ) -> None:
        self.folders = folders
        self.values = {name: value for name, (value, _) in pins.items()}
        self.limits = {name: tries for name, (_, tries) in pins.items()}
        self.left = dict(self.limits)
        self.outlive = outlive
        self.most = most
        self.either = alternatives or {}
        self.sent: list[bytes] = []
        self.pins_sent = 0
        self.lose_after: int | None = None
        self.reads = 0
        self.reset()

    def reset(self) -> None:
        self.folder: Folder | None = self.folders.get(MASTER)
        self.file: int | None = None
        self.verified: set[str] = set()

    def close(self) -> None:
        self.reset()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def transmit(self, apdu: bytes) -> bytes:
        self.sent.append(apdu)
        if apdu[1] == 0xB0:
            self.reads += 1
            if self.lose_after is not None and self.reads > self.lose_after:
                self.lose_after = None
                self.reset()
                raise ReaderError("reader.contact_lost", "Contact with the card was lost.", retryable=True)
        return self.answer(apdu)

    def answer(self, apdu: bytes) -> bytes:
        if apdu == bytes.fromhex("00A40000"):
            return self._enter(MASTER)
        match apdu[1]:
            case 0xA4 if apdu[2] == 4:
                return self._enter(apdu[5 : 5 + apdu[4]])
            case 0xA4:
                return self._select(int.from_bytes(apdu[5:7], "big"))
            case 0x20:
                return self._verify(apdu)
            case 0xB0:
                return self._read(apdu)
            case 0xB2:
                content = self.folder.records.get(apdu[3] >> 3) if self.folder else None
                return b"\x6a\x83" if content is None else content + b"\x90\0"
            case 0x2A:
                return self._sign(apdu)
        return b"\x6d\0"

    def _enter(self, aid: bytes) -> bytes:
        if aid not in self.folders:
            return b"\x6a\x82"
        self.folder, self.file = self.folders[aid], None
        if not self.outlive:
            self.verified.clear()
        return b"\x90\0"

    def _select(self, file_id: int) -> bytes:
        if self.folder is None or (file_id not in self.folder.files and file_id not in self.folder.pins):
            return b"\x6a\x82"
        self.file = file_id
        return b"\x90\0"

    def _verify(self, apdu: bytes) -> bytes:
        reference = apdu[3] & 0x1F or self.file or 0
        name = self.folder.pins.get(reference) if self.folder else None
        if name is None:
            return b"\x6a\x82"
        if len(apdu) == 4:
            return bytes((0x63, 0xC0 | self.left[name]))
        self.pins_sent += 1
        if self.left[name] == 0:
            return b"\x69\x84"
        if apdu[5:] == self.values[name]:
            self.left[name] = self.limits[name]
            self.verified.add(name)
            return b"\x90\0"
        self.left[name] -= 1
        return bytes((0x63, 0xC0 | self.left[name]))

    def _read(self, apdu: bytes) -> bytes:
        if self.folder is None:
            return b"\x69\x86"
        if apdu[2] & 0x80:
            file_id, offset = apdu[2] & 0x1F, apdu[3]
            if file_id not in self.folder.files:
                return b"\x6a\x82"
            self.file = file_id
        else:
            offset = int.from_bytes(apdu[2:4], "big")
        if self.file is None or self.file not in self.folder.files:
            return b"\x69\x86"
        need = self.folder.needs.get(self.file, ())
        if not (self.verified.issuperset(need) or (need and need[0] == "any" and self.verified & set(need))):
            return b"\x69\x82"
        content = self.folder.files[self.file]
        if offset >= len(content):
            return b"\x6b\0"
        want = apdu[4] or 256
        if want > self.most:
            return b"\x67\0"
        return content[offset : offset + want] + b"\x90\0"

    def _sign(self, apdu: bytes) -> bytes:
        if self.folder is None or self.folder.sign is None:
            return b"\x69\x85"
        return self.folder.sign(apdu[5 : 5 + apdu[4]]) + b"\x90\0"
