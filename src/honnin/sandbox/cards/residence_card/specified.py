"""特定在留カード: a residence card's application beside those of a My Number Card, in one chip.

Its official messaging is not public in full (other-documents sheet, section 4.4), so nobody carries one unless asked
for: `emulated:anna/residence_card:specified-card`.
"""

from honnin.sandbox.cards.held import HeldChip
from honnin.sandbox.cards.residence_card.chip import AIDS

__all__ = ["EmulatedSpecifiedCard"]

SELECT_BY_NAME = bytes.fromhex("00A404")


class EmulatedSpecifiedCard:
    """One chip of two parts; which of them answers is decided by the last SELECT of an application."""

    def __init__(self, card: HeldChip, residence: HeldChip) -> None:
        self._card = card
        self._residence = residence
        self._current = card

    @property
    def atr(self) -> bytes:
        """The answer to reset of the My Number Card."""
        return self._card.atr

    def transmit(self, apdu: bytes) -> bytes:
        """Answer one C-APDU: response bytes, then SW1 SW2."""
        if apdu[:3] == SELECT_BY_NAME and len(apdu) > 5:
            aid = apdu[5 : 5 + apdu[4]]
            chosen = self._residence if aid in AIDS else self._card
            if chosen is not self._current:
                self._current.reset()
                self._current = chosen
        return self._current.transmit(apdu)

    def reset(self) -> None:
        """Lose and regain power."""
        self._card.reset()
        self._residence.reset()
        self._current = self._card

    def close(self) -> None:
        """Take the card off the reader."""
        self._card.close()
        self._residence.close()
