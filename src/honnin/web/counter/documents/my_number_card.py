"""The My Number Card at the counter: verification number B opens the card face, and nothing of the individual number.

Expiry date and security code stand on the chip under no signature and stay grey. Kept of it are the eight digits of
number B without the birth date, as the official app keeps them (digital-agency-apis sheet §6.1).
"""

from collections.abc import Callable

from honnin.chip import Challenge, MyNumberCard, Trust
from honnin.chip.my_number_card import NumberB
from honnin.chip.my_number_card.card_face import Face
from honnin.chip.readers import Reader
from honnin.web.counter.documents.asking import Entry
from honnin.web.counter.seen import Field, Seen

__all__ = ["ENTRIES", "look"]

ENTRIES = (
    Entry("printed_birth_date", r"\d{6}", 6),
    Entry("expiry_year", r"20\d\d", 4),
    Entry("security_code", r"\d{4}", 4, by="customer"),
)


def look(
    reader: Reader, given: dict[str, str], trust: Trust, challenge: Challenge, progress: Callable[[str, int, int], None]
) -> Seen:
    """Open, read and prove. Raises coded errors of `honnin.errors`."""
    key = NumberB.of(given["printed_birth_date"], given["expiry_year"], given["security_code"])
    kept = f"{given['expiry_year']}{given['security_code']}"
    with reader, MyNumberCard(reader, progress=progress) as card:
        card.card_face.unlock(key)
        reading = card.card_face.read("face", "certificate")
        proofs = card.card_face.prove(challenge, trust=trust)
    face = reading.values.face
    fields = tuple(_fields(face)) if face else ()
    expires = face.expiry_date.whole if face and face.expiry_date else None
    return Seen("my_number_card", fields, proofs, expires=expires, kept=kept, files=reading.files)


def _fields(face: Face) -> list[Field]:
    shown = [
        Field("portrait", "portrait", image=face.portrait, media_type="image/jp2"),
        Field("name_image", "name_image", image=face.name_image, media_type="image/png"),
        Field("address_image", "address_image", image=face.address_image, media_type="image/png"),
    ]
    if face.security_code_image:
        shown.append(Field("security_code_image", "security_code_image", image=face.security_code_image))
    shown += [Field("birth_date", "birth_date", face.birth_date.iso()), Field("sex", "sex", face.sex)]
    if face.expiry_date:
        shown.append(Field("expiry_date", "expiry_date", face.expiry_date.iso()))
    return shown
