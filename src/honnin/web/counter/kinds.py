"""The documents that the counter reads, and the purposes for which it does."""

from collections.abc import Callable
from dataclasses import dataclass

from honnin.chip import Challenge, Trust
from honnin.chip.readers import Reader
from honnin.web.counter.documents import drivers_licence, my_number_card, passport, residence_card
from honnin.web.counter.documents.asking import Entry
from honnin.web.counter.seen import Seen

__all__ = ["DOCUMENTS", "PURPOSES", "Document"]

Look = Callable[[Reader, dict[str, str], Trust, Challenge, Callable[[str, int, int], None]], Seen]

# purpose: the law that demands a full verification record, None where only time and the short number are kept
PURPOSES: dict[str, str | None] = {
    "account_opening": "aml",
    "phone_contract": "mobile_phone",
    "second_hand_purchase": "second_hand",
    "municipal_counter": None,
    "age_check": None,
    "other": None,
}


@dataclass(frozen=True, slots=True)
class Document:
    """A document: what its form asks for, and how its chip is looked at."""

    entries: tuple[Entry, ...]
    look: Look


DOCUMENTS: dict[str, Document] = {
    "my_number_card": Document(my_number_card.ENTRIES, my_number_card.look),
    "drivers_licence": Document(drivers_licence.ENTRIES, drivers_licence.look),
    "residence_card": Document(residence_card.ENTRIES, residence_card.look),
    "passport": Document(passport.ENTRIES, passport.look),
}
