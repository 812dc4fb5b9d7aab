"""Secure messaging (ICAO Doc 9303-11 §9.8): protecting a command, checking and opening an answer.

    protected, ssc = protect(apdu, keys, ssc)
    data, sw, ssc  = unprotect(answer, keys, ssc)

The counter that goes in is the one before the message; it is raised by one inside and comes back. 8 bytes of counter
mean 3DES, 16 bytes AES. Data objects: 87 (85 for odd instructions) cryptogram, 97 Le, 99 status word, 8E MAC.
"""

from collections.abc import Sequence
from dataclasses import replace
from hmac import compare_digest
from typing import Final, NamedTuple

from honnin.chip.icao9303.ciphers import Suite, pad, suite_of_counter, unpad
from honnin.chip.icao9303.tlv import elements, encode
from honnin.chip.iso7816 import Command
from honnin.errors import CardError, FormatError, InputError

__all__ = ["Protected", "SecureMessagingError", "Unprotected", "parse_command", "protect", "unprotect"]

CRYPTOGRAM, ODD_CRYPTOGRAM, LE, STATUS, MAC = 0x87, 0x85, 0x97, 0x99, 0x8E
PADDED: Final = b"\x01"  # padding indicator: method 2
SECURE_CLA: Final = 0x0C


class SecureMessagingError(CardError):
    """An answer that is not protected as it must be. sw: the plain status word that came with it.

    The session is over: its keys must not be used again.
    """

    def __init__(self, why: str, sw: int) -> None:
        super().__init__(
            "passport.session_broken",
            f"The protected session with the chip is broken: {why}.",
            next="Place the document again and unlock it anew.",
            retryable=True,
        )
        self.sw = sw


class Protected(NamedTuple):
    """A protected command APDU, and the counter that was used for it."""

    apdu: bytes
    ssc: bytes


class Unprotected(NamedTuple):
    """An answer's data and status word as the chip protected them, and the counter that was used."""

    data: bytes
    sw: int
    ssc: bytes

    def __repr__(self) -> str:
        return f"Unprotected({len(self.data)} bytes, {self.sw:04X})"


def protect(apdu: bytes | Command, keys: Sequence[bytes], ssc: bytes) -> Protected:
    """Return the protected form of a command, and the raised counter.

    apdu: plain command, short or extended. keys: (k_enc, k_mac). ssc: the counter before this command.
    Raises InputError `passport.command_malformed`, `passport.counter_length`.
    """
    command = apdu if isinstance(apdu, Command) else parse_command(apdu)
    k_enc, k_mac = keys[0], keys[1]
    chosen = suite_of_counter(k_enc, ssc)
    ssc = _next(ssc)
    marked = Command(command.cla | SECURE_CLA, command.ins, command.p1, command.p2)
    body = b""
    if command.data:
        encrypted = chosen.encrypt(k_enc, pad(command.data, chosen.block), chosen.iv(k_enc, ssc))
        odd = command.ins & 1
        body += encode(ODD_CRYPTOGRAM, encrypted) if odd else encode(CRYPTOGRAM, PADDED + encrypted)
    if command.le:
        body += encode(LE, _le(command.le, wide=len(command.data) > 255))
    # The header fills a whole block of its own; without data objects nothing more follows it (§9.8.4).
    signed = ssc + pad(marked.header, chosen.block)
    mac = chosen.mac(k_mac, pad(signed + body, chosen.block) if body else signed)
    body += encode(MAC, mac)
    extended = len(body) > 255 or command.le > 256
    return Protected(replace(marked, data=body, le=65536 if extended else 256).encode(), ssc)


def unprotect(answer: bytes, keys: Sequence[bytes], ssc: bytes) -> Unprotected:
    """Check an answer's MAC, open its cryptogram and return data, status word and the raised counter.

    answer: as it came: data objects ‖ SW1 SW2. ssc: the counter before this answer, that is after its command.
    Raises SecureMessagingError `passport.session_broken`: plain answer, wrong MAC, wrong or doubled data objects, a
    status word that differs from the protected one.
    """
    k_enc, k_mac = keys[0], keys[1]
    chosen = suite_of_counter(k_enc, ssc)
    ssc = _next(ssc)
    if len(answer) < 2:
        raise SecureMessagingError("the answer has no status word", 0)
    body, sw = answer[:-2], int.from_bytes(answer[-2:], "big")
    if not body:
        raise SecureMessagingError(f"the chip answered {sw:04X} without protection", sw)
    try:
        objects, covered = _objects(body)
        if not compare_digest(chosen.mac(k_mac, pad(ssc + covered, chosen.block)), objects[MAC]):
            raise SecureMessagingError("the answer's MAC is wrong", sw)
        if objects[STATUS] != answer[-2:]:
            raise SecureMessagingError("the protected status word is another one", sw)
        return Unprotected(_opened(objects, chosen, k_enc, ssc), sw, ssc)
    except FormatError as error:
        raise SecureMessagingError(error.message.rstrip(".").lower(), sw) from None


def parse_command(apdu: bytes) -> Command:
    """Read a command APDU (ISO/IEC 7816-4 §5.2). Raises InputError `passport.command_malformed`."""
    rest = apdu[4:]
    if len(apdu) >= 4:
        plain = Command(apdu[0], apdu[1], apdu[2], apdu[3])
        if not rest:
            return plain
        if len(rest) == 1:
            return plain.expecting(rest[0] or 256)
        wide = rest[0] == 0 and len(rest) >= 3
        first = 3 if wide else 1
        length = int.from_bytes(rest[:first], "big")
        if wide and len(rest) == 3:
            return plain.expecting(length or 65536)
        data, le = rest[first : first + length], rest[first + length :]
        if length and len(data) == length and len(le) in {0, 2 if wide else 1}:
            expected = (int.from_bytes(le, "big") or (65536 if wide else 256)) if le else 0
            return replace(plain, data=data, le=expected)
    raise InputError("passport.command_malformed", "These bytes are no command APDU.")


def _objects(body: bytes) -> tuple[dict[int, bytes], bytes]:
    """Return the data objects by tag, and the bytes before the MAC, which it covers."""
    found: dict[int, bytes] = {}
    covered = 0
    for element in elements(body):
        if element.tag in found or element.tag not in {CRYPTOGRAM, ODD_CRYPTOGRAM, STATUS, MAC} or MAC in found:
            raise FormatError("chip.object_malformed", "Its data objects are not those of a protected answer.")
        found[element.tag] = element.value
        if element.tag != MAC:
            covered = element.end
    if MAC not in found or STATUS not in found or (CRYPTOGRAM in found and ODD_CRYPTOGRAM in found):
        raise FormatError("chip.object_malformed", "It lacks the status word or the MAC.")
    return found, body[:covered]


def _opened(objects: dict[int, bytes], chosen: Suite, k_enc: bytes, ssc: bytes) -> bytes:
    encrypted = objects.get(ODD_CRYPTOGRAM)
    if encrypted is None:
        marked = objects.get(CRYPTOGRAM)
        if marked is None:
            return b""
        if marked[:1] != PADDED:
            raise FormatError("passport.padding_malformed", "The cryptogram's padding indicator is unknown.")
        encrypted = marked[1:]
    return unpad(chosen.decrypt(k_enc, encrypted, chosen.iv(k_enc, ssc)))


def _le(le: int, *, wide: bool) -> bytes:
    """Return the content of data object 97: one byte for a short Le, two for an extended one."""
    if le > 256 or wide:
        return (le % 65536).to_bytes(2, "big")
    return bytes((le % 256,))


def _next(ssc: bytes) -> bytes:
    return ((int.from_bytes(ssc, "big") + 1) % (1 << 8 * len(ssc))).to_bytes(len(ssc), "big")
