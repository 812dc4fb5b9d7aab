"""Residence cards and special permanent resident certificates of both generations, genuine or with one fault.

Other-documents sheet, sections 4.1 to 4.4. Files are addressed by application and short identifier. What was signed
stays as issued; the address follows the holder, unsigned.
"""

from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from honnin.errors import InputError, NotFoundError
from honnin.identity.dates import JST, from_certificate, jst_day
from honnin.sandbox.immigration.authorities import card_signer, delivery_key_bytes
from honnin.sandbox.people import Person, person, settle
from honnin.sandbox.pictures import codestream, portrait, text, tiff
from honnin.sandbox.states import State, state_of
from honnin.sandbox.strongroom import kept, seed
from honnin.sandbox.world import World

__all__ = ["FAULTS", "KINDS", "IssuedResidenceCard", "card_number", "issue"]

Kind = Literal["card-1", "certificate-1", "card-2", "certificate-2", "specified-card", "specified-certificate"]
KINDS: dict[str, str] = {
    "card-1": "1",
    "certificate-1": "2",
    "card-2": "05",
    "certificate-2": "06",
    "specified-card": "07",
    "specified-certificate": "08",
}
FAULTS = (
    "altered_text",
    "altered_portrait",
    "copied",
    "expired",
    "wrong_issuer",
    "forged_issuer",
    "appended_address",
    "swapped_files",
)
PRINTED_SEX = {"male": "男 M.", "female": "女 F.", "unknown": "－"}
SEX = {"male": "1", "female": "2", "unknown": "3"}
FRONT, NAME, ADDRESS, FACE = 7000, 2500, 2500, 3000  # bytes of the pictures' fields
SIGNATURE_FILE = 704  # the certificate is as long as it is, and zeros follow
FRONT_SIZE, LINE_SIZE, FACE_SIZE = (860, 540), (640, 48), (180, 240)
FORGED_ADDRESS = "東京都千代田区偽造一丁目１番１号"
Files = dict[str, bytes]  # "df1/5": application and short identifier


class IssuedResidenceCard(msgspec.Struct, frozen=True):
    """All that goes into one chip: its type (C1), number, files, and the delivery key of a specified one."""

    kind: str
    number: str
    files: Files
    delivery_key: bytes | None

    def __repr__(self) -> str:
        return f"IssuedResidenceCard({self.kind}, {len(self.files)} files)"


def card_number(person_id: str) -> str:
    """Return the number of a person's card: HN, eight digits, SB."""
    return f"HN{seed(f'residence/{person_id}', 10**8):08d}SB"


def issue(world: World, person_id: str, *kinds: str) -> IssuedResidenceCard:
    """Return a person's card as of the world's time.

    kinds: a kind of card, a fault, both or neither. Raises InputError `emulated.document_unknown`, NotFoundError
    `people.unknown`, `people.no_document`.
    """
    chosen = [kind for kind in kinds if kind in KINDS]
    faults = [kind for kind in kinds if kind in FAULTS]
    if len(chosen) > 1 or len(faults) > 1 or set(kinds) - set(chosen) - set(faults):
        raise InputError(
            "emulated.document_unknown",
            "The sandbox makes no such card.",
            next=f"Ask for one of {', '.join(KINDS)} and one of {', '.join(FAULTS)}.",
        )
    one = person(person_id)
    if one.residence is None:
        raise NotFoundError(
            "people.no_document", "The person has no such document.", next="`honnin sandbox people` says."
        )
    settle(world)
    kind, fault = (chosen or [one.residence.kind])[0], (faults or [""])[0]
    make = _first if kind.endswith("-1") else _second
    made = kept(
        world, f"residence/{person_id}/{kind}/{fault}", lambda: msgspec.msgpack.encode(make(world, one, kind, fault))
    )
    files = msgspec.msgpack.decode(made, type=Files)
    files |= _address(world, one, kind, forged=fault == "appended_address")
    files["mf/11"] = _field(0xC0, b"0001")
    files["mf/10"] = _field(0xC1, KINDS[kind].encode())
    delivery = delivery_key_bytes(world) if kind.startswith("specified") else None
    return IssuedResidenceCard(kind, card_number(person_id), files, delivery)


def _field(tag: int, value: bytes, size: int | None = None) -> bytes:
    """Return one object, its value filled with 00 to a size. Raises ValueError for a value that is longer."""
    value = value if size is None else value.ljust(size, b"\x00")
    if size is not None and len(value) > size:
        raise ValueError(tag)
    length = bytes((len(value),)) if len(value) < 0x80 else b"\x82" + len(value).to_bytes(2)
    return tag.to_bytes(2 if tag > 0xFF else 1) + length + value


def _dates(world: World, one: Person, fault: str) -> tuple[date, date]:
    """Return the day of issue and the last day."""
    assert one.residence is not None  # noqa: S101
    issued = jst_day(world.born) + timedelta(days=one.residence.days - (3000 if fault == "expired" else 0))
    return issued, date(issued.year + 7, issued.month, min(issued.day, 28))


def _at_issue(world: World, one: Person, issued: date) -> State:
    return state_of(world, one.id, datetime(issued.year, issued.month, issued.day, 9, tzinfo=JST))


# --- first generation (4.2)


def _first(world: World, one: Person, kind: str, fault: str) -> Files:
    issued, expiry = _dates(world, one, fault)
    state = _at_issue(world, one, issued)
    front, face = _front(one, kind, state, expiry), _face(one.id)
    signer = card_signer(world, "rsa", issued.year, fault)
    signature = signer.sign(front.ljust(FRONT, b"\x00") + face.ljust(FACE, b"\x00"))
    if fault == "altered_text":
        front = _front(one, kind, state, date(expiry.year + 5, expiry.month, expiry.day))
    elif fault in {"altered_portrait", "swapped_files"}:
        face = _face("nobody" if fault == "altered_portrait" else _other(one))
    files = {
        "df1/5": _field(0xD0, front, FRONT),
        "df1/6": _field(0xD1, face, FACE),
        "df3/2": _field(0xDA, signature, 256) + _field(0xDB, signer.certificate, 1200),
    }
    if kind == "card-1":
        files |= {"df2/2": _field(0xD5, b"", 120), "df2/3": _field(0xD6, b"", 120), "df2/4": _field(0xD7, b"0", 1)}
    return files


def _front(one: Person, kind: str, state: State, expiry: date) -> bytes:
    assert one.residence is not None  # noqa: S101
    title = "在留カード　見本" if kind == "card-1" else "特別永住者証明書　見本"
    birth = from_certificate(state.birth)
    born = f"{birth.year or 0}年{birth.month or 0}月{birth.day or 0}日"
    rows = (
        f"{title}　{card_number(one.id)}",
        state.name,
        f"{born}　{PRINTED_SEX[state.sex]}　{one.residence.nationality}",
        state.address,
        one.residence.status,
        f"{expiry.year}年{expiry.month}月{expiry.day}日まで有効　ＳＰＥＣＩＭＥＮ",
    )
    picture = text("", FRONT_SIZE)
    for place, row in enumerate(rows):
        picture.paste(text(row, LINE_SIZE), (20, 20 + place * 84))
    return tiff(picture)


# --- second generation (4.3)


def _second(world: World, one: Person, kind: str, fault: str) -> Files:
    issued, expiry = _dates(world, one, fault)
    state = _at_issue(world, one, issued)
    certificate = kind.endswith("certificate") or kind.startswith("certificate")
    entries = _entries(one, state, issued, expiry, certificate=certificate)
    name, face = tiff(text(state.name, LINE_SIZE)), _face(one.id)
    signer = card_signer(world, "ec", issued.year, fault)
    printed = b"".join(value for _, value in entries).ljust(53, b"\x00")
    signature = signer.sign(printed + face.ljust(FACE, b"\x00") + name.ljust(NAME, b"\x00"))
    if fault == "altered_text":
        later = date(expiry.year + 5, expiry.month, expiry.day)
        entries = _entries(one, state, issued, later, certificate=certificate)
    elif fault in {"altered_portrait", "swapped_files"}:
        face = _face("nobody" if fault == "altered_portrait" else _other(one))
    note = _field(0xD9, b"0", 1) + _field(0xDE, b"", 200)
    permissions = {
        "df2/1": _field(0xD5, b"0", 7) + _field(0xD6, b"", 8) + _field(0xD7, b"0", 1),
        "df2/2": _field(0xD8, b"0", 1),
        "df2/3": note,
    }
    return {
        "df1/1": _field(0xC2, card_number(one.id).encode(), 12),
        "df1/3": b"".join(_field(tag, value) for tag, value in entries),
        "df1/4": _field(0xD0, name, NAME) + _field(0xD1, face, FACE),
        "df3/2": (_field(0xDC, signature, 96) + _field(0xDD, signer.certificate)).ljust(SIGNATURE_FILE, b"\x00"),
        **({"df2/1": note} if certificate else permissions),
    }


def _entries(one: Person, state: State, issued: date, expiry: date, *, certificate: bool) -> list[tuple[int, bytes]]:
    residence = one.residence
    assert residence is not None  # noqa: S101
    birth = from_certificate(state.birth)
    born = f"{birth.year or 0:04d}{birth.month or 0:02d}{birth.day or 0:02d}"
    values = {  # in the order in which the reference lists them: common ones first
        0xC5: f"{expiry:%Y%m%d}",
        0xC6: born,
        0xC7: SEX[state.sex],
        0xC8: residence.nationality,
        0xC9: residence.status_code.ljust(10, "0"),
        0xCE: "0000",
    }
    if not certificate:
        values |= {0xCA: "01", 0xCB: f"{issued:%Y%m%d}", 0xCC: residence.work, 0xCD: f"{expiry:%Y%m%d}"}
    return [(tag, value.encode()) for tag, value in values.items()]


# --- both


def _face(person_id: str) -> bytes:
    return codestream(portrait(person_id, FACE_SIZE), FACE)


def _other(one: Person) -> str:
    return "madeup" if one.id == "anna" else "anna"


def _address(world: World, one: Person, kind: str, *, forged: bool) -> Files:
    """Return the address as of now: on a first generation card only what changed since it was issued."""
    issued, _ = _dates(world, one, "")
    before, now = _at_issue(world, one, issued), state_of(world, one.id, world.now())
    address = FORGED_ADDRESS if forged else now.address
    municipality = "13101" if forged else now.municipality
    if not kind.endswith("-1"):
        return {"df1/6": _field(0xDFD1, tiff(text(address, LINE_SIZE)), ADDRESS)}
    changed = forged or now.address != before.address
    day = f"{jst_day(world.now()):%Y%m%d}" if changed else ""
    parts = (
        _field(0xD2, day.encode(), 8),
        _field(0xD3, _six_digits(municipality).encode() if changed else b"", 6),
        _field(0xD4, address.encode() if changed else b"", 320),
    )
    return {"df2/1": b"".join(parts)}


def _six_digits(municipality: str) -> str:
    """Return a municipality's code with its check digit (JIS X 0402 as the ministry extends it)."""
    total = sum(int(digit) * weight for digit, weight in zip(municipality, (6, 5, 4, 3, 2), strict=True))
    return f"{municipality}{(11 - total % 11) % 10}"
