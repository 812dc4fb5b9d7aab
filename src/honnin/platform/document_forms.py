"""Documents as the API takes and gives them: a file to judge, a file to prepare, the signature that completes it."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from honnin.platform.models import Shown, SigningResult, Words

__all__ = ["MOST_FILE", "Document", "DocumentQuery", "DocumentRequest", "DocumentSignature", "Level", "ToBeSigned"]

MOST_FILE = 32 << 20  # bytes of a signed file that is judged
Line = Annotated[str, Meta(min_length=1, max_length=100)]
Level = Literal["B", "T", "LT"]


class DocumentQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Query of `POST /v1/documents`, whose body is the file.

    purpose: your word for why. digest: SHA-256, SHA-384 or SHA-512 (hex) of the content that a detached signature or a
    time stamp alone is over; you keep the content.
    """

    purpose: Words
    digest: Annotated[str, Meta(min_length=64, max_length=128, pattern=r"^[0-9a-f]+\Z")] | None = None


class DocumentRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /v1/documents/prepare`: a file that is to get one more signature, made elsewhere.

    kind: what comes out; told by the file where absent. shape: XML `enveloped`, `enveloping`, CMS `attached`.
    level: B, T (time stamp), LT (and revocation data). stamp: lines that a PDF shows; reason, location: of a PDF.
    words: what the person's phone is to show of a PDF or of content for CMS; bound into what is signed, and completed
        only with the service's proof that they were shown.
    """

    purpose: Words
    file: bytes
    kind: Literal["pdf", "xml", "cms"] | None = None
    shape: Literal["enveloped", "enveloping", "attached"] | None = None
    level: Level = "B"
    stamp: Annotated[tuple[Line, ...], Meta(max_length=8)] = ()
    reason: Line | None = None
    location: Line | None = None
    words: Annotated[str, Meta(min_length=1, max_length=20_000)] | None = None

    def __repr__(self) -> str:
        return "DocumentRequest(…)"


class DocumentSignature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /v1/documents/{id}/complete`: the signature over `to_be_signed`.

    signing_result: of the Digital Authentication Service; or signature (PKCS #1 v1.5, or ECDSA as DER or r‖s) with the
    certificate (DER) of the key that made it.
    """

    signing_result: SigningResult | None = None
    signature: Annotated[bytes, Meta(max_length=2048)] | None = None
    certificate: Annotated[bytes, Meta(max_length=16 << 10)] | None = None

    def __repr__(self) -> str:
        return "DocumentSignature(…)"


class ToBeSigned(msgspec.Struct, frozen=True, kw_only=True):
    """What a prepared document wants signed. content: the bytes whose digest it is (base64), for clients that hash
    themselves; digest: hex; digest_info: DER DigestInfo (base64), which the signing API submits.
    """

    hash: str
    content: bytes
    digest: str
    digest_info: bytes

    def __repr__(self) -> str:
        return f"ToBeSigned({self.hash})"


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A document: `prepared` for a signature, `signed` here, or `judged` as it came.

    report: as `honnin verify` gives it, without the moments that a certificate's holder could be told by.
    available_until: until when its file can be fetched. evidence: id of the record; none while it is prepared.
    shown: in the answer that completes it, what the phone showed, where the service proves that.
    """

    id: str
    object: Literal["document"] = "document"
    livemode: bool
    created_at: datetime
    status: Literal["prepared", "signed", "judged"]
    purpose: str
    kind: str
    available_until: datetime
    to_be_signed: ToBeSigned | None = None
    report: dict[str, Any] | None = None
    evidence: str | None = None
    shown: Shown | None = None
    messages: dict[str, str] = msgspec.field(default_factory=dict)
