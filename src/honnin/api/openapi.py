r"""The OpenAPI 3.1 document, made from the route table and the models; nothing in it is written twice.

Schemas are those msgspec makes of the structs that decode and encode the bodies. Patterns are rewritten from Python's
end-of-text `\Z` to ECMA-262's `$`.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from honnin import __version__
from honnin.api.operations import Operation
from honnin.api.problems import MEDIA_TYPE, Problem, status_of_code

__all__ = ["document"]

REFERENCE = "#/components/schemas/{name}"
COMMON_PROBLEMS = ("request.not_found", "request.query", "request.header", "request.busy", "api.internal")
BODY_PROBLEMS = (
    "request.not_json",
    "request.too_slow",
    "request.too_large",
    "request.media_type",
    "request.invalid",
    "request.unknown_member",
)
UPLOAD_PROBLEMS = ("request.too_slow", "request.too_large", "request.media_type")
BINARY = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
DESCRIPTION = (
    "Verification of JPKI signatures for service providers. Bodies are strict: an unknown member is refused by name. "
    "Errors are problem documents (RFC 9457)."
)
ID_SCHEMA = {"type": "string", "pattern": "^[a-z]{2,4}_[0-9A-Za-z_-]{1,64}$"}
TAGS = {
    "verifications": "Checks: what was signed, by whose card, and whether it stands.",
    "sessions": "Asking a person to sign on a page of honnin's.",
    "logins": "Logging in with the card's user authentication key.",
    "taps": "Customers who were verified with a PIN once tap without one, at supervised terminals, for level 1.",
    "counter": "What staff found of cards that they read at a counter.",
    "documents": "Signed PDF, XML, CMS and time stamps: verified, made, and given to whoever may have them.",
    "events": "The outbox: what happened, in order.",
    "webhooks": "The outbox sent to addresses of yours, signed as the Standard Webhooks are.",
    "evidence": "Receipts and the signed head of the evidence log.",
    "records": "What a law makes you keep of a check.",
    "law": "Which method of verification is lawful on which day, with its sources.",
    "service": "The server itself.",
}


def document(operations: Sequence[Operation], examples: Mapping[str, Any], *, server: str) -> dict[str, Any]:
    """Return the document.

    examples: request bodies by operationId, `{name: {"summary", "value"}}`; the tests execute each of them.
    server: base URL that the examples run against.
    """
    models = [m for o in operations for m in (o.answer, o.body, o.query) if isinstance(m, type)]
    _, components = msgspec.json.schema_components([*models, Problem], ref_template=REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(
            operation, examples.get(operation.id, {}), components
        )
    for operation in operations:  # query models are parameters, not bodies
        if operation.query is not None:
            components.pop(operation.query.__name__, None)
    tidy: dict[str, Any] = _tidy(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "honnin",
                "version": __version__,
                "description": DESCRIPTION,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": server}],
            "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {
                    "api_key": {
                        "type": "http",
                        "scheme": "bearer",
                        "bearerFormat": "sk_test_… or sk_live_…",
                        "description": "A service provider's key; a test key sees test objects only.",
                    }
                },
            },
            "security": [{"api_key": []}],
        }
    )
    return tidy


def _operation(operation: Operation, examples: Any, components: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": _parameters(operation, components),
        "responses": _responses(operation),
    }
    if operation.body is not None:
        content: dict[str, Any] = {"schema": {"$ref": REFERENCE.format(name=operation.body.__name__)}}
        if examples:
            content["examples"] = examples
        made["requestBody"] = {"required": True, "content": {"application/json": content}}
    if operation.upload:
        made["requestBody"] = {"required": True, "content": dict.fromkeys(operation.upload, BINARY)}
    if not operation.secured:
        made["security"] = []
    unkeyed = f"Takes no Idempotency-Key: {operation.unkeyed}" if operation.unkeyed else None
    if described := "\n\n".join(filter(None, (inspect.getdoc(operation.run), unkeyed))):
        made["description"] = described
    return made


def _parameters(operation: Operation, components: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if "{id}" in operation.path:
        found.append(
            {
                "name": "id",
                "in": "path",
                "required": True,
                "schema": ID_SCHEMA,
            }
        )
    if operation.query is not None:
        schema = components[operation.query.__name__]
        found += [
            {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": member}
            for name, member in schema["properties"].items()
        ]
    if operation.idempotent:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Fresh for each new operation; a repeat within 24 hours returns the same answer.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }
        )
    if operation.coded:
        found.append(
            {
                "name": "Honnin-Session-Code",
                "in": "header",
                "required": False,
                "description": "The `code` of the return address; taken once. Never in a URL of yours.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$"},
            }
        )
    return found


def _responses(operation: Operation) -> dict[str, Any]:
    request_id = {"X-Request-Id": {"description": "Names this request in logs.", "schema": {"type": "string"}}}
    success: dict[str, Any] = {"description": "As asked.", "headers": request_id}
    if isinstance(operation.answer, type):
        success["content"] = {
            "application/json": {"schema": {"$ref": REFERENCE.format(name=operation.answer.__name__)}}
        }
    elif operation.answer is not None:
        success["content"] = operation.answer
    if operation.link_to:
        success["links"] = {
            target: {"operationId": target, "parameters": {"id": "$response.body#/id"}} for target in operation.link_to
        }
    responses: dict[str, Any] = {str(operation.status): success}
    for status, codes in sorted(_problems(operation).items()):
        responses[str(status)] = {
            "description": ", ".join(f"`{code}`" for code in codes),
            "headers": request_id,
            "content": {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(name="Problem")}}},
        }
    return responses


def _problems(operation: Operation) -> dict[int, list[str]]:
    codes = [*COMMON_PROBLEMS, *operation.problems]
    if operation.secured:
        codes += ["request.no_key", "tenant.key"]
    if operation.body is not None:
        codes += BODY_PROBLEMS
    if operation.upload:
        codes += UPLOAD_PROBLEMS
    if operation.idempotent:
        codes += ["request.idempotency_key", "verification.idempotency_conflict"]
    if operation.coded:
        codes.append("request.session_code")
    found: dict[int, list[str]] = {}
    for code in codes:
        found.setdefault(status_of_code(code), []).append(code)
    return found


def _tidy(node: Any) -> Any:
    """Return the schema with JSON Schema's own spelling of what msgspec writes for Python."""
    if isinstance(node, dict):
        return {
            key: value.replace(r"\Z", "$") if key == "pattern" and isinstance(value, str) else _tidy(value)
            for key, value in node.items()
        }
    return [_tidy(value) for value in node] if isinstance(node, list | tuple) else node
