"""Which document lies on a reader, told by application identifiers and never by the ATR.

A card may carry several applications (a My Number Card with a licence); the document is the card. The reader is reset
afterwards, so that nothing stays selected.
"""

from collections.abc import Callable
from typing import Final, Literal

from honnin.chip.document import Detection
from honnin.chip.readers.reader import Reader
from honnin.errors import CardError

__all__ = ["DOCUMENTS", "Document", "detect_document"]

Document = Literal["my_number_card", "drivers_licence", "residence_card", "passport"]
DOCUMENTS: Final[tuple[Document, ...]] = ("my_number_card", "drivers_licence", "residence_card", "passport")


def detect_document(reader: Reader) -> Document:
    """Return the document on a reader. Raises CardError `card.document_unknown`, ReaderError."""
    from honnin.chip.channel import Channel
    from honnin.chip.drivers_licence.application import LicenceApplication
    from honnin.chip.my_number_card.card_face import CardFaceApplication
    from honnin.chip.my_number_card.jpki import JpkiApplication
    from honnin.chip.passport.application import PassportApplication
    from honnin.chip.protected_reader import ProtectedReader
    from honnin.chip.residence_card.application import ResidenceApplication

    wire = ProtectedReader(reader)
    channel = Channel(wire)
    asked: tuple[tuple[Document, Callable[[], Detection]], ...] = (
        ("my_number_card", JpkiApplication(channel).detect),
        ("my_number_card", CardFaceApplication(channel).detect),
        ("drivers_licence", LicenceApplication(channel).detect),
        ("residence_card", ResidenceApplication(channel).detect),
        ("passport", PassportApplication(channel, wire).detect),
    )
    try:
        for document, detect in asked:
            try:
                if detect().present:
                    return document
            except CardError:
                continue
    finally:
        channel.leave()
    raise CardError(
        "card.document_unknown",
        "No application on this chip is known here.",
        next="Put one of these on the reader: My Number Card, driver's licence, residence card, passport.",
    )
