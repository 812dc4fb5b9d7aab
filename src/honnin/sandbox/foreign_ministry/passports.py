"""Issuing: one person's passport under a profile, kept in the world, genuine or with one fault of `profiles.json`.

    issue(world, "hanako")                                    the person's usual kind
    issue(world, "hanako", "pace-gm", "altered_portrait")

A fault is made after signing, as a forger would; `wrong_issuer`, `forged_issuer`, `expired_signer` and `expired` are
signed so, and `unsigned_file` leaves data group 12 out of the list.
"""

from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from honnin.errors import InputError, NotFoundError
from honnin.identity.dates import PartialDate, from_certificate, jst_day
from honnin.sandbox.foreign_ministry import der
from honnin.sandbox.foreign_ministry.authorities import Signer, document_signer
from honnin.sandbox.foreign_ministry.curve import WrittenCurve
from honnin.sandbox.foreign_ministry.files import (
    common,
    data_group_1,
    data_group_2,
    data_group_11,
    data_group_12,
    security_object,
    signed_file,
)
from honnin.sandbox.foreign_ministry.zone import passport_zone, roman, six_digits
from honnin.sandbox.strongroom import kept, new_key
from honnin.sandbox.world import World

__all__ = ["IssuedPassport", "PaceRule", "Profile", "issue", "page", "variants"]

Cipher = Literal["3des", "aes-128", "aes-192", "aes-256"]
CIPHERS = {"3des": 1, "aes-128": 2, "aes-192": 3, "aes-256": 4}
MAPPINGS = {"gm": 2, "im": 4, "cam": 6}
BSI = "0.4.0.127.0.7"
CARD_SECURITY = f"{BSI}.3.2.1"
CURVES: dict[int, ec.EllipticCurve] = {12: ec.SECP256R1(), 13: ec.BrainpoolP256R1(), 15: ec.SECP384R1()}
CHIP_CURVE = 13  # of chips whose PACE names none
PORTRAIT_SIZE = (300, 400)


class PaceRule(msgspec.Struct, frozen=True):
    """The one PACE protocol of a chip."""

    mapping: Literal["gm", "im", "cam"]
    cipher: Cipher
    parameter_id: int

    @property
    def protocol(self) -> str:
        """The protocol's object identifier."""
        return f"{BSI}.2.2.4.{MAPPINGS[self.mapping]}.{CIPHERS[self.cipher]}"


class Profile(msgspec.Struct, frozen=True):
    """A kind of chip. active, chip: keys for Active and Chip Authentication; most_read: bytes of one plain answer."""

    line: Literal["rsa", "ec"]
    bac: bool = True
    pace: PaceRule | None = None
    active: Literal["rsa", "ec"] | None = None
    chip: Cipher | None = None
    most_read: int = 4096
    extended: bool = True


class IssuedPassport(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """All that goes into one chip. birth, expiry: YYMMDD. files: of the application, by id; keys: PKCS#8."""

    number: str
    birth: str
    expiry: str
    can: str
    profile: Profile
    files: dict[int, bytes]
    card_access: bytes | None
    card_security: bytes | None
    active_key: bytes | None
    chip_key: bytes | None

    def __repr__(self) -> str:
        return f"IssuedPassport({len(self.files)} files)"


class _Table(msgspec.Struct, frozen=True):
    source: str
    date: str
    usual: str
    people: dict[str, str]
    profiles: dict[str, Profile]
    faults: tuple[str, ...]


@cache
def _table() -> _Table:
    return msgspec.json.decode(files(__package__).joinpath("profiles.json").read_bytes(), type=_Table)


def variants() -> tuple[str, ...]:
    """Return the profiles and the faults that a passport may be asked for with."""
    return (*_table().profiles, *_table().faults)


def issue(world: World, person_id: str, *kinds: str) -> IssuedPassport:
    """Return a person's passport, made when it is first asked for.

    kinds: a profile, a fault, both or neither. Raises InputError `emulated.document_unknown`, NotFoundError
    `people.unknown`, `people.no_document`.
    """
    from honnin.sandbox.people import person, settle

    table = _table()
    unknown = set(kinds) - table.profiles.keys() - set(table.faults)
    chosen = [kind for kind in kinds if kind in table.profiles] or [table.people.get(person_id, table.usual)]
    faults = [kind for kind in kinds if kind in table.faults]
    if unknown or len(chosen) > 1 or len(faults) > 1:
        raise InputError(
            "emulated.document_unknown",
            "The sandbox makes no such passport.",
            next=f"Ask for one of {', '.join(table.profiles)} and one of {', '.join(table.faults)}.",
        )
    if person(person_id).foreign:
        raise NotFoundError("people.no_document", "The person has no such document.", next="Ask for my_number_card.")
    settle(world)
    fault = faults[0] if faults else ""
    name = f"passport/{person_id}/{chosen[0]}/{fault}"
    encoded = kept(
        world, name, lambda: msgspec.msgpack.encode(_make(world, person_id, table.profiles[chosen[0]], fault))
    )
    return msgspec.msgpack.decode(encoded, type=IssuedPassport)


def _make(world: World, person_id: str, profile: Profile, fault: str) -> IssuedPassport:
    from honnin.sandbox.states import state_of

    state = state_of(world, person_id, world.now())
    issued, expiry = _term(world, fault)
    number, can = _numbers(person_id)
    birth = from_certificate(state.birth)
    surname, _, given = state.kana.partition("　")
    active_key = new_key(profile.active) if profile.active else None
    chip_key = _chip_key(profile) if profile.chip else None
    groups = {
        1: data_group_1(passport_zone(roman(surname), roman(given), number, birth, state.sex, expiry)),
        2: data_group_2(_portrait(person_id), *PORTRAIT_SIZE),
        11: data_group_11(state.name.replace("　", "<<"), _eight(birth)),
        12: data_group_12("MINISTRY OF FOREIGN AFFAIRS", issued),
    }
    if active_key:
        groups[15] = der.tlv(0x6F, _public(active_key))
    infos = _infos(profile, chip_key)
    if infos:
        groups[14] = der.tlv(0x6E, der.set_of(*infos))
    signer = _signer(world, profile, fault)
    signed = {n: content for n, content in groups.items() if n != 12 or fault != "unsigned_file"}
    sod = security_object(signer, signed, issued)
    active_key, chip_key = _tampered(fault, profile, groups, active_key, chip_key)
    content = {0x0100 | n: group for n, group in groups.items()}
    content |= {0x011E: common(sorted(groups)), 0x011D: sod}
    cam = profile.pace is not None and profile.pace.mapping == "cam"
    return IssuedPassport(
        number=number,
        birth=six_digits(birth),
        expiry=six_digits(expiry),
        can=can,
        profile=profile,
        files=content,
        card_access=der.set_of(_pace_info(profile.pace)) if profile.pace else None,
        card_security=signed_file(signer, CARD_SECURITY, der.set_of(*infos), issued) if cam else None,
        active_key=active_key,
        chip_key=chip_key,
    )


def page(world: World, person_id: str, born: PartialDate, fault: str = "") -> dict[str, str]:
    """Return what of a passport's page opens its chip, without making the passport; dates as YYMMDD."""
    _, expiry = _term(world, fault)
    number, can = _numbers(person_id)
    return {
        "document_number": number,
        "birth_date": six_digits(born),
        "expiry_date": six_digits(expiry),
        "card_access_number": can,
    }


def _term(world: World, fault: str) -> tuple[datetime, date]:
    """Return when a passport was issued and its last day."""
    issued = world.born - timedelta(days=3700 if fault == "expired" else 400)
    start = jst_day(issued)
    return issued, date(start.year + 10, start.month, min(start.day, 28)) - timedelta(days=1)


def _numbers(person_id: str) -> tuple[str, str]:
    """Return passport number and card access number of a person."""
    seed = int.from_bytes(sha256(person_id.encode()).digest()[:6])
    return f"TS{seed % 10**7:07d}", f"{seed // 10**7 % 10**6:06d}"


def _signer(world: World, profile: Profile, fault: str) -> Signer:
    """Return who signs: the ministry's signer of the time, or another for a fault."""
    if fault in {"wrong_issuer", "forged_issuer"}:
        return document_signer(world, "stranger", claims="rsa" if fault == "forged_issuer" else None)
    age = {"expired_signer": 6000, "expired": 3800}.get(fault, 800)
    return document_signer(world, profile.line, age_days=age)


def _tampered(
    fault: str, profile: Profile, groups: dict[int, bytes], active_key: bytes | None, chip_key: bytes | None
) -> tuple[bytes | None, bytes | None]:
    """Change the files, or the keys in the chip, as the fault says."""
    if fault == "altered_text":
        groups[1] = groups[1].replace(b"<<", b"<<X", 1)[: len(groups[1]) - 44] + groups[1][-44:]
    elif fault == "altered_portrait":
        groups[2] = groups[2][:-400] + bytes(octet ^ 0x01 for octet in groups[2][-400:-390]) + groups[2][-390:]
    elif fault == "swapped_key" and active_key:
        active_key = new_key(profile.active or "rsa")
        groups[15] = der.tlv(0x6F, _public(active_key))
    elif fault == "copied":
        active_key = new_key(profile.active) if profile.active else None
        chip_key = _chip_key(profile) if profile.chip else None
    return active_key, chip_key


def _infos(profile: Profile, chip_key: bytes | None) -> list[bytes]:
    """Return the SecurityInfos that data group 14 and EF.CardSecurity sign."""
    found = [_pace_info(profile.pace)] if profile.pace else []
    if profile.active == "ec":
        algorithm = der.oid(f"{BSI}.1.1.4.1.4")  # ecdsa-plain-SHA384
        found.append(der.sequence(der.oid("2.23.136.1.1.5"), der.integer(1), algorithm))
    if profile.chip and chip_key:
        protocol = der.oid(f"{BSI}.2.2.3.2.{CIPHERS[profile.chip]}")
        found.append(der.sequence(protocol, der.integer(1)))
        found.append(der.sequence(der.oid(f"{BSI}.2.2.1.2"), _chip_public(profile, chip_key)))
    return found


def _pace_info(rule: PaceRule) -> bytes:
    return der.sequence(der.oid(rule.protocol), der.integer(2), der.integer(rule.parameter_id))


def _curve_number(profile: Profile) -> int:
    return profile.pace.parameter_id if profile.pace else CHIP_CURVE


def _chip_key(profile: Profile) -> bytes:
    key = ec.generate_private_key(CURVES[_curve_number(profile)])
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _public(pkcs8: bytes) -> bytes:
    return load_der_private_key(pkcs8, None).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _chip_public(profile: Profile, pkcs8: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of a chip's key (Doc 9303-11 §9.5.1).

    Its curve is named by parameterId for the mapping of PACE, which needs the same one, and written out otherwise.
    """
    from honnin.sandbox.cards.passport.curves import group

    key = load_der_private_key(pkcs8, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    number = _curve_number(profile)
    if profile.pace and profile.pace.mapping == "cam":
        algorithm = der.sequence(der.oid(f"{BSI}.1.2"), der.integer(number))
    else:
        curve = group(number)
        written = WrittenCurve(curve.p, curve.a, curve.b, curve.write(curve.base), curve.n).written_out()
        algorithm = der.sequence(der.oid("1.2.840.10045.2.1"), written)
    return der.sequence(algorithm, der.bit_string(point))


def _portrait(person_id: str) -> bytes:
    """Return the sandbox's drawn portrait with the person's id in a comment, so that no two are the same."""
    image = files(__package__).joinpath("portrait.jpg").read_bytes()
    comment = f"sandbox specimen {person_id}".encode()
    return image[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + image[2:]


def _eight(day: PartialDate) -> str:
    return f"{day.year or 0:04d}{day.month or 0:02d}{day.day or 0:02d}"
