"""Problem documents (RFC 9457): every error of the API in one shape, with words for the person.

A problem's `code` is the error's code, `type` names it as a URN, `user_message` is one sentence in the language that
`Accept-Language` prefers (Japanese without one) and `user_messages` holds all three, because a service provider's
server seldom speaks the person's language. Statuses stand in `statuses.json`; a code without a row has its family's.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from starlette.responses import Response

from honnin.errors import HonninError
from honnin.words import LANGUAGES, Language, in_all

__all__ = ["MEDIA_TYPE", "Problem", "internal", "language_of", "respond", "status_of", "status_of_code"]

MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="honnin"'
RETRY_SECONDS = "2"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an error looks like on the wire (RFC 9457 §3.1, with honnin's members).

    pointer: JSON pointer of the member of the body at fault, where one is.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    retryable: bool
    user_message: str
    user_messages: dict[str, str]
    pointer: str | None = None


@cache
def _statuses() -> Mapping[str, int]:
    table: Mapping[str, int] = json.loads(files(__package__).joinpath("statuses.json").read_text(encoding="utf-8"))[
        "statuses"
    ]
    return table


def status_of(error: HonninError) -> int:
    """Return the HTTP status of a coded error: the table's, else its family's.

    What a room below cannot use was well-formed HTTP and JSON, so it is 422 and not 400.
    """
    if (status := _statuses().get(error.code)) is not None:
        return status
    return 422 if error.http_status == 400 else error.http_status


def status_of_code(code: str) -> int:
    """Return the HTTP status that the table gives a code. Raises KeyError for one without a row."""
    return _statuses()[code]


def language_of(header: str) -> Language:
    """Return the language of honnin's words that an `Accept-Language` value prefers (RFC 9110 §12.5.4)."""
    best: tuple[float, Language] = (0.0, "ja")
    for part in header[:200].split(","):
        tag, _, weight = part.strip().lower().partition(";")
        quality = _quality(weight)
        for language in LANGUAGES:
            matches = tag == language or (tag not in LANGUAGES and tag.partition("-")[0] == language)
            if matches and quality > best[0]:
                best = (quality, language)
    return best[1]


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0


def _title(code: str) -> str:
    return code.replace(".", ": ").replace("_", " ").capitalize()


def describe(error: HonninError, *, request_id: str, language: Language) -> Problem:
    """Return the problem document of a coded error."""
    messages = in_all(error.code)
    return Problem(
        type=f"urn:honnin:error:{error.code}",
        title=_title(error.code),
        status=status_of(error),
        detail=f"{error.message} {error.next}".strip(),
        instance=f"urn:honnin:request:{request_id}",
        code=error.code,
        request_id=request_id,
        retryable=error.retryable,
        user_message=messages[language],
        user_messages=messages,
        pointer=getattr(error, "pointer", None),
    )


def respond(
    error: HonninError, *, request_id: str, language: Language, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer to a request that ended in a coded error."""
    problem = describe(error, request_id=request_id, language=language)
    more: dict[str, Any] = dict(headers or {})
    more["Vary"] = "Accept-Language"
    if problem.status == 401:
        more["WWW-Authenticate"] = CHALLENGE
    if problem.retryable:
        more["Retry-After"] = RETRY_SECONDS
    return Response(msgspec.json.encode(problem), problem.status, more, media_type=MEDIA_TYPE)


def internal() -> HonninError:
    """Return the error for what nobody foresaw; what went wrong goes to the log under the request id, never out."""
    error = HonninError(
        "api.internal",
        "The server met a fault of its own.",
        next="Repeat the call with the same Idempotency-Key; tell us the request_id if it stays.",
        retryable=True,
    )
    error.http_status = 500  # type: ignore[misc]
    return error
