"""One check: what a service provider brings, what it comes to, and what the answer says of it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from honnin.platform.models.quiet import Quiet
from honnin.platform.models.vocabulary import CertificateKind, Channel, LawName, ShortWord, Words

__all__ = [
    "MOST_CERTIFICATE",
    "MOST_CMS",
    "MOST_DOCUMENT",
    "MOST_SIGNATURE",
    "AssuranceSeen",
    "DigestInput",
    "FourItemsAnswer",
    "LawAnswer",
    "LevelSeen",
    "RevocationSeen",
    "SigningResult",
    "SubstituteCharacters",
    "VerdictAnswer",
    "Verification",
    "VerificationAnswer",
    "VerificationPage",
    "VerificationRequest",
]

# Limits of what one call may bring, bytes after base64: a signed application form with scans, not a film.
MOST_DOCUMENT = 8 << 20
MOST_CMS = 10 << 20
MOST_SIGNATURE = 2048
MOST_CERTIFICATE = 16 << 10


class DigestInput(Quiet, frozen=True, kw_only=True, omit_defaults=True):
    """A digest in place of the document: `alg` sha256, sha384 or sha512; `value` lower-case hex."""

    alg: Literal["sha256", "sha384", "sha512"]
    value: Annotated[str, Meta(min_length=64, max_length=128, pattern=r"^[0-9a-f]+\Z")]


class SigningResult(Quiet, frozen=True, kw_only=True, omit_defaults=True):
    """A result of the Digital Authentication Service's signing API, as it came.

    jwe: the compact JWE for this platform's decryption key. submitted: the value that was submitted to be signed, a
    digest or a DigestInfo. transaction: the service's id of the transaction that it was asked for under; a result that
    names another one is refused.
    """

    jwe: Annotated[str, Meta(min_length=1, max_length=32_768, pattern=r"^[A-Za-z0-9_.-]+\Z")]
    submitted: Annotated[bytes, Meta(max_length=512)]
    transaction: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class VerificationRequest(Quiet, frozen=True, kw_only=True, omit_defaults=True):
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


class RevocationSeen(Quiet, frozen=True, kw_only=True):
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


class SubstituteCharacters(Quiet, frozen=True, kw_only=True):
    """Positions (from 0, in characters) that stand for a character the certificate could not carry."""

    name: tuple[int, ...] = ()
    address: tuple[int, ...] = ()


class FourItemsAnswer(Quiet, frozen=True, kw_only=True, omit_defaults=True):
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


class Verification(Quiet, frozen=True, kw_only=True):
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


class Shown(Quiet, frozen=True, kw_only=True):
    """What a phone showed before a signature, as its service proves it.

    transaction: of the service. what: `text`, or `digest` where the person saw no words. text_sha256: of the words in
    UTF-8, hex. jws: the proof; whoever has it beside the receipt proves offline what was shown.
    """

    object: Literal["shown"] = "shown"
    transaction: str
    what: Literal["text", "digest"]
    text_sha256: str | None = None
    jws: str


class VerificationAnswer(Verification, frozen=True, kw_only=True):
    """What `POST /v1/verifications` answers: the verification, and once the four items; None unless it passed.

    certificate: base64 DER, only for a tenant that is itself a certified verifier by configuration.
    shown: what the phone showed before a signature of the Digital Authentication Service, where it proves that.
    """

    four_items: FourItemsAnswer | None = None
    shown: Shown | None = None
    certificate: bytes | msgspec.UnsetType = msgspec.UNSET


class VerificationPage(Quiet, frozen=True, kw_only=True):
    """A page of checks, newest first; `next` is the id to ask `after`."""

    object: Literal["list"] = "list"
    data: tuple[Verification, ...]
    has_more: bool
    next: str | None = None
