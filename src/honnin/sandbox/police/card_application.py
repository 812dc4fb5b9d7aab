"""マイナ免許証: licence information as an application of the My Number Card (other-documents sheet, section 3).

No name, no address, no birth date: the holder is known by the card around it. Two-byte tags are written 01 00 to 01 0D.
"""

from hashlib import sha256

import msgspec

from honnin.sandbox.people import person, settle
from honnin.sandbox.pictures import codestream, portrait
from honnin.sandbox.police.coding import Glyphs, era_date, field, file
from honnin.sandbox.police.licences import (
    CATEGORIES,
    GROUPS,
    PORTRAIT_BYTES,
    PORTRAIT_SIZE,
    dates_of,
    earliest,
    number_of,
)
from honnin.sandbox.police.signing import commission, key_identifier, signature_fields, signed_by
from honnin.sandbox.strongroom import kept
from honnin.sandbox.world import World

__all__ = ["installed"]

DRIVER = b"\x01"  # 運転者区分: holds a licence [?]
CONDITIONS = (*range(0xC6, 0xCA), *range(0xCC, 0xD4))
FLAGS = range(0xEC, 0xFB)
ORDER = (*range(0xC2, 0x100), *range(0x0100, 0x0108))
PHOTO = 0x0107
SIGNATURE = range(0x0108, 0x010E)


def installed(world: World, person_id: str, *, altered: bool = False) -> dict[str, bytes]:
    """Return the application's three files, or nothing for who has none. altered: another colour after signing."""
    one = person(person_id)
    if one.licence is None or not one.licence.on_my_number_card:
        return {}
    settle(world)
    made = kept(
        world,
        f"licence-on-card/{person_id}/{altered}",
        lambda: msgspec.msgpack.encode(_make(world, person_id, altered=altered)),
    )
    return msgspec.msgpack.decode(made, type=dict[str, bytes])


def _make(world: World, person_id: str, *, altered: bool) -> dict[str, bytes]:
    one = person(person_id)
    assert one.licence is not None  # noqa: S101
    data = _data(world, person_id, one.licence.colour)
    code, _ = commission(one.municipality)
    key = f"police/{code}"
    signature = signed_by(world, key, sha256(data).digest())
    if altered:
        data = _data(world, person_id, "その他" if one.licence.colour == "優良" else "優良")
    return {
        "licence_status": field(0xC1, bytes((one.licence.licence_pin is not None,))),
        "licence_data": data,
        "licence_signature": file(
            584, *signature_fields(SIGNATURE, signature, person_id, code, key_identifier(world, key))
        ),
    }


def _data(world: World, person_id: str, colour: str) -> bytes:
    one = person(person_id)
    licence = one.licence
    assert licence is not None  # noqa: S101
    issued, expiry = dates_of(world, one)
    plain = Glyphs(0, 0)
    conditions = dict(zip(CONDITIONS, licence.conditions, strict=False))
    values = dict.fromkeys(ORDER, b"")
    values |= {0xC2: era_date(issued), 0xC3: DRIVER, 0xC4: plain.text(colour, 6), 0xC5: era_date(expiry)}
    values |= {tag: plain.text(condition, 80) for tag, condition in conditions.items()}
    values[0xE7] = number_of(world, one).encode()
    values |= {
        tag: earliest(licence.held, names) for tag, names in zip((0xE9, 0xEA, 0xEB), GROUPS.values(), strict=True)
    }
    names = sorted(CATEGORIES, key=CATEGORIES.__getitem__)
    values |= {tag: bytes((name in licence.held,)) for tag, name in zip(FLAGS, names, strict=True)}
    values[PHOTO] = codestream(portrait(person_id, PORTRAIT_SIZE, colour=False), PORTRAIT_BYTES)
    return file(5845, *(field(tag, values[tag]) for tag in ORDER))
