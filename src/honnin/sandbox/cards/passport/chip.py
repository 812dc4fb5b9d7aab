"""The passport's chip as a state machine: files, access control, secure messaging, authentication of the chip.

ICAO Doc 9303-10 §3 and -11. Models no timing and no Terminal Authentication; DG3 and DG4 do not exist.
"""

import os
from collections.abc import Callable
from hashlib import sha1

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key

from honnin.sandbox.cards.apdu import Command, parse
from honnin.sandbox.cards.held import contactless_atr
from honnin.sandbox.cards.passport.authenticating import active_signature, agree
from honnin.sandbox.cards.passport.ciphers import SessionKeys, cbc, checksum, derive, fill
from honnin.sandbox.cards.passport.messaging import SecureSession
from honnin.sandbox.cards.passport.objects import opened, written
from honnin.sandbox.cards.passport.pace import Pace, password
from honnin.sandbox.cards.status import (
    BAD_CONTENT,
    CONDITIONS,
    DONE,
    NO_CURRENT_FILE,
    NOT_FOUND,
    PAST_END,
    REFERENCE_NOT_FOUND,
    SECURITY_STATUS,
    UNKNOWN_CLA,
    UNKNOWN_INS,
    WRONG_LENGTH,
    WRONG_P1_P2,
    Refusal,
)
from honnin.sandbox.cards.transcript import Exchange, blank
from honnin.sandbox.foreign_ministry.passports import IssuedPassport
from honnin.sandbox.foreign_ministry.zone import check_digit

__all__ = ["EmulatedPassport"]

AID = bytes.fromhex("A0000002471001")
ATR = contactless_atr(b"JPNTEST\0")  # application data of the sandbox
CARD_ACCESS, CARD_SECURITY = 0x011C, 0x011D
WRONG_KEY = 0x6300


class EmulatedPassport:
    """One passport in one reader. insert: gives the chip's content, asked at every power-on."""

    def __init__(
        self,
        insert: Callable[[], IssuedPassport],
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
        self._session: SecureSession | None = None
        self._next: SecureSession | None = None
        self._in_application = False
        self._file: int | None = None
        self._by_pace = False
        self._challenge = b""
        self._pace: Pace | None = None
        self._agreeing = False

    def close(self) -> None:
        """Take the passport off the reader."""
        self.reset()

    def transmit(self, apdu: bytes) -> bytes:
        """Answer one C-APDU: response bytes, then SW1 SW2."""
        response = self._answer(apdu)
        if self._record is not None:
            self._record(blank(apdu, response))
        return response

    def _answer(self, apdu: bytes) -> bytes:
        try:
            command = self._parsed(apdu)
            if command.cla & 0x0C == 0x0C:
                return self._answer_protected(command)
        except Refusal as refusal:
            self._session = None
            return refusal.status.to_bytes(2)
        if self._session is not None:  # a plain command ends the session
            self.reset()
        return self._run(command, lambda content, status: content + status.to_bytes(2))

    def _parsed(self, apdu: bytes) -> Command:
        command = parse(apdu)
        if command.extended and not self._chip.profile.extended:
            raise Refusal(WRONG_LENGTH)
        return command

    def _answer_protected(self, command: Command) -> bytes:
        session = self._session
        if session is None:
            raise Refusal(0x6882)
        inner = session.take(command)
        answer = self._run(inner, lambda content, status: session.give(content, status, odd=bool(command.ins & 1)))
        if self._next is not None:
            self._session, self._next = self._next, None
        return answer

    def _run(self, command: Command, wrap: Callable[[bytes, int], bytes]) -> bytes:
        try:
            return wrap(self._operation(command)(command), DONE)
        except Refusal as refusal:
            return wrap(b"", refusal.status)

    def _operation(self, command: Command) -> Callable[[Command], bytes]:
        operations = {
            0x22: self._manage,
            0x82: self._external_authenticate,
            0x84: self._get_challenge,
            0x86: self._general_authenticate,
            0x88: self._internal_authenticate,
            0xA4: self._select,
            0xB0: self._read,
            0xB1: self._read_far,
        }
        if command.cla & ~0x10 or (command.cla and command.ins != 0x86):
            raise Refusal(UNKNOWN_CLA)
        if command.ins not in operations:
            raise Refusal(UNKNOWN_INS)
        return operations[command.ins]

    # --- files

    def _select(self, command: Command) -> bytes:
        if command.p1 == 0x04:
            if not command.body or not AID.startswith(command.body):
                raise Refusal(NOT_FOUND)
            if not self._chip.profile.bac and self._session is None:
                raise Refusal(SECURITY_STATUS)
            self._in_application, self._file = True, None
        elif command.p1 == 0x00 and command.body in {b"", bytes.fromhex("3F00")}:
            self._in_application, self._file = False, None
        elif command.p1 == 0x02 and len(command.body) == 2:
            self._open(int.from_bytes(command.body))
        else:
            raise Refusal(WRONG_P1_P2)
        return b""

    def _open(self, number: int) -> None:
        if self._content(number) is None:
            raise Refusal(NOT_FOUND)
        if number != CARD_ACCESS and self._session is None:
            raise Refusal(SECURITY_STATUS)
        self._file = number

    def _content(self, number: int) -> bytes | None:
        if self._in_application:
            return self._chip.files.get(number)
        return {CARD_ACCESS: self._chip.card_access, CARD_SECURITY: self._chip.card_security}.get(number)

    def _read(self, command: Command) -> bytes:
        offset = command.p1 << 8 | command.p2
        if command.p1 & 0x80:
            self._open(0x0100 | command.p1 & 0x1F)
            offset = command.p2
        if command.body or command.le is None:
            raise Refusal(WRONG_LENGTH)
        return self._part(offset, command.le)

    def _read_far(self, command: Command) -> bytes:
        objects = opened(command.body)
        if (command.p1, command.p2) != (0, 0) or len(objects) != 1 or objects[0][0] != 0x54 or command.le is None:
            raise Refusal(BAD_CONTENT)
        part = self._part(int.from_bytes(objects[0][1]), max(command.le - 4, 1))
        return written(0x53, part)

    def _part(self, offset: int, length: int) -> bytes:
        content = None if self._file is None else self._content(self._file)
        if content is None:
            raise Refusal(NO_CURRENT_FILE)
        if self._file != CARD_ACCESS and self._session is None:
            raise Refusal(SECURITY_STATUS)
        if length > self._chip.profile.most_read and length != 256:
            raise Refusal(WRONG_LENGTH)
        if offset >= len(content):
            raise Refusal(PAST_END)
        return content[offset : offset + min(length, self._chip.profile.most_read)]

    # --- access

    def _information(self) -> str:
        fields = (self._chip.number.ljust(9, "<"), self._chip.birth, self._chip.expiry)
        return "".join(f"{field}{check_digit(field)}" for field in fields)

    def _get_challenge(self, command: Command) -> bytes:
        if not self._chip.profile.bac or not self._in_application or self._session is not None:
            raise Refusal(REFERENCE_NOT_FOUND)
        if command.le != 8:
            raise Refusal(WRONG_LENGTH)
        self._challenge = self._randomness(8)
        return self._challenge

    def _external_authenticate(self, command: Command) -> bytes:
        challenge, self._challenge = self._challenge, b""
        if not self._chip.profile.bac:
            raise Refusal(REFERENCE_NOT_FOUND)
        if not challenge or self._session is not None:
            raise Refusal(CONDITIONS)
        if len(command.body) != 40:
            raise Refusal(WRONG_LENGTH)
        seed = sha1(self._information().encode(), usedforsecurity=False).digest()[:16]
        encryption, authentication = derive(seed, 1, "3des"), derive(seed, 2, "3des")
        hidden, mac = command.body[:32], command.body[32:]
        text = cbc("3des", encryption, hidden, decrypt=True)
        if checksum("3des", authentication, fill(hidden, 8)) != mac or text[8:16] != challenge:
            raise Refusal(WRONG_KEY)
        mine = self._randomness(16)
        reply = cbc("3des", encryption, challenge + text[:8] + mine)
        secret = bytes(a ^ b for a, b in zip(text[16:], mine, strict=True))
        counter = int.from_bytes(challenge[4:] + text[4:8])
        self._session = SecureSession(SessionKeys.of(secret, "3des"), counter)
        return reply + checksum("3des", authentication, fill(reply, 8))

    def _manage(self, command: Command) -> bytes:
        given = {tag: value for tag, value, _ in opened(command.body)}
        how = command.p1 << 8 | command.p2
        if how == 0xC1A4 and self._chip.profile.pace is not None and self._session is None:
            self._begin_pace(given)
        elif how in {0x41A6, 0x41A4} and self._chip.profile.chip and self._session is not None:
            self._begin_agreement(how, given)
        else:
            raise Refusal(REFERENCE_NOT_FOUND)
        return b""

    def _begin_pace(self, given: dict[int, bytes]) -> None:
        rule = self._chip.profile.pace
        if rule is None or written(0x06, given.get(0x80, b"")) != _protocol(rule.protocol):
            raise Refusal(BAD_CONTENT)
        reference = int.from_bytes(given.get(0x83, b""))
        if reference not in {1, 2}:
            raise Refusal(REFERENCE_NOT_FOUND)
        secret = password(self._information(), self._chip.can, reference)
        self._pace = Pace(rule, secret, self._randomness, self._static())

    def _begin_agreement(self, how: int, given: dict[int, bytes]) -> None:
        cipher = self._chip.profile.chip
        if how == 0x41A6 and cipher == "3des" and 0x91 in given:
            self._next = self._agreed(given[0x91])
        elif how == 0x41A4 and cipher != "3des" and 0x80 in given:
            self._agreeing = True
        else:
            raise Refusal(BAD_CONTENT)

    def _general_authenticate(self, command: Command) -> bytes:
        if self._agreeing and self._session is not None:
            self._agreeing = False
            return self._general_agreement(command)
        if self._pace is None:
            raise Refusal(CONDITIONS)
        try:
            reply, keys = self._pace.answer(command.body)
        except Refusal:
            self._pace = None
            raise
        if keys is not None:
            self._pace, self._by_pace = None, True
            self._session = SecureSession(keys, 0)
        return reply

    def _general_agreement(self, command: Command) -> bytes:
        outer = opened(command.body)
        given = {tag: value for tag, value, _ in opened(outer[0][1])} if outer and outer[0][0] == 0x7C else {}
        if 0x80 not in given:
            raise Refusal(BAD_CONTENT)
        self._next = self._agreed(given[0x80])
        return written(0x7C, b"")

    def _agreed(self, public: bytes) -> SecureSession:
        number = self._chip.profile.pace.parameter_id if self._chip.profile.pace else 13
        return SecureSession(agree(number, self._static(), public, self._chip.profile.chip or "3des"), 0)

    def _static(self) -> int:
        if self._chip.chip_key is None:
            return 0
        key = load_der_private_key(self._chip.chip_key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101
        return key.private_numbers().private_value

    def _internal_authenticate(self, command: Command) -> bytes:
        if self._chip.active_key is None:
            raise Refusal(UNKNOWN_INS)
        if self._session is None:
            raise Refusal(SECURITY_STATUS)
        if len(command.body) != 8 or command.le is None:
            raise Refusal(WRONG_LENGTH)
        return active_signature(self._chip.active_key, command.body, self._randomness)


def _protocol(dotted: str) -> bytes:
    from honnin.sandbox.foreign_ministry import der

    return der.oid(dotted)
