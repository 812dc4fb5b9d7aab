"""The card face application (券面事項確認AP): what is printed on the card, as pictures, signed (sheet §3.4, §4).

Expiry date and security code are on the chip, but under no signature. The application does not tell whether the card
was reported lost: that is the JPKI certificates' revocation.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from honnin.chip.channel import Channel
from honnin.chip.document import Challenge, Detection, Progress, Proof, Reading, Tries, Trust, Unlocking
from honnin.chip.my_number_card.cv_certificate import judge_issuer
from honnin.chip.my_number_card.gate import Gate
from honnin.chip.my_number_card.keys import RecordKey
from honnin.chip.my_number_card.profile import RecordProfile, profile
from honnin.chip.my_number_card.record_files import RecordFiles
from honnin.chip.my_number_card.record_signatures import (
    ask_chip,
    judge_chip,
    judge_record,
    three_digests,
)
from honnin.chip.my_number_card.records import Record, parse_record, rsa_public_key
from honnin.chip.rsa_keys import signs
from honnin.errors import FormatError
from honnin.identity.dates import PartialDate, from_card_record
from honnin.identity.four_items import SEX_CODES, Sex

__all__ = ["AgeRecord", "CardFaceApplication", "CardFaceValues", "Face", "FaceBasics", "judge_age"]

DOCUMENT: Final = "my_number_card"
APPLICATION: Final = "card_face"
AGE, FACE, BASIC, NUMBER = 0xFF10, 0xFF20, 0xFF30, 0xFF40
SIGNED: Final = ("birth_date", "sex", "chip_key", "name_image", "address_image", "portrait")
UNSIGNED: Final = ("expiry_date", "security_code_image")


@dataclass(frozen=True, slots=True)
class AgeRecord:
    """Birth date alone, with the chip's key."""

    birth_date: PartialDate


@dataclass(frozen=True, slots=True)
class Face:
    """What is printed: PNG pictures of name and address, a JPEG 2000 portrait.

    expiry_date, security_code_image: not signed; a forger may write what he likes there.
    """

    birth_date: PartialDate
    sex: Sex
    name_image: bytes = field(repr=False)
    address_image: bytes = field(repr=False)
    portrait: bytes = field(repr=False)
    expiry_date: PartialDate | None = None
    security_code_image: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FaceBasics:
    """EF 0003, not signed: layout version and municipality code."""

    version: str
    municipality: str


@dataclass(frozen=True, slots=True)
class CardFaceValues:
    """What was read, parsed. None: not asked for, not open, or in `unreadable`. number_image: PNG."""

    age: AgeRecord | None = None
    face: Face | None = None
    basics: FaceBasics | None = None
    number_image: bytes | None = field(default=None, repr=False)
    unreadable: tuple[str, ...] = ()


class CardFaceApplication:
    """The card face application of the card behind a channel."""

    def __init__(
        self,
        channel: Channel,
        *,
        gate: Gate | None = None,
        progress: Progress | None = None,
        layout: RecordProfile | None = None,
    ) -> None:
        self._channel = channel
        self._layout = layout or profile().card_face
        self._files = RecordFiles(channel, APPLICATION, self._layout, gate or Gate(), mark="face", progress=progress)

    def detect(self) -> Detection:
        """Tell whether the card has this application."""
        present = self._files.detect()
        return Detection(DOCUMENT, APPLICATION, present, self._layout.generation if present else None)

    def tries(self) -> tuple[Tries, ...]:
        """Return the tries left of the birth-date key and both verification numbers, spending none."""
        return self._files.tries()

    def unlock(self, key: RecordKey, *, allow_last_try: bool = False) -> Unlocking:
        """Verify number B (the usual way), number A (collects the individual number) or the birth-date key.

        Raises PinError `card.pin_wrong`, `card.number_locked`, `card.pin_last_try`, AccessError
        `card.collection_refused`.
        """
        return self._files.unlock(key, allow_last_try=allow_last_try)

    def read(self, *parts: str) -> Reading[CardFaceValues]:
        """Return `age`, `face`, `basic`, `certificate`, `number_image`; without a name all that is open and allowed.

        Raises PinError `card.pin_required`, AccessError `card.collection_refused`.
        """
        found = self._files.read(parts)
        return Reading(DOCUMENT, APPLICATION, _values(found), self._files.raw(found))

    def prove(self, challenge: Challenge, *, trust: Trust | None = None) -> tuple[Proof, ...]:
        """Prove what was read, and the chip: issuer, each record's signature, internal authentication.

        trust: with the CA's key under the use `my_number_card`; without it everything that holds is `not_checked`.
        """
        self._files.enter()
        issuer, spki = judge_issuer(self._files.content("certificate"), trust)
        proofs = [issuer]
        chip: tuple[bytes, Proof, tuple[str, ...]] | None = None
        kept = self._files.kept
        for part, judge in (("face", _judge_face), ("age", judge_age), ("number_image", _judge_number)):
            if part not in kept:
                continue
            proof, key = judge(kept[part], issuer, spki)
            proofs.append(proof)
            if key is not None and chip is None:
                chip = key, proof, (part,)
        key, record, covers = chip or (None, None, ())
        proofs.append(judge_chip(self._channel, challenge, key, record, (*covers, "chip")))
        return tuple(proofs)

    def sign_challenge(self, challenge_message: bytes) -> bytes:
        """Let the chip sign a challenge's message with its own key, for a verifier elsewhere. Raises RefusalError."""
        self._files.enter()
        return ask_chip(self._channel, challenge_message)


def _judge_face(content: bytes, issuer: Proof, spki: bytes | None) -> tuple[Proof, bytes | None]:
    covers = ("face", *SIGNED)
    try:
        record = parse_record(content, FACE)
        groups = (
            record.joined(0xDF22, 0xDF23, 0xDF24),
            record.joined(0xDF25, 0xDF26),
            record.joined(0xDF27),
        )
        signature, key = record.value(0xDF28), rsa_public_key(record.value(0xDF24))
    except FormatError as error:
        return Proof("data_signature", "failed", error.code, covers, UNSIGNED, detail=error.message), None

    def judge(signer: bytes) -> str:
        digests = three_digests(signer, signature)
        if digests is None:
            return "proof.face_signer_other"
        if digests != tuple(sha256(group).digest() for group in groups):
            return "proof.face_changed"
        return ""

    return judge_record(issuer, spki, judge, covers=covers, leaves_out=UNSIGNED, signature=signature), key


def judge_age(content: bytes, issuer: Proof, spki: bytes | None) -> tuple[Proof, bytes | None]:
    """Judge the age record (EF 0001); return the proof and the chip's key that stands in it.

    issuer, spki: what `judge_issuer` says of the certificate beside it.
    """
    return _judge_plain(content, AGE, (0xDF11, 0xDF12), 0xDF13, "age", issuer, spki)


def _judge_number(content: bytes, issuer: Proof, spki: bytes | None) -> tuple[Proof, bytes | None]:
    return _judge_plain(content, NUMBER, (0xDF41, 0xDF42), 0xDF43, "number_image", issuer, spki)


def _judge_plain(
    content: bytes,
    outer: int,
    signed: tuple[int, int],
    signature_tag: int,
    part: str,
    issuer: Proof,
    spki: bytes | None,
) -> tuple[Proof, bytes | None]:
    """Judge a record of one value, the chip's key and an ordinary signature over both as stored."""
    try:
        record = parse_record(content, outer)
        message, signature = record.joined(*signed), record.value(signature_tag)
        key = rsa_public_key(record.value(signed[1]))
    except FormatError as error:
        return Proof("data_signature", "failed", error.code, (part,), detail=error.message), None

    def judge(signer: bytes) -> str:
        return "" if signs(signer, message, signature) else "proof.record_changed"

    return judge_record(issuer, spki, judge, covers=(part,), signature=signature), key


def _values(found: dict[str, bytes]) -> CardFaceValues:
    parsers: dict[str, tuple[str, int, Callable[[Record], Any]]] = {
        "age": ("age", AGE, lambda record: AgeRecord(from_card_record(_ascii(record.value(0xDF11))))),
        "face": ("face", FACE, _face),
        "basic": ("basics", BASIC, _basics),
        "number_image": ("number_image", NUMBER, lambda record: record.value(0xDF41)),
    }
    values: dict[str, Any] = {}
    unreadable = []
    for part, (name, outer, parse) in parsers.items():
        if part in found:
            try:
                values[name] = parse(parse_record(found[part], outer))
            except FormatError:
                unreadable.append(part)
    return CardFaceValues(**values, unreadable=tuple(unreadable))


def _face(record: Record) -> Face:
    sex = SEX_CODES.get(_ascii(record.value(0xDF23)))
    if sex is None:
        raise FormatError("chip.object_malformed", "The record's sex has no known code.")
    expiry = record.values.get(0xDF29)
    return Face(
        birth_date=from_card_record(_ascii(record.value(0xDF22))),
        sex=sex,
        name_image=record.value(0xDF25),
        address_image=record.value(0xDF26),
        portrait=record.value(0xDF27),
        expiry_date=_unsigned_date(expiry),
        security_code_image=record.values.get(0xDF2A) or None,
    )


def _unsigned_date(octets: bytes | None) -> PartialDate | None:
    try:
        return from_card_record(_ascii(octets)) if octets else None
    except FormatError:
        return None


def _basics(record: Record) -> FaceBasics:
    return FaceBasics(record.value(0xDF31).hex().upper(), _ascii(record.value(0xDF34)))


def _ascii(octets: bytes) -> str:
    return octets.decode("ascii", "replace")
