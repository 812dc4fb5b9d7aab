"""What a clerk sees of a chip: fields with a mark each, and three answers that stay apart.

A field is green only where a signature that leads to a trusted issuer covers the file it came from, grey where nothing
covers it, red where a signature over it failed. Read, authentic, current are answered one by one:

    authentic   verified         a signature over the data leads to a trusted issuer, and no proof failed
                failed           a proof failed: altered data, a wrong key, a copy
                not_verifiable   the trust material is not there, or the chip has nothing to prove with
    current     current, expired, or not_told (no date was read)

Whether a card was reported lost stands outside of all this (digital-agency-apis sheet §6.1).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from honnin.chip import Proof, RawFile
from honnin.chip.answers import OVER_DATA, Authentic, Current, authenticity, currency
from honnin.errors import HonninError, PinError
from honnin.identity.dates import Era

__all__ = [
    "Authentic",
    "Current",
    "Field",
    "Form",
    "Mark",
    "Seen",
    "Signed",
    "Standing",
    "State",
    "authenticity",
    "currency",
    "mark_of",
    "tries_in",
]

CERTIFICATE = "certificate"  # covers the four items of a JPKI signature certificate, and says nothing of the card face
State = Literal["not_asked", "good", "revoked", "unknown", "failed"]
Mark = Literal["covered", "open", "failed"]
WEAKEST_FIRST: Final[tuple[Authentic, ...]] = ("failed", "not_verifiable", "verified")
Form = Literal["text", "date", "era_date", "sex", "country", "period", "code", "zone"]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing on the screen. name: a word of `counter.field_…`; source: the chip's file or value behind it.

    text: as records keep it (dates `YYYY-MM-DD`, codes as on the chip); form: how a page writes it (`saying`).
    era: of a date, as the document names it. since: the day from which an entry made after issue counts.
    pieces: of a text with characters that no code has: text, and a TIFF picture (empty: none) for each of these.
    """

    name: str
    source: str
    text: str = field(default="", repr=False)
    image: bytes = field(default=b"", repr=False)
    media_type: str = ""
    form: Form = "text"
    era: Era | None = None
    since: str = ""
    pieces: tuple[str | bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """What a JPKI key of the card signed, for the platform to judge."""

    kind: Literal["signature", "user_authentication"]
    message: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    certificate: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the certificates behind a card.

    state: `not_asked` without the customer's consent. code: of the error, where the card gave no signature.
    certificate: which one was asked for; verification: the platform's check.
    tries: left of the PIN, where the card refused it.
    """

    state: State = "not_asked"
    code: str = ""
    certificate: str = ""
    verification: str = ""
    tries: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One reading as the clerk sees it.

    kind: which of the document's kinds it is (a word of `counter.kind_…`), empty where there is one alone.
    kept: what identifies it in the record without personal data. files: as the chip gave them, for the law's record.
    also: proofs of another application on the same card (マイナ免許証); the weaker of both answers is the card's.
    also_code: of the error, where that application gave nothing; also_tries: left of its PIN then.
    signed, standing: what says whether the card was reported lost, where the customer consented to ask.
    """

    document: str
    fields: tuple[Field, ...] = field(repr=False)
    proofs: tuple[Proof, ...]
    expires: date | None = None
    kind: str = ""
    kept: str = ""
    files: tuple[RawFile, ...] = field(default=(), repr=False)
    signed: Signed | None = None
    standing: Standing = field(default_factory=Standing)
    also: tuple[Proof, ...] = ()
    also_code: str = ""
    also_tries: int | None = None

    @property
    def authentic(self) -> Authentic:
        """Whether what was read is authentic."""
        answers = (authenticity(self.proofs), *([authenticity(self.also)] if self.also else []))
        return min(answers, key=WEAKEST_FIRST.index)

    @property
    def all_proofs(self) -> tuple[Proof, ...]:
        """Every proof, in the order in which they were made."""
        return (*self.proofs, *self.also)

    @property
    def pin_refused(self) -> bool:
        """Tell whether a PIN of the customer's was refused that may be keyed in anew."""
        return any((self.also_tries, self.standing.tries))

    @property
    def last_tries(self) -> frozenset[str]:
        """The refused PINs that have one try left, by the card's names."""
        left = {"drivers_licence": self.also_tries, self.standing.certificate: self.standing.tries}
        return frozenset(pin for pin, tries in left.items() if tries == 1)

    @property
    def expiry_mark(self) -> Mark:
        """The mark of the date that `expires` comes from."""
        return next((mark for one, mark in self.marked() if one.name == "expiry_date"), "open")

    @property
    def expiry_on_face_alone(self) -> bool:
        """Tell whether staff must look for the date of expiry: all is authentic, and the chip holds none as text."""
        return self.expires is None and self.authentic == "verified"

    def marked(self) -> tuple[tuple[Field, Mark], ...]:
        """Return every field with its mark."""
        return tuple((one, mark_of(one.source, self.all_proofs)) for one in self.fields)


def tries_in(error: HonninError | None) -> int | None:
    """Return the tries that a PIN has left after an error; None where it tells none."""
    return error.tries_left if isinstance(error, PinError) else None


def mark_of(source: str, proofs: Iterable[Proof]) -> Mark:
    """Return the mark of what came from one file or value."""
    over = [proof for proof in proofs if proof.kind in (*OVER_DATA, CERTIFICATE) and source in proof.covers]
    if any(proof.result == "failed" for proof in over):
        return "failed"
    return "covered" if any(proof.result == "passed" for proof in over) else "open"
