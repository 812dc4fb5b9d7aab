"""One PIN of a card: tries left, verify, change (my-number-card sheet §1.2, §1.3, §2).

The order that no caller can change: format, tries left, and only then the PIN, once. A card that does not say how
many tries are left gets no PIN.
"""

from honnin.chip.channel import Channel
from honnin.chip.document import Tries
from honnin.chip.iso7816 import BLOCKED, RefusalError, change_reference_data, tries_in, verify
from honnin.chip.pins import PinRule
from honnin.errors import PinError

__all__ = ["PinFile"]

CURRENT_FILE = 0x80
# What a card may answer to a short file id that it does not know; a SELECT of the file settles it.
NO_SHORT_ID = frozenset({0x6A80, 0x6A81, 0x6A82, 0x6A86, 0x6A88, 0x6981, 0x6985, 0x6986, 0x6B00})


class PinFile:
    """A PIN of the application that `select` makes current.

    name: what people and results call it; aid: its application; rule: its format and files.
    """

    def __init__(self, channel: Channel, name: str, aid: bytes, rule: PinRule) -> None:
        self.name = name
        self._channel = channel
        self._aid = aid
        self._rule = rule

    @property
    def verified(self) -> bool:
        """Tell whether the card holds this PIN for verified."""
        return self._channel.is_verified(self._aid, self._rule.file)

    def tries(self) -> Tries:
        """Return the tries left, without spending one; the application must be current."""
        tries, _ = self._query(short=self._channel.short_ids)
        return tries

    def verify(self, value: bytes, *, allow_last_try: bool = False) -> None:
        """Give the card the PIN, as `check_format` returned it, after the tries left were judged.

        Raises PinError `card.pin_locked`, `card.pin_last_try`, `card.tries_unknown` (nothing was sent),
        `card.pin_wrong`, `card.pin_locked` (one try was spent).
        """
        reference = self._ready(short=self._channel.short_ids, allow_last_try=allow_last_try)
        self._send(reference, value)

    def change(self, old: bytes, new: bytes, *, allow_last_try: bool = False) -> None:
        """Verify the old PIN and set the new one; both are as `check_format` returned them.

        CHANGE knows no short file id (sheet §1.2), so the file is selected first.
        """
        reference = self._ready(short=False, allow_last_try=allow_last_try)
        self._send(reference, old)
        command = change_reference_data(reference, new)
        response = self._channel.transmit(command)
        if not response.done:
            raise RefusalError(command, response.sw)

    def _ready(self, *, short: bool, allow_last_try: bool) -> int:
        """Return the reference to verify against, or raise when no PIN may be sent."""
        tries, reference = self._query(short=short)
        if tries.left is None:  # 9000: someone verified this PIN before us, and the card hides its counter
            self._channel.leave()
            self._channel.select(self._aid)
            tries, reference = self._query(short=short)
        if tries.left is None:
            raise PinError(
                "card.tries_unknown",
                f"The card does not say how many tries the PIN of {self.name} has left, so it was not sent.",
                next="Take the card off, put it back and try again.",
            )
        if tries.left == 0:
            raise self._locked()
        if tries.left == 1 and not allow_last_try:
            raise PinError(
                "card.pin_last_try",
                f"The PIN of {self.name} has one try left; it was not sent.",
                next="Make sure of the PIN, then ask for the last try on purpose.",
                tries_left=1,
                pin=self.name,
            )
        return reference

    def _query(self, *, short: bool) -> tuple[Tries, int]:
        if short:
            reference = CURRENT_FILE | self._rule.file
            response = self._channel.transmit(verify(reference))
            if response.sw not in NO_SHORT_ID:
                return self._judged(response.sw, reference), reference
        self._channel.select_file(self._rule.file)
        response = self._channel.transmit(verify(CURRENT_FILE))
        tries = self._judged(response.sw, CURRENT_FILE)
        if short:
            self._channel.short_ids = False
        return tries, CURRENT_FILE

    def _judged(self, sw: int, reference: int) -> Tries:
        left = 0 if sw in BLOCKED else tries_in(sw)
        if left is None and sw not in {0x9000, 0x6300}:
            raise RefusalError(verify(reference), sw)
        return Tries(name=self.name, left=left, of=self._rule.tries)

    def _send(self, reference: int, value: bytes) -> None:
        command = verify(reference, value)
        self._channel.note_unverified(self._rule.file)
        response = self._channel.transmit(command)
        if response.done:
            self._channel.note_verified(self._rule.file)
            return
        left = tries_in(response.sw)
        if response.sw in BLOCKED or left == 0:
            raise self._locked()
        if left is None and response.sw != 0x6300:
            raise RefusalError(command, response.sw)
        raise PinError(
            "card.pin_wrong",
            f"The PIN of {self.name} is wrong; {_tries(left)} left.",
            next="Try again with the right PIN; a correct entry gives all tries back.",
            tries_left=left,
            pin=self.name,
        )

    def _locked(self) -> PinError:
        if self._rule.released_by == "police":
            return PinError(
                "licence.pin_locked",
                f"The PIN of {self.name} is locked.",
                next="It is unlocked at a licence centre or a police station.",
                tries_left=0,
                pin=self.name,
            )
        if self._rule.released_by == "municipality_number":
            return PinError(
                "card.number_locked",
                f"The {self.name.replace('_', ' ')} is locked; this is a lock of its own beside those of the PINs.",
                next="It is unlocked at the counter of the municipality; use another key meanwhile.",
                tries_left=0,
                pin=self.name,
            )
        return PinError(
            "card.pin_locked",
            f"The PIN of {self.name} is locked.",
            next="It is unlocked at the counter of the municipality.",
            tries_left=0,
            pin=self.name,
        )


def _tries(left: int | None) -> str:
    if left is None:
        return "an unknown number of tries is"
    return "1 try is" if left == 1 else f"{left} tries are"
