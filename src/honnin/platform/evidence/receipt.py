"""`honnin-receipt/1`: one record with its inclusion proof and a signed head, verified offline (CONTRACTS, Receipt).

    {"log_id", "record", "leaf_index", "tree_size", "audit_path"[],
     "head"{"tree_size", "root", "time"}, "signature", "key_id"}

`record` is the record's RFC 8785 text itself, a JSON string: its UTF-8 bytes are what the leaf hashes
(SHA-256(00 ‖ record)), so a verifier need not re-encode anything. Hashes are lower-case hex, the signature is base64
DER with low s, over the canonical head. The record names its log, which binds `log_id`.

The key that a receipt is verified with never comes from the receipt: `key_id` only says which one to take.
"""

import re
from typing import Any

import msgspec

from honnin.errors import FormatError
from honnin.platform.evidence import canonical, rfc9162
from honnin.platform.evidence.log import Proven
from honnin.platform.keys import LogPublicKey

__all__ = ["MOST_BYTES", "Receipt", "make_receipt", "read_receipt", "verify_receipt", "write_receipt"]

MOST_BYTES = 1 << 20
HEX = re.compile(r"[0-9a-f]{64}\Z")
LOG_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}\Z")
TIME = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]{1,9})?Z\Z")
MEMBERS = ("log_id", "record", "leaf_index", "tree_size", "audit_path", "head", "signature", "key_id")
HEAD_MEMBERS = ("tree_size", "root", "time")


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt's members, typed; whether it proves anything is for `verify_receipt`."""

    log_id: str
    record: str
    leaf_index: int
    tree_size: int
    audit_path: tuple[str, ...]
    head: dict[str, Any]
    signature: str
    key_id: str


def make_receipt(proven: Proven) -> Receipt:
    """Return the receipt of a proven record."""
    return Receipt(
        log_id=proven.log_id,
        record=proven.record,
        leaf_index=proven.leaf_index,
        tree_size=proven.head.tree_size,
        audit_path=tuple(digest.hex() for digest in proven.audit_path),
        head=proven.head.signed_part(),
        signature=proven.head.signature,
        key_id=proven.head.key_id,
    )


def write_receipt(receipt: Receipt) -> bytes:
    """Return the receipt's file content: one JSON object and a newline."""
    return msgspec.json.encode(receipt) + b"\n"


def read_receipt(content: bytes) -> Receipt:
    """Read a receipt file strictly: each member once, of its type, and no other.

    Raises FormatError `evidence.not_receipt`.
    """
    if len(content) > MOST_BYTES:
        raise _not_receipt("it is too large")
    try:
        value = canonical.parse_strict(content)
    except FormatError as error:
        raise _not_receipt("it is not strict JSON") from error
    if not isinstance(value, dict) or set(value) != set(MEMBERS):
        raise _not_receipt("its members differ")
    head, path = value["head"], value["audit_path"]
    if not isinstance(head, dict) or set(head) != set(HEAD_MEMBERS):
        raise _not_receipt("its head's members differ")
    well_formed = (
        all(type(value[name]) is str for name in ("log_id", "record", "signature", "key_id"))
        and all(type(n) is int and n >= 0 for n in (value["leaf_index"], value["tree_size"], head["tree_size"]))
        and isinstance(path, list)
        and len(path) <= 64
        and all(type(text) is str and HEX.match(text) for text in [*path, head["root"], value["key_id"]])
        and LOG_ID.match(value["log_id"])
        and type(head["time"]) is str
        and TIME.match(head["time"])
    )
    if not well_formed:
        raise _not_receipt("a member has another type or form")
    return Receipt(**{**value, "audit_path": tuple(path)})


def verify_receipt(receipt: Receipt, key: LogPublicKey) -> dict[str, Any]:
    """Verify a receipt offline and return its record.

    1. The receipt names the key that the verifier holds.
    2. The head is signed with it.
    3. The sizes agree, and the record is a canonical object that names this log.
    4. The audit path leads from the record's hash to the head's root.

    Raises FormatError `evidence.not_proven` naming the first step that failed.
    """
    # 1. another key's receipt is not a forgery, but nothing here can prove it
    if receipt.key_id != key.key_id:
        raise _not_proven("it was signed with another key")
    # 2.
    if not key.verifies(receipt.signature, canonical.encode(receipt.head)):
        raise _not_proven("the signature over the head is wrong")
    # 3. the log's id is signed only through the record: without this a head of one log could vouch for another
    if receipt.head["tree_size"] != receipt.tree_size:
        raise _not_proven("the tree sizes differ")
    record = canonical.read_canonical(receipt.record)
    if not isinstance(record, dict) or record.get("log_id") != receipt.log_id:
        raise _not_proven("the record belongs to another log")
    # 4.
    proof = [bytes.fromhex(text) for text in receipt.audit_path]
    leaf = rfc9162.leaf_hash(receipt.record.encode("utf-8"))
    root = bytes.fromhex(receipt.head["root"])
    if not rfc9162.verify_inclusion(leaf, receipt.leaf_index, receipt.tree_size, proof, root):
        raise _not_proven("the record is not in the tree")
    return record


def _not_receipt(why: str) -> FormatError:
    return FormatError("evidence.not_receipt", f"This is not a receipt: {why}.", next="Export it again.")


def _not_proven(why: str) -> FormatError:
    return FormatError("evidence.not_proven", f"The receipt proves nothing: {why}.", next="Do not rely on it.")
