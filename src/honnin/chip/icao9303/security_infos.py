"""SecurityInfos (ICAO Doc 9303-11 §9.2): what EF.CardAccess, EF.CardSecurity and data group 14 say a chip can do.

Unknown protocols are left out: a chip may list more than a reader knows. Nothing in EF.CardAccess is signed; data group
14 and EF.CardSecurity repeat it under a signature.
"""

from typing import Final, Literal

import msgspec

from honnin.chip.icao9303.ciphers import CipherName
from honnin.chip.icao9303.domains import Domain, domain_parameters, domain_with
from honnin.errors import FormatError, InputError
from honnin.pki import der

__all__ = [
    "ActiveAuthenticationInfo",
    "ChipAuthenticationInfo",
    "ChipAuthenticationKey",
    "PaceInfo",
    "SecurityInfos",
    "parse_security_infos",
    "read_public_key",
]

BSI: Final = "0.4.0.127.0.7"
PACE, CHIP_AUTHENTICATION, PUBLIC_KEY = f"{BSI}.2.2.4.", f"{BSI}.2.2.3.", f"{BSI}.2.2.1."
ACTIVE_AUTHENTICATION: Final = "2.23.136.1.1.5"
STANDARDIZED: Final = f"{BSI}.1.2"
PLAIN_ECDSA: Final = f"{BSI}.1.1.4.1."
CIPHERS: Final[dict[int, CipherName]] = {1: "3des", 2: "aes-128", 3: "aes-192", 4: "aes-256"}
MAPPINGS: Final[dict[int, tuple[Literal["dh", "ecdh"], Literal["gm", "im", "cam"]]]] = {
    1: ("dh", "gm"),
    2: ("ecdh", "gm"),
    3: ("dh", "im"),
    4: ("ecdh", "im"),
    6: ("ecdh", "cam"),
}
HASHES: Final = {1: "sha1", 2: "sha224", 3: "sha256", 4: "sha384", 5: "sha512"}
EC_KEY, X942_KEY, PKCS3_KEY = "1.2.840.10045.2.1", "1.2.840.10046.2.1", "1.2.840.113549.1.3.1"
MOST_INFOS: Final = 64


class PaceInfo(msgspec.Struct, frozen=True):
    """One PACE protocol. parameter_id: standardized domain parameters; None where the chip leaves them open."""

    oid: str
    agreement: Literal["dh", "ecdh"]
    mapping: Literal["gm", "im", "cam"]
    cipher: CipherName
    parameter_id: int | None = None


class ChipAuthenticationInfo(msgspec.Struct, frozen=True):
    """One Chip Authentication protocol. key_id: which key, None where the chip has one."""

    oid: str
    agreement: Literal["dh", "ecdh"]
    cipher: CipherName
    version: int
    key_id: int | None = None


class ChipAuthenticationKey(msgspec.Struct, frozen=True):
    """A static public key of the chip. spki: SubjectPublicKeyInfo (DER)."""

    agreement: Literal["dh", "ecdh"]
    spki: bytes
    key_id: int | None = None


class ActiveAuthenticationInfo(msgspec.Struct, frozen=True):
    """The hash of an ECDSA Active Authentication."""

    hash: str


class SecurityInfos(msgspec.Struct, frozen=True):
    """What was listed, in the chip's order."""

    pace: tuple[PaceInfo, ...] = ()
    chip_authentication: tuple[ChipAuthenticationInfo, ...] = ()
    chip_keys: tuple[ChipAuthenticationKey, ...] = ()
    active_authentication: tuple[ActiveAuthenticationInfo, ...] = ()


_Info = PaceInfo | ChipAuthenticationInfo | ChipAuthenticationKey | ActiveAuthenticationInfo


def parse_security_infos(octets: bytes) -> SecurityInfos:
    """Read a SET OF SecurityInfo (DER); bytes behind it are a file's unused rest.

    Raises FormatError `passport.security_infos_malformed`.
    """
    try:
        tag, at, end = der.read(octets, 0, len(octets), minimal=False)
        if tag != der.SET:
            raise der.malformed("The outermost value is no SET.")
        found: list[_Info] = []
        for count, (first, stop) in enumerate(der.items(octets, at, end, der.SEQUENCE)):
            if count == MOST_INFOS:
                raise der.malformed("There are too many entries.")
            info = _info(octets, first, stop)
            if info is not None:
                found.append(info)
    except FormatError as error:
        raise FormatError(
            "passport.security_infos_malformed",
            f"What the chip says it can do cannot be read: {error.message}",
            next="Place the document again.",
        ) from None
    return SecurityInfos(
        tuple(i for i in found if isinstance(i, PaceInfo)),
        tuple(i for i in found if isinstance(i, ChipAuthenticationInfo)),
        tuple(i for i in found if isinstance(i, ChipAuthenticationKey)),
        tuple(i for i in found if isinstance(i, ActiveAuthenticationInfo)),
    )


def read_public_key(spki: bytes) -> tuple[Domain, bytes]:
    """Return domain and public key (04‖x‖y, or a residue at full length) of a SubjectPublicKeyInfo.

    Curves come by OID, by standardized parameterId or written out (and then equal to a standardized one); MODP groups
    written out or by parameterId. Raises FormatError `passport.public_key_invalid`, `der.malformed`.
    """
    start, stop = der.whole(spki, der.SEQUENCE)
    first, at = der.enclosed(spki, start, stop, der.SEQUENCE)
    oid_start, parameters_at = der.enclosed(spki, first, at, der.OID)
    key_start, key_stop = der.enclosed(spki, at, stop, der.BIT_STRING)
    content = der.bits(spki, key_start, key_stop)
    oid = der.oid(spki, oid_start, parameters_at)
    parameters = spki[parameters_at:at]
    try:
        domain = _domain(oid, parameters)
    except (InputError, ValueError):
        raise FormatError("passport.public_key_invalid", "The chip's key is on domain parameters not known.") from None
    if content[:1] == b"\x02" and oid in {X942_KEY, PKCS3_KEY, STANDARDIZED} and domain.name.startswith(("m", "e")):
        number_start, number_stop = der.whole(content, der.INTEGER)
        content = der.integer(content, number_start, number_stop).to_bytes(domain.field_length, "big")
    domain.decode(content)
    return domain, content


def _info(octets: bytes, at: int, end: int) -> _Info | None:
    oid_start, at = der.enclosed(octets, at, end, der.OID)
    oid = der.oid(octets, oid_start, at)
    rest = [*der.children(octets, at, end)]
    numbers = [der.integer(octets, first, stop) for tag, first, stop in rest if tag == der.INTEGER]
    arcs = [int(arc) for arc in oid.split(".")]
    if oid.startswith(PACE) and len(arcs) == 11 and arcs[9] in MAPPINGS and arcs[10] in CIPHERS:
        agreement, mapping = MAPPINGS[arcs[9]]
        return PaceInfo(oid, agreement, mapping, CIPHERS[arcs[10]], numbers[1] if len(numbers) > 1 else None)
    if oid.startswith(CHIP_AUTHENTICATION) and len(arcs) == 11 and arcs[9] in {1, 2} and arcs[10] in CIPHERS:
        kind: Literal["dh", "ecdh"] = "dh" if arcs[9] == 1 else "ecdh"
        version = numbers[0] if numbers else 1
        return ChipAuthenticationInfo(oid, kind, CIPHERS[arcs[10]], version, numbers[1] if len(numbers) > 1 else None)
    if oid in {f"{PUBLIC_KEY}1", f"{PUBLIC_KEY}2"} and rest and rest[0][0] == der.SEQUENCE:
        kind = "dh" if oid.endswith("1") else "ecdh"
        return ChipAuthenticationKey(kind, octets[at : rest[0][2]], numbers[0] if numbers else None)
    if oid == ACTIVE_AUTHENTICATION:
        algorithm = next((der.oid(octets, first, stop) for tag, first, stop in rest if tag == der.OID), "")
        number = algorithm.removeprefix(PLAIN_ECDSA)
        if algorithm.startswith(PLAIN_ECDSA) and number.isdigit() and int(number) in HASHES:
            return ActiveAuthenticationInfo(HASHES[int(number)])
    return None


def _domain(oid: str, parameters: bytes) -> Domain:
    if oid == STANDARDIZED:
        start, stop = der.whole(parameters, der.INTEGER)
        return domain_parameters(der.integer(parameters, start, stop))
    if oid == EC_KEY and parameters[:1] == b"\x06":
        start, stop = der.whole(parameters, der.OID)
        return domain_parameters(der.oid(parameters, start, stop))
    start, stop = der.whole(parameters, der.SEQUENCE)
    fields = [*der.children(parameters, start, stop)]
    if oid == EC_KEY:
        return domain_with(_curve(parameters, fields))
    if oid in {X942_KEY, PKCS3_KEY}:
        numbers = [der.integer(parameters, first, end) for tag, first, end in fields if tag == der.INTEGER]
        names = ("p", "g", "q") if oid == X942_KEY else ("p", "g")
        return domain_with(dict(zip(names, numbers, strict=False)))
    raise ValueError(oid)


def _curve(octets: bytes, fields: list[tuple[int, int, int]]) -> dict[str, int]:
    """Return the numbers of written-out ECParameters (RFC 3279 §2.3.5)."""
    if [tag for tag, *_ in fields[:5]] != [0x02, 0x30, 0x30, 0x04, 0x02]:
        raise der.malformed("Curve parameters are not those of RFC 3279.")
    _, field, curve, base, order = fields[:5]
    inside = [*der.children(octets, field[1], field[2])]
    coefficients = [*der.children(octets, curve[1], curve[2])]
    point = octets[base[1] : base[2]]
    if len(inside) != 2 or inside[1][0] != der.INTEGER or len(coefficients) < 2 or point[:1] != b"\x04":
        raise der.malformed("Curve parameters are not those of RFC 3279.")
    half = len(point) // 2
    a, b = (int.from_bytes(octets[first:stop], "big") for _, first, stop in coefficients[:2])
    return {
        "p": der.integer(octets, inside[1][1], inside[1][2]),
        "a": a,
        "b": b,
        "n": der.integer(octets, order[1], order[2]),
        "x": int.from_bytes(point[1 : 1 + half], "big"),
        "y": int.from_bytes(point[1 + half :], "big"),
    }
