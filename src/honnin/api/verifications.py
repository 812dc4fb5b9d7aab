"""Verifications: make one, see one, list them.

The four items stand in the answer to the POST and nowhere else; a GET never carries them, and no answer carries a
certificate but for a tenant that is itself a certified verifier by configuration (`honnin.platform.models`).
"""

from honnin.api.operations import Answer, Call, Later, Operation
from honnin.api.paging import PageQuery
from honnin.platform.models import Verification, VerificationAnswer, VerificationPage, VerificationRequest

__all__ = ["OPERATIONS"]


def create(call: Call) -> Later:
    """Judge a signature, its certificate and its revocation, record the evidence, and answer once with the four items.

    A verdict is an answer, not an error: a revoked certificate gives 201 with `TOTAL-FAILED`.
    """
    made = call.platform.verify_soon(call.caller, call.body, idempotency_key=call.idempotency_key, waits=call.waits)
    return Later(made, lambda done: Answer(done, 201, {"Location": f"/v1/verifications/{done.id}"}))


def fetch(call: Call) -> Answer:
    """Return a verification without the four items."""
    return Answer(call.platform.verification(call.caller, call.object_id))


def fetch_all(call: Call) -> Answer:
    """Return the verifications, newest first."""
    return Answer(call.platform.verifications(call.caller, after=call.query.after, limit=call.query.limit))


OPERATIONS = (
    Operation(
        id="createVerification",
        tag="verifications",
        method="POST",
        path="/v1/verifications",
        summary="Verify a signature",
        run=create,
        body=VerificationRequest,
        answer=VerificationAnswer,
        status=201,
        checks=True,
        in_line=True,
        idempotent=True,
        link_to=("getVerification", "getReceipt", "getShown"),
        problems=(
            "verification.incomplete",
            "signature.certificate_missing",
            "signature.content_missing",
            "verification.ambiguous",
            "verification.certificate_kind",
            "verification.digest",
            "verification.submitted",
            "verification.submitted_differs",
            "verification.transaction_differs",
            "verification.shown_wrong",
            "verification.words_differ",
            "digital_auth.jwks_unavailable",
            "digital_auth.unknown_kid",
            "verification.result_key",
            "verification.result_unreadable",
            "verification.one_signer",
            "verification.too_large",
            "verification.sandbox_certificate",
            "law.unknown_method",
            "law.not_lawful",
            "law.document_required",
        ),
    ),
    Operation(
        id="listVerifications",
        tag="verifications",
        method="GET",
        path="/v1/verifications",
        summary="List verifications",
        run=fetch_all,
        query=PageQuery,
        answer=VerificationPage,
        problems=("verification.unknown",),
    ),
    Operation(
        id="getVerification",
        tag="verifications",
        method="GET",
        path="/v1/verifications/{id}",
        summary="See a verification",
        run=fetch,
        answer=Verification,
        checks=True,  # a pending person is asked for again
        problems=("verification.unknown",),
    ),
)
