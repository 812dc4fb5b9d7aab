"""Evidence over HTTP: receipts, the log's signed head and its key (CONTRACTS, Receipt).

The key here is for looking; a verifier takes the key it already has, never one that comes with a receipt.
"""

from typing import Any, Literal

import msgspec

from honnin.api.operations import Answer, Call, Operation
from honnin.errors import FormatError
from honnin.platform.evidence.log import Head
from honnin.platform.evidence.receipt import Receipt, read_receipt, verify_receipt, write_receipt
from honnin.platform.keys import LogPublicKey
from honnin.platform.models import Shown

__all__ = ["OPERATIONS"]


def receipt(call: Call) -> Answer:
    """Return the receipt of a verification; 404 `evidence.pending` (retryable) until the log's next signed head."""
    return Answer(call.platform.receipt(call.caller, call.object_id))


def shown(call: Call) -> Answer:
    """Return what the phone showed before the signature, with the service's proof; 410 once its person is forgotten."""
    return Answer(call.platform.shown(call.caller, call.object_id))


def head(call: Call) -> Answer:
    """Return the newest signed head of the evidence log of the caller's mode."""
    return Answer(call.platform.log_head(call.caller))


def key(call: Call) -> Answer:
    """Return the public key of the evidence log, PEM."""
    return Answer(call.platform.log_key(call.caller), media_type="application/x-pem-file")


def check(call: Call) -> Answer:
    """Say whether a receipt proves its record, by the key of this platform's log.

    Whoever need not trust this platform checks offline with a key taken earlier: `honnin evidence verify`.
    """
    key = LogPublicKey.read(call.platform.log_key(call.caller))
    try:
        record = verify_receipt(read_receipt(write_receipt(call.body)), key)
    except FormatError as error:
        return Answer(ReceiptCheck(proven=False, reason=error.message))
    return Answer(ReceiptCheck(proven=True, reason="The record is in the log.", record=record))


class ReceiptCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a receipt proves its record, and that record."""

    object: Literal["receipt_check"] = "receipt_check"
    proven: bool
    reason: str
    record: dict[str, Any] | None = None


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
        id="getShown",
        tag="evidence",
        method="GET",
        path="/v1/verifications/{id}/shown",
        summary="Get the proof of what the phone showed",
        run=shown,
        answer=Shown,
        problems=("verification.unknown", "evidence.not_shown", "evidence.gone"),
    ),
    Operation(
        id="checkReceipt",
        tag="evidence",
        method="POST",
        path="/v1/receipts/check",
        summary="Check a receipt",
        run=check,
        body=Receipt,
        answer=ReceiptCheck,
        unkeyed="nothing is made.",
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
