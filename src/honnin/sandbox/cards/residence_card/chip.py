"""The residence card's chip as a state machine: mutual authentication by the card number, messaging, files.

Other-documents sheet, sections 4.1 to 4.4. First generation: two-key 3DES and retail MAC; second: AES and CMAC. The key
is the number on the card, there is no counter and no lock. On a My Number Card (`specified`) a session key takes the
place of the mutual authentication.
"""

import os
from collections.abc import Callable
from hashlib import sha1
from hmac import compare_digest

from honnin.sandbox.cards.apdu import Command, parse
from honnin.sandbox.cards.held import contactless_atr
from honnin.sandbox.cards.passport.ciphers import block_of, cbc, checksum, fill, strip
from honnin.sandbox.cards.passport.objects import opened, written
from honnin.sandbox.cards.session_key import SessionKey, accept
from honnin.sandbox.cards.status import (
    CONDITIONS,
    DONE,
    NO_CURRENT_FILE,
    NOT_FOUND,
    OBJECTS_WRONG,
    PAST_END,
    SECURE_MESSAGING_NOT_SUPPORTED,
    SECURITY_STATUS,
    UNKNOWN_CLA,
    UNKNOWN_INS,
    WRONG_LENGTH,
    WRONG_P1_P2,
    Refusal,
)
from honnin.sandbox.cards.transcript import Exchange, blank
from honnin.sandbox.immigration.residence_cards import IssuedResidenceCard

__all__ = ["AIDS", "EmulatedResidenceCard"]

AIDS = {bytes.fromhex(f"D392F0004F0{n}" + "0" * 20): f"df{n - 1}" for n in (1, 2, 3, 4)}
APPLICATION = "df0"  # 在留AP, of a specified card only
ATR = contactless_atr(b"JPNTZAIR")  # application data of the sandbox
WRONG_NUMBER = 0x6300
PROTECTED = 0x08
UNREADABLE_PLAIN = "df1"  # its files are given under messaging alone
SHORT = 256


class EmulatedResidenceCard:
    """One card in one reader. insert: gives the chip's content, asked at every power-on."""

    def __init__(
        self,
        insert: Callable[[], IssuedResidenceCard],
        *,
        randomness: Callable[[int], bytes] = os.urandom,
        record: Callable[[Exchange], None] | None = None,
    ) -> None:
        self._insert = insert
        self._randomness = randomness
        self._record = record
        self.reset()

    @property
    def atr(self) -> bytes:
        """The answer to reset that a reader makes up for a contactless chip."""
        return ATR

    def reset(self) -> None:
        """Lose and regain power."""
        self._chip = self._insert()
        self._cipher = "3des" if self._chip.kind.endswith("-1") else "aes-128"
        self._application = "mf"
        self._file: str | None = None
        self._challenge = b""
        self._key: bytes | None = None
        self._counted: SessionKey | None = None
        self._verified = False

    def close(self) -> None:
        """Take the card off the reader."""
        self.reset()

    def transmit(self, apdu: bytes) -> bytes:
        """Answer one C-APDU: response bytes, then SW1 SW2."""
        try:
            response = self._answer(parse(apdu)) + DONE.to_bytes(2)
        except Refusal as refusal:
            response = refusal.status.to_bytes(2)
        if self._record is not None:
            self._record(blank(apdu, response))
        return response

    def _answer(self, command: Command) -> bytes:
        if command.cla == PROTECTED and command.ins in {0x20, 0xB0}:
            return self._protected(command)
        operations = {
            (0x00, 0x82): self._authenticate,
            (0x00, 0x84): self._get_challenge,
            (0x00, 0xA4): self._select,
            (0x00, 0xB0): self._read_plain,
            (0x80, 0xAE): self._set_session_key,
        }
        operation = operations.get((command.cla, command.ins))
        if operation is not None:
            return operation(command)
        if command.ins not in {ins for _, ins in operations} | {0x20}:
            raise Refusal(UNKNOWN_INS)
        raise Refusal(SECURE_MESSAGING_NOT_SUPPORTED if command.cla & 0x0C else UNKNOWN_CLA)

    # --- selecting and reading

    def _select(self, command: Command) -> bytes:
        if command.p1 == 0x04 and command.p2 in {0x00, 0x0C}:
            application = AIDS.get(command.body)
            if application is None or (application == APPLICATION and self._chip.delivery_key is None):
                raise Refusal(NOT_FOUND)
            self._application, self._file = "mf" if application == APPLICATION else application, None
        elif command.p1 == 0x00 and command.body in {b"", b"\x3f\x00"}:
            self._application, self._file = "mf", None
        elif command.p1 == 0x02:
            raise Refusal(NOT_FOUND)  # elementary files have short identifiers alone
        else:
            raise Refusal(WRONG_P1_P2)
        return b""

    def _read_plain(self, command: Command) -> bytes:
        if command.body or command.le is None:
            raise Refusal(WRONG_LENGTH)
        offset = self._open(command)
        if self._application == UNREADABLE_PLAIN or (self._application != "mf" and not self._verified):
            raise Refusal(SECURITY_STATUS)
        return self._part(offset, command.le if command.extended else min(command.le, SHORT))

    def _open(self, command: Command) -> int:
        """Make the file current that P1 names by short identifier, and return the offset."""
        if command.p1 & 0x80:
            if command.p1 & 0x60:
                raise Refusal(WRONG_P1_P2)
            name = f"{self._application}/{command.p1 & 0x1F}"
            if name not in self._chip.files:
                raise Refusal(NOT_FOUND)
            self._file = name
            return command.p2
        if self._file is None:
            raise Refusal(NO_CURRENT_FILE)
        return command.p1 << 8 | command.p2

    def _part(self, offset: int, length: int) -> bytes:
        content = self._chip.files[self._file or ""]
        if offset >= len(content):
            raise Refusal(PAST_END)
        return content[offset : offset + length]

    # --- authentication

    def _get_challenge(self, command: Command) -> bytes:
        if command.p1 or command.p2:
            raise Refusal(WRONG_P1_P2)
        if command.le != 8 or command.body:
            raise Refusal(WRONG_LENGTH)
        self._challenge = self._randomness(8)
        return self._challenge

    def _authenticate(self, command: Command) -> bytes:
        challenge, self._challenge = self._challenge, b""
        if command.p1 or command.p2:
            raise Refusal(WRONG_P1_P2)
        if not challenge or self._chip.delivery_key is not None:
            raise Refusal(CONDITIONS)
        if len(command.body) != 40 or command.le is None:
            raise Refusal(WRONG_LENGTH)
        key = sha1(self._chip.number.encode(), usedforsecurity=False).digest()[:16]
        hidden, mac = command.body[:32], command.body[32:]
        text = cbc(self._cipher, key, hidden, decrypt=True)
        if not compare_digest(self._mac(key, hidden), mac) or text[8:16] != challenge:
            raise Refusal(WRONG_NUMBER)
        mine = self._randomness(16)
        reply = cbc(self._cipher, key, challenge + text[:8] + mine)
        secret = bytes(a ^ b for a, b in zip(text[16:], mine, strict=True))
        self._key = sha1(secret + bytes((0, 0, 0, 1)), usedforsecurity=False).digest()[:16]
        self._verified = False
        return reply + self._mac(key, reply)

    def _mac(self, key: bytes, octets: bytes) -> bytes:
        return checksum(self._cipher, key, fill(octets, 8) if self._cipher == "3des" else octets)

    def _set_session_key(self, command: Command) -> bytes:
        if self._chip.delivery_key is None:
            raise Refusal(UNKNOWN_INS)
        if command.p1 or command.p2:
            raise Refusal(WRONG_P1_P2)
        if len(command.body) != 256:
            raise Refusal(WRONG_LENGTH)
        self._counted, self._verified = accept(self._chip.delivery_key, command.body), False
        return b""

    # --- messaging

    def _protected(self, command: Command) -> bytes:
        """Answer VERIFY or READ BINARY under the session: the content hidden, no MAC in either direction."""
        if self._counted is not None:
            try:
                inner = self._counted.opened(command)
            except Refusal:
                self._counted = None
                raise
            if command.ins == 0x20:
                return self._verify(command, inner.body)
            return self._counted.closed(self._read_hidden(command, (inner.le or 0) % 65536))
        if self._key is None:
            raise Refusal(SECURITY_STATUS)
        tag, value = _object(command.body)
        if command.ins == 0x20 and tag == 0x86 and value[:1] == b"\x01":
            return self._verify(command, self._opened(self._key, value[1:]))
        if command.ins == 0xB0 and tag == 0x96 and len(value) == 2 and command.le is not None:
            content = self._read_hidden(command, int.from_bytes(value))
            filled = fill(content, block_of(self._cipher))
            return written(0x86, b"\x01" + cbc(self._cipher, self._key, filled))
        raise Refusal(OBJECTS_WRONG)

    def _opened(self, key: bytes, hidden: bytes) -> bytes:
        if not hidden or len(hidden) % block_of(self._cipher):
            raise Refusal(OBJECTS_WRONG)
        try:
            return strip(cbc(self._cipher, key, hidden, decrypt=True))
        except ValueError:
            raise Refusal(OBJECTS_WRONG) from None

    def _verify(self, command: Command, number: bytes) -> bytes:
        if (command.p1, command.p2) != (0x00, 0x86):
            raise Refusal(WRONG_P1_P2)
        self._verified = compare_digest(number, self._chip.number.encode())
        if not self._verified:
            raise Refusal(WRONG_NUMBER)
        return b""

    def _read_hidden(self, command: Command, length: int) -> bytes:
        offset = self._open(command)
        if not self._verified and self._application != "mf":
            raise Refusal(SECURITY_STATUS)
        return self._part(offset, length or 65536)


def _object(body: bytes) -> tuple[int, bytes]:
    """Return tag and value of the only object of a command. Raises Refusal 6988."""
    try:
        objects = opened(body)
    except Refusal:
        raise Refusal(OBJECTS_WRONG) from None
    if len(objects) != 1:
        raise Refusal(OBJECTS_WRONG)
    return objects[0][0], objects[0][1]
