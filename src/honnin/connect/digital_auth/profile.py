"""What the client assumes of the Digital Authentication Service, from `profile.json` beside this module.

Every name, limit and algorithm of digital-agency-apis.md §8 (A-01 … A-14) is a value there; when the official page is
read, one edit there aligns the client.
"""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

__all__ = ["Profile", "profile"]

Sex = Literal["male", "female", "unknown"]


class _Part(msgspec.Struct, frozen=True):
    """One group of values; `assumption` texts are for readers and not loaded."""


class Paths(_Part, frozen=True):
    """Paths under an environment's base."""

    issuer: str
    authorization: str
    token: str
    userinfo: str
    jwks: str
    sign_start: str
    sign_result: str


class Discovery(_Part, frozen=True):
    """Where a discovery document would be, under the issuer."""

    path: str


class Scopes(_Part, frozen=True):
    """Scope values: of every login, of signing, of the four items."""

    login: str
    sign: str
    items: tuple[str, ...]
    separator: str


class Acr(_Part, frozen=True):
    """What is asked as `acr_values`; which values of a token are levels, and whether one must come."""

    asked: str
    levels: dict[str, int]
    required: bool


class Errors(_Part, frozen=True):
    """The errors of the authorization response that have words of their own.

    reasons: why a person did not finish (the tail of our code), by the description that comes with `access_denied`.
    """

    member: str
    known: frozenset[str]
    reasons: dict[str, str]


class ClientCredentials(_Part, frozen=True):
    """The request for the token that starts a sign transaction."""

    scope: str
    send_client_id: bool


class Assertion(_Part, frozen=True):
    """The client assertion: what it names as audience, its lifetime, and the algorithms a client may register."""

    audience: Literal["token_endpoint", "issuer"]
    lifetime_seconds: int
    algorithms: tuple[str, ...]


class Lifetimes(_Part, frozen=True):
    """How long a person may take from start to return."""

    attempt_seconds: int


class IdTokenRules(_Part, frozen=True):
    """What an ID token must be."""

    algorithms: tuple[str, ...]
    required: tuple[str, ...]
    leeway_seconds: int
    oldest_seconds: int


class SubjectRules(_Part, frozen=True):
    """The form of `sub`."""

    most_characters: int


class UserInfoRules(_Part, frozen=True):
    """How the four items are written: claim of each, patterns of a birth date (year, month, day), words for a sex."""

    claims: dict[Literal["name", "address", "birth_date", "sex"], str]
    birth_date_patterns: tuple[str, ...]
    sexes: dict[str, Sex]


class SignRules(_Part, frozen=True):
    """The sign transaction: member names, most bytes of the value, what refusals mean.

    without_words: environments that know no words to be shown, and are never sent any.
    """

    request: dict[Literal["client_id", "data", "words", "content"], str]
    answer: dict[Literal["transaction"], str]
    parameter: str
    without_words: tuple[str, ...]
    most_bytes: int
    statuses: dict[str, Literal["unknown", "not_finished", "expired"]]


class ResultRules(_Part, frozen=True):
    """The sign result: its member, the older plain shape, the JWE's algorithms and its payload's members."""

    member: str
    plain: dict[Literal["signature", "certificate"], str]
    payload: dict[Literal["signature", "certificate", "transaction", "shown"], str]
    shown_type: str
    key_algorithms: tuple[str, ...]
    content_algorithms: tuple[str, ...]
    most_characters: int


class KeyShape(_Part, frozen=True):
    """The key of one algorithm."""

    kty: Literal["EC", "RSA"]
    crv: str | None = None
    bits: int | None = None


class KeyRules(_Part, frozen=True):
    """Which key belongs to which algorithm."""

    signing: dict[str, KeyShape]
    decryption: dict[str, KeyShape]


class Limits(_Part, frozen=True):
    """Sizes and times past which nothing is believed."""

    return_bytes: int
    parameter_characters: int
    token_characters: int
    answer_bytes: int
    jwks_keys: int
    jwks_default_seconds: int
    jwks_most_seconds: int
    jwks_refetch_seconds: int
    connect_seconds: float
    deadline_seconds: float


class Profile(_Part, frozen=True):
    """All of it."""

    environments: dict[str, str]
    paths: Paths
    discovery: Discovery
    scopes: Scopes
    acr: Acr
    errors: Errors
    client_credentials: ClientCredentials
    assertion: Assertion
    lifetimes: Lifetimes
    id_token: IdTokenRules
    subject: SubjectRules
    userinfo: UserInfoRules
    sign: SignRules
    result: ResultRules
    keys: KeyRules
    limits: Limits


@cache
def profile() -> Profile:
    """Return the profile."""
    return msgspec.json.decode(files(__package__).joinpath("profile.json").read_bytes(), type=Profile)
