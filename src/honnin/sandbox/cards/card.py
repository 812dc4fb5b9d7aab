"""The emulated chip: a state machine that answers command APDUs from files, keys, PINs and the rules of its layout.

My Number Card sheet, sections 1 to 3 and 11; ISO/IEC 7816-4 where the sheet is silent. Models no timing and no logical
channel but 0 (docs/sandbox-limits.md).
"""

import os
from collections.abc import Callable

from honnin.sandbox.cards.apdu import Command, parse
from honnin.sandbox.cards.counters import PinCounters
from honnin.sandbox.cards.personalise import Chip
from honnin.sandbox.cards.reading import get_challenge, get_data, read_binary, read_record
from honnin.sandbox.cards.security import (
    change_key,
    change_reference_data,
    internal_authenticate,
    set_public_key,
    set_session_key,
    sign_given,
    verify,
)
from honnin.sandbox.cards.selecting import select
from honnin.sandbox.cards.session import Session
from honnin.sandbox.cards.status import (
    CHANNEL_NOT_SUPPORTED,
    CONDITIONS,
    DONE,
    NO_SESSION,
    OBJECTS_MISSING,
    SECURE_MESSAGING_NOT_SUPPORTED,
    UNKNOWN_CLA,
    UNKNOWN_INS,
    WRONG_LENGTH,
    Refusal,
)
from honnin.sandbox.cards.terminals import external_authenticate
from honnin.sandbox.cards.transcript import Exchange, blank

__all__ = ["EmulatedCard"]

Operation = Callable[[Session, Command], bytes]


def _phone_state(session: Session, command: Command) -> bytes:  # noqa: ARG001
    raise Refusal(WRONG_LENGTH)  # the plastic card's answer; what an iPhone answers is not public


def _get_response(session: Session, command: Command) -> bytes:  # noqa: ARG001
    raise Refusal(CONDITIONS)  # nothing waits: every answer goes out whole


WITH_HEADER = 0x0C  # secure messaging that also protects the header: this card has none
MESSAGING = (0x08, WITH_HEADER)
STANDARD, PROPRIETARY = 0x00, 0x80
COMMANDS: dict[int, tuple[int, Operation]] = {
    0x20: (STANDARD, verify),
    0x24: (STANDARD, change_reference_data),
    0x2A: (PROPRIETARY, sign_given),
    0x32: (PROPRIETARY, change_key),
    0x82: (STANDARD, external_authenticate),
    0x84: (STANDARD, get_challenge),
    0x88: (STANDARD, internal_authenticate),
    0xA2: (PROPRIETARY, set_public_key),
    0xA4: (STANDARD, select),
    0xAE: (PROPRIETARY, set_session_key),
    0xB0: (STANDARD, read_binary),
    0xB2: (STANDARD, read_record),
    0xC0: (STANDARD, _get_response),
    0xCA: (STANDARD, get_data),
    0xFC: (PROPRIETARY, _phone_state),
}


class EmulatedCard:
    """One chip in one reader.

    insert: gives the chip as it is now; asked at power-on and at every reset, so that a card that was rewritten at the
        counter shows its new content there.
    counters: the PIN counters of the world.
    record: called with every exchange, PINs blanked (a list's `append` keeps a transcript).
    """

    def __init__(
        self,
        insert: Callable[[], Chip],
        counters: PinCounters,
        *,
        randomness: Callable[[int], bytes] = os.urandom,
        record: Callable[[Exchange], None] | None = None,
    ) -> None:
        self._insert = insert
        self._counters = counters
        self._randomness = randomness
        self._record = record
        self._session = self._power_on()

    @property
    def atr(self) -> bytes:
        """The answer to reset of the interface the chip was put on."""
        return self._session.chip.atr

    def transmit(self, apdu: bytes) -> bytes:
        """Answer one C-APDU: response bytes, then SW1 SW2."""
        response = self._answer(apdu)
        if self._record is not None:
            self._record(blank(apdu, response))
        return response

    def reset(self) -> None:
        """Lose and regain power: no application but the issuer domain, no file, no verified PIN."""
        self._session = self._power_on()

    def close(self) -> None:
        """Take the card out of the reader."""
        self.reset()

    def _power_on(self) -> Session:
        chip = self._insert()
        return Session(chip, self._counters, self._randomness, chip.applications[0])

    def _answer(self, apdu: bytes) -> bytes:
        try:
            command = parse(apdu)
            if command.cla in MESSAGING and self._session.application.delivery_key is not None:
                return self._answer_protected(command)
            return self._operation(command)(self._session, command) + DONE.to_bytes(2)
        except Refusal as refusal:
            return refusal.status.to_bytes(2)

    def _answer_protected(self, command: Command) -> bytes:
        """Answer in the session of the input support application: its answers are hidden, its status words are not."""
        key = self._session.session_key
        if command.cla == WITH_HEADER:
            raise Refusal(OBJECTS_MISSING)
        if key is None:
            raise Refusal(NO_SESSION)
        try:
            inner = key.opened(command)
        except Refusal:
            self._session.session_key = None
            raise
        return key.closed(self._operation(inner)(self._session, inner)) + DONE.to_bytes(2)

    def _operation(self, command: Command) -> Operation:
        _check_class(command.cla)
        if command.ins not in COMMANDS or not self._session.chip.layout.knows(command.ins):
            raise Refusal(UNKNOWN_INS)
        expected_class, operation = COMMANDS[command.ins]
        if command.cla != expected_class:
            raise Refusal(UNKNOWN_CLA)
        return operation


def _check_class(cla: int) -> None:
    """Refuse logical channels, secure messaging and chaining (ISO/IEC 7816-4 section 5.4.1)."""
    if cla & 0xC0 == 0x40:  # channels 4 to 19
        raise Refusal(CHANNEL_NOT_SUPPORTED)
    if cla & 0x60:
        raise Refusal(UNKNOWN_CLA)
    if cla & 0x03:
        raise Refusal(CHANNEL_NOT_SUPPORTED)
    if cla & 0x0C:
        raise Refusal(SECURE_MESSAGING_NOT_SUPPORTED)
    if cla & 0x10:
        raise Refusal(UNKNOWN_CLA)
