"""Examples of the JOSE standards and of PKCE through the code that the connector uses (tests/vectors/jose-rfc.json)."""

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import BadSignatureError

from honnin.connect.digital_auth.attempt import code_challenge
from honnin.connect.digital_auth.jwks import _imported

EXAMPLES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors/jose-rfc.json").read_text())


def test_rfc_7515_a3() -> None:
    example = EXAMPLES["rfc7515_a3"]
    key = _imported(example["jwk"])
    assert key is not None
    read = jws.deserialize_compact(example["jws"], key, algorithms=["ES256"])
    assert json.loads(read.payload or b"") == example["claims"]
    head, body, signature = example["jws"].split(".")
    with pytest.raises(BadSignatureError):
        jws.deserialize_compact(f"{head}.{body}.E{signature[1:]}", key, algorithms=["ES256"])


def test_rfc_7638() -> None:
    example = EXAMPLES["rfc7638_3_1"]
    key = _imported(example["jwk"])
    assert key is not None
    assert key.thumbprint() == example["thumbprint"]


def test_rfc_7636_b() -> None:
    assert code_challenge(EXAMPLES["rfc7636_b"]["verifier"]) == EXAMPLES["rfc7636_b"]["challenge"]
