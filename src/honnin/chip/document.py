"""The one shape of every document's chip: detect, tries, unlock, read, prove, and what each of them returns.

    document                      application        a key that unlocks        prove
    My Number Card                jpki               Pin("signature", …)       possession by the authentication key
      (several applications)      card faces …       Pin("…"), number A or B   signature over the record, chip's own key
    driver's licence              the card           Pin("pin_1"), "pin_2"     signature over the record
    residence card                the card           the card number           signature over the record
    passport                      LDS 1              MRZ or CAN                passive, active, chip authentication

An application is what has the shape; a document is one application, or several by name. A key is any small object with
a `name` and a hidden value, so each document brings its own kind of key without changing this module. Files are kept
as the bytes that came from the chip: digests run over them.

What is not judged here: whether a certificate is revoked, and whether a person is who they say. A proof that could not
be made is `not_checked`, never `passed` and never `failed`.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, Protocol, TypeVar

import rfc8785

from honnin.errors import InputError
from honnin.words import say

__all__ = [
    "Application",
    "Challenge",
    "Detection",
    "Key",
    "Pin",
    "Progress",
    "Proof",
    "RawFile",
    "Reading",
    "Tries",
    "Trust",
    "TrustedKey",
    "Unlocking",
    "code_of",
]

Progress = Callable[[str, int, int], None]  # file name, bytes read, bytes in all

V = TypeVar("V")
K_contra = TypeVar("K_contra", bound="Key", contravariant=True)

SHORTEST_NONCE = 16  # bytes of a challenge that the verifier chose (my-number-card sheet §4.5)


@dataclass(frozen=True, slots=True)
class Detection:
    """Whether a chip has an application.

    generation: of the layout that will be used to read it; None when the application is not there.
    """

    document: str
    application: str
    present: bool
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a PIN may still be entered wrongly.

    left: None when the card does not say; of: the full count, None when it is not known. unused: there is nothing
    behind this PIN (no certificate was issued, no PIN was set), so a count of 0 is not a lock. A key that cannot lock
    (a passport's MRZ, a residence card's number) has no Tries at all.
    """

    name: str
    left: int | None
    of: int | None = None
    unused: bool = False

    @property
    def state(self) -> Literal["open", "last_try", "locked", "unused", "unknown"]:
        """In words what the count means."""
        if self.unused:
            return "unused"
        if self.left is None:
            return "unknown"
        return "locked" if self.left == 0 else "last_try" if self.left == 1 else "open"


class Key(Protocol):
    """What unlocks an application; its value never shows in a repr."""

    @property
    def name(self) -> str:
        """Which key of the application this is."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A PIN as the person typed it. name: `signature`, `user_authentication`, …"""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unlocking:
    """What a key opened: files and uses by name. The application stays open until the card is left."""

    by: str
    opens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file as the chip gave it. name: what the document calls it; file_id: its elementary file."""

    application: str
    name: str
    file_id: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that the chip or its data prove, or do not.

    kind: `possession`, `internal_authentication`, `active_authentication`, `data_signature`, `issuer`, `revocation` …
    code: why, as a key of words for people (`proof.…`, or an error's); detail: the same in English, where it says more.
    covers: names of the files and values that stand or fall with it (`part.…`); leaves_out: read, but outside of it.
    message, signature, certificate: what a verifier needs to repeat it; None where there is none.
    """

    kind: str
    result: Literal["passed", "failed", "not_checked"]
    code: str
    covers: tuple[str, ...] = ()
    leaves_out: tuple[str, ...] = ()
    algorithm: str | None = None
    message: bytes | None = field(default=None, repr=False)
    signature: bytes | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    detail: str = ""

    @property
    def reason(self) -> str:
        """Why, in English."""
        return self.detail or say(self.code, "en")


def code_of(indication: str, sub_indication: str | None) -> str:
    """Return the key of the words that say a path's verdict (`proof.path_…`)."""
    return f"proof.path_{sub_indication or ('PASSED' if indication == 'PASSED' else 'UNKNOWN')}"


@dataclass(frozen=True, slots=True)
class Reading(Generic[V]):
    """What was read: typed values of the document's own kind, the raw files, and what is proved so far."""

    document: str
    application: str
    values: V = field(repr=False)
    files: tuple[RawFile, ...]
    proofs: tuple[Proof, ...] = ()

    def file(self, name: str) -> bytes | None:
        """Return a file's bytes, None when it was not read or is not on the chip."""
        return next((file.content for file in self.files if file.name == name), None)


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key that no certificate carries, as police and card issuers hand theirs out.

    use: `drivers_licence`, `card_face` or `input_support`; key_id: what cards call it; spki: SubjectPublicKeyInfo.
    """

    use: str
    key_id: bytes
    spki: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a proof may rest on. anchors: certificates (DER), as given; at: the moment to judge for; keys: bare keys."""

    anchors: tuple[bytes, ...]
    at: datetime
    keys: tuple[TrustedKey, ...] = ()

    def key(self, use: str, key_id: bytes) -> bytes | None:
        """Return the key (SubjectPublicKeyInfo) that a use and an identifier name, None when it is not at hand."""
        return next((key.spki for key in self.keys if key.use == use and key.key_id == key_id), None)


@dataclass(frozen=True, slots=True)
class Challenge:
    """Fresh bytes that a chip signs, bound to what they are for and to who asks.

    A key that signs whatever it is given would sign someone else's login: purpose and audience are part of what is
    signed (my-number-card sheet §3.2). nonce: 16 bytes or more, chosen by the verifier's server, used once.
    """

    nonce: bytes
    purpose: str
    audience: str

    def __post_init__(self) -> None:
        if len(self.nonce) < SHORTEST_NONCE or not self.purpose or not self.audience:
            raise InputError(
                "chip.challenge_weak",
                "A challenge needs 16 random bytes or more, a purpose and an audience.",
                next="Let the verifier's server make it afresh for each use.",
            )

    @classmethod
    def fresh(
        cls, purpose: str, audience: str, *, randomness: Callable[[int], bytes] = secrets.token_bytes
    ) -> "Challenge":
        """Make a challenge with 32 bytes from `randomness`."""
        return cls(randomness(32), purpose, audience)

    def message(self) -> bytes:
        """Return what is hashed and signed: canonical JSON (RFC 8785) of version, purpose, audience and nonce."""
        return rfc8785.dumps(
            {
                "honnin_challenge": 1,
                "purpose": self.purpose,
                "audience": self.audience,
                "nonce": self.nonce.hex(),
            }
        )


class Application(Protocol[K_contra, V]):
    """The shape itself. Every method raises a coded error of `honnin.errors` and nothing else."""

    def detect(self) -> Detection:
        """Tell whether the chip has this application, by its AID and never by the ATR."""

    def tries(self) -> tuple[Tries, ...]:
        """Return the tries left of every key that can lock, spending none."""

    def unlock(self, key: K_contra, *, allow_last_try: bool = False) -> Unlocking:
        """Open what a key opens. Tries are read first; the last one is refused unless asked for."""

    def read(self, *parts: str) -> Reading[V]:
        """Return the named parts; without a name everything that is open. What is not on the chip is None."""

    def prove(self, challenge: Challenge, *, trust: Trust | None = None) -> tuple[Proof, ...]:
        """Prove what can be proved of the chip and of what was read in this session, one Proof for each question."""
