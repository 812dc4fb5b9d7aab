"""`honnin card read --part`: the My Number Card's other applications, each opened by its own key, one a line.

The individual number is read where --part individual_number says so, and only then.
"""

from datetime import date
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from honnin.chip import Proof, Reader, Reading, Trust
    from honnin.cli.pin_entry import PinEntry

__all__ = ["PARTS", "read_parts"]

PARTS: Final = ("card_face", "age", "four_items", "individual_number", "drivers_licence")


def read_parts(
    parts: tuple[str, ...], reader: "Reader", entry: "PinEntry", trust: "Trust", *, last_try: bool
) -> "tuple[list[tuple[Reading[Any], tuple[Proof, ...]]], date | None]":
    """Unlock, read and prove each part in the order given; the day of expiry is the card's own word, unsigned."""
    from honnin.chip import BirthDateKey, Challenge, MyNumberCard, NumberB, Pin
    from honnin.chip.my_number_card.gate import ORDINARY, Data

    entitled: frozenset[Data] = frozenset({"individual_number"} if "individual_number" in parts else ())
    allow = ORDINARY | entitled
    challenge = Challenge.fresh("card read", "honnin")
    readings: list[tuple[Reading[Any], tuple[Proof, ...]]] = []
    expires: date | None = None
    with MyNumberCard(reader, allow=allow) as card:
        for part in parts:
            application: Any = card.card_face
            if part == "card_face":
                key: Any = NumberB(entry.ask("Verification number B: birth date, expiry year, security code"))
            elif part == "age":
                key = BirthDateKey(entry.ask("Birth date as YYMMDD, year of the era"))
            elif part == "drivers_licence":
                application, key = card.drivers_licence, Pin(part, entry.ask("PIN of the licence on the card"))
            else:
                application, key = card.input_support, Pin("input_support", entry.ask("PIN of input support"))
            application.unlock(key, allow_last_try=last_try)
            names = {"card_face": ("face",), "age": ("age",), "four_items": ("four_items",)}.get(part, ())
            reading = application.read(*(names or (("number", "four_items") if part == "individual_number" else ())))
            readings.append((reading, application.prove(challenge, trust=trust)))
            until = getattr(getattr(reading.values, "face", None), "expiry_date", None)
            expires = (until.whole if until else None) or expires
    return readings, expires
