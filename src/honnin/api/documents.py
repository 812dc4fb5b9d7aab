"""Signed documents over HTTP: have one verified, have one made with a signature from elsewhere, fetch what may be had.

`POST /v1/documents` takes the file itself as its body, in one piece or in chunks; what it is, is told by its bytes.
Where the file may not leave the platform a rendition is given (docs/documents.md); `Honnin-Given` says which it is.
"""

from honnin.api.operations import Answer, Call, Operation
from honnin.platform.document_forms import (
    MOST_FILE,
    Document,
    DocumentQuery,
    DocumentRequest,
    DocumentSignature,
)
from honnin.platform.documents import MEDIA_TYPES
from honnin.platform.evidence.receipt import Receipt
from honnin.platform.models import Shown

__all__ = ["OPERATIONS"]

OCTETS = "application/octet-stream"
BINARY = {"schema": {"type": "string", "contentMediaType": OCTETS}}
FILES = dict.fromkeys((OCTETS, *MEDIA_TYPES.values()), BINARY)
SIGNING = ("signature.pdf_malformed", "signature.xml_malformed", "signing.shape")


def create(call: Call) -> Answer:
    """Judge a signed PDF, XML, CMS or time stamp: the report of `honnin verify`, recorded as evidence.

    A verdict is an answer, not an error. A detached signature needs the `digest` of its content in the query.
    """
    made = call.platform.documents.judge(call.caller, call.body, call.query, idempotency_key=call.idempotency_key)
    return Answer(made, 201, {"Location": f"/v1/documents/{made.id}"})


def prepare(call: Call) -> Answer:
    """Give a file a place for one more signature; `to_be_signed` is what the person's card is to sign elsewhere."""
    made = call.platform.documents.prepare(call.caller, call.body, idempotency_key=call.idempotency_key)
    return Answer(made, 201, {"Location": f"/v1/documents/{made.id}"})


def complete(call: Call) -> Answer:
    """Put the signature in its place, judge the signed file and record it; taken once."""
    documents = call.platform.documents
    made = documents.complete(call.caller, call.object_id, call.body, idempotency_key=call.idempotency_key)
    return Answer(made)


def fetch(call: Call) -> Answer:
    """Return a document and its report, without the file."""
    return Answer(call.platform.documents.read(call.caller, call.object_id))


def file(call: Call) -> Answer:
    """Return the file itself to whoever may have it, else a PDF that shows it without certificate data."""
    given = call.platform.documents.give(call.caller, call.object_id)
    headers = {"Honnin-Given": given.given, "Content-Disposition": "attachment"}
    return Answer(given.content, headers=headers, media_type=given.media_type)


def receipt(call: Call) -> Answer:
    """Return the receipt of a document; 404 `evidence.pending` (retryable) until the log's next signed head."""
    return Answer(call.platform.receipt(call.caller, call.object_id))


def shown(call: Call) -> Answer:
    """Return what the phone showed before a document was signed here, with the service's proof."""
    return Answer(call.platform.documents.shown(call.caller, call.object_id))


OPERATIONS = (
    Operation(
        id="createDocument",
        tag="documents",
        method="POST",
        path="/v1/documents",
        summary="Verify a signed document",
        run=create,
        idempotent=True,
        upload=tuple(FILES),
        most_bytes=MOST_FILE,
        query=DocumentQuery,
        answer=Document,
        status=201,
        checks=True,
        link_to=("getDocument", "getDocumentFile", "getDocumentReceipt"),
        problems=(
            "signature.certificate_missing",
            "signature.content_missing",
            "signature.digest_malformed",
            "signature.format_unknown",
            "signature.not_understood",
        ),
    ),
    Operation(
        id="prepareDocument",
        tag="documents",
        method="POST",
        path="/v1/documents/prepare",
        summary="Prepare a document for a signature made elsewhere",
        run=prepare,
        idempotent=True,
        body=DocumentRequest,
        answer=Document,
        status=201,
        link_to=("getDocument",),
        problems=(
            "document.too_large",
            "document.time_stamping",
            "document.pdf_only",
            "document.hidden_characters",
            "signing.words_kind",
            *SIGNING,
        ),
    ),
    Operation(
        id="getDocument",
        tag="documents",
        method="GET",
        path="/v1/documents/{id}",
        summary="See a document",
        run=fetch,
        answer=Document,
        problems=("document.unknown",),
    ),
    Operation(
        id="completeDocument",
        tag="documents",
        method="POST",
        path="/v1/documents/{id}/complete",
        summary="Put the signature into a prepared document",
        run=complete,
        idempotent=True,
        body=DocumentSignature,
        answer=Document,
        checks=True,
        problems=(
            "document.unknown",
            "document.completed",
            "document.signature",
            "document.words_not_shown",
            "document.no_revocation",
            "evidence.gone",
            "signing.value_wrong",
            "signing.bare_digest",
            "signing.key_unsupported",
            "signing.no_room",
            "certificate.malformed",
            "der.malformed",
            "verification.submitted",
            "verification.submitted_differs",
            "verification.transaction_differs",
            "verification.shown_wrong",
            "digital_auth.jwks_unavailable",
            "digital_auth.unknown_kid",
            "verification.result_key",
            "verification.result_unreadable",
        ),
    ),
    Operation(
        id="getDocumentFile",
        tag="documents",
        method="GET",
        path="/v1/documents/{id}/file",
        summary="Get a document's file, or its rendition",
        run=file,
        answer=FILES,
        problems=("document.unknown", "document.not_signed", "evidence.gone"),
    ),
    Operation(
        id="getDocumentReceipt",
        tag="documents",
        method="GET",
        path="/v1/documents/{id}/receipt",
        summary="Get the receipt of a document",
        run=receipt,
        answer=Receipt,
        problems=("evidence.pending", "evidence.unknown"),
    ),
    Operation(
        id="getDocumentShown",
        tag="documents",
        method="GET",
        path="/v1/documents/{id}/shown",
        summary="Get the proof of what the phone showed",
        run=shown,
        answer=Shown,
        problems=("document.unknown", "document.not_signed", "evidence.not_shown", "evidence.gone"),
    ),
)
