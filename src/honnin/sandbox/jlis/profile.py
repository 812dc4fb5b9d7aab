"""The sandbox CA's profile as data (`profile.json`; My Number Card sheet, sections 5 to 9)."""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

__all__ = ["KINDS", "Kind", "KindProfile", "Line", "LineProfile", "Profile", "Purpose", "profile"]

Kind = Literal["signature", "user_authentication", "mobile_signature", "mobile_user_authentication"]
Line = Literal["rsa", "p384"]
Purpose = Literal["signature", "user_authentication"]
KINDS: tuple[Kind, ...] = ("signature", "user_authentication", "mobile_signature", "mobile_user_authentication")


class Organisation(msgspec.Struct, frozen=True):
    """Names that every DN of the sandbox carries."""

    country: str
    name: str
    mark: str
    agency: str
    name_ja: str
    agency_ja: str


class KindProfile(msgspec.Struct, frozen=True):
    """One kind of certificate, and the CA that issues it."""

    purpose: Purpose
    carrier: Literal["card", "mobile"]
    unit: str
    unit_ja: str
    policy: str
    host: str
    first_serial: int
    confidence: str


class LineProfile(msgspec.Struct, frozen=True):
    """One line of CA keys: algorithm, and when its generations begin and end."""

    algorithm: Literal["rsa", "ec"]
    bits: int
    hash: Literal["sha256", "sha384"]
    first_years_before_birth: int
    every_years: int
    ca_years: int
    first_ca_serial: int
    certificate_birthdays: Literal["five", "card"]
    source: str


class Publication(msgspec.Struct, frozen=True):
    """When CRLs appear, and for how long they hold."""

    hour_jst: int
    valid_hours: int
    confidence: str


class Ocsp(msgspec.Struct, frozen=True):
    """Limits and intervals of the OCSP responder."""

    path: str
    valid_minutes: int
    largest_nonce: int
    largest_request: int
    confidence: str


class Linking(msgspec.Struct, frozen=True):
    """How long link data of a new certificate is missing."""

    pending_minutes: int
    confidence: str


class Profile(msgspec.Struct, frozen=True):
    """The whole file."""

    organisation: Organisation
    kinds: dict[Kind, KindProfile]
    lines: dict[Line, LineProfile]
    cps: str
    attributes: dict[str, str]
    sex: dict[str, str]
    distribution_points: str
    publication: Publication
    ocsp: Ocsp
    slow_seconds: float
    linking: Linking


@cache
def profile() -> Profile:
    """Return the profile that this sandbox issues by."""
    return msgspec.json.decode(files(__package__).joinpath("profile.json").read_bytes(), type=Profile)
