"""NIST PKITS: all cases of the table, with their verdicts, kinds of failure and user-constrained policy sets."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest

from honnin.pki import validate_path

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "pkits-cases.json").read_text(encoding="utf-8"))
SUB_INDICATIONS = {
    "revoked": ("FAILED", {"REVOKED"}),
    "revocation-unknown": ("INDETERMINATE", {"TRY_LATER"}),
    "revocation-stale": ("INDETERMINATE", {"TRY_LATER"}),
    "path": (
        "FAILED",
        {
            "FORMAT_FAILURE",
            "EXPIRED",
            "NOT_YET_VALID",
            "NO_CERTIFICATE_CHAIN_FOUND",
            "CHAIN_CONSTRAINTS_FAILURE",
            "CRYPTO_CONSTRAINTS_FAILURE",
        },
    ),
}


@cache
def vector(folder: str, name: str) -> bytes:
    with cryptography_vectors.open_vector_file(f"x509/PKITS_data/{folder}/{name}", "rb") as file:
        octets: bytes = file.read()
    return octets


def test_the_table_is_whole() -> None:
    assert len(CASES) == 249


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    params, expected = case["params"], case["expected"]
    verdict = validate_path(
        vector("certs", case["target"]),
        anchors=[vector("certs", case["trust_anchor"])],
        intermediates=[vector("certs", name) for name in case["untrusted"]],
        crls=[vector("crls", name) for name in case["crls"]],
        at=datetime.fromisoformat(params["time"]),
        policies=frozenset(params["initial_policy_set"]),
        explicit_policy=params["initial_explicit_policy"],
        inhibit_mapping=params["initial_policy_mapping_inhibit"],
        inhibit_any=params["initial_inhibit_any_policy"],
    )
    assert (verdict.indication == "PASSED") == expected["valid"], verdict
    if not expected["valid"]:
        indication, allowed = SUB_INDICATIONS[expected.get("failure_kind", "path")]
        assert (verdict.indication, verdict.sub_indication in allowed) == (indication, True), verdict
    if expected["valid"] or expected.get("failure_kind", "path") != "path":
        assert verdict.policies == set(expected["user_constrained_policy_set"])
