"""The chip's side of PACE (ICAO Doc 9303-11 §4.4), one protocol: generic, integrated or chip authentication mapping."""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from hashlib import sha1
from hmac import compare_digest

from honnin.sandbox.cards.passport.ciphers import SessionKeys, cbc, checksum, derive, fill
from honnin.sandbox.cards.passport.curves import Group, group
from honnin.sandbox.cards.passport.objects import opened, written
from honnin.sandbox.cards.status import BAD_CONTENT, CONDITIONS, Refusal
from honnin.sandbox.foreign_ministry import der
from honnin.sandbox.foreign_ministry.passports import PaceRule

__all__ = ["Pace", "password"]

WRONG_PASSWORD = 0x6300
CONSTANTS = {
    16: ("a668892a7c41e3ca739f40b057d85904", "a4e136ac725f738b01c1f60217c188ad"),
    32: (
        "d463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676",
        "54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517",
    ),
}


class Step(Enum):
    """What the chip waits for."""

    NONCE, MAPPING, AGREEMENT, TOKEN = range(4)


def password(information: str, can: str, reference: int) -> bytes:
    """Return the shared password K of a reference: 1 for the zone, 2 for the access number."""
    return sha1(information.encode(), usedforsecurity=False).digest() if reference == 1 else can.encode()


class Pace:
    """One run, from MSE:Set AT to the session keys. static: the chip's key (a number), for the CAM."""

    def __init__(self, rule: PaceRule, secret: bytes, randomness: Callable[[int], bytes], static: int) -> None:
        self._rule = rule
        self._cipher = rule.cipher
        self._randomness = randomness
        self._static = static
        self._key = derive(secret, 3, rule.cipher)
        self._group: Group = group(rule.parameter_id)
        self._step = Step.NONCE
        self._nonce = b""
        self._mapping = 0
        self._private = 0
        self._mine = self._theirs = b""
        self._point: tuple[int, int] = (0, 0)

    def answer(self, body: bytes) -> tuple[bytes, SessionKeys | None]:
        """Take one GENERAL AUTHENTICATE; the last one gives the session keys. Raises Refusal."""
        outer = opened(body)
        if len(outer) != 1 or outer[0][0] != 0x7C:
            raise Refusal(BAD_CONTENT)
        given = {tag: value for tag, value, _ in opened(outer[0][1])}
        if self._step is Step.NONCE and not given:
            reply, keys = self._give_nonce(), None
        elif self._step is Step.MAPPING and 0x81 in given:
            reply, keys = self._map(given[0x81]), None
        elif self._step is Step.AGREEMENT and 0x83 in given:
            reply, keys = self._agree(given[0x83]), None
        elif self._step is Step.TOKEN and 0x85 in given:
            reply, keys = self._finish(given[0x85])
        else:
            raise Refusal(CONDITIONS)
        return written(0x7C, reply), keys

    def _give_nonce(self) -> bytes:
        self._nonce = self._randomness(32 if self._cipher in {"aes-192", "aes-256"} else 16)
        self._step = Step.MAPPING
        return written(0x80, cbc(self._cipher, self._key, self._nonce))

    def _map(self, given: bytes) -> bytes:
        self._step = Step.AGREEMENT
        if self._rule.mapping == "im":
            self._group = replace(self._group, base=self._encoded(given))
            return written(0x82, b"")
        plain = self._group
        self._mapping = self._number()
        shared = plain.multiple(self._mapping, plain.take(given))
        base = plain.plus(plain.multiple(int.from_bytes(self._nonce)), shared)
        if base is None:
            raise Refusal(BAD_CONTENT)
        self._group = replace(plain, base=base)
        return written(0x82, plain.write(plain.multiple(self._mapping)))

    def _agree(self, given: bytes) -> bytes:
        self._private = self._number()
        self._theirs = given
        self._mine = self._group.write(self._group.multiple(self._private))
        self._point = self._group.multiple(self._private, self._group.take(given))
        if self._mine == given:
            raise Refusal(BAD_CONTENT)
        self._step = Step.TOKEN
        return written(0x84, self._mine)

    def _finish(self, token: bytes) -> tuple[bytes, SessionKeys]:
        keys = SessionKeys.of(self._point[0].to_bytes(self._group.size), self._cipher)
        if not compare_digest(self._token(keys, self._mine), token):
            raise Refusal(WRONG_PASSWORD)
        reply = written(0x86, self._token(keys, self._theirs))
        if self._rule.mapping == "cam":
            order = self._group.n
            data = pow(self._static, -1, order) * self._mapping % order
            iv = cbc(self._cipher, keys.encryption, b"\xff" * 16)
            hidden = cbc(self._cipher, keys.encryption, fill(data.to_bytes(self._group.size), 16), iv)
            reply += written(0x8A, hidden)
        return reply, keys

    def _token(self, keys: SessionKeys, public: bytes) -> bytes:
        text = written(0x7F49, der.oid(self._rule.protocol) + written(0x86, public))
        return checksum(self._cipher, keys.authentication, fill(text, 8) if self._cipher == "3des" else text)

    def _number(self) -> int:
        return int.from_bytes(self._randomness(self._group.size + 8)) % (self._group.n - 1) + 1

    def _encoded(self, nonce_t: bytes) -> tuple[int, int]:
        """Map both nonces to a point: pseudo-random field element, then a point of the curve."""
        p, a, b = self._group.p, self._group.a, self._group.b
        first, second = (bytes.fromhex(constant) for constant in CONSTANTS[len(self._nonce)])
        if len(nonce_t) != len(self._key):
            raise Refusal(BAD_CONTENT)
        key, stream = cbc(self._cipher, nonce_t, self._nonce)[: len(nonce_t)], b""
        while len(stream) * 8 < p.bit_length() + 64:
            stream += cbc(self._cipher, key, second)
            key = cbc(self._cipher, key, first)[: len(nonce_t)]
        t = int.from_bytes(stream) % p
        alpha = -pow(t, 2, p) % p
        x = -b * pow(a, -1, p) * (1 + pow(alpha + alpha**2, -1, p)) % p
        for candidate in (x, alpha * x % p):
            square = (candidate**3 + a * candidate + b) % p
            root = pow(square, (p + 1) // 4, p)
            if root * root % p == square:
                return candidate, root  # or its negative: only x coordinates are shared
        raise Refusal(BAD_CONTENT)
