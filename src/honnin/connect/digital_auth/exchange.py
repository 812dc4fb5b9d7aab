"""Requests and replies as values, and the steps that make and read them: no I/O here (sans-I/O).

A flow is a generator: it yields a `Request`, is sent the `Reply`, and returns what was learned. The two shells in
`client` do nothing but carry requests, so that sync and async cannot differ.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

from honnin.connect.digital_auth.profile import profile
from honnin.errors import ServiceError

__all__ = ["Reply", "Request", "Steps", "get", "parse_json", "post_form", "post_json", "read_object"]

T = TypeVar("T")
Purpose = Literal["discovery", "jwks", "token", "userinfo", "sign_start", "sign_result"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Its repr names neither tokens nor body."""

    purpose: Purpose
    method: Literal["GET", "POST"]
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole. headers: names in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


Steps = Generator[Request, Reply, T]


def get(purpose: Purpose, url: str, *, token: str | None = None) -> Request:
    """Return a GET for JSON, with a Bearer token where one is given (RFC 6750 §2.1)."""
    return Request(purpose, "GET", url, _headers(token))


def post_form(purpose: Purpose, url: str, form: Mapping[str, str]) -> Request:
    """Return a POST of a form."""
    headers = {**_headers(None), "content-type": "application/x-www-form-urlencoded"}
    return Request(purpose, "POST", url, headers, urlencode(form).encode("ascii"))


def post_json(purpose: Purpose, url: str, body: Mapping[str, str], *, token: str) -> Request:
    """Return a POST of a JSON object with a Bearer token."""
    headers = {**_headers(token), "content-type": "application/json"}
    return Request(purpose, "POST", url, headers, json.dumps(body, ensure_ascii=False).encode("utf-8"))


def _headers(token: str | None) -> dict[str, str]:
    return {"accept": "application/json"} | ({} if token is None else {"authorization": f"Bearer {token}"})


def parse_json(content: bytes) -> dict[str, Any]:
    """Return a JSON object whose members stand once each, also within. Raises ValueError for anything else."""
    try:
        parsed = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(parsed, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one kind of error for all that is malformed
    return parsed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


def read_object(reply: Reply) -> dict[str, Any]:
    """Return the JSON object of a 200 reply.

    Raises ServiceError `digital_auth.unavailable` (5xx, 429), `digital_auth.redirected`, `digital_auth.malformed`.
    A 4xx is the caller's to read.
    """
    check_available(reply)
    try:
        return parse_json(reply.content)
    except ValueError as error:
        raise ServiceError(
            "digital_auth.malformed",
            "The service's answer is not a JSON object.",
            next="Tell the service's operator.",
        ) from error


def check_available(reply: Reply) -> None:
    """Raise ServiceError for a reply that the service would not give in good health, and for a redirect."""
    if reply.status >= 500 or reply.status == 429:
        raise ServiceError(
            "digital_auth.unavailable",
            f"The Digital Authentication Service cannot answer (HTTP {reply.status}).",
            next="Try again later.",
            retryable=True,
        )
    if 300 <= reply.status < 400:
        raise ServiceError("digital_auth.redirected", "The service points elsewhere; honnin does not follow.")
    if len(reply.content) > profile().limits.answer_bytes:
        raise ServiceError("digital_auth.too_large", "The service's answer is too long to be one.")
