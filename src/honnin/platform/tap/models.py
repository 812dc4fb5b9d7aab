"""The resources and requests of tap use, as the API sends and takes them; bytes are base64 in JSON."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from honnin.platform.models import AssuranceSeen, Quiet, ShortWord, VerdictAnswer, Words

__all__ = [
    "ASSURANCE_LEVEL",
    "CardProof",
    "Outcome",
    "RecognisedTap",
    "RegistrationRequest",
    "Tap",
    "TapCertificate",
    "TapPage",
    "TapRegistration",
    "TapRequest",
    "TapTerminal",
    "TerminalPage",
    "TerminalRequest",
]

ASSURANCE_LEVEL = 1  # of every tap, whatever else is known (seed-facts, tap use)

Outcome = Literal["accepted", "refused", "could_not_tell"]
Certificate = Annotated[bytes, Meta(min_length=1, max_length=16 << 10)]


class TerminalRequest(Quiet, frozen=True, kw_only=True):
    """`POST /v1/tap-terminals`: a terminal, and what is true of the place where it stands.

    supervised: staff see it, or the place is managed; outdoors; online: cards come to it over the network.
    """

    name: Words
    place: Words
    supervised: bool
    outdoors: bool
    online: bool = False


class TapTerminal(Quiet, frozen=True, kw_only=True):
    """A terminal in a supervised place indoors. status: `retired` ones take no taps."""

    id: str
    object: Literal["tap_terminal"] = "tap_terminal"
    livemode: bool
    created_at: datetime
    name: str
    place: str
    supervised: bool
    outdoors: bool
    online: bool
    status: Literal["active", "retired"] = "active"


class TerminalPage(Quiet, frozen=True, kw_only=True):
    """All terminals of a tenant, oldest first."""

    object: Literal["list"] = "list"
    data: tuple[TapTerminal, ...]


class TapRequest(Quiet, frozen=True, kw_only=True):
    """`POST /v1/taps`: ask for the challenge of one tap.

    purpose: the service provider's word for why (`library_lending`); or `template`, a use case of taps that names it.
    staff: who supervises, in the service provider's words.
    assurance_level: what the purpose asks for; anything above 1 is refused.
    registration: the customer keys in a PIN this time, and the tap becomes a registration.
    """

    terminal: Annotated[str, Meta(min_length=1, max_length=40)]
    purpose: ShortWord | None = None
    template: ShortWord | None = None
    staff: Words | None = None
    assurance_level: Annotated[int, Meta(ge=1, le=4)] = ASSURANCE_LEVEL
    registration: bool = False


class TapCertificate(Quiet, frozen=True, kw_only=True):
    """`POST /v1/taps/{id}/certificate`: the user authentication certificate (DER) of the card that was tapped."""

    certificate: Certificate


class CardProof(Quiet, frozen=True, kw_only=True):
    """`POST /v1/taps/{id}/proof`: what the card face application gave for the tap's message.

    age_record: EF 0001; certificate: EF 0004; signature: the chip's, over the message (SHA-256, PKCS#1 v1.5).
    """

    age_record: Certificate
    certificate: Certificate
    signature: Annotated[bytes, Meta(min_length=1, max_length=1024)]


class RegistrationRequest(Quiet, frozen=True, kw_only=True):
    """`POST /v1/taps/{id}/registration`: what the card made of the tap's message after a PIN, and the chip's own proof.

    signature, certificate: of the signature key or of the user authentication key.
    card: the chip's own proof over the same message; its birth date must be the signature certificate's.
    birth_date_key: the six digits that opened that proof.
    """

    signature: Annotated[bytes, Meta(min_length=1, max_length=2048)]
    certificate: Certificate
    card: CardProof
    birth_date_key: Annotated[str, Meta(pattern=r"^[0-9]{6}\Z")]


class TapRegistration(Quiet, frozen=True, kw_only=True):
    """A customer who may tap. person: this tenant's id of the customer; verification: the check with the PIN.

    outcome: `refused` and `could_not_tell` registered nobody; `reason` is a code of `Tap.reason`.
    """

    object: Literal["tap_registration"] = "tap_registration"
    livemode: bool
    created_at: datetime
    outcome: Outcome
    reason: str
    messages: dict[str, str]
    person: str | None = None
    verification: str | None = None


class Tap(Quiet, frozen=True, kw_only=True):
    """One tap. assurance_level: always 1; nothing that needs more may build on it.

    status: `open` waits for the certificate, `recognised` for the chip's proof, `ended` has an outcome.
    message: what the chip signs, while the tap is not ended.
    reason: why, as a stable code; person: of an accepted tap.
    """

    id: str
    object: Literal["tap"] = "tap"
    livemode: bool
    created_at: datetime
    expires_at: datetime
    status: Literal["open", "recognised", "ended", "expired"]
    terminal: str
    purpose: str
    staff: str | None = None
    registration: bool = False
    message: bytes | None = None
    outcome: Outcome | None = None
    reason: str | None = None
    messages: dict[str, str] = msgspec.field(default_factory=dict)
    person: str | None = None
    verdict: VerdictAnswer | None = None
    evidence: str | None = None
    assurance_level: Literal[1] = 1
    assurance: AssuranceSeen | None = None


class RecognisedTap(Tap, frozen=True, kw_only=True):
    """A tap right after its certificate was judged, with what a GET never has.

    birth_date_key: the six digits that open the chip's own proof; null when the tap has ended already.
    """

    birth_date_key: str | None = None


class TapPage(Quiet, frozen=True, kw_only=True):
    """A page of ended taps, newest first; `next` is the id to ask `after`."""

    object: Literal["list"] = "list"
    data: tuple[Tap, ...]
    has_more: bool
    next: str | None = None
