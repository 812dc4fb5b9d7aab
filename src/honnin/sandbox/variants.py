"""Which kinds and forgeries the sandbox makes of each document (docs/sandbox-documents.md)."""

from honnin.sandbox.foreign_ministry.passports import variants as of_passports
from honnin.sandbox.immigration import residence_cards
from honnin.sandbox.jlis import card_files
from honnin.sandbox.police import licences

__all__ = ["variants"]


def variants() -> dict[str, tuple[str, ...]]:
    """Return the words that may stand behind the colon of an emulated document, by document."""
    return {
        "my_number_card": card_files.FAULTS,
        "drivers_licence": licences.FAULTS,
        "residence_card": (*residence_cards.KINDS, *residence_cards.FAULTS),
        "passport": of_passports(),
    }
