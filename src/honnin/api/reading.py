"""What comes in: bodies with a limit on bytes and on time, strict JSON, strict query strings.

A body is counted while it arrives and refused before it is parsed; a member that honnin does not know is refused with
its name, so that a misspelt optional member never passes silently; a member that stands twice is refused, because
readers differ in which one counts (RFC 8259 §4). Sentences name the place (a JSON pointer), never
what stood there.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Collection, Mapping
from functools import cache, lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive

from honnin.errors import HonninError, InputError, StateError

__all__ = [
    "BODY_BYTES",
    "JSON",
    "LARGE_BODY",
    "WHOLE_BODY",
    "BodyError",
    "body_length",
    "decode_body",
    "decode_query",
    "read_body",
]

JSON = "application/json"
BODY_BYTES = 16 << 20  # the largest document or CMS of the models in base64, and room for the rest
LARGE_BODY = 64 << 10  # from here on the caller is known before the body is read
BODY_SECONDS = 30.0
WHOLE_BODY = "whole_body"  # in a request's state: all of its body has arrived before anything was asked
QUERY_BYTES = 2000

_PLACE = re.compile(r" - at `\$(.*)`\Z", re.DOTALL)
_UNKNOWN = re.compile(r"\AObject contains unknown field `(.*?)`( - at .*)?\Z", re.DOTALL)
_INDEX = re.compile(r"\[(\d+|\.\.\.)\]")


class BodyError(InputError):
    """A body or query that cannot be used; `pointer` is the JSON pointer (RFC 6901) of the member at fault."""

    def __init__(self, code: str, message: str, *, next: str = "", pointer: str | None = None) -> None:  # noqa: A002
        super().__init__(code, message, next=next)
        self.pointer = pointer


def _too_large(most: int) -> HonninError:
    return InputError(
        "request.too_large",
        f"The body is larger than {most} bytes.",
        next="Sign a digest of the document and send the digest.",
    )


def body_length(
    headers: Mapping[bytes, bytes], medias: Collection[str] = (JSON,), most: int = BODY_BYTES
) -> int | None:
    """Return the declared length of a body, None when it comes in chunks.

    Raises BodyError `request.media_type` for anything but an identity-coded body of one of the media types,
    `request.too_large` past `most` bytes.
    """
    coding = headers.get(b"content-encoding", b"identity").strip().lower()
    media, charset = _media(headers.get(b"content-type", b""))
    text = JSON in medias and charset not in {"", "charset=utf-8"}
    if media not in medias or text or coding != b"identity":
        raise BodyError(
            "request.media_type",
            "The body is not plain application/json in UTF-8." if JSON in medias else "The body is of another type.",
            next=f"Send Content-Type: {' or '.join(medias)}, and no Content-Encoding.",
        )
    declared = headers.get(b"content-length")
    if declared is None:
        return None
    length = int(declared) if declared.isdigit() and len(declared) < 12 else most + 1
    if length > most:
        raise _too_large(most)
    return length


@lru_cache(maxsize=64)
def _media(content_type: bytes) -> tuple[str, str]:
    """Return a body's media type and its parameter."""
    media, _, parameters = content_type.decode("latin-1").lower().partition(";")
    return media.strip(), parameters.replace(" ", "").replace('"', "")


async def read_body(receive: Receive, most: int = BODY_BYTES, *, here: bool = False) -> bytes:
    """Return the whole body. here: it has arrived, so that nobody is waited for and no clock is set.

    Raises InputError `request.too_large` as soon as one byte too many has arrived, StateError `request.too_slow` when
    it has not arrived in BODY_SECONDS, and `request.cut_off` when the client went away.
    """
    if here:
        return await _whole(receive, most)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _whole(receive, most)
    except TimeoutError:
        raise StateError(
            "request.too_slow", "The body did not arrive in time.", next="Repeat the call.", retryable=True
        ) from None


async def _whole(receive: Receive, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise StateError("request.cut_off", "The client went away before the body was complete.")
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


@cache
def _decoder(model: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(model)


def decode_body(raw: bytes, model: type) -> Any:
    """Return the body as `model`.

    Raises BodyError `request.not_json`, `request.doubled_member`, and `request.unknown_member` or `request.invalid`
    with the member's place.
    """
    try:
        decoded = _decoder(model).decode(raw)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), "request.invalid") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BodyError(
            "request.not_json", "The body is not one JSON object in UTF-8.", next="Send one JSON object."
        ) from None
    _refuse_doubled_members(raw)
    if b"\\u0000" in raw:  # a NUL of JSON is spelled in no other way
        _refuse_control_characters(decoded)
    return decoded


def _refuse_doubled_members(raw: bytes) -> None:
    """Refuse a body, which has been decoded, with a member that stands twice.

    Each member has a colon. Where there are no more colons than members that are left when the last of those with one
    name counts, each stands once; else (a colon in a text) it is read again, about a millisecond for a mebibyte.
    """
    with contextlib.suppress(ValueError, RecursionError):  # what the decoder took is JSON for these readers, too
        if raw.count(b":") != _members_in(msgspec.json.decode(raw)):
            _MEMBERS.decode(raw.decode("utf-8-sig"))


def _members_in(value: Any) -> int:
    """Return how many members there are in all objects of a JSON value."""
    members, ahead = 0, [value]
    while ahead:
        inner = ahead.pop()
        if isinstance(inner, dict):
            members += len(inner)
            ahead += inner.values()
        elif isinstance(inner, list):
            ahead += inner
    return members


def _members(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        name = next(name for name in names if names.count(name) > 1)
        shown = "".join(c if c.isprintable() else "?" for c in name[:64])
        raise BodyError("request.doubled_member", f"The member {shown!r} stands twice.", next="Send it once.")


_MEMBERS = json.JSONDecoder(object_pairs_hook=_members)


def decode_query(query: bytes, model: type | None) -> Any:
    """Return the query string as `model`. Raises BodyError `request.query` for anything unknown, doubled or wrong."""
    if not query and model is None:
        return None
    if len(query) > QUERY_BYTES:
        raise BodyError("request.query", "The query string is too long.")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query), errors="strict")
    except ValueError:
        raise BodyError("request.query", "The query string cannot be read.", next="Percent-encode it.") from None
    given = dict(pairs)
    if len(given) != len(pairs) or (given and model is None):
        raise BodyError("request.query", "A query parameter is doubled or not known here.")
    if model is None:
        return None
    try:
        decoded: Any = msgspec.convert(given, model, strict=False)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), "request.query") from None
    _refuse_control_characters(decoded)
    return decoded


def _refusal(sentence: str, code: str) -> BodyError:
    """Turn msgspec's sentence into ours: the place stays, values that it quotes do not."""
    place = _PLACE.search(sentence)
    pointer = _pointer(place.group(1)) if place else ""
    if unknown := _UNKNOWN.match(sentence):
        name = "".join(c if c.isprintable() else "?" for c in unknown.group(1)[:64])
        return BodyError(
            "request.unknown_member" if code == "request.invalid" else code,
            f"There is no member {name!r} here.",
            next="Remove it, or correct its spelling.",
            pointer=f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}",
        )
    if sentence.startswith("Invalid enum value"):
        reason = "It is not one of the allowed values."
    else:
        reason = _PLACE.sub("", sentence).split("\n")[0][:200].rstrip(".") + "."
    return BodyError(code, reason, next=f"Correct {pointer or 'the body'}.", pointer=pointer)


def _pointer(path: str) -> str:
    return _INDEX.sub(lambda match: "/" + match.group(1).replace("...", "-"), path).replace(".", "/")


def _refuse_control_characters(decoded: Any) -> None:
    """Refuse NUL in the text of a decoded struct: no store of text keeps it, and no person writes it."""
    for name in getattr(decoded, "__struct_fields__", ()):
        value = getattr(decoded, name)
        if isinstance(value, str) and "\0" in value:
            raise BodyError(
                "request.invalid", "A text holds the character U+0000.", next="Remove it.", pointer=f"/{name}"
            )
