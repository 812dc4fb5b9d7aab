"""Sessions: what a service provider asks a person, what their page shows, and how it ends."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from honnin.platform.models.checks import FourItemsAnswer, SigningResult, VerdictAnswer
from honnin.platform.models.quiet import Quiet
from honnin.platform.models.vocabulary import Attribute, CertificateKind, Channel, LawName, ShortWord, Url, Words

if TYPE_CHECKING:
    from honnin.connect.digital_auth.flows import Login

__all__ = [
    "FOUR_ITEMS",
    "BundledFile",
    "ListOfSessions",
    "Requester",
    "Session",
    "SessionFourItems",
    "SessionPage",
    "SessionRedeem",
    "SessionRequest",
    "SessionReturn",
    "SessionSignature",
    "SessionStatus",
    "Way",
]

Requester = dict[Literal["ja", "ja-simple", "en"], Annotated[str, Meta(min_length=1, max_length=100)]]
Way = Literal["digital_auth", "card"]
SessionStatus = Literal["open", "completed", "failed", "undetermined", "cancelled", "expired"]
FOUR_ITEMS: tuple[Attribute, ...] = ("name", "address", "birth_date", "sex")


class BundledFile(Quiet, frozen=True, kw_only=True, omit_defaults=True):
    """One of several files that a person signs as one: its name as it is shown, and its bytes."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    content: bytes


class SessionRequest(Quiet, frozen=True, kw_only=True, omit_defaults=True):
    """`POST /v1/sessions`: ask a person, on a page of ours, to sign `text` or `document`, or to log in.

    certificate_kind: `user_authentication` asks for a login: the person proves with the 4-digit PIN that they are the
        one who came before, and signs nothing; then purpose, attributes, return_url and what follows it are all.
    template: id of a use case (`GET /v1/templates`) that gives purpose, law, method, channel, attributes and text.
    attributes: which of the four items, or answers that follow from them (`age_over_20`), the service provider wants;
        the tenant's settings may allow fewer. Absent: the four items, the template's, or none for a login.
    text: what the person signs, in words (signed as UTF-8); or `document`, with `text` as its summary for the screen;
        or `files`, signed as one by their digests (`honnin.platform.bundle`).
    return_url: where the person goes afterwards; must be one the tenant has registered.
    state: given back unchanged with the return, at most 512 characters.
    expires_in: seconds, 60 to 3600.
    requester: your name in a page's language (`ja`, `ja-simple`, `en`); the registered name stands beside it.
    return_code: whether the four items are given only after the code of the return address was brought, which proves
        that the person who signed came back to you. Absent: yes for a live tenant, no for a test tenant.
    """

    certificate_kind: CertificateKind = "signature"
    template: ShortWord | None = None
    purpose: Words = ""
    law: LawName | None = None
    method: ShortWord | None = None
    channel: Channel = "remote"
    attributes: tuple[Attribute, ...] | msgspec.UnsetType = msgspec.UNSET
    text: Annotated[str, Meta(min_length=1, max_length=20_000)] | None = None
    document: bytes | None = None
    files: tuple[BundledFile, ...] = ()
    return_url: Url
    state: Annotated[str, Meta(max_length=512)] | None = None
    expires_in: Annotated[int, Meta(ge=60, le=3600)] = 900
    signed_items: tuple[Annotated[str, Meta(max_length=32)], ...] = ()
    requester: Requester = msgspec.field(default_factory=dict)
    return_code: bool | None = None

    @property
    def is_login(self) -> bool:
        """Whether nothing is signed: the person logs in."""
        return self.certificate_kind == "user_authentication"

    @property
    def wanted(self) -> tuple[Attribute, ...]:
        """The attributes that are asked for; where nothing was said, the four items, of a login none."""
        if self.attributes is not msgspec.UNSET:
            return self.attributes
        return () if self.is_login else FOUR_ITEMS


class SessionRedeem(Quiet, frozen=True, kw_only=True, omit_defaults=True):
    """`POST /v1/sessions/{id}/redeem`: the `code` that came back with the person in the return address."""

    code: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[!-~]+\Z")]


class SessionSignature(Quiet, frozen=True, kw_only=True, omit_defaults=True):
    """What the person's device brings to the session's page: raw signature and certificate (DER).

    signing_result: in their place, what the Digital Authentication Service gave.
    login: who came back from that service, by its ID token; of a login session this is all there is.
    """

    signature: bytes | None = None
    certificate: bytes | None = None
    signing_result: SigningResult | None = None
    login: "Login | None" = None
    device: ShortWord | None = None


class Session(Quiet, frozen=True, kw_only=True):
    """One request to a person; `POST/GET /v1/sessions`. `url` is the person's page, relative to the API's origin.

    status: `completed` by a check that could tell, whatever it said; `failed` when the card could not sign (locked, no
    certificate) and the person went back; `undetermined` when they went back after a check that could not tell
    (`verification` names it); `cancelled` as they or you wished; `expired` when its time has passed.
    """

    id: str
    object: Literal["session"] = "session"
    livemode: bool
    created_at: datetime
    expires_at: datetime
    status: SessionStatus
    certificate_kind: CertificateKind = "signature"
    template: str | None = None
    purpose: str
    law: LawName | None = None
    method: str | None = None
    attributes: tuple[Attribute, ...]
    return_url: str
    return_code: bool = False
    state: str | None = None
    url: str | None = None
    verification: str | None = None
    person: str | None = None
    person_status: Literal["linked", "pending", "none"] = "none"
    four_items_until: datetime | None = None


class SessionFourItems(Quiet, frozen=True, kw_only=True):
    """`GET /v1/sessions/{id}/four-items`, until deleted or ten minutes after completion; then 410.

    source: `certificate`, proved by a valid signature certificate; `card`, of a login: as they were last written on the
        card, which proves nothing of today.
    """

    object: Literal["four_items"] = "four_items"
    session: str
    source: Literal["certificate", "card"] = "certificate"
    livemode: bool
    available_until: datetime
    four_items: FourItemsAnswer


class SessionPage(Quiet, frozen=True, kw_only=True):
    """What the person's page shows: who asks, why, what is signed. `document` is what the signature must cover.

    certificate_kind: `user_authentication` for a login, whose document is a challenge and is not shown.
    verification: the last check, which could not tell while the session is open.
    ways: how the person may sign: lawful for this tenant on this day, and set up.
    """

    id: str
    tenant_name: str
    requester: Requester = msgspec.field(default_factory=dict)
    livemode: bool
    status: SessionStatus
    expires_at: datetime
    certificate_kind: CertificateKind = "signature"
    purpose: str
    law: LawName | None = None
    attributes: tuple[Attribute, ...]
    return_url: str
    verification: str | None = None
    text: str
    document: bytes
    ways: tuple[Way, ...] = ()

    @property
    def is_login(self) -> bool:
        """Whether the person logs in and signs nothing."""
        return self.certificate_kind == "user_authentication"


class SessionReturn(Quiet, frozen=True, kw_only=True):
    """How a session ended, for the person's page: where to go (`return_url` with `session`, `status`, `state`, `code`).

    code: for the browser that ended the session and no other; empty otherwise.
    """

    session: Session
    url: str
    code: str = ""
    verdict: VerdictAnswer | None = None
    messages: dict[str, str] = msgspec.field(default_factory=dict)


class ListOfSessions(Quiet, frozen=True, kw_only=True):
    """A page of sessions, newest first; `next` is the id to ask `after`."""

    object: Literal["list"] = "list"
    data: tuple[Session, ...]
    has_more: bool
    next: str | None = None
