"""Residence card and special permanent resident certificate at the counter: the card number opens the chip."""

from collections.abc import Callable
from functools import partial

from honnin.chip import Challenge, Proof, Reading, Trust
from honnin.chip.readers import Reader
from honnin.chip.residence_card import CardNumber, ResidenceCard, ResidenceValues
from honnin.identity.dates import PartialDate
from honnin.web.counter.documents.asking import Entry
from honnin.web.counter.documents.resuming import persistently
from honnin.web.counter.seen import Field, Form, Seen

__all__ = ["ENTRIES", "look"]

ENTRIES = (Entry("card_number", r"[A-Z]{2}\d{8}[A-Z]{2}", 12, digits=False),)


def look(
    reader: Reader, given: dict[str, str], trust: Trust, challenge: Challenge, progress: Callable[[str, int, int], None]
) -> Seen:
    """Open, read and prove. Raises coded errors of `honnin.errors`.

    A card on a My Number Card (特定在留カード) is read where the trust holds the key of its sessions: in a test
    environment, as a trial.
    """
    delivery_key = next((key.spki for key in trust.keys if key.use == "residence_card_delivery"), None)
    with reader, ResidenceCard(reader, progress=progress, delivery_key=delivery_key) as card:
        reading, proofs = persistently(partial(_read, card, CardNumber(given["card_number"]), challenge, trust))
    values = reading.values
    expires = values.expires.whole if values.expires else None
    return Seen(
        "residence_card",
        tuple(_fields(values)),
        proofs,
        expires=expires,
        kind=f"residence_{values.kind}" if values.kind else "",
        kept=given["card_number"][-4:],
        files=reading.files,
    )


def _read(
    card: ResidenceCard, key: CardNumber, challenge: Challenge, trust: Trust
) -> tuple[Reading[ResidenceValues], tuple[Proof, ...]]:
    card.residence.unlock(key)
    return card.residence.read(), card.residence.prove(challenge, trust=trust)


def _fields(values: ResidenceValues) -> list[Field]:
    """Return the fields, those on the card's front first and in its order."""
    second = values.name_image is not None
    fields = [
        _picture("portrait", "pictures" if second else "portrait", values.portrait),
        _picture("face_image", "front", values.front_image),
        _text("card_number", "number", values.card_number),
        _picture("name_image", "pictures", values.name_image),
        _date("birth_date", "details", values.birth_date),
        _text("sex", "details", values.sex, "sex"),
        _text("nationality", "details", values.nationality, "country"),
        _picture("address_image", "address_image", values.address_image),
        _text("status_of_residence", "details", values.status, "code"),
        _text("work_permission", "details", values.work_restriction, "code"),
        _text("period_of_stay", "details", values.period, "period"),
        _date("period_expires", "details", values.period_expires),
        _text("permission_type", "details", values.permission_type, "code"),
        _date("permission_date", "details", values.permission_date),
        _date("expiry_date", "details", values.expires),
        _text("later_address", "address", values.address, since=values.address_date),
        *_permissions(values, second=second),
        _flag("pending", values.pending),
        _flag("note", values.note),
    ]
    return [field for field in fields if field is not None]


def _permissions(values: ResidenceValues, *, second: bool) -> tuple[Field | None, ...]:
    """Return the permissions: words on the first generation, codes in one file on the second."""
    form: Form = "code" if second else "text"
    until = values.comprehensive_permission_expires
    return (
        _text(
            "comprehensive_permission",
            "permissions" if second else "comprehensive_permission",
            values.comprehensive_permission,
            form,
        ),
        _date("comprehensive_permission_expires", "permissions", until),
        _text(
            "individual_permission",
            "permissions" if second else "individual_permission",
            values.individual_permission,
            form,
        ),
    )


def _picture(name: str, source: str, image: bytes | None) -> Field | None:
    return Field(name, source, image=image) if image and image.strip(b"\0") else None


def _text(
    name: str, source: str, text: str | None, form: Form = "text", *, since: PartialDate | None = None
) -> Field | None:
    return Field(name, source, text, form=form, since=since.iso() if since else "") if text else None


def _date(name: str, source: str, day: PartialDate | None) -> Field | None:
    return Field(name, source, day.iso(), form="date") if day else None


def _flag(name: str, value: bool | None) -> Field | None:
    return None if value is None else Field(name, name, "yes" if value else "no", form="code")
