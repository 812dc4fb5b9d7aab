"""Residence card and special permanent resident certificate at the counter: the card number opens the chip."""

from collections.abc import Callable
from functools import partial

from honnin.chip import Challenge, Proof, Reading, Trust
from honnin.chip.readers import Reader
from honnin.chip.residence_card import CardNumber, ResidenceCard, ResidenceValues
from honnin.web.counter.documents.asking import Entry
from honnin.web.counter.documents.resuming import persistently
from honnin.web.counter.seen import Field, Seen

__all__ = ["ENTRIES", "look"]

ENTRIES = (Entry("card_number", r"[A-Z]{2}\d{8}[A-Z]{2}", 12, digits=False),)


def look(
    reader: Reader, given: dict[str, str], trust: Trust, challenge: Challenge, progress: Callable[[str, int, int], None]
) -> Seen:
    """Open, read and prove. Raises coded errors of `honnin.errors`."""
    with reader, ResidenceCard(reader, progress=progress) as card:
        reading, proofs = persistently(partial(_read, card, CardNumber(given["card_number"]), challenge, trust))
    values = reading.values
    expires = values.expires.whole if values.expires else None
    return Seen(
        "residence_card",
        tuple(_fields(values)),
        proofs,
        expires=expires,
        kept=given["card_number"][-4:],
        files=reading.files,
    )


def _read(
    card: ResidenceCard, key: CardNumber, challenge: Challenge, trust: Trust
) -> tuple[Reading[ResidenceValues], tuple[Proof, ...]]:
    card.residence.unlock(key)
    return card.residence.read(), card.residence.prove(challenge, trust=trust)


def _fields(values: ResidenceValues) -> list[Field]:
    second = values.name_image is not None
    pictures = (
        ("portrait", "pictures" if second else "portrait", values.portrait),
        ("face_image", "front", values.front_image),
        ("name_image", "pictures", values.name_image),
        ("address_image", "address_image", values.address_image),
    )
    shown = [Field(name, source, image=image) for name, source, image in pictures if image]
    texts = (
        ("card_number", "number", values.card_number),
        ("birth_date", "details", values.birth_date and values.birth_date.iso()),
        ("sex", "details", values.sex),
        ("nationality", "details", values.nationality),
        ("status_of_residence", "details", values.status),
        ("period_of_stay", "details", values.period),
        ("work_permission", "details", values.work_restriction),
        ("expiry_date", "details", values.expires and values.expires.iso()),
        ("later", "address", values.address),
        ("remarks", "comprehensive_permission", values.comprehensive_permission),
        ("remarks", "individual_permission", values.individual_permission),
    )
    return [*shown, *(Field(name, source, text) for name, source, text in texts if text)]
