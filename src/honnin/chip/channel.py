"""The way to one card: sends commands, follows 61xx and 6Cxx (my-number-card sheet §1.2), knows what is selected.

A PIN's verified state survives a PC/SC disconnect while its application stays selected (sheet, fact 11), so whoever
used a card leaves it through `leave`: the issuer domain is selected, and where the card refuses that, or its kind has
none, it is reset.
"""

from honnin.chip.iso7816 import (
    Command,
    RefusalError,
    Response,
    get_response,
    select_application,
    select_file,
    select_master_file,
)
from honnin.chip.readers.reader import Reader
from honnin.chip.transcript import Transcript
from honnin.errors import CardError, ReaderError

__all__ = ["MASTER_FILE", "Channel"]

MASTER_FILE = b""  # what `select` calls the master file, which has no AID
ISSUER_DOMAIN = bytes.fromhex("A0000001510000")  # GlobalPlatform issuer security domain
LONGEST_ANSWER = 65536
MOST_PARTS = 300  # answers that one command may be spread over: 65536 bytes in parts of 256, and some slack


class Channel:
    """A conversation with the card on a reader.

    issuer_domain: whether cards of this kind have one to go back to, which drops what was verified. A licence has none
        and keeps its PINs over every SELECT, so no answer to one is believed: it is reset.
    short_ids: False once a card refused a short file id that it then served by SELECT.
    visit: grows each time an application is entered or lost; what was read in another visit may be another card's.
    contact: grows each time contact was lost or the card left; a state that outlives SELECT ends with it.
    """

    def __init__(self, reader: Reader, transcript: Transcript | None = None, *, issuer_domain: bool = True) -> None:
        self.reader = reader
        self._issuer_domain = issuer_domain
        self.transcript = Transcript() if transcript is None else transcript
        self.short_ids = True
        self.visit = 0
        self.contact = 0
        self._touched = False
        self._application: bytes | None = None
        self._verified: set[int] = set()

    def once(self, command: Command) -> Response:
        """Send one command and return its answer as it is: no follow-up, no repeat."""
        apdu = command.encode()
        self._touched = True
        try:
            response = Response.parse(self.reader.transmit(apdu))
        except ReaderError:
            self.transcript.record(command, None)
            self._forget()
            self.contact += 1
            raise
        self.transcript.record(command, response)
        return response

    def transmit(self, command: Command) -> Response:
        """Send one command; 6Cxx repeats it with the length that the card names, 61xx fetches the rest.

        A command that carries a PIN is sent once and never repeated: a repeat may spend a try.
        Raises CardError `card.endless_answer` when the card never comes to an end.
        """
        response = self.once(command)
        if command.carries_pin:
            return response
        if response.sw >> 8 == 0x6C:
            response = self.once(command.expecting(response.sw & 0xFF or 256))
        collected = response.data
        parts = 0
        while response.sw >> 8 == 0x61:
            response = self.once(get_response(response.sw & 0xFF or 256))
            collected += response.data
            parts += 1
            if not response.data and response.sw >> 8 == 0x61:
                raise _endless()
            if parts > MOST_PARTS or len(collected) > LONGEST_ANSWER:
                raise _endless()
        return Response(collected, response.sw)

    def ask(self, command: Command) -> bytes:
        """Send one command and return its answer's data. Raises RefusalError for any status word but 9000."""
        response = self.transmit(command)
        if not response.done:
            raise RefusalError(command, response.sw)
        return response.data

    def select(self, aid: bytes) -> bool:
        """Make an application current, and tell whether the card has it; nothing is sent when it is current already.

        aid: of the application, or MASTER_FILE.
        Raises RefusalError for an answer that is neither yes (9000, or 6283: there but blocked) nor no (6A82).
        """
        if self._application == aid:
            return True
        self._forget()
        command = select_master_file() if aid == MASTER_FILE else select_application(aid)
        response = self.transmit(command)
        if response.sw in {0x9000, 0x6283}:
            self._application = aid
            return True
        if response.sw == 0x6A82:
            return False
        raise RefusalError(command, response.sw)

    def select_file(self, file_id: int) -> None:
        """Make an elementary file current. Raises RefusalError when the card has none of that id."""
        self.ask(select_file(file_id))

    def note_verified(self, file_id: int) -> None:
        """Remember that the card accepted the PIN of this file in the current application."""
        self._verified.add(file_id)

    def note_unverified(self, file_id: int) -> None:
        """Remember that the card does not hold the PIN of this file for verified."""
        self._verified.discard(file_id)

    def is_verified(self, aid: bytes, file_id: int) -> bool:
        """Tell whether the PIN of a file is verified and its application still current."""
        return self._application == aid and file_id in self._verified

    def reset(self) -> None:
        """Power the card off and on: everything that was verified or selected is gone. Raises ReaderError."""
        self._forget()
        self.contact += 1
        self.reader.reset()
        self._application = MASTER_FILE

    def leave(self) -> None:
        """Give the card back without a verified PIN: select the issuer domain; reset where that fails or there is none.

        Never raises: a card that cannot be reached any more holds no state.
        """
        if not self._touched:
            return
        try:
            if not (self._issuer_domain and self.once(select_application(ISSUER_DOMAIN)).done):
                self.reader.reset()
        except (ReaderError, CardError):
            self._reset_quietly()
        finally:
            self._forget()
            self.contact += 1
            self._touched = False

    def _reset_quietly(self) -> None:
        try:
            self.reader.reset()
        except ReaderError:
            return

    def _forget(self) -> None:
        self.visit += 1
        self._application = None
        self._verified.clear()


def _endless() -> CardError:
    return CardError(
        "card.endless_answer",
        "The card announces more and more data and never ends.",
        next="Take the card off, put it back and try again.",
    )
