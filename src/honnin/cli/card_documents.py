"""What `honnin card` does for each document: which one lies there, whom to trust, keys by lines, one output for all."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from honnin.cli.card_output import write_private
from honnin.cli.card_passport import read_passport
from honnin.cli.output import print_json, read_der, read_file
from honnin.errors import CardError, FormatError, InputError

if TYPE_CHECKING:
    from honnin.chip import Pin, Proof, Reader, Reading, Trust
    from honnin.chip.detecting import Document
    from honnin.cli.pin_entry import PinEntry

__all__ = [
    "answers_of",
    "delivery_key_of",
    "document_on",
    "echo_answers",
    "echo_proofs",
    "end_by",
    "own_keys",
    "read_document",
    "show_readings",
    "trust_for",
    "write_portrait",
]

KEYS_BEGIN = b"{"
WEAKEST_FIRST = ("failed", "not_verifiable", "verified")


def document_on(url: str, data: Path, named: str | None = None) -> "Document":
    """Return the document that a reader's URL names, or `named`; else what lies on the reader.

    An emulated reader without a document has the My Number Card (CONTRACTS: Python).
    """
    from honnin.chip.detecting import DOCUMENTS, detect_document

    scheme, _, target = url.partition(":")
    in_url = target.partition("/")[2].partition(":")[0] if scheme == "emulated" else ""
    found = named or in_url or ("my_number_card" if scheme == "emulated" else "")
    if found in DOCUMENTS:
        return found
    if found:
        raise InputError("input.usage", "No such document.", next=f"Use one of {', '.join(DOCUMENTS)}.")
    from honnin.chip import open_reader

    with open_reader(url, data=data) as reader:
        return detect_document(reader)


def trust_for(document: "Document", url: str, data: Path, anchors: tuple[Path, ...]) -> "Trust":
    """Return whom proofs of a document rest on: the files given, and for an emulated one its world's authorities.

    anchors: certificates, CSCA master lists, or keys as `honnin-card-keys/1`.
    """
    from honnin.chip import Trust, TrustedKey
    from honnin.chip.card_keys import read_card_keys

    certificates: list[bytes] = []
    keys: list[TrustedKey] = []
    for path in anchors:
        content = read_file(path)
        if content.lstrip().startswith(KEYS_BEGIN):
            keys += read_card_keys(content)
        else:
            certificates += [_anchor(path, der) for der in read_der(path)]
    at = datetime.now(UTC)
    if url.startswith("emulated:"):
        from honnin.connect.worlds import open_world

        world = open_world(data)
        at = world.now()
        told = world.document_trust()
        if document in {"residence_card", "passport"}:
            certificates += [der for _, der in told.get(document, ())]
        if document == "my_number_card":
            certificates += [der for anchors_of in world.anchors().values() for der in anchors_of]
        for use in ("my_number_card", "drivers_licence"):
            keys += [TrustedKey(use, key_id, der) for key_id, der in told.get(use, ())]
    return Trust(tuple(certificates), at, tuple(keys))


def _anchor(path: Path, der: bytes) -> bytes:
    """Return what was given as a certificate or master list. Raises InputError `input.unreadable` for anything else."""
    from honnin.pki.rfc5280.certificate import parse_certificate
    from honnin.pki.rfc5652 import looks_like_cms

    try:
        if not looks_like_cms(der):
            parse_certificate(der)
    except FormatError:
        raise InputError(
            "input.unreadable",
            f"{path} is no certificate, no master list and no file of keys.",
            next="Give the CA certificate of whoever issued the document.",
        ) from None
    return der


def delivery_key_of(url: str, data: Path) -> bytes:
    """Return the key to deliver a 特定在留カード's session key under; only the sandbox's is to be had here.

    Raises InputError `residence.trial_only` for any other reader.
    """
    if not url.startswith("emulated:"):
        raise InputError(
            "residence.trial_only",
            "A residence card on a My Number Card is read as a trial, in the sandbox alone.",
            next="Its messaging is not public in full; use the agency's own application.",
        )
    from honnin.connect.worlds import open_world

    ((_, key),) = open_world(data).document_trust()["residence_card_delivery"]
    return key


OWN_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "drivers_licence": ("pin_1", "pin_2"),
    "residence_card": ("card_number",),
    "passport": ("document_number", "birth_date", "expiry_date"),
}
OWN_KEY_OF_PART: Final = {
    "card_face": "number_b",
    "age": "birth_date_key",
    "four_items": "input_support",
    "individual_number": "input_support",
    "drivers_licence": "drivers_licence",
}


def own_keys(document: "Document", url: str, data: Path, parts: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the keys of an emulated document in the order they are asked for, as its world has them now; else none."""
    if not url.startswith("emulated:"):
        return ()
    from honnin.connect.worlds import open_world

    keys = open_world(data).document_keys(url.partition(":")[2])
    wanted = tuple(OWN_KEY_OF_PART[part] for part in parts) if document == "my_number_card" else OWN_KEYS[document]
    return tuple(keys[name] for name in wanted if name in keys)


def read_document(
    document: "Document",
    reader: "Reader",
    entry: "PinEntry",
    trust: "Trust",
    *,
    last_try: bool,
    delivery_key: bytes | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> "tuple[Reading[Any], tuple[Proof, ...], date | None]":
    """Unlock, read and prove a driver's licence, a residence card or a passport; the last item is the day it ends."""
    from honnin.chip import CardNumber, Challenge, DriversLicence, ResidenceCard

    challenge = Challenge.fresh("card read", "honnin")
    if document == "passport":
        return read_passport(reader, entry, challenge, trust, progress)
    if document == "residence_card":
        with ResidenceCard(reader, progress=progress, delivery_key=delivery_key) as card:
            card.residence.unlock(CardNumber(entry.ask("Card number, top right")))
            reading = card.residence.read()
            proofs = card.residence.prove(challenge, trust=trust)
        until = reading.values.expires
        return reading, proofs, until.whole if until else None
    with DriversLicence(reader, progress=progress) as licence:
        for pin in licence_pins(licence, entry):
            licence.card.unlock(pin, allow_last_try=last_try)
        read = licence.card.read()
        proofs = licence.card.prove(challenge, trust=trust)
    record = read.values.record
    return read, proofs, record.expires.whole if record and record.expires else None


def licence_pins(licence: Any, entry: "PinEntry") -> "list[Pin]":
    """Return PIN1 and, where it is given, PIN2; a holder who chose none is not asked."""
    from honnin.chip import Pin

    if all(tries.unused for tries in licence.tries()):
        return [Pin("pin_1", ""), Pin("pin_2", "")]
    first = entry.ask("PIN1 of the driver's licence")
    second = entry.ask_if_known("PIN2 (Enter: read without registered domicile and photo)", hidden=True)
    return [Pin("pin_1", first)] + ([Pin("pin_2", second)] if second else [])


def show_readings(
    document: "Document",
    readings: "list[tuple[Reading[Any], tuple[Proof, ...]]]",
    expires: date | None,
    at: datetime,
    *,
    as_json: bool,
) -> None:
    """Print what was read, the proofs, and the three answers; ends by them (`end_by`)."""
    from honnin.chip.answers import covered

    answers = answers_of(readings, expires, at)
    if as_json:
        applications = [
            {
                "application": reading.application,
                "values": plain(reading.values),
                "files": [
                    {
                        "name": file.name,
                        "bytes": len(file.content),
                        "sha256": sha256(file.content).hexdigest(),
                        "signed": covered(file.name, proved),
                    }
                    for file in reading.files
                    if file.name not in {"number", "number_image"}  # no digest of the individual number leaves
                ],
                "proofs": [proof_json(proof) for proof in proved],
            }
            for reading, proved in readings
        ]
        print_json({"document": document, "applications": applications, "answers": answers})
    else:
        for reading, proved in readings:
            echo(plain(reading.values))
            echo_proofs(proved)
        echo_answers(answers)
    end_by(answers)


def answers_of(
    readings: "Sequence[tuple[Reading[Any], tuple[Proof, ...]]]", expires: date | None, at: datetime
) -> dict[str, Any]:
    """Return what was read, whether it is authentic, and whether it is current (`honnin.chip.answers`)."""
    from honnin.chip.answers import authenticity, currency, why
    from honnin.identity.dates import jst_day

    # Of several applications the weakest answer is the whole's: failed, then not verifiable.
    weakest = min((proved for _, proved in readings), key=lambda proved: WEAKEST_FIRST.index(authenticity(proved)))
    return {
        "read": [reading.application for reading, _ in readings],
        "authentic": {"result": authenticity(weakest), "reason": why(weakest)},
        "current": {"result": currency(expires, jst_day(at)), "expires": expires.isoformat() if expires else None},
    }


def echo_proofs(proofs: "Sequence[Proof]") -> None:
    """Print a line a proof."""
    for proof in proofs:
        covers = f" [{' '.join(proof.covers)}]" if proof.covers else ""
        left = f" (not covered: {' '.join(proof.leaves_out)})" if proof.leaves_out else ""
        click.echo(f"{proof.kind}: {proof.result}{covers}: {proof.reason}{left}")


def echo_answers(answers: dict[str, Any]) -> None:
    """Print whether what was read is authentic, with the reason where it is not, and whether it is current."""
    authentic = answers["authentic"]
    why_not = "" if authentic["result"] == "verified" else f": {authentic['reason']}"
    click.echo(f"authentic: {authentic['result']}{why_not}")
    click.echo(f"current: {answers['current']['result']}")


def end_by(answers: dict[str, Any]) -> None:
    """End with 1 for a document that failed, else with 0: it was read.

    With --strict 0 is for one that is authentic and current, 1 for one that is not, 2 where one of the two is not told.
    """
    context = click.get_current_context()
    results = (answers["authentic"]["result"], answers["current"]["result"])
    if not context.params["strict"]:
        context.exit(1 if "failed" in results else 0)
    told_no = "failed" in results or "expired" in results
    context.exit(1 if told_no else 0 if results == ("verified", "current") else 2)


def write_portrait(path: Path, values: Sequence[Any]) -> None:
    """Write the portrait among the values that were read. Raises CardError `card.not_issued` where there is none."""
    for one in values:
        faces = getattr(one, "faces", ())
        holder = getattr(one, "face", None) or one
        image = faces[0].image if faces else getattr(holder, "portrait", None) or getattr(holder, "photo", None)
        if image:
            write_private(path, image)
            return
    raise CardError("card.not_issued", "No portrait was read.", next="Leave --portrait out, or open what holds it.")


def proof_json(proof: "Proof") -> dict[str, Any]:
    """Return a proof without the bytes behind it."""
    return {
        name: getattr(proof, name) for name in ("kind", "result", "code", "reason", "covers", "leaves_out", "algorithm")
    }


def plain(value: Any) -> Any:
    """Return values of the chip room as JSON: bytes in base64, dates as text, texts with their runs' kinds."""
    from honnin.chip.drivers_licence import Text
    from honnin.identity import IndividualNumber, PartialDate

    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, PartialDate):
        return value.iso()
    if isinstance(value, Text):
        return {"text": value.plain, "whole": value.whole, "glyphs": list(value.glyphs)}
    if isinstance(value, IndividualNumber):
        return value.reveal()  # only where the caller asked for it (--individual-number)
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def echo(value: Any, name: str = "") -> None:
    """Print what there is, a line a value; long ones by their length."""
    if isinstance(value, dict) and set(value) == {"text", "whole", "glyphs"}:
        value = value["text"]
    if isinstance(value, dict):
        for key, item in value.items():
            echo(item, f"{name}.{key}" if name else key)
        return
    if value is None or value in ([], ""):
        return
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    click.echo(f"{name}: {text if len(text) <= 200 else f'{len(text)} characters'}")
