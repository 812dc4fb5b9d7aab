"""Driver's licences: one person's chip, genuine or with one fault (other-documents sheet, section 2).

The signed files are made when they are first asked for and stay as issued; moves and new names of later are appended
unsigned, as the police do. Which tag an appended entry has is this sandbox's reading (docs/sandbox-limits.md).
"""

from datetime import date, datetime, timedelta
from hashlib import sha256

import msgspec

from honnin.errors import InputError, NotFoundError
from honnin.identity.dates import JST, from_certificate, jst_day
from honnin.sandbox.material import LicenceMaterial
from honnin.sandbox.people import Licence, Person, person, settle
from honnin.sandbox.pictures import codestream, portrait
from honnin.sandbox.police.coding import NOT_HELD, Glyphs, era_date, field, file, licence_number
from honnin.sandbox.police.signing import commission, key_identifier, signature_fields, signed_by
from honnin.sandbox.states import State, history, state_of
from honnin.sandbox.strongroom import kept, seed
from honnin.sandbox.world import World

__all__ = [
    "CATEGORIES",
    "FAULTS",
    "GROUPS",
    "PORTRAIT_BYTES",
    "PORTRAIT_SIZE",
    "dates_of",
    "earliest",
    "issue",
    "number_of",
]

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
JIS_YEAR = b"\x90"  # JIS X 0208-1990 [?]
CATEGORIES = {  # tag of the day since when a category is held (section 2.5)
    "大型": 0x25, "普通": 0x26, "大特": 0x27, "大自二": 0x28, "普自二": 0x29, "小特": 0x2A, "原付": 0x2B,
    "け引": 0x2C, "大二": 0x2D, "普二": 0x2E, "大特二": 0x2F, "け引二": 0x30,
    "中型": 0x31, "中二": 0x32, "準中型": 0x33,
}  # fmt: skip
GROUPS = {  # tag of the day of the first kind of licence: two-wheeled and light ones, others, second class
    0x22: ("大自二", "普自二", "小特", "原付"),
    0x23: ("大型", "普通", "大特", "け引", "中型", "準中型"),
    0x24: ("大二", "普二", "大特二", "け引二", "中二"),
}
RESERVED = range(0x34, 0x3B)
PORTRAIT_SIZE, PORTRAIT_BYTES = (120, 160), 2000
NEW_NAME, NEW_ADDRESS, NEW_COMMISSION = 0x60, 0x70, 0x51
ENTRIES = 2  # of one kind that the append area has tags for
FORGED_ADDRESS = "東京都千代田区偽造一丁目１番１号"
OTHER = {"hanako": "taro"}  # whose files are put into a card with swapped ones; by default hanako's


def issue(world: World, person_id: str, *faults: str) -> LicenceMaterial:
    """Return a person's licence as of the world's time.

    Raises InputError `emulated.document_unknown` for a fault that is none, NotFoundError `people.no_document`.
    """
    fault = _one(faults)
    one = person(person_id)
    licence = one.licence
    if licence is None or not licence.plain:
        raise NotFoundError(
            "people.no_document", "The person has no such document.", next="`honnin sandbox people` says."
        )
    settle(world)
    issued, expiry = dates_of(world, one, expired=fault == "expired")
    made = kept(world, f"licence/{person_id}/{fault}", lambda: msgspec.msgpack.encode(_signed(world, one, fault)))
    files = msgspec.msgpack.decode(made, type=dict[str, bytes])
    files |= _appended(world, one, issued, forged=fault == "appended_address")
    files["mf_ef01"] = _common(issued, expiry)
    files["mf_ef02"] = field(0x05, bytes((licence.pins is not None,)))
    files["df3_ef01"] = file(512)
    pins = licence.pins or ("****", "****")
    return LicenceMaterial(
        card_id=f"licence-{person_id}{'-copy' if fault == 'copied' else ''}",
        files=files,
        pins={"pin1": pins[0], "pin2": pins[1]},
        tries_used=licence.tries_used,
    )


def dates_of(world: World, one: Person, *, expired: bool = False) -> tuple[date, date]:
    """Return the day of issue and the last day: a month after the fifth birthday from then."""
    assert one.licence is not None  # noqa: S101
    issued = jst_day(world.born) + timedelta(days=one.licence.days - (365 * 6 if expired else 0))
    birth = from_certificate(_state(world, one, issued).birth)
    month = (birth.month or 1) % 12 + 1
    year = issued.year + 5 + (month == 1)
    return issued, date(year, month, min(birth.day or 1, 28))


def number_of(world: World, one: Person) -> str:
    """Return a person's licence number."""
    assert one.licence is not None  # noqa: S101
    code, _ = commission(_state(world, one, dates_of(world, one)[0]).municipality)
    first = min(one.licence.held.values())
    return licence_number(code, int(first[:4]), seed(f"licence/{one.id}", 10**6))


def _one(faults: tuple[str, ...]) -> str:
    if len(faults) > 1 or set(faults) - set(FAULTS):
        raise InputError(
            "emulated.document_unknown",
            "The sandbox makes no such licence.",
            next=f"Ask for one of {', '.join(FAULTS)}.",
        )
    return faults[0] if faults else ""


def _state(world: World, one: Person, day: date) -> State:
    return state_of(world, one.id, datetime(day.year, day.month, day.day, 9, tzinfo=JST))


def _signed(world: World, one: Person, fault: str) -> dict[str, bytes]:
    """Make the files that stay as they were issued; a fault that alters does so after the signature."""
    issued, _ = dates_of(world, one, expired=fault == "expired")
    state = _state(world, one, issued)
    files = _content(world, one, state, expired=fault == "expired")
    code, _ = commission(state.municipality)
    signer = f"police/stranger/{code}" if fault in {"wrong_issuer", "forged_issuer"} else f"police/{code}"
    claimed = f"police/{code}" if fault == "forged_issuer" else signer
    digest = sha256(files["df1_ef01"] + files["df1_ef02"] + files["df2_ef01"]).digest()
    signature = signed_by(world, signer, digest)
    fields = signature_fields(range(0xB1, 0xB7), signature, one.id, code, key_identifier(world, claimed))
    files["df1_ef07"] = file(578, *fields)
    if fault == "altered_text":
        forged = msgspec.structs.replace(state, address=FORGED_ADDRESS)
        files["df1_ef01"] = _content(world, one, forged)["df1_ef01"]
    elif fault == "altered_portrait":
        files["df2_ef01"] = _photo("nobody")
    elif fault == "swapped_files":
        other = issue(world, OTHER.get(one.id, "hanako")).files
        files |= {name: other[name] for name in ("df1_ef02", "df2_ef01")}
    return files


def _content(world: World, one: Person, state: State, *, expired: bool = False) -> dict[str, bytes]:
    glyphs = Glyphs(0, 2)
    entries = _entries(world, one, state, glyphs, expired=expired)
    domicile = "見本国" if one.foreign else state.address
    pictures = [part for pair in glyphs.pictures() for part in pair]
    return {
        "df1_ef01": file(880, *entries),
        "df1_ef02": file(82, field(0x41, glyphs.text(domicile, 80))),
        "df1_ef03": file(264, *(field(tag, part) for tag, part in zip(range(0x48, 0x4C), pictures, strict=True))),
        "df2_ef01": _photo(one.id),
    }


def _entries(world: World, one: Person, state: State, glyphs: Glyphs, *, expired: bool) -> list[bytes]:
    licence: Licence | None = one.licence
    assert licence is not None  # noqa: S101
    issued, expiry = dates_of(world, one, expired=expired)
    kana = Glyphs(0, 0)
    conditions = [*licence.conditions, "", "", "", ""][:4]
    found = [
        (0x11, JIS_YEAR),
        (0x12, glyphs.text(state.name, 72)),
        (0x13, kana.text(state.kana, 32)),
        (0x14, b""),
        (0x15, kana.text(state.kana, 16)),
        (0x16, era_date(from_certificate(state.birth))),
        (0x17, glyphs.text(state.address, 80)),
        (0x18, era_date(issued)),
        (0x19, f"{seed(f'licence/{one.id}/query', 10**5):05d}".encode()),
        (0x1A, kana.text(licence.colour, 6)),
        (0x1B, era_date(expiry)),
        *zip(range(0x1C, 0x20), (kana.text(condition, 80) for condition in conditions), strict=True),
        (0x20, kana.text(commission(state.municipality)[1], 24)),
        (0x21, number_of(world, one).encode()),
        *((tag, earliest(licence.held, names)) for tag, names in GROUPS.items()),
        *((tag, earliest(licence.held, (name,))) for name, tag in sorted(CATEGORIES.items(), key=lambda row: row[1])),
        *((tag, b"") for tag in RESERVED),
    ]
    return [field(tag, value) for tag, value in found]


def earliest(held: dict[str, str], names: tuple[str, ...]) -> bytes:
    """Return since when one of some categories is held, as the chip writes it."""
    days = [date.fromisoformat(held[name]) for name in names if name in held]
    return era_date(min(days)) if days else NOT_HELD


def _photo(person_id: str) -> bytes:
    picture = codestream(portrait(person_id, PORTRAIT_SIZE, colour=False), PORTRAIT_BYTES)
    return file(PORTRAIT_BYTES + 5, field(0x5F40, picture))


def _common(issued: date, expiry: date) -> bytes:
    """Return MF/EF01: version of the specification of the day, both dates in BCD, maker and cryptography [?]."""
    version = "010" if issued >= date(2025, 3, 24) else "009" if issued >= date(2021, 6, 30) else "008"
    days = bytes.fromhex(issued.strftime("%Y%m%d") + expiry.strftime("%Y%m%d"))
    return field(0x45, version.encode() + days) + field(0x46, b"\xff\x01")


def _appended(world: World, one: Person, issued: date, *, forged: bool) -> dict[str, bytes]:
    """Return the append areas: what changed since the day of issue, the last two of a kind, unsigned."""
    glyphs = Glyphs(2, 5)
    names, addresses = _changes(world, one, issued)
    if forged:
        addresses.append((jst_day(world.now()), FORGED_ADDRESS, "13101"))
    fields = []
    plain = Glyphs(0, 0)
    for place, (day, _, municipality) in enumerate(addresses[-ENTRIES:]):
        values = (JIS_YEAR, era_date(day), plain.text(commission(municipality)[1], 24))
        fields += [field(NEW_COMMISSION + 3 * place + n, value) for n, value in enumerate(values)]
    for first, changes in ((NEW_NAME, names), (NEW_ADDRESS, addresses)):
        for place, (day, new, municipality) in enumerate(changes[-ENTRIES:]):
            entry = (JIS_YEAR, era_date(day), glyphs.text(new, 80), plain.text(commission(municipality)[1], 24))
            fields += [field(first + 4 * place + n, value) for n, value in enumerate(entry)]
    pictures = [part for pair in glyphs.pictures() for part in pair]
    return {
        "df1_ef04": file(640, field(0x50, bytes((bool(fields),))), *fields),
        "df1_ef05": file(
            663,
            field(0xA0, bytes((bool(glyphs.drawn),))),
            *(field(tag, part) for tag, part in zip(range(0xA1, 0xAB), pictures, strict=True)),
        ),
        "df1_ef06": file(256, field(0xAB, b"\x00")),
    }


Change = tuple[date, str, str]  # day, new value, municipality of the day


def _changes(world: World, one: Person, issued: date) -> tuple[list[Change], list[Change]]:
    """Return new names and new addresses since the day of issue."""
    names: list[Change] = []
    addresses: list[Change] = []
    before = _state(world, one, issued)
    for at, _ in history(world, one.id, world.now()):
        if jst_day(at) <= issued:
            continue
        after = state_of(world, one.id, at)
        if after.name != before.name:
            names.append((jst_day(at), after.name, after.municipality))
        if after.address != before.address:
            addresses.append((jst_day(at), after.address, after.municipality))
        before = after
    return names, addresses
