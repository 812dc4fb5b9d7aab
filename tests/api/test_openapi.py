"""The OpenAPI document: every route stands in it, every example runs, and the server keeps to it under fuzzing."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.waiting import LONG

from honnin.api.app import OPERATIONS
from honnin.api.problems import status_of_code
from honnin.web.serving import Running
from honnin.words import in_all

EXPECTED = {  # what the summary of each example promises
    "signed_text": "TOTAL-PASSED",
    "digest_only": "TOTAL-PASSED",
    "foreign_certificate": "INDETERMINATE",
}


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def rows(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "components": document["components"]}


def test_it_is_openapi_3_1_with_every_operation(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    named = {operation["operationId"] for _, _, operation in rows(document)}
    assert {operation.id for operation in OPERATIONS} | {"getOpenapi", "getHealth", "getSandbox"} == named


def test_no_schema_of_a_get_knows_the_four_items_or_a_certificate(document: dict[str, Any]) -> None:
    assert "four_items" not in document["components"]["schemas"]["Verification"]["properties"]
    assert "birth_date_key" not in document["components"]["schemas"]["Tap"]["properties"]
    for name, schema in document["components"]["schemas"].items():
        if name not in {
            "VerificationAnswer",
            "VerificationRequest",
            "SessionSignature",
            "LoginSignature",
            "DocumentSignature",
            "TapCertificate",
            "RegistrationRequest",
            "CardProof",  # of the card's own key, in a request
        }:
            assert "certificate" not in schema.get("properties", {}), name


def test_every_problem_has_words_and_a_status(document: dict[str, Any]) -> None:
    for _, path, operation in rows(document):
        for status, response in operation["responses"].items():
            for code in re.findall(r"`([a-z_]+\.[a-z_]+)`", response["description"]):
                assert status == str(status_of_code(code)), (path, code)
                assert set(in_all(code)) == {"ja", "ja-simple", "en"}


def test_patterns_are_those_of_json_schema(document: dict[str, Any]) -> None:
    assert r"\\Z" not in str(document)
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.validator_for(resolved(document, schema))


def test_every_example_runs_and_ends_as_its_summary_says(client: httpx.Client, document: dict[str, Any]) -> None:
    ran = []
    for method, path, operation in rows(document):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            if "{id}" in path or path == "/v1/records":  # needs an object of its own state
                continue
            for name, example in content.get("examples", {}).items():
                answer = client.request(method, path, json=example["value"], headers={"Content-Type": kind})
                assert answer.status_code == 201, (name, answer.text)
                success = operation["responses"]["201"]["content"]["application/json"]["schema"]
                jsonschema_rs.validate(resolved(document, success), answer.json())
                if name in EXPECTED:
                    assert answer.json()["verdict"]["indication"] == EXPECTED[name], name
                follow(client, document, operation, answer.json())
                ran.append(name)
    assert set(ran) == {*EXPECTED, "account_opening", "age_by_template", "text"}


def follow(
    client: httpx.Client, document: dict[str, Any], operation: Mapping[str, Any], made: Mapping[str, Any]
) -> None:
    """Take each link of the answer, and hold what comes to its schema."""
    for target, link in operation["responses"]["201"]["links"].items():
        method, path, linked = next(row for row in rows(document) if row[2]["operationId"] == link["operationId"])
        assert link["parameters"] == {"id": "$response.body#/id"}, target
        answer = client.request(method, path.replace("{id}", made["id"]))
        described = linked["responses"][str(answer.status_code)]
        for content in described.get("content", {}).values():
            jsonschema_rs.validate(resolved(document, content["schema"]), answer.json())


def test_the_server_keeps_to_its_document_whatever_comes(client: httpx.Client, server: Running) -> None:
    """Schemathesis makes bodies, parameters and headers from the document, right ones and wrong ones.

    It does so as a tenant of its own: what it makes stands in nobody else's lists.
    """
    key = server.platform.create_tenant("試験工房", return_urls=(f"{server.origin('bank')}/return",)).api_key
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    checks = [
        schemathesis.checks.not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
        response_headers_conformance,
        ignored_auth,
    ]
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        def ask(case: schemathesis.Case) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(
                base_url=server.base, headers={"Authorization": f"Bearer {key}"}, checks=checks, timeout=LONG
            )

        run(operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE), ask)
        if found.ok().definition.raw["parameters"] or "requestBody" in found.ok().definition.raw:
            run(operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE), ask)
    assert asked > 100


def run(strategy: Any, ask: Any) -> None:
    limited = settings(
        max_examples=20,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    limited(given(strategy)(ask))()
