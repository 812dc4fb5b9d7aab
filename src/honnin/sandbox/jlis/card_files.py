"""The files of the card face and input support applications, and the records of the common one.

My Number Card sheet, sections 3.3 to 3.6, 4.3 and 4.4. File sizes that the sheet does not give are this sandbox's
(`SIZES`); filler is FF. `faults` change what was signed, as a forger would.
"""

from dataclasses import replace
from hashlib import sha256

import msgspec

from honnin.sandbox.jlis.card_facts import CardFacts, facts_of
from honnin.sandbox.jlis.card_signing import Issuer, key_id, obj, public_object
from honnin.sandbox.pictures import jp2, png, portrait, text
from honnin.sandbox.strongroom import kept, kept_rsa, new_key
from honnin.sandbox.world import World

__all__ = ["FAULTS", "attributes", "card_files", "key_bytes"]

FAULTS = (
    "altered_text",
    "altered_portrait",
    "altered_expiry",
    "copied",
    "expired",
    "wrong_issuer",
    "forged_issuer",
    "swapped_files",
    "altered_licence",
)
SIZES = {"input_support_attributes": 1024, "card_face_face": 8192, "card_face_number": 1024}
PORTRAIT_SIZE, PORTRAIT_BYTES = (192, 240), 5000
NAME_SIZE, ADDRESS_SIZE, NUMBER_SIZE, CODE_SIZE = (216, 12), (288, 24), (72, 12), (24, 12)
FORGED_ADDRESS = "東京都千代田区偽造一丁目１番１号"
RESERVED = b"\xff" * 16


def card_files(world: World, facts: CardFacts, fault: str) -> dict[str, bytes]:
    """Return every file by its name in the layout; kept for as long as the holder's data stay as they are."""
    mark = sha256(msgspec.msgpack.encode(facts)).hexdigest()[:16]
    encoded = kept(
        world, f"card/{facts.card}/{mark}/{fault}", lambda: msgspec.msgpack.encode(_make(world, facts, fault))
    )
    return msgspec.msgpack.decode(encoded, type=dict[str, bytes])


def key_bytes(world: World, facts: CardFacts, name: str, fault: str) -> bytes:
    """Return a private key of the chip as PKCS#8: of a copy another one than the one that the signed files name.

    The delivery key of a copy fits its file, which nobody signed: whoever copies a card writes a pair of his own.
    """
    copied = fault == "copied" and name != "delivery"
    return kept(world, _key_name(facts, name, copied=copied), lambda: new_key("rsa"))


def _key_name(facts: CardFacts, name: str, *, copied: bool = False) -> str:
    return f"card/{facts.card}/{name}{'/copy' if copied else ''}"


def _make(world: World, facts: CardFacts, fault: str) -> dict[str, bytes]:
    stranger = {"stranger": fault in {"wrong_issuer", "forged_issuer"}, "claims": fault == "forged_issuer"}
    face = Issuer(world, "card_face", facts.municipality, **stranger)
    support = Issuer(world, "input_support", facts.municipality, **stranger)
    files = _input_support(world, facts, support) | _card_face(world, facts, face)
    if fault == "altered_text":
        forged = replace(facts, address=FORGED_ADDRESS)
        files["input_support_attributes"] = attributes(forged)
        files["card_face_face"] = _face(world, facts, face, drawn=forged)
    elif fault == "altered_portrait":
        files["card_face_face"] = _face(world, facts, face, drawn=replace(facts, person="nobody"))
    elif fault == "altered_expiry":
        files["card_face_face"] = _face(
            world, facts, face, drawn=replace(facts, expiry=f"{int(facts.expiry[:4]) + 5}{facts.expiry[4:]}")
        )
    elif fault == "swapped_files":
        from honnin.sandbox.states import state_of

        other = "taro" if facts.person == "hanako" else "hanako"
        theirs = card_files(world, facts_of(other, state_of(world, other, world.now())), "")
        names = ("input_support_attributes", "input_support_signature", "input_support_certificate")
        files |= {name: theirs[name] for name in names}
    return files


def _filled(name: str, content: bytes) -> bytes:
    size = SIZES[name]
    if len(content) > size:
        raise ValueError(name)
    return content.ljust(size, b"\xff")


# --- input support (3.3, 4.3)


def _input_support(world: World, facts: CardFacts, issuer: Issuer) -> dict[str, bytes]:
    number = obj(0xFF10, facts.number_a.encode()) + b"\xff\xff"
    items = _attribute_items(facts)
    digests = obj(0xDF31, sha256(number).digest()) + obj(0xDF32, sha256(b"".join(items)).digest())
    own = obj(0xDF51, public_object(kept_rsa(world, _key_name(facts, "input_support"))))
    delivery = public_object(kept_rsa(world, _key_name(facts, "delivery")))
    basic = (
        obj(0xDF41, bytes.fromhex("01030E01")),
        obj(0xDF42, key_id("7000034", "001")),
        obj(0xDF43, sha256(facts.card.encode()).digest() + b"\xff" * 96, wide=True),
    )
    return {
        "input_support_number": number,
        "input_support_attributes": attributes(facts),
        "input_support_signature": obj(0xFF30, digests, obj(0xDF33, issuer.sign(digests))),
        "input_support_certificate": issuer.certificate,
        "input_support_basic": obj(0xFF40, *basic, wide=True),
        "input_support_delivery": obj(0xA1, delivery),
        "input_support_own_key": obj(0xFF50, own, obj(0xDF52, issuer.sign(own))),
        "reserved": RESERVED,
    }


def _attribute_items(facts: CardFacts) -> list[bytes]:
    return [
        obj(0xDF22, facts.name.encode()),
        obj(0xDF23, facts.address.encode()),
        obj(0xDF24, facts.birth.encode()),
        obj(0xDF25, facts.sex.encode()),
    ]


def attributes(facts: CardFacts) -> bytes:
    """Return EF 0002 of the input support application: the four items as text."""
    return _filled("input_support_attributes", _with_table(0xFF20, 0xDF21, _attribute_items(facts)))


def _with_table(outer: int, table: int, items: list[bytes]) -> bytes:
    """Return an object whose first item says where the others begin, counted from the start of the file."""
    first = obj(table, bytes(2 * len(items)))
    whole = obj(outer, first, *items)
    at = len(whole) - sum(len(item) for item in items)
    places = []
    for item in items:
        places.append(at.to_bytes(2))
        at += len(item)
    return obj(outer, obj(table, *places), *items)


# --- card face (3.4, 4.4)


def _card_face(world: World, facts: CardFacts, issuer: Issuer) -> dict[str, bytes]:
    own = public_object(kept_rsa(world, _key_name(facts, "card_face")))
    age = obj(0xDF11, facts.birth.encode()) + obj(0xDF12, own)
    number = obj(0xDF41, png(text(facts.number_a, NUMBER_SIZE))) + obj(0xDF42, own)
    key = key_id("7000024", "001")
    basic = (
        obj(0xDF31, bytes.fromhex("06030E01")),
        obj(0xDF32, key),
        obj(0xDF33, b"\x01"),
        obj(0xDF34, facts.municipality.encode()),
        obj(0xDF35, key, sha256(facts.card.encode()).digest() * 8),
    )
    return {
        "card_face_age": obj(0xFF10, age, obj(0xDF13, issuer.sign(age))),
        "card_face_face": _face(world, facts, issuer, drawn=facts),
        "card_face_basic": obj(0xFF30, *basic),
        "card_face_certificate": issuer.certificate,
        "card_face_number": _filled("card_face_number", obj(0xFF40, number, obj(0xDF43, issuer.sign(number)))),
    }


def _face(world: World, facts: CardFacts, issuer: Issuer, *, drawn: CardFacts) -> bytes:
    """Return EF 0002: the signature covers `facts`, the file shows `drawn`."""
    signed = _face_items(world, facts)
    parts = (b"".join(signed[:3]), b"".join(signed[3:5]), signed[5])
    signature = issuer.sign_digests(*(sha256(part).digest() for part in parts))
    rest = [
        obj(0xDF28, signature),
        obj(0xDF29, drawn.expiry.encode()),
        obj(0xDF2A, png(text(facts.security_code, CODE_SIZE))),
    ]
    return _filled("card_face_face", _with_table(0xFF20, 0xDF21, _face_items(world, drawn) + rest))


def _face_items(world: World, facts: CardFacts) -> list[bytes]:
    own = public_object(kept_rsa(world, _key_name(facts, "card_face")))
    photo = jp2(portrait(facts.person, PORTRAIT_SIZE, colour=False), PORTRAIT_BYTES)
    return [
        obj(0xDF22, facts.birth.encode()),
        obj(0xDF23, facts.sex.encode()),
        obj(0xDF24, own),
        obj(0xDF25, png(text(facts.name, NAME_SIZE))),
        obj(0xDF26, png(text(facts.address, ADDRESS_SIZE))),
        obj(0xDF27, photo),
    ]
