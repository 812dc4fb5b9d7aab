"""Emulated chips: they answer APDUs from files, keys, PINs and access rules, in process or over the vpcd protocol.

Written from the reference sheets and ISO/IEC 7816-4 alone; shares no logic with `honnin.chip`, which reads them.
"""

from honnin.sandbox.cards.card import EmulatedCard
from honnin.sandbox.cards.reader import open_emulated

__all__ = ["EmulatedCard", "open_emulated"]
