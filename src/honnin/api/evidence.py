"""Evidence over HTTP: receipts, the log's signed head and its key (CONTRACTS, Receipt).

The key here is for looking; a verifier takes the key it already has, never one that comes with a receipt.
"""

from honnin.api.operations import Answer, Call, Operation, object_id
from honnin.platform.evidence.log import Head
from honnin.platform.evidence.receipt import Receipt

__all__ = ["OPERATIONS"]


def receipt(call: Call) -> Answer:
    """Return the receipt of a verification; 404 `evidence.pending` (retryable) until the log's next signed head."""
    return Answer(call.platform.receipt(call.caller, object_id(call.path)))


def head(call: Call) -> Answer:
    """Return the newest signed head of the evidence log of the caller's mode."""
    return Answer(call.platform.log_head(call.caller))


def key(call: Call) -> Answer:
    """Return the public key of the evidence log, PEM."""
    return Answer(call.platform.log_key(call.caller), media_type="application/x-pem-file")


PEM = {"application/x-pem-file": {"schema": {"type": "string"}}}

OPERATIONS = (
    Operation(
        id="getReceipt",
        tag="evidence",
        method="GET",
        path="/v1/verifications/{id}/receipt",
        summary="Get the receipt of a verification",
        run=receipt,
        answer=Receipt,
        problems=("evidence.pending", "evidence.unknown"),
    ),
    Operation(
        id="getLogHead",
        tag="evidence",
        method="GET",
        path="/v1/log/head",
        summary="See the log's newest signed head",
        run=head,
        answer=Head,
        problems=("evidence.no_head",),
    ),
    Operation(
        id="getLogKey",
        tag="evidence",
        method="GET",
        path="/v1/log/key",
        summary="See the log's public key",
        run=key,
        answer=PEM,
    ),
)
