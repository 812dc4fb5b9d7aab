"""Ids and API keys: what they look like, and how a key is kept.

An id is a prefix that says what it names and 24 characters of base 32: 9 of the time in milliseconds, 15 random ones
(75 bits). Ids that were made together lie together in every index, so that a group of checks changes few pages of the
store; what an id tells, when its object was made, the object tells as well. No id is a secret. An API key is
`sk_test_` or `sk_live_`, then the tail of its tenant's id, so that the shard is found without asking all of them, then
32 characters of secret. Only a keyed hash of it is stored.
"""

import hmac
import re
import secrets
import time
from functools import lru_cache
from typing import NamedTuple

from honnin.platform.randomness import unique_octets

__all__ = [
    "ApiKey",
    "EnrolmentCode",
    "ObjectKey",
    "keyed_hash",
    "new_api_key",
    "new_enrolment_code",
    "new_id",
    "new_object_key",
    "new_return_code",
    "random_text",
    "read_api_key",
    "read_enrolment_code",
    "read_object_key",
]

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing to mistake when read aloud
_LETTERS = (ALPHABET * 8).encode("ascii")  # 256 octets over 32 letters: every letter as likely as another
TAIL = 24
TIME = 9  # characters: 45 bits of milliseconds since 1970 last until the year 3084
SECRET = 32
CODE = 16
_API_KEY = re.compile(rf"sk_(test|live)_([{ALPHABET}]{{{TAIL}}})([{ALPHABET}]{{{SECRET}}})\Z")
_OBJECT_KEY = re.compile(rf"([{ALPHABET}]{{{TAIL}}})([{ALPHABET}]{{{TAIL}}})([{ALPHABET}]{{{SECRET}}})\Z")
_ENROLMENT_CODE = re.compile(rf"([{ALPHABET}]{{{TAIL}}})([{ALPHABET}]{{{CODE}}})\Z")
_MISTAKEN = str.maketrans({"o": "0", "i": "1", "l": "1", "-": "", " ": "", "\u3000": ""})


class ApiKey(NamedTuple):
    """A well-formed API key's parts; whether it is known is for the store to say."""

    livemode: bool
    tenant_id: str
    text: str

    def __repr__(self) -> str:
        return f"ApiKey({self.tenant_id})"


class ObjectKey(NamedTuple):
    """A well-formed key of one object of a tenant: a session's page, a terminal, a sign-in."""

    tenant_id: str
    object_id: str
    text: str

    def __repr__(self) -> str:
        return f"ObjectKey({self.object_id})"


class EnrolmentCode(NamedTuple):
    """A well-formed code that makes a browser a tenant's terminal."""

    tenant_id: str
    text: str

    def __repr__(self) -> str:
        return f"EnrolmentCode({self.tenant_id})"


def random_text(length: int) -> str:
    """Return random characters of the alphabet for a secret, 5 bits each."""
    return secrets.token_bytes(length).translate(_LETTERS).decode("ascii")


def new_id(prefix: str) -> str:
    """Return a new id such as `ver_…`; one made in a later millisecond sorts after it."""
    unique = unique_octets(TAIL - TIME).translate(_LETTERS).decode("ascii")
    return f"{prefix}_{_spelled(time.time_ns() // 1_000_000)}{unique}"


@lru_cache(maxsize=2)
def _spelled(milliseconds: int) -> str:
    """Return a time as TIME characters that sort as times do."""
    return "".join(ALPHABET[milliseconds >> shift & 31] for shift in range(5 * (TIME - 1), -1, -5))


def new_api_key(tenant_id: str, *, livemode: bool) -> str:
    """Return a new API key of a tenant."""
    return f"sk_{'live' if livemode else 'test'}_{tenant_id.removeprefix('ten_')}{random_text(SECRET)}"


def read_api_key(text: str) -> ApiKey | None:
    """Return the parts of an API key, or None for text that cannot be one."""
    match = _API_KEY.match(text)
    return ApiKey(match[1] == "live", f"ten_{match[2]}", text) if match else None


def new_object_key(tenant_id: str, object_id: str) -> str:
    """Return a new key for an object of a tenant: tenant, object, secret."""
    return tenant_id.removeprefix("ten_") + object_id.rpartition("_")[2] + random_text(SECRET)


def new_return_code() -> str:
    """Return a new code for the return address of one session, 160 bits."""
    return random_text(SECRET)


def read_object_key(text: str, prefix: str) -> ObjectKey | None:
    """Return the parts of a key of an object whose id begins with `prefix`, or None for text that cannot be one."""
    match = _OBJECT_KEY.match(text)
    return ObjectKey(f"ten_{match[1]}", f"{prefix}_{match[2]}", text) if match else None


def new_enrolment_code(tenant_id: str) -> str:
    """Return a code that a person types once: tenant and 80 bits of secret in groups of five characters."""
    text = tenant_id.removeprefix("ten_") + random_text(CODE)
    return "-".join(text[at : at + 5] for at in range(0, len(text), 5))


def read_enrolment_code(text: str) -> EnrolmentCode | None:
    """Return the parts of a code as it was typed, or None for text that cannot be one."""
    plain = text.lower().translate(_MISTAKEN)
    match = _ENROLMENT_CODE.match(plain)
    return EnrolmentCode(f"ten_{match[1]}", plain) if match else None


def keyed_hash(key: bytes, role: str, *parts: str | bytes) -> str:
    """Return HMAC-SHA-256 over a role and length-prefixed parts, lower-case hex."""
    hashed = [role.encode("ascii")]
    for part in parts:
        encoded = part.encode("utf-8") if isinstance(part, str) else part
        hashed += [len(encoded).to_bytes(8, "big"), encoded]
    keyed = _keyed(key).copy()
    keyed.update(b"".join(hashed))
    return keyed.hexdigest()


@lru_cache(maxsize=1024)
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")  # the one-shot lets go of the interpreter
