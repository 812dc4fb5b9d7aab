"""Everything of the service that is not code (`profile.json`): addresses, parameter rules, assumptions A-01 to A-17.

A world may hold its own values in `digital-auth-profile.json` of its data folder: the members given there replace the
packaged ones, so that one edit aligns the service when somebody has read the official pages.
"""

import json
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from honnin.errors import FormatError
from honnin.sandbox.world import World

__all__ = ["OWN_FILE", "ParameterRule", "Profile", "profile"]

OWN_FILE = "digital-auth-profile.json"


class ParameterRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the authorization request (§1.5); characters: a regular expression for the whole value."""

    required: bool
    fixed: str | None = None
    longest: int = 255
    characters: str = r"[\x20-\x7E]*"
    error: str = "invalid_request"


class Endpoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Paths of §1.4."""

    authorization: str
    token: str
    userinfo: str
    certs: str
    sign_transactions: str
    discovery: str


class Scopes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names of the scopes."""

    openid: str
    items: tuple[str, ...]
    sign: str

    @property
    def all(self) -> frozenset[str]:
        """Every scope."""
        return frozenset((self.openid, *self.items, self.sign))


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes back to the relying party when something ends badly."""

    error: str
    description: str


class Further(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Endpoints whose existence is not confirmed; only discovery is played."""

    discovery: bool
    logout: Literal[False]
    revocation: Literal[False]
    introspection: Literal[False]


class Acr(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens of `acr_values`, the level they all mean, and the source of validity when none is named."""

    known: tuple[str, ...]
    level: str
    by_default: Literal["ocsp", "crl"]


class ClientCredentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The scope of a client-credentials token."""

    scope: str


class AssertionLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far ahead an assertion may end (strict mode), how far clocks may differ, and what `aud` may name."""

    longest_seconds: int
    leeway_seconds: int
    audiences: tuple[Literal["token_endpoint", "issuer"], ...]


class Lifetimes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds; rollover: how long a key that no longer signs stays in the JWKS."""

    code: int
    access_token: int
    refresh_token: int
    id_token: int
    screens: int
    rollover: int


class IdTokenClaims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Claims and response parameters beyond the confirmed ones."""

    claims: tuple[Literal["auth_time", "acr", "azp", "sid"], ...]
    session_state: bool
    response_iss: bool


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Form of `sub`."""

    form: Literal["uuid", "hex"]


class UserInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the four items are written."""

    birthdate: Literal["YYYYMMDD", "YYYY-MM-DD"]
    gender: dict[str, str]
    address: Literal["text", "object"]


class StartMembers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Members of the start call; text: the sandbox's own, the words to be shown on the phone; content: what names them,
    where it is not they that are signed.
    """

    client: str
    data: str
    transaction: str
    text: str
    content: str


class TransactionLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Life of a transaction, size of its data, and statuses of the result call."""

    seconds: int
    largest_bytes: int
    unknown: int
    unfinished: int
    expired: int
    not_allowed: int


class ResultShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Encryption and members of the sign result; shown: the sandbox's own, the proof of what the phone showed."""

    algorithms: tuple[str, ...]
    encryption: str
    signature: str
    certificate: str
    transaction: str
    shown: str
    result: str


class HandOver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a PC hands over to a phone."""

    hand_over: Literal["qr", "none"]
    refresh_seconds: int
    app_links: tuple[str, ...]


class Medium(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether certificates in phones work, and whether the relying party learns that it was one (claim `amr`)."""

    phones_accepted: bool
    tell_medium: bool


class Assumptions(msgspec.Struct, frozen=True, rename={
    "further": "A-01", "acr": "A-02", "answers": "A-03", "client_credentials": "A-04", "assertion": "A-05",
    "lifetimes": "A-06", "id_token": "A-07", "subject": "A-08", "user_info": "A-09", "start": "A-10",
    "transactions": "A-11", "result": "A-12", "hand_over": "A-13", "medium": "A-14", "consent_xml": "A-15",
    "outcome_codes": "A-16", "number_b": "A-17",
}, forbid_unknown_fields=True):  # fmt: skip
    """The register of §8, each under its id."""

    further: Further
    acr: Acr
    answers: dict[str, Answer]
    client_credentials: ClientCredentials
    assertion: AssertionLimits
    lifetimes: Lifetimes
    id_token: IdTokenClaims
    subject: Subject
    user_info: UserInfo
    start: StartMembers
    transactions: TransactionLimits
    result: ResultShape
    hand_over: HandOver
    medium: Medium
    consent_xml: dict[str, Any]
    outcome_codes: dict[str, Any]
    number_b: dict[str, Any]


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    source: str
    date: str
    base: str
    issuer: str
    endpoints: Endpoints
    parameters: dict[str, ParameterRule]
    scopes: Scopes
    assumptions: Assumptions
    strict_by_default: bool
    largest_request: int
    slow_seconds: float


def profile(world: World) -> Profile:
    """Return the profile of a world. Raises FormatError `sandbox.profile_malformed` for its own file."""
    own = world.data / OWN_FILE
    try:
        return _with(own.read_bytes())
    except FileNotFoundError:
        return _with(b"{}")


@lru_cache(maxsize=8)
def _with(own: bytes) -> Profile:
    try:
        return msgspec.convert(_merged(_packaged(), json.loads(own)), Profile)
    except (ValueError, msgspec.ValidationError) as error:
        raise FormatError(
            "sandbox.profile_malformed",
            f"{OWN_FILE} does not fit the profile: {error}",
            next="Give only members of the packaged profile.json, with values of the same kind.",
        ) from error


@cache
def _packaged() -> dict[str, Any]:
    packaged: dict[str, Any] = json.loads(files(__package__).joinpath("profile.json").read_bytes())
    return packaged


def _merged(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {key: _merged(below.get(key), value) for key, value in above.items()}
    return above
