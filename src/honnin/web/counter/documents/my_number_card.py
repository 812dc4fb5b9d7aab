"""The My Number Card at the counter: verification number B opens the card face, and nothing of the individual number.

Expiry date and security code stand on the chip under no signature and stay grey. Kept of it are the eight digits of
number B without the birth date, as the official app keeps them (digital-agency-apis sheet §6.1).

Where the individual number itself is the purpose (番号法), a number typed by hand opens the card face as verification
number A: the chip says whether it is this card's. Nothing of that number is kept.

A licence on the card (マイナ免許証) is read where the customer keys in its own PIN.

The card face does not tell whether the card was reported lost. With the customer's consent and PIN, one of the JPKI
keys signs a message of this visit, which the platform then judges like any other: path, time and revocation.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from honnin.chip import Challenge, MyNumberCard, NumberA, NumberB, Pin, Proof, RawFile, Reading, Trust
from honnin.chip.my_number_card import Purpose
from honnin.chip.my_number_card.card_face import CardFaceValues, Face
from honnin.chip.my_number_card.gate import ORDINARY, Data
from honnin.chip.readers import Reader
from honnin.errors import CardError, PinError
from honnin.web.counter.documents.asking import Entry, last_try_of
from honnin.web.counter.documents.licence_fields import licence_fields
from honnin.web.counter.documents.resuming import persistently
from honnin.web.counter.seen import Field, Seen, Signed, Standing, tries_in

__all__ = ["ENTRIES", "NUMBER_ENTRIES", "look"]

LICENCE_ENTRY = Entry("licence_pin", r"\d{4}", 4, by="customer", optional=True)
STANDING_ENTRIES = (
    Entry("jpki_consent", "YES", 3, optional=True, choice=True),
    Entry("jpki_pin", r"\d{4}|[A-Z0-9]{6,16}", 16, by="customer", digits=False, optional=True, needs="jpki_consent"),
)
ENTRIES = (
    Entry("printed_birth_date", r"\d{6}", 6),
    Entry("expiry_year", r"20\d\d", 4),
    Entry("security_code", r"\d{4}", 4, by="either"),
    LICENCE_ENTRY,
    *STANDING_ENTRIES,
)
NUMBER_ENTRIES = (Entry("individual_number", r"\d{12}", 12, secret=True), *STANDING_ENTRIES)


def look(
    reader: Reader, given: dict[str, str], trust: Trust, challenge: Challenge, progress: Callable[[str, int, int], None]
) -> Seen:
    """Open, read and prove. Raises coded errors of `honnin.errors`."""
    by_number = "individual_number" in given
    key: NumberA | NumberB
    if by_number:
        key, kept = NumberA.of(given["individual_number"]), ""
    else:
        key = NumberB.of(given["printed_birth_date"], given["expiry_year"], given["security_code"])
        kept = f"{given['expiry_year']}{given['security_code']}"
    number: frozenset[Data] = frozenset({"individual_number"} if by_number else ())
    allow = ORDINARY | number

    def last_try(pin: str) -> bool:
        return bool(given.get(last_try_of(pin)))

    with reader, MyNumberCard(reader, allow=allow, progress=progress) as card:
        reading, proofs = persistently(partial(_face, card, key, challenge, trust, last_try=last_try(key.name)))
        licence_pin, may = given.get("licence_pin", ""), last_try("drivers_licence")
        licence = persistently(partial(_licence, card, licence_pin, challenge, trust, last_try=may))
        signed, standing = None, Standing()
        if given.get("jpki_consent") and given.get("jpki_pin"):
            pin = given["jpki_pin"]  # its form tells which it is: four digits, or six to sixteen characters
            kind: Purpose = "user_authentication" if len(pin) == 4 else "signature"
            may = last_try(kind)
            signed, standing = persistently(partial(_signed, card, kind, pin, challenge, last_try=may))
    face = reading.values.face
    fields = [*(_fields(face) if face else []), *licence.fields]
    if reading.values.number_image:
        fields.append(
            Field("individual_number", "number_image", image=reading.values.number_image, media_type="image/png")
        )
    return Seen(
        "my_number_card",
        tuple(fields),
        proofs,
        expires=face.expiry_date.whole if face and face.expiry_date else None,
        kept=kept,
        files=() if by_number else (*reading.files, *licence.files),
        signed=signed,
        standing=standing,
        also=licence.proofs,
        also_code=licence.code,
        also_tries=licence.tries,
    )


class _Licence(NamedTuple):
    """What the licence on a card said; code: of the error, where it said nothing; tries: left of its PIN then."""

    fields: tuple[Field, ...] = ()
    proofs: tuple[Proof, ...] = ()
    files: tuple[RawFile, ...] = ()
    code: str = ""
    tries: int | None = None


def _licence(card: MyNumberCard, pin: str, challenge: Challenge, trust: Trust, *, last_try: bool) -> _Licence:
    """Read the licence on the card (マイナ免許証) by its own PIN, where the customer keyed it in.

    It names nobody: only that both lie on one card, read in one session, binds it to the face.
    """
    if not pin:
        return _Licence()
    try:
        card.drivers_licence.unlock(Pin("drivers_licence", pin), allow_last_try=last_try)
        reading = card.drivers_licence.read()
        proofs = card.drivers_licence.prove(challenge, trust=trust)
    except (PinError, CardError) as error:
        return _Licence(code=error.code, tries=tries_in(error))
    record = reading.values.record
    return _Licence(tuple(licence_fields(record)) if record else (), proofs, reading.files)


def _face(
    card: MyNumberCard, key: NumberA | NumberB, challenge: Challenge, trust: Trust, *, last_try: bool
) -> tuple[Reading[CardFaceValues], tuple[Proof, ...]]:
    card.card_face.unlock(key, allow_last_try=last_try)
    parts = ("face", "number_image", "certificate") if isinstance(key, NumberA) else ("face", "certificate")
    return card.card_face.read(*parts), card.card_face.prove(challenge, trust=trust)


def _signed(
    card: MyNumberCard, kind: Purpose, pin: str, challenge: Challenge, *, last_try: bool
) -> tuple[Signed | None, Standing]:
    """Sign the visit's message with the key of this kind.

    A PIN that the card does not take says so in the answer; what was read of the face stays.
    """
    try:
        card.jpki.unlock(Pin(kind, pin), allow_last_try=last_try)
        certificate = card.jpki.certificate(kind)
        if certificate is None:
            return None, Standing("unknown", code="card.not_issued", certificate=kind)
        message = f"{challenge.audience}\n{challenge.purpose}\n{challenge.nonce.hex()}".encode()
        made = card.jpki.sign_message(kind, message)
    except (PinError, CardError) as error:
        return None, Standing("unknown", code=error.code, certificate=kind, tries=tries_in(error))
    return Signed(kind, message, made.value, certificate), Standing("unknown", certificate=kind)


def _fields(face: Face) -> list[Field]:
    shown = [
        Field("portrait", "portrait", image=face.portrait, media_type="image/jp2"),
        Field("name_image", "name_image", image=face.name_image, media_type="image/png"),
        Field("address_image", "address_image", image=face.address_image, media_type="image/png"),
    ]
    if face.security_code_image:
        shown.append(Field("security_code_image", "security_code_image", image=face.security_code_image))
    shown += [
        Field("birth_date", "birth_date", face.birth_date.iso(), form="era_date"),
        Field("sex", "sex", face.sex, form="sex"),
    ]
    if face.expiry_date:
        shown.append(Field("expiry_date", "expiry_date", face.expiry_date.iso(), form="date"))
    return shown
