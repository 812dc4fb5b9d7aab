"""What one operation of the API is, and how a request becomes a call of it.

An `Operation` is a row of the route table (`honnin.api.routes`): from it come the routing, the strict decoding, the
authorization and the OpenAPI document, so that none of them can say something else than the others.
"""

import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from honnin.api.reading import BODY_BYTES, BodyError
from honnin.errors import KeyRefusedError, NotFoundError
from honnin.platform.models import Caller

if TYPE_CHECKING:
    from honnin.platform import Platform

__all__ = ["Answer", "Call", "Later", "Operation", "bearer_key", "idempotency_key", "session_code"]

_BEARER = re.compile(rb"\Abearer +([\x21-\x7e]{1,200})\Z", re.IGNORECASE)
_IDEMPOTENCY_KEY = re.compile(rb"\A[\x21-\x7e]{1,255}\Z")
_SESSION_CODE = re.compile(rb"\A[\x21-\x7e]{1,64}\Z")
_OBJECT_ID = re.compile(r"\A[a-z]{2,4}_[0-9A-Za-z_-]{1,64}\Z")


class Call(msgspec.Struct, frozen=True):
    """One request after reading: who calls, what for, and the decoded body and query.

    waits: whether the call may wait for outside services; else it raises NotAtHandError where it would.
    """

    platform: "Platform"
    caller: Caller
    path: Mapping[str, str]
    query: Any
    body: Any
    idempotency_key: str | None
    request_id: str
    session_code: str | None = None
    waits: bool = True

    @property
    def object_id(self) -> str:
        """The object's id from the path. Raises NotFoundError `request.not_found` for what no id can look like."""
        value = self.path["id"]
        if not _OBJECT_ID.match(value):
            raise NotFoundError("request.not_found", "There is no such object.", next="Check the id.")
        return value


class Answer(msgspec.Struct, frozen=True):
    """What an operation answers. `value` is encoded as JSON unless it is bytes, which go out as `media_type`."""

    value: Any
    status: int = 200
    headers: Mapping[str, str] = {}
    media_type: str = "application/json"

    def encoded(self) -> bytes:
        """Return the body's bytes."""
        return self.value if isinstance(self.value, bytes) else msgspec.json.encode(self.value)


class Later(msgspec.Struct, frozen=True):
    """An answer that waits for the disk, without a thread that waits with it. answer: makes it of what comes."""

    coming: "Future[Any]"
    answer: Callable[[Any], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    id: operationId.
    tag: the group of operations that it stands in.
    answer: model of the successful body; an OpenAPI content map for anything but JSON objects of ours; None for none.
    upload: media types of a body that is taken as it comes, in place of JSON of the model `body`.
    most_bytes: what a body may hold.
    checks: it waits for J-LIS, so it works in the pool of the checks and not in that of the quick answers.
    in_line: its calls are made one after the other by one thread as long as they wait for nothing outside.
    idempotent: it takes an Idempotency-Key; unkeyed: why a POST takes none.
    coded: it takes a Honnin-Session-Code.
    problems: codes of the errors that are its own, for the document.
    link_to: operations that take the `id` of its answer.
    """

    id: str
    tag: str
    method: Literal["GET", "POST", "DELETE"]
    path: str
    summary: str
    run: Callable[[Call], Answer | Later]
    answer: Any
    status: int = 200
    body: type | None = None
    upload: tuple[str, ...] = ()
    most_bytes: int = BODY_BYTES
    query: type | None = None
    secured: bool = True
    checks: bool = False
    in_line: bool = False
    idempotent: bool = False
    unkeyed: str = ""
    coded: bool = False
    problems: tuple[str, ...] = ()
    link_to: tuple[str, ...] = ()


def bearer_key(headers: Mapping[bytes, bytes]) -> str:
    """Return the API key of `Authorization: Bearer …` (RFC 6750 §2.1). Raises KeyRefusedError `request.no_key`."""
    match = _BEARER.match(headers.get(b"authorization", b""))
    if match is None:
        raise KeyRefusedError(
            "request.no_key",
            "The request brings no API key.",
            next="Send Authorization: Bearer sk_test_… or sk_live_….",
        )
    return match.group(1).decode("ascii")


def idempotency_key(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the Idempotency-Key, None without one. Raises BodyError `request.idempotency_key` for an unusable one."""
    value = headers.get(b"idempotency-key")
    if value is None:
        return None
    if not _IDEMPOTENCY_KEY.match(value):
        raise BodyError(
            "request.idempotency_key",
            "The Idempotency-Key is not 1 to 255 visible ASCII characters.",
            next="Send a fresh random value for each new operation, such as a UUID.",
        )
    return value.decode("ascii")


def session_code(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the Honnin-Session-Code, None without one. Raises BodyError `request.session_code` for an unusable one."""
    value = headers.get(b"honnin-session-code")
    if value is None:
        return None
    if not _SESSION_CODE.match(value):
        raise BodyError(
            "request.session_code",
            "The Honnin-Session-Code is not 1 to 64 visible ASCII characters.",
            next="Send the `code` of the return address as it is.",
        )
    return value.decode("ascii")
