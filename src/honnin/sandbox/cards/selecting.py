"""SELECT (ISO/IEC 7816-4 section 11.2.2; My Number Card sheet, sections 1.2, 2 and 11.2)."""

from honnin.sandbox.cards.apdu import Command
from honnin.sandbox.cards.session import Session
from honnin.sandbox.cards.status import NOT_FOUND, WRONG_LENGTH, WRONG_P1_P2, Refusal

__all__ = ["select"]

BY_NAME, BY_FILE, BY_IDENTIFIER = 0x04, 0x02, 0x00
ANSWERS = (0x00, 0x0C)  # with or without file information wished for: there is none
MASTER_FILE = (b"", b"\x3f\x00")
SHORTEST_AID, LONGEST_AID = 5, 16


def select(session: Session, command: Command) -> bytes:
    """Select an application by AID or its beginning, an elementary file, or the master file (nothing where none is)."""
    if command.p2 not in ANSWERS:
        raise Refusal(WRONG_P1_P2)
    if command.p1 == BY_NAME:
        _application(session, command.body)
    elif command.p1 == BY_FILE:
        _file(session, command.body)
    elif command.p1 == BY_IDENTIFIER:
        _master_file(session, command.body)
    else:
        raise Refusal(WRONG_P1_P2)
    return b""


def _application(session: Session, aid: bytes) -> None:
    if not aid or len(aid) > LONGEST_AID:
        raise Refusal(WRONG_LENGTH)
    for application in session.chip.applications:
        if len(aid) >= SHORTEST_AID and application.identifier.startswith(aid):
            session.enter(application)
            return
    raise Refusal(NOT_FOUND)


def _file(session: Session, identifier: bytes) -> None:
    if len(identifier) != 2:
        raise Refusal(WRONG_LENGTH)
    file = session.application.by_identifier(identifier)
    if file is None:
        raise Refusal(NOT_FOUND)
    session.file = file


def _master_file(session: Session, identifier: bytes) -> None:
    if session.chip.layout.master_file and identifier in MASTER_FILE:
        session.enter(session.chip.applications[0])
        return
    if identifier:
        raise Refusal(NOT_FOUND)
    if session.application == session.chip.applications[0]:  # as after power-on
        raise Refusal(WRONG_P1_P2)
