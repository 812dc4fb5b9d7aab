"""Emulated chips of residence cards, written from the reference sheet alone; shares no logic with `honnin.chip`."""

from honnin.sandbox.cards.residence_card.chip import EmulatedResidenceCard
from honnin.sandbox.cards.residence_card.specified import EmulatedSpecifiedCard

__all__ = ["EmulatedResidenceCard", "EmulatedSpecifiedCard"]
