"""Readers, APDU, and one module per document, all of one shape: detect, tries, unlock, read, prove.

    with open_reader("emulated:hanako") as reader, MyNumberCard(reader) as card:
        card.jpki.unlock(Pin("signature", pin))
        certificate = card.jpki.certificate("signature")
        made = card.jpki.sign("signature", digest)

The shape stands in `honnin.chip.document`; a document's own page of facts in its folder's `profile.json`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honnin.chip.document import Challenge as Challenge
    from honnin.chip.document import Detection as Detection
    from honnin.chip.document import Pin as Pin
    from honnin.chip.document import Proof as Proof
    from honnin.chip.document import RawFile as RawFile
    from honnin.chip.document import Reading as Reading
    from honnin.chip.document import Tries as Tries
    from honnin.chip.document import Trust as Trust
    from honnin.chip.document import TrustedKey as TrustedKey
    from honnin.chip.document import Unlocking as Unlocking
    from honnin.chip.drivers_licence import DriversLicence as DriversLicence
    from honnin.chip.my_number_card import BirthDateKey as BirthDateKey
    from honnin.chip.my_number_card import MyNumberCard as MyNumberCard
    from honnin.chip.my_number_card import NumberA as NumberA
    from honnin.chip.my_number_card import NumberB as NumberB
    from honnin.chip.passport import CanKey as CanKey
    from honnin.chip.passport import MrzKey as MrzKey
    from honnin.chip.passport import Passport as Passport
    from honnin.chip.readers import Reader as Reader
    from honnin.chip.readers import ReaderStatus as ReaderStatus
    from honnin.chip.readers import list_readers as list_readers
    from honnin.chip.readers import open_reader as open_reader
    from honnin.chip.residence_card import CardNumber as CardNumber
    from honnin.chip.residence_card import ResidenceCard as ResidenceCard
    from honnin.chip.transcript import Transcript as Transcript

_HOME = {
    "BirthDateKey": "my_number_card",
    "CanKey": "passport",
    "CardNumber": "residence_card",
    "Challenge": "document",
    "Detection": "document",
    "DriversLicence": "drivers_licence",
    "MrzKey": "passport",
    "MyNumberCard": "my_number_card",
    "NumberA": "my_number_card",
    "NumberB": "my_number_card",
    "Passport": "passport",
    "Pin": "document",
    "Proof": "document",
    "RawFile": "document",
    "Reader": "readers",
    "ReaderStatus": "readers",
    "Reading": "document",
    "ResidenceCard": "residence_card",
    "Transcript": "transcript",
    "Tries": "document",
    "Trust": "document",
    "TrustedKey": "document",
    "Unlocking": "document",
    "list_readers": "readers",
    "open_reader": "readers",
}
__all__ = tuple(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
