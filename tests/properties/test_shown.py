"""Whatever comes as a proof of what was shown is read or refused by code, never otherwise."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from honnin.connect.digital_auth.showing import read_shown
from honnin.errors import HonninError
from honnin.pki.shown_words import signed_attributes_in, words_digest_in
from honnin.platform.evidence.shown import read_proof, verify_shown

JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("iss", "sign_transaction_id", "shown", "text_sha256", "data", "signature_sha256")
CLAIMS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, st.sampled_from(["text", "digest", "a" * 64]) | JSON))
HEADER = st.fixed_dictionaries(
    {},
    optional={
        name: st.sampled_from(["ES256", "none", "shown+jwt", "k"]) | JSON for name in ("alg", "typ", "kid", "crit")
    },
)


def part(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def refusal(work: Callable[[], Any]) -> str | None:
    """Return the code under which something was refused, None where it was not."""
    try:
        work()
    except HonninError as error:
        return error.code
    return None


@given(header=HEADER | st.just({"alg": "ES256", "typ": "shown+jwt", "kid": "k"}), claims=CLAIMS, keys=JSON)
def test_any_token(header: Any, claims: Any, keys: Any) -> None:
    token, listed = f"{part(header)}.{part(claims)}.AAAA", json.dumps(keys).encode()
    for chosen in (None, keys):
        assert refusal(lambda chosen=chosen: read_shown(token, chosen)) in {None, "verification.shown_wrong"}
    judged = refusal(
        lambda: verify_shown({"signing": claims}, token, words=b"w", document=b"%PDF-1.7", service_keys=listed)
    )
    assert judged in {"evidence.shown_differs", "evidence.service_keys"}


@given(st.binary(max_size=200) | st.text(max_size=50).map(str.encode) | JSON.map(lambda one: json.dumps(one).encode()))
def test_any_file(content: bytes) -> None:
    assert refusal(lambda: read_proof(content)) in {None, "evidence.shown_differs"}
    for octets in (content, b"%PDF-" + content, b"1" + content, b"0" + content):
        assert isinstance(signed_attributes_in(octets), list)
        found = words_digest_in(octets)
        assert found is None or isinstance(found, bytes)
