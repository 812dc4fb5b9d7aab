"""READ BINARY, READ RECORD, GET DATA and GET CHALLENGE (ISO/IEC 7816-4; My Number Card sheet, sections 1.2, 3.6)."""

from honnin.sandbox.cards.apdu import Command
from honnin.sandbox.cards.layout import File, Reading, Records, Transparent
from honnin.sandbox.cards.session import Session
from honnin.sandbox.cards.status import (
    CONDITIONS,
    NO_CURRENT_FILE,
    NOT_FOR_THIS_FILE,
    NOT_FOUND,
    PAST_END,
    RECORD_NOT_FOUND,
    REFERENCE_NOT_FOUND,
    SECURITY_STATUS,
    WRONG_LE,
    WRONG_LENGTH,
    WRONG_P1_P2,
    Refusal,
)

__all__ = ["get_challenge", "get_data", "read_binary", "read_record"]

SHORT_ANSWER = 256  # the most that an answer to a short command gives
UNWRITTEN = b"\xff" * 16  # what a file reads as that nothing was written to


def read_binary(session: Session, command: Command) -> bytes:
    """Read part of a transparent file: the current one, or one named by short identifier, which becomes current."""
    file: File | None
    if command.p1 & 0x80:
        file = _by_short_identifier(session, command.p1 & 0x7F)
        offset = command.p2
    else:
        file = session.file
        offset = command.p1 << 8 | command.p2
    if file is None:
        raise Refusal(NO_CURRENT_FILE)
    if not isinstance(file, Transparent):
        raise Refusal(NOT_FOR_THIS_FILE)
    _check_access(session, file.read_rule(phone=session.chip.phone), file.read_also)
    if command.body or command.le is None:
        raise Refusal(WRONG_LENGTH)
    content = session.chip.contents.get(file.content or "", UNWRITTEN)
    if offset >= len(content):
        raise Refusal(PAST_END)
    return content[offset : offset + min(command.le, session.chip.layout.most_read)]


def read_record(session: Session, command: Command) -> bytes:
    """Read one record (P2 ends in 100), or all from one on (101)."""
    number, how = command.p2 >> 3, command.p2 & 0x07
    if how not in {4, 5} or command.p1 == 0:
        raise Refusal(WRONG_P1_P2)
    file = _by_short_identifier(session, number) if number else session.file
    if file is None:
        raise Refusal(NO_CURRENT_FILE)
    if not isinstance(file, Records):
        raise Refusal(NOT_FOR_THIS_FILE)
    _check_access(session, file.read)
    if command.body or command.le is None:
        raise Refusal(WRONG_LENGTH)
    named = file.contents[command.p1 - 1 : None if how == 5 else command.p1]
    records = [session.chip.contents[name] for name in named if name in session.chip.contents]
    if not records:
        raise Refusal(RECORD_NOT_FOUND)
    return b"".join(records)[: command.le]


def get_data(session: Session, command: Command) -> bytes:
    """Return a data object of the current application; too short an Le is answered with the right one."""
    name = session.application.objects.get(f"{command.p1:02X}{command.p2:02X}")
    content = session.chip.contents.get(name) if name else None
    if content is None:
        raise Refusal(REFERENCE_NOT_FOUND)
    if command.body or command.le is None or (len(content) > SHORT_ANSWER and not command.extended):
        raise Refusal(WRONG_LENGTH)
    if command.le < len(content):
        raise Refusal(WRONG_LE | len(content) & 0xFF)
    return content


def get_challenge(session: Session, command: Command) -> bytes:
    """Return exactly Le random bytes, 1 to 256."""
    if command.p1 or command.p2:
        raise Refusal(WRONG_P1_P2)
    if command.body or command.le is None:
        raise Refusal(WRONG_LENGTH)
    if command.extended:
        raise Refusal(CONDITIONS)
    session.challenge = session.randomness(command.le)
    return session.challenge


def _by_short_identifier(session: Session, number: int) -> File:
    if not 1 <= number <= 0x1E:
        raise Refusal(WRONG_P1_P2)
    file = session.application.by_short_identifier(number)
    if file is None:
        raise Refusal(NOT_FOUND)
    session.file = file
    return file


def _check_access(session: Session, rule: Reading, also: tuple[str, ...] = ()) -> None:
    if not session.may(rule, also):
        raise Refusal(SECURITY_STATUS)
