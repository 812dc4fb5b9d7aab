"""ISO/IEC 7816-4: command and response APDUs, short and extended lengths (§5.2), status words (§5.6).

Pure encoding and reading of bytes; sending, 61xx and 6Cxx are `honnin.chip.channel`. Logical channels other than 0 and
secure messaging are not done here.
"""

from dataclasses import dataclass, field
from typing import Final

from honnin.errors import CardError, ReaderError

__all__ = [
    "BLOCKED",
    "DONE",
    "END_OF_FILE",
    "Command",
    "RefusalError",
    "Response",
    "change_reference_data",
    "compute_digital_signature",
    "get_response",
    "read_binary",
    "read_binary_by_short_id",
    "select_application",
    "select_file",
    "select_master_file",
    "tries_in",
    "verify",
]

DONE: Final = 0x9000
END_OF_FILE: Final = 0x6282  # warning: the file ended before Le bytes (§7.2.3)
BLOCKED: Final = frozenset({0x6983, 0x6984})  # 6984 is what the My Number Card answers, 6983 what ISO names

SHORT_DATA = 255
SHORT_LE = 256
LONGEST_DATA = 65535
LONGEST_LE = 65536

VERIFY = 0x20
CHANGE = 0x24
CHANGE_KEY = 0x32
SIGN = 0x2A
INTERNAL_AUTHENTICATE = 0x88
PIN_INSTRUCTIONS = frozenset({VERIFY, CHANGE, CHANGE_KEY})
SIGNING_INSTRUCTIONS = frozenset({SIGN, INTERNAL_AUTHENTICATE})


@dataclass(frozen=True, slots=True)
class Command:
    """A command APDU.

    data: the command data field, 0 to 65535 bytes, never shown by `repr`.
    le: how many answer bytes are expected, 1 to 65536; 0 when none are.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = field(default=b"", repr=False)
    le: int = 0

    @property
    def header(self) -> bytes:
        """CLA INS P1 P2."""
        return bytes((self.cla, self.ins, self.p1, self.p2))

    @property
    def carries_pin(self) -> bool:
        """Tell whether an automatic repeat of this command could spend a try."""
        return self.ins in PIN_INSTRUCTIONS

    @property
    def carries_secret(self) -> bool:
        """Tell whether the data field must not be written down: a PIN, or what a key signs."""
        return self.carries_pin or self.ins in SIGNING_INSTRUCTIONS

    def encode(self) -> bytes:
        """Return the bytes on the wire: short when both lengths allow it, extended otherwise (§5.2, cases 1 to 4)."""
        if len(self.data) > LONGEST_DATA or self.le > LONGEST_LE:
            raise CardError("card.command_too_long", "A command or its expected answer is longer than an APDU can be.")
        if len(self.data) <= SHORT_DATA and self.le <= SHORT_LE:
            body = bytes((len(self.data),)) + self.data if self.data else b""
            end = bytes((self.le % SHORT_LE,)) if self.le else b""
            return self.header + body + end
        body = b"\0" + len(self.data).to_bytes(2, "big") + self.data if self.data else b""
        end = (self.le % LONGEST_LE).to_bytes(2, "big") if self.le else b""
        return self.header + body + (b"\0" + end if end and not self.data else end)

    def expecting(self, le: int) -> "Command":
        """Return the same command with another expected length."""
        return Command(self.cla, self.ins, self.p1, self.p2, self.data, le)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: data field and status word."""

    data: bytes = field(repr=False)
    sw: int

    @classmethod
    def parse(cls, answer: bytes) -> "Response":
        """Split data ‖ SW1 SW2. Raises ReaderError `reader.answer_malformed` for an answer no APDU can have."""
        if not 2 <= len(answer) <= LONGEST_LE + 2:
            raise ReaderError(
                "reader.answer_malformed",
                f"The reader gave an answer of {len(answer)} bytes; an answer has 2 to {LONGEST_LE + 2}.",
                next="Take the card off, put it back and try again; if it stays so, use another reader.",
                retryable=True,
            )
        return cls(answer[:-2], int.from_bytes(answer[-2:], "big"))

    @property
    def done(self) -> bool:
        """Tell whether the card did what was asked."""
        return self.sw == DONE


class RefusalError(CardError):
    """A status word that ends what was asked; `sw` is that word, `header` the command's first four bytes."""

    def __init__(self, command: Command, sw: int) -> None:
        header = command.header.hex(" ").upper()
        super().__init__(
            "card.refused",
            f"The card answered {sw:04X} to {header}.",
            next="Take the card off, put it back and try again.",
        )
        self.sw = sw
        self.header = command.header


def tries_in(sw: int) -> int | None:
    """Return x of a status word 63Cx, else None."""
    return sw & 0xF if sw & 0xFFF0 == 0x63C0 else None


def select_application(aid: bytes) -> Command:
    """SELECT by DF name without answer data: `00 A4 04 0C Lc AID`."""
    return Command(0x00, 0xA4, 0x04, 0x0C, aid)


def select_file(file_id: int) -> Command:
    """SELECT an elementary file under the current application: `00 A4 02 0C 02 hh ll`."""
    return Command(0x00, 0xA4, 0x02, 0x0C, file_id.to_bytes(2, "big"))


def select_master_file() -> Command:
    """SELECT the master file: `00 A4 00 00`, four bytes (other-documents sheet §1)."""
    return Command(0x00, 0xA4, 0x00, 0x00)


def read_binary(offset: int, le: int) -> Command:
    """READ BINARY of the current file from a 15-bit offset."""
    return Command(0x00, 0xB0, offset >> 8 & 0x7F, offset & 0xFF, le=le)


def read_binary_by_short_id(short_id: int, le: int) -> Command:
    """READ BINARY from offset 0 of a file named by its short id (01 to 1E), which selects the file."""
    return Command(0x00, 0xB0, 0x80 | short_id, 0x00, le=le)


def verify(reference: int, pin: bytes = b"") -> Command:
    """VERIFY against P2 `reference`; without a PIN the four-byte query of the tries left."""
    return Command(0x00, VERIFY, 0x00, reference, pin)


def change_reference_data(reference: int, new_pin: bytes) -> Command:
    """CHANGE REFERENCE DATA with the new PIN alone (P1 01); the old one was verified just before."""
    return Command(0x00, CHANGE, 0x01, reference, new_pin)


def compute_digital_signature(reference: int, signed: bytes, le: int = SHORT_LE) -> Command:
    """Sign the data field as given (P1 00) with the private key named by P2 `reference`: `80 2A 00 P2 Lc … Le`."""
    return Command(0x80, SIGN, 0x00, reference, signed, le)


def get_response(le: int) -> Command:
    """GET RESPONSE, the follow-up of a 61xx."""
    return Command(0x00, 0xC0, 0x00, 0x00, le=le)
