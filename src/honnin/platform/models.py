"""The platform's resources and requests, shaped as CONTRACTS (HTTP) says; the API sends exactly these.

Bytes are base64 in JSON, digests lower-case hex, times RFC 3339 in UTC. Everything that carries personal data or a
signature shows nothing of it in its repr. What a service provider may see is decided here by omission: no resource has
a member for a certificate, an OCSP answer or a CRL (DESIGN, Evidence).
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

__all__ = [
    "AssuranceSeen",
    "Attribute",
    "BundledFile",
    "Caller",
    "CertificateKind",
    "Channel",
    "DerivedAttribute",
    "DigestInput",
    "Event",
    "FourItemsAnswer",
    "Item",
    "LawAnswer",
    "LawName",
    "LevelSeen",
    "ListOfSessions",
    "Page",
    "RevocationSeen",
    "Session",
    "SessionFourItems",
    "SessionPage",
    "SessionRedeem",
    "SessionRequest",
    "SessionReturn",
    "SessionSignature",
    "SigningResult",
    "SubstituteCharacters",
    "Tenant",
    "TenantCreated",
    "VerdictAnswer",
    "Verification",
    "VerificationAnswer",
    "VerificationPage",
    "VerificationRequest",
    "VerifierStatus",
]

LawName = Literal[
    "aml", "mobile_phone", "my_number", "second_hand", "micro_mobility", "dating", "alcohol_tobacco", "golf_tax"
]
Channel = Literal["remote", "in_person"]
Item = Literal["name", "address", "birth_date", "sex"]
DerivedAttribute = Literal["age_over_16", "age_over_18", "age_over_20", "age_over_70", "prefecture", "city"]
Attribute = Literal[Item, DerivedAttribute]
CertificateKind = Literal["signature", "user_authentication"]
VerifierStatus = Literal["certified", "deemed", "none"]

Words = Annotated[str, Meta(min_length=1, max_length=200)]
ShortWord = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9_.:-]+\Z")]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]

# Limits of what one call may bring, bytes after base64: a signed application form with scans, not a film.
MOST_DOCUMENT = 8 << 20
MOST_CMS = 10 << 20
MOST_SIGNATURE = 2048
MOST_CERTIFICATE = 16 << 10


class _Quiet(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A resource whose repr names its type and id only."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self, 'id', '…')})"


# --- what a service provider sends


class DigestInput(_Quiet, frozen=True, kw_only=True):
    """A digest in place of the document: `alg` sha256, sha384 or sha512; `value` lower-case hex."""

    alg: Literal["sha256", "sha384", "sha512"]
    value: Annotated[str, Meta(min_length=64, max_length=128, pattern=r"^[0-9a-f]+\Z")]


class SigningResult(_Quiet, frozen=True, kw_only=True):
    """A result of the Digital Authentication Service's signing API, as it came.

    jwe: the compact JWE for this platform's decryption key. submitted: the value that was submitted to be signed, a
    digest or a DigestInfo. transaction: the service's id of the transaction that it was asked for under; a result that
    names another one is refused.
    """

    jwe: Annotated[str, Meta(min_length=1, max_length=32_768, pattern=r"^[A-Za-z0-9_.-]+\Z")]
    submitted: Annotated[bytes, Meta(max_length=512)]
    transaction: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class VerificationRequest(_Quiet, frozen=True, kw_only=True):
    """`POST /v1/verifications`: what was signed, the signature, the certificate; or one CMS that holds all three.

    purpose: the service provider's word for why (`account_opening`).
    law: which law asks for the check; absent when none does. `method` alone names its law too.
    document: the signed bytes; or `digest` in its place where the law does not ask for the document.
    signature, certificate: raw signature and the person's certificate (DER).
    cms: SignedData, attached, or detached with `document` or `digest` beside it.
    signing_result: in place of `signature` and `certificate`, what the Digital Authentication Service gave; with the
        `document`, which must be what the submitted value is a digest of, or without, as a digest.
    signed_items: which of the items a law wants inside the signed document the service provider put there.
    device: what the person used, in the service provider's words (`android`, `pc_reader`).
    certificate_kind: refuse a certificate of the other kind. Where a law asks, it is the signature certificate anyway;
        where none does and nothing is said here, either passes, and the answer names it.
    """

    purpose: Words
    law: LawName | None = None
    method: ShortWord | None = None
    channel: Channel = "remote"
    device: ShortWord | None = None
    document: bytes | None = None
    digest: DigestInput | None = None
    signature: bytes | None = None
    certificate: bytes | None = None
    cms: bytes | None = None
    signing_result: SigningResult | None = None
    signed_items: tuple[Annotated[str, Meta(max_length=32)], ...] = ()
    certificate_kind: CertificateKind | None = None


Requester = dict[Literal["ja", "ja-simple", "en"], Annotated[str, Meta(min_length=1, max_length=100)]]
Way = Literal["digital_auth", "card"]
SessionStatus = Literal["open", "completed", "failed", "undetermined", "cancelled", "expired"]


class BundledFile(_Quiet, frozen=True, kw_only=True):
    """One of several files that a person signs as one: its name as it is shown, and its bytes."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    content: bytes


class SessionRequest(_Quiet, frozen=True, kw_only=True):
    """`POST /v1/sessions`: ask a person, on a page of ours, to sign `text` or `document`.

    template: id of a use case (`GET /v1/templates`) that gives purpose, law, method, channel, attributes and text.
    attributes: which of the four items, or answers that follow from them (`age_over_20`), the service provider wants;
        the tenant's settings may allow fewer.
    text: what the person signs, in words (signed as UTF-8); or `document`, with `text` as its summary for the screen;
        or `files`, signed as one by their digests (`honnin.platform.bundle`).
    return_url: where the person goes afterwards; must be one the tenant has registered.
    state: given back unchanged with the return, at most 512 characters.
    expires_in: seconds, 60 to 3600.
    requester: your name in a page's language (`ja`, `ja-simple`, `en`); the registered name stands beside it.
    return_code: whether the four items are given only after the code of the return address was brought, which proves
        that the person who signed came back to you. Absent: yes for a live tenant, no for a test tenant.
    """

    template: ShortWord | None = None
    purpose: Words = ""
    law: LawName | None = None
    method: ShortWord | None = None
    channel: Channel = "remote"
    attributes: tuple[Attribute, ...] = ("name", "address", "birth_date", "sex")
    text: Annotated[str, Meta(min_length=1, max_length=20_000)] | None = None
    document: bytes | None = None
    files: tuple[BundledFile, ...] = ()
    return_url: Url
    state: Annotated[str, Meta(max_length=512)] | None = None
    expires_in: Annotated[int, Meta(ge=60, le=3600)] = 900
    signed_items: tuple[Annotated[str, Meta(max_length=32)], ...] = ()
    requester: Requester = {}
    return_code: bool | None = None


class SessionRedeem(_Quiet, frozen=True, kw_only=True):
    """`POST /v1/sessions/{id}/redeem`: the `code` that came back with the person in the return address."""

    code: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[!-~]+\Z")]


class SessionSignature(_Quiet, frozen=True, kw_only=True):
    """What the person's device brings to the session's page: raw signature and certificate (DER).

    signing_result: in their place, what the Digital Authentication Service gave.
    """

    signature: bytes | None = None
    certificate: bytes | None = None
    signing_result: SigningResult | None = None
    device: ShortWord | None = None


# --- what a service provider gets


class RevocationSeen(_Quiet, frozen=True, kw_only=True, omit_defaults=False):
    """How revocation was checked: status, kind of source and times; never the data itself."""

    status: Literal["good", "revoked", "unknown"]
    source: Literal["ocsp", "crl_http", "crl_ldap"] | None = None
    checked_at: datetime | None = None


class VerdictAnswer(Struct, frozen=True, kw_only=True):
    """CONTRACTS, Verdicts: `checks` are `{"id", "result", "reason", "source"?}` in the order they were made."""

    indication: Literal["TOTAL-PASSED", "PASSED", "TOTAL-FAILED", "FAILED", "INDETERMINATE"]
    sub_indication: str | None = None
    reason: str
    at: datetime
    checks: tuple[dict[str, Any], ...] = ()


class LawAnswer(Struct, frozen=True, kw_only=True):
    """What the law says of this check on its day: method, its label under the revision in force, what is missing."""

    law: LawName
    method: str
    label: str
    revision: str
    on: date
    status: Literal["satisfied", "missing", "not_available", "not_covered"]
    missing: tuple[str, ...] = ()
    source: str = ""


class LevelSeen(Struct, frozen=True, kw_only=True):
    """A level on one scale; null where the scale has none. confidence: `2`, `1`, or `?` for inferred."""

    level: str | None
    confidence: Literal["2", "1", "?"]


class AssuranceSeen(Struct, frozen=True, kw_only=True):
    """What the check proves on each scale: proofing (IAL) for a signature, authentication (AAL) for a login.

    Levels of the 2019 guideline (superseded, still used), DADC IAL 0 to 4, NIST SP 800-63-4 (approximate). DS-511 is
    stated as not defined here: its level table was not obtained.
    """

    ial_2019: LevelSeen | None = None
    aal_2019: LevelSeen | None = None
    dadc_ial: LevelSeen | None = None
    nist_ial_4: LevelSeen | None = None
    ds_511: Literal["not_defined_here"] = "not_defined_here"


class SubstituteCharacters(_Quiet, frozen=True, kw_only=True, omit_defaults=False):
    """Positions (from 0, in characters) that stand for a character the certificate could not carry."""

    name: tuple[int, ...] = ()
    address: tuple[int, ...] = ()


class FourItemsAnswer(_Quiet, frozen=True, kw_only=True):
    """The four items, as far as the tenant may have them. birth_date is `YYYY-MM-DD`, unknown parts written `00`.

    age_over_…: whether the person had that age on the day of the check in Japan; prefecture, city: the area of the
    address. They stand here only where they were asked for, and are null where nothing follows from the certificate.
    """

    name: str | None = None
    name_kana: str | None = None
    address: str | None = None
    birth_date: str | None = None
    sex: str | None = None
    age_over_16: bool | msgspec.UnsetType | None = msgspec.UNSET
    age_over_18: bool | msgspec.UnsetType | None = msgspec.UNSET
    age_over_20: bool | msgspec.UnsetType | None = msgspec.UNSET
    age_over_70: bool | msgspec.UnsetType | None = msgspec.UNSET
    prefecture: str | msgspec.UnsetType | None = msgspec.UNSET
    city: str | msgspec.UnsetType | None = msgspec.UNSET
    substitute_characters: SubstituteCharacters = msgspec.field(default_factory=SubstituteCharacters)


class Verification(_Quiet, frozen=True, kw_only=True, omit_defaults=False):
    """One check that was made; `GET /v1/verifications/{id}`.

    person: this tenant's id of the person, the same over renewals; None while `person_status` is `pending`, and where
        the check did not pass (`none`).
    certificate_kind: of the certificate that was judged; None where none could be told.
    evidence: id of the evidence record; its receipt comes after the log's next signed head.
    messages: the outcome in words for the person, by language.
    assurance: levels that a check which passed reaches; null for every other.
    """

    id: str
    object: Literal["verification"] = "verification"
    livemode: bool
    created_at: datetime
    purpose: str
    channel: Channel
    verdict: VerdictAnswer
    law: LawAnswer | None = None
    certificate_kind: CertificateKind | None = None
    revocation: RevocationSeen | None = None
    person: str | None = None
    person_status: Literal["linked", "pending", "none"] = "none"
    evidence: str
    session: str | None = None
    messages: dict[str, str] = msgspec.field(default_factory=dict)
    assurance: AssuranceSeen | None = None


class VerificationAnswer(Verification, frozen=True, kw_only=True, omit_defaults=False):
    """What `POST /v1/verifications` answers: the verification, and once the four items; None unless it passed.

    certificate: base64 DER, only for a tenant that is itself a certified verifier by configuration.
    """

    four_items: FourItemsAnswer | None = None
    certificate: bytes | msgspec.UnsetType = msgspec.UNSET


class Session(_Quiet, frozen=True, kw_only=True, omit_defaults=False):
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


class SessionFourItems(_Quiet, frozen=True, kw_only=True, omit_defaults=False):
    """`GET /v1/sessions/{id}/four-items`, until deleted or ten minutes after completion; then 410."""

    object: Literal["four_items"] = "four_items"
    session: str
    livemode: bool
    available_until: datetime
    four_items: FourItemsAnswer


class SessionPage(_Quiet, frozen=True, kw_only=True, omit_defaults=False):
    """What the person's page shows: who asks, why, what is signed. `document` is what the signature must cover.

    verification: the last check, which could not tell while the session is open.
    ways: how the person may sign: lawful for this tenant on this day, and set up.
    """

    id: str
    tenant_name: str
    requester: Requester = {}
    livemode: bool
    status: SessionStatus
    expires_at: datetime
    purpose: str
    law: LawName | None = None
    attributes: tuple[Attribute, ...]
    return_url: str
    verification: str | None = None
    text: str
    document: bytes
    ways: tuple[Way, ...] = ()


class SessionReturn(_Quiet, frozen=True, kw_only=True, omit_defaults=False):
    """How a session ended, for the person's page: where to go (`return_url` with `session`, `status`, `state`, `code`).

    code: for the browser that ended the session and no other; empty otherwise.
    """

    session: Session
    url: str
    code: str = ""
    verdict: VerdictAnswer | None = None
    messages: dict[str, str] = msgspec.field(default_factory=dict)


class Event(_Quiet, frozen=True, kw_only=True, omit_defaults=False):
    """One line of the outbox: ids and states, never personal data. `data` holds the object's id and status."""

    id: str
    object: Literal["event"] = "event"
    livemode: bool
    created_at: datetime
    type: str
    data: dict[str, Any]


class Page(_Quiet, frozen=True, kw_only=True, omit_defaults=False):
    """A page of events, oldest first; `next` is the cursor to ask `after`, now or later, also of an empty page."""

    object: Literal["list"] = "list"
    data: tuple[Event, ...]
    has_more: bool
    next: str


class VerificationPage(_Quiet, frozen=True, kw_only=True, omit_defaults=False):
    """A page of checks, newest first; `next` is the id to ask `after`."""

    object: Literal["list"] = "list"
    data: tuple[Verification, ...]
    has_more: bool
    next: str | None = None


class ListOfSessions(_Quiet, frozen=True, kw_only=True, omit_defaults=False):
    """A page of sessions, newest first; `next` is the id to ask `after`."""

    object: Literal["list"] = "list"
    data: tuple[Session, ...]
    has_more: bool
    next: str | None = None


class Tenant(_Quiet, frozen=True, kw_only=True, omit_defaults=False):
    """A service provider. Verifier status is dated: `verifier_from` to `verifier_to`, Japanese calendar days.

    attributes: which of the four items it may get at most, and answers that follow from those it may not get.
    certificate_ground: the legal ground on which this certified verifier receives certificates; None for all others.
    number_handler: it may lawfully collect individual numbers (番号法).
    obliged_entity: it is one under the AML law; None where nobody has said.
    apply_2027_rules: it asks at once for what the AML rules ask from 2027-04-01.
    tap_use: its customers may tap without a PIN; a live tenant only where the operator said so.
    """

    id: str
    object: Literal["tenant"] = "tenant"
    name: str
    livemode: bool
    created_at: datetime
    verifier_status: VerifierStatus
    verifier_from: date | None = None
    verifier_to: date | None = None
    attributes: tuple[Attribute, ...] = ("name", "address", "birth_date", "sex")
    certificate_ground: str | None = None
    number_handler: bool = False
    obliged_entity: bool | None = None
    apply_2027_rules: bool = False
    tap_use: bool = False
    return_urls: tuple[str, ...] = ()


class TenantCreated(_Quiet, frozen=True, kw_only=True, omit_defaults=False):
    """A new tenant and its key, shown once: `{"tenant", "api_key"}`."""

    tenant: str
    api_key: str


class Caller(_Quiet, frozen=True, kw_only=True):
    """Who calls, as `Platform.authenticate` found out."""

    tenant: Tenant

    @property
    def id(self) -> str:
        """The tenant's id."""
        return self.tenant.id

    @property
    def livemode(self) -> bool:
        """Whether the key was a live one."""
        return self.tenant.livemode
