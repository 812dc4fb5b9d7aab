"""Distinguished names of the sandbox CA (My Number Card sheet, sections 5.1 to 5.3, 6.1).

As J-LIS writes them, but for `O=JPKI-TEST` and one more `OU=honnin sandbox` behind it.
"""

import json
from functools import cache
from importlib.resources import files

from cryptography import x509
from cryptography.x509.oid import NameOID

from honnin.errors import InputError
from honnin.sandbox.jlis.profile import KindProfile, profile

__all__ = [
    "all_municipalities",
    "authority_name",
    "authority_name_ja",
    "distribution_point",
    "holder_name",
    "known_municipality",
    "municipality",
    "point_label",
]


@cache
def _municipalities() -> dict[str, tuple[str, str]]:
    table = json.loads(files(__package__).joinpath("municipalities.json").read_text(encoding="utf-8"))
    return {code: (prefecture, city) for code, (prefecture, city) in table["municipalities"].items()}


def municipality(code: str) -> tuple[str, str]:
    """Return prefecture and municipality in Latin letters, as DNs write them, by five-digit code."""
    return _municipalities()[code]


def all_municipalities() -> tuple[str, ...]:
    """Return every code of the table."""
    return tuple(_municipalities())


def known_municipality(code: str) -> str:
    """Return a code that the table holds. Raises InputError `life.municipality_unknown`."""
    if code not in _municipalities():
        raise InputError(
            "life.municipality_unknown",
            "The sandbox has no municipality of that code.",
            next=f"Use one of: {', '.join(_municipalities())}.",
        )
    return code


def _name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, profile().organisation.country)
    return x509.Name([country, *(x509.NameAttribute(oid, value) for oid, value in parts)])


def authority_name(kind: KindProfile) -> x509.Name:
    """Return the CA's DN, the same for every generation of its kind."""
    us = profile().organisation
    return _name(
        (NameOID.ORGANIZATION_NAME, us.name),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, us.mark),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, kind.unit),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, us.agency),
    )


def authority_name_ja(kind: KindProfile) -> x509.Name:
    """Return the CA's Japanese DN, its alternative name."""
    us = profile().organisation
    return _name(
        (NameOID.ORGANIZATION_NAME, us.name_ja),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, us.mark),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, kind.unit_ja),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, us.agency_ja),
    )


def distribution_point(kind: KindProfile, code: str) -> x509.Name:
    """Return the name under which a municipality's CRL is filed."""
    us = profile().organisation
    prefecture, _ = municipality(code)
    return _name(
        (NameOID.ORGANIZATION_NAME, us.name),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, us.mark),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, kind.unit),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, profile().distribution_points),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, prefecture),
        (NameOID.COMMON_NAME, point_label(code)),
    )


def point_label(code: str) -> str:
    """Return the common name of a municipality's distribution point."""
    return f"{municipality(code)[1]} CRLDP"


def holder_name(kind: KindProfile, code: str, common_name: str) -> x509.Name:
    """Return a holder's DN: with the municipality for signatures, the issue identifier alone for authentication."""
    prefecture, city = municipality(code)
    places = ((NameOID.LOCALITY_NAME, prefecture), (NameOID.LOCALITY_NAME, city))
    return _name(*(places if kind.purpose == "signature" else ()), (NameOID.COMMON_NAME, common_name))
