"""Receipts and canonical JSON: any bytes give a receipt or a coded error; any change of a good one is noticed."""

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from honnin.errors import FormatError
from honnin.platform.evidence import canonical, rfc9162
from honnin.platform.evidence.log import Head, Proven
from honnin.platform.evidence.receipt import make_receipt, read_receipt, verify_receipt, write_receipt
from honnin.platform.keys import Keyring, LogKey

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> LogKey:
    return Keyring(tmp_path_factory.mktemp("keys")).log


def receipt_of(key: LogKey, record: dict[str, Any], others: int, place: int) -> bytes:
    text = canonical.encode({**record, "log_id": "log_x"}).decode()
    leaves = [rfc9162.leaf_hash(bytes([n])) for n in range(others)]
    leaves.insert(place, rfc9162.leaf_hash(text.encode()))
    head = Head(len(leaves), rfc9162.root(leaves).hex(), "2026-11-21T00:00:00Z", "", key.public.key_id)
    signed = Head(head.tree_size, head.root, head.time, key.sign(canonical.encode(head.signed_part())), head.key_id)
    return write_receipt(
        make_receipt(Proven("log_x", text, place, tuple(rfc9162.inclusion_proof(leaves, place)), signed))
    )


@given(record=st.dictionaries(st.text(max_size=5), JSON, max_size=4), others=st.integers(0, 20), data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_any_record_at_any_place_proves_itself_and_no_byte_may_change(
    key: LogKey, record: dict[str, Any], others: int, data: st.DataObject
) -> None:
    content = receipt_of(key, record, others, data.draw(st.integers(0, others)))
    proven = verify_receipt(read_receipt(content), key.public)
    assert proven == {**record, "log_id": "log_x"}
    at = data.draw(st.integers(0, 10_000)) % (len(content) - 1)  # the length of an ECDSA signature varies by itself
    byte = data.draw(st.integers(0, 255))
    bent = content[:at] + bytes([byte]) + content[at + 1 :]
    try:
        changed = verify_receipt(read_receipt(bent), key.public)
    except FormatError:
        return
    assert json.loads(bent) == json.loads(content), "a changed receipt was believed"
    assert changed == proven


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_receipt_or_a_coded_error(content: bytes) -> None:
    with pytest.raises(FormatError) as refused:
        read_receipt(content)
    assert refused.value.code == "evidence.not_receipt"


@given(JSON)
def test_canonical_json_reads_back_and_no_other_spelling_does(value: Any) -> None:
    text = canonical.encode(value).decode()
    assert canonical.read_canonical(text) == value
    assert rfc8785.dumps(json.loads(text)) == text.encode()
    for other in (" " + text, text + "\n", json.dumps(value, indent=1)):
        if other != text:
            with pytest.raises(FormatError):
                canonical.read_canonical(other)


@pytest.mark.parametrize("text", ['{"a":1,"a":1}', "1.0", "1e3", "NaN", "-0", '"\\ud800"', "[" * 90_000, "9" * 17, ""])
def test_what_readers_differ_on_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        canonical.read_canonical(text)
