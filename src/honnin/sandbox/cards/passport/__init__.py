"""An emulated passport chip, written from ICAO Doc 9303-10 and -11 alone; shares no logic with `honnin.chip`."""

from honnin.sandbox.cards.passport.chip import EmulatedPassport

__all__ = ["EmulatedPassport"]
