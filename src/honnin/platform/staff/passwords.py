"""Passwords of staff: Argon2id as RFC 9106 has it, keyed with a key of the platform.

The key is the algorithm's own secret value K: who steals the store alone cannot try passwords. Cost as OWASP
recommends (19 MiB, two passes, one lane): some 30 ms of one core. SP 800-63B-4 wants no rules of composition, a least
length, and a list of what is not taken; what is told to staff once is made here and not chosen by anybody.
"""

import unicodedata
from functools import cached_property
from itertools import pairwise

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from honnin.errors import InputError
from honnin.platform.ids import random_text
from honnin.platform.keys import Keyring
from honnin.platform.randomness import unique_octets

__all__ = ["SHORTEST", "Passwords", "check_password", "given_password"]

SHORTEST, LONGEST = 12, 128
DIFFERENT = 6  # characters
MEMORY_KIB, PASSES, LANES, OCTETS, SALT = 19_456, 2, 1, 32, 16
GIVEN = 16  # characters, 80 bits


def given_password() -> str:
    """Return a password to be told once, in groups of four characters."""
    text = random_text(GIVEN)
    return "-".join(text[at : at + 4] for at in range(0, GIVEN, 4))


class Passwords:
    """Makes and compares what is stored of a password."""

    def __init__(self, keys: Keyring) -> None:
        self._key = keys.derived("staff-password")

    def stored(self, password: str) -> str:
        """Return the PHC string of a password."""
        function = Argon2id(
            salt=unique_octets(SALT),
            length=OCTETS,
            iterations=PASSES,
            lanes=LANES,
            memory_cost=MEMORY_KIB,
            secret=self._key,
        )
        return function.derive_phc_encoded(_octets(password))

    def fits(self, password: str, stored: str | None) -> bool:
        """Tell whether a password is the stored one; with none stored it takes as long, and does not fit."""
        try:
            Argon2id.verify_phc_encoded(_octets(password), stored or self._nobodys, secret=self._key)
        except InvalidKey:
            return False
        return stored is not None

    @cached_property
    def _nobodys(self) -> str:
        return self.stored(random_text(GIVEN))


def check_password(password: str, *told: str) -> None:
    """Refuse a password that is easily guessed. told: what everybody knows: login, name, tenant.

    Raises InputError `staff.password_short`, `staff.password_weak`.
    """
    plain = unicodedata.normalize("NFKC", password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise InputError(
            "staff.password_short", f"A password has {SHORTEST} to {LONGEST} characters.", next="Choose a longer one."
        )
    rest = plain.casefold()
    for word in told:
        rest = rest.replace(unicodedata.normalize("NFKC", word).casefold(), "")
    steps = {ord(after) - ord(before) for before, after in pairwise(rest)}
    if len(set(rest)) < DIFFERENT or len(rest) < SHORTEST // 2 or len(steps) == 1:
        raise InputError(
            "staff.password_weak",
            "This password is easily guessed: few characters, a row of them, or a name.",
            next="Choose several words that have nothing to do with each other.",
        )


def _octets(password: str) -> bytes:
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
