"""The chip's side of secure messaging (ICAO Doc 9303-11 §9.8): opens protected commands, protects answers."""

import hmac
from dataclasses import replace

from honnin.sandbox.cards.apdu import Command
from honnin.sandbox.cards.passport.ciphers import SessionKeys, block_of, cbc, checksum, fill, strip
from honnin.sandbox.cards.passport.objects import opened, written
from honnin.sandbox.cards.status import OBJECTS_MISSING, OBJECTS_WRONG, Refusal

__all__ = ["SecureSession"]


class SecureSession:
    """The keys of one session and its counter, which rises before each command and before each answer."""

    def __init__(self, keys: SessionKeys, counter: int) -> None:
        self._keys = keys
        self._counter = counter
        self._block = block_of(keys.cipher)

    def take(self, command: Command) -> Command:
        """Return what a protected command means. Raises Refusal 6987 or 6988."""
        self._counter += 1
        try:
            objects = opened(command.body)
        except Refusal:
            raise Refusal(OBJECTS_WRONG) from None
        if not objects or objects[-1][0] != 0x8E:
            raise Refusal(OBJECTS_MISSING)
        header = bytes((command.cla, command.ins, command.p1, command.p2))
        covered = self._count() + fill(header, self._block)
        before = b"".join(raw for _, _, raw in objects[:-1])
        if before:
            covered = fill(covered + before, self._block)
        if not hmac.compare_digest(checksum(self._keys.cipher, self._keys.authentication, covered), objects[-1][1]):
            raise Refusal(OBJECTS_WRONG)
        body, le = b"", None
        for tag, value, _ in objects[:-1]:
            if tag == 0x87 and value[:1] == b"\x01" and not command.ins & 1:
                body = self._decrypted(value[1:])
            elif tag == 0x85 and command.ins & 1:
                body = self._decrypted(value)
            elif tag == 0x97 and len(value) in {1, 2}:
                le = int.from_bytes(value) or (256 if len(value) == 1 else 65536)
            else:
                raise Refusal(OBJECTS_WRONG)
        return replace(command, cla=command.cla & ~0x0C, body=body, le=le)

    def give(self, content: bytes, status: int, *, odd: bool) -> bytes:
        """Return the protected answer: data objects and status word."""
        self._counter += 1
        objects = b""
        if content:
            hidden = cbc(self._keys.cipher, self._keys.encryption, fill(content, self._block), self._iv())
            objects = written(0x85, hidden) if odd else written(0x87, b"\x01" + hidden)
        objects += written(0x99, status.to_bytes(2))
        covered = fill(self._count() + objects, self._block)
        objects += written(0x8E, checksum(self._keys.cipher, self._keys.authentication, covered))
        return objects + status.to_bytes(2)

    def _decrypted(self, hidden: bytes) -> bytes:
        if not hidden or len(hidden) % self._block:
            raise Refusal(OBJECTS_WRONG)
        try:
            return strip(cbc(self._keys.cipher, self._keys.encryption, hidden, self._iv(), decrypt=True))
        except ValueError:
            raise Refusal(OBJECTS_WRONG) from None

    def _count(self) -> bytes:
        return (self._counter % (1 << 8 * self._block)).to_bytes(self._block)

    def _iv(self) -> bytes:
        if self._keys.cipher == "3des":
            return bytes(8)
        return cbc(self._keys.cipher, self._keys.encryption, self._count())
