"""Bodies and query strings: limits before parsing, strict decoding, and no value quoted back."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from honnin.api import reading
from honnin.api.paging import PageQuery
from honnin.errors import HonninError
from honnin.platform.models import SessionRequest, VerificationRequest

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
DIGEST = (b'"sha256"', b'"sha256"', b'"%b"' % (b"00" * 32))
SECRET = "とても秘密の値"


def refusal(raw: bytes, model: type = VerificationRequest) -> reading.BodyError:
    with pytest.raises(reading.BodyError) as caught:
        reading.decode_body(raw, model)
    return caught.value


@pytest.mark.parametrize(
    ("raw", "code", "pointer"),
    [
        (b"", "request.not_json", None),
        (b"\xff\xfe", "request.not_json", None),
        (b'{"purpose": "x"', "request.not_json", None),
        (b'{"purpose": "x"} {}', "request.not_json", None),
        (b'{"purpose": "\\ud800"}', "request.not_json", None),
        (b"[" * 100_000, "request.invalid", ""),
        (b'{"purpose": "x", "digest": ' + b'{"alg":' * 50_000, "request.invalid", "/digest/alg"),
        (b"[]", "request.invalid", ""),
        (b"{}", "request.invalid", ""),
        (b'{"purpose": ""}', "request.invalid", "/purpose"),
        (b'{"purpose": 1}', "request.invalid", "/purpose"),
        (b'{"purpose": "a\\u0000b"}', "request.invalid", "/purpose"),
        (b'{"purpose": "x", "document": "not base64!"}', "request.invalid", "/document"),
        (b'{"purpose": "x", "signed_items": ["a", 1]}', "request.invalid", "/signed_items/1"),
        (b'{"purpose": "x", "digest": {"alg": "md5", "value": "00"}}', "request.invalid", "/digest/alg"),
        (b'{"purpose": "x", "purpose": "y"}', "request.doubled_member", None),
        (b'{"purpose": "x", "p\\u0075rpose": "y"}', "request.doubled_member", None),
        (b'{"purpose": "x", "digest": {"alg": %b, "alg": %b, "value": %b}}' % DIGEST, "request.doubled_member", None),
        (b'{"purpose": "x", "porpoise": "x"}', "request.unknown_member", "/porpoise"),
        (b'{"purpose": "x", "digest": {"algo/rithm": 1}}', "request.unknown_member", "/digest/algo~1rithm"),
    ],
)
def test_a_body_is_refused_with_the_place_of_its_fault(raw: bytes, code: str, pointer: str | None) -> None:
    error = refusal(raw)
    assert (error.code, error.pointer) == (code, pointer)


def test_an_unknown_member_is_named() -> None:
    assert "'porpoise'" in refusal(b'{"purpose": "x", "porpoise": "x"}').message


def test_values_are_not_quoted_back() -> None:
    for body in (
        {"purpose": "x", "law": SECRET},
        {"purpose": "x", "channel": SECRET},
        {"purpose": "x", "method": SECRET},
    ):
        error = refusal(msgspec.json.encode(body))
        assert SECRET not in error.message + error.next + (error.pointer or "")


def test_a_right_body_becomes_its_struct() -> None:
    decoded = reading.decode_body(
        b'{"purpose":"p","document":"aGVsbG8=","signature":"AA==","certificate":"AQ=="}', VerificationRequest
    )
    assert (decoded.document, decoded.signature, decoded.certificate) == (b"hello", b"\0", b"\1")


@CALM
@given(st.binary(max_size=400))
def test_any_bytes_give_a_struct_or_a_coded_error(raw: bytes) -> None:
    for model in (VerificationRequest, SessionRequest):
        try:
            reading.decode_body(raw, model)
        except reading.BodyError as error:
            assert error.code.startswith("request.")  # noqa: PT017


MEMBERS = st.sampled_from([*VerificationRequest.__struct_fields__, *SessionRequest.__struct_fields__, "other"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=3),
    max_leaves=8,
)


@CALM
@given(st.dictionaries(MEMBERS, VALUES, max_size=6))
def test_any_json_object_gives_a_struct_or_a_coded_error(value: dict[str, Any]) -> None:
    raw = msgspec.json.encode(value)
    for model in (VerificationRequest, SessionRequest):
        try:
            reading.decode_body(raw, model)
        except reading.BodyError as error:
            assert error.code in {"request.invalid", "request.unknown_member"}  # noqa: PT017


class Open(msgspec.Struct):
    """A body with a member that may hold anything."""

    any: Any = None


NAMES = st.sampled_from(["a", "b", "a:b", ":", "any"])
PAIRS = st.recursive(
    st.none() | st.text(':,{}"\\ab', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(NAMES, inner), max_size=3).map(tuple),
    max_leaves=10,
)


def written(value: Any, *, doubled: bool) -> str:
    """Write JSON whose objects are tuples of pairs; doubled: the first member of the outermost ones stands twice."""
    if isinstance(value, tuple):
        texts = [f"{json.dumps(name)} : {written(inner, doubled=False)}" for name, inner in value]
        return "{" + ",".join([*texts, *texts[:1] * doubled]) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(inner, doubled=doubled) for inner in value) + "]"
    return json.dumps(value)


def stands_twice(value: Any, *, doubled: bool) -> bool:
    """Tell whether a name stands twice in an object of what `written` writes."""
    if isinstance(value, tuple):
        names = [name for name, _ in value]
        inner = any(stands_twice(inner, doubled=False) for _, inner in value)
        return inner or len(set(names)) != len(names) or (doubled and bool(names))
    return isinstance(value, list) and any(stands_twice(inner, doubled=doubled) for inner in value)


@CALM
@given(PAIRS, st.booleans())
def test_a_member_that_stands_twice_is_found_wherever_it_stands(value: Any, doubled: bool) -> None:
    raw = f'{{"any": {written(value, doubled=doubled)}}}'.encode()
    if stands_twice(value, doubled=doubled):
        assert refusal(raw, Open).code == "request.doubled_member"
    else:
        assert reading.decode_body(raw, Open).any == json.loads(raw)["any"]


@pytest.mark.parametrize(
    "query",
    [
        b"limit=0",
        b"limit=101",
        b"limit=x",
        b"limit=1&limit=2",
        b"colour=red",
        b"after=%FF",
        b"after=..%2F",
        b"&",
        b"=",
        b"limit",
        b"after=" + b"a" * 3000,
        "limit=１".encode(),
    ],
)
def test_a_wrong_query_is_refused(query: bytes) -> None:
    with pytest.raises(reading.BodyError) as caught:
        reading.decode_query(query, PageQuery)
    assert caught.value.code == "request.query"


def test_a_right_query_is_read() -> None:
    assert reading.decode_query(b"", PageQuery) == PageQuery()
    assert reading.decode_query(b"limit=3&after=ver_abc", PageQuery) == PageQuery(after="ver_abc", limit=3)
    assert reading.decode_query(b"", None) is None
    with pytest.raises(reading.BodyError):
        reading.decode_query(b"a=b", None)


@CALM
@given(st.binary(max_size=100))
def test_any_query_gives_a_struct_or_a_coded_error(query: bytes) -> None:
    try:
        reading.decode_query(query, PageQuery)
    except reading.BodyError as error:
        assert error.code == "request.query"  # noqa: PT017


def headers(**values: str) -> dict[bytes, bytes]:
    return {name.replace("_", "-").encode(): value.encode() for name, value in values.items()}


@pytest.mark.parametrize(
    ("given_headers", "code"),
    [
        (headers(), "request.media_type"),
        (headers(content_type="text/plain"), "request.media_type"),
        (headers(content_type="application/jsonp"), "request.media_type"),
        (headers(content_type="application/json; charset=shift_jis"), "request.media_type"),
        (headers(content_type="application/json", content_encoding="gzip"), "request.media_type"),
        (headers(content_type="application/json", content_length=str(reading.BODY_BYTES + 1)), "request.too_large"),
        (headers(content_type="application/json", content_length="9" * 400), "request.too_large"),
        (headers(content_type="application/json", content_length="-1"), "request.too_large"),
    ],
)
def test_what_headers_say_of_a_body_is_checked_first(given_headers: dict[bytes, bytes], code: str) -> None:
    with pytest.raises(HonninError) as caught:
        reading.body_length(given_headers)
    assert caught.value.code == code


def test_json_is_taken_with_and_without_its_charset() -> None:
    for kind in (
        "application/json",
        "Application/JSON",
        'application/json; charset="UTF-8"',
        "application/json;charset=utf-8",
    ):
        assert reading.body_length(headers(content_type=kind, content_length="5")) == 5
    assert reading.body_length(headers(content_type="application/json", transfer_encoding="chunked")) is None


def read(parts: Iterator[dict[str, Any]]) -> bytes:
    async def receive() -> dict[str, Any]:
        return next(parts)

    return asyncio.run(reading.read_body(receive))


def test_a_body_in_chunks_is_put_together() -> None:
    parts = [{"type": "http.request", "body": b"ab", "more_body": True}, {"type": "http.request", "body": b"c"}]
    assert read(iter(parts)) == b"abc"


def test_a_body_without_end_is_refused_at_the_limit() -> None:
    chunk = b"x" * (1 << 20)
    taken = 0

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal taken
        while True:
            taken += 1
            yield {"type": "http.request", "body": chunk, "more_body": True}

    with pytest.raises(HonninError) as caught:
        read(endless())
    assert caught.value.code == "request.too_large"
    assert taken == reading.BODY_BYTES // len(chunk) + 1


def test_a_client_that_goes_away_is_noticed() -> None:
    with pytest.raises(HonninError) as caught:
        read(iter([{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}]))
    assert caught.value.code == "request.cut_off"


def test_a_body_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BODY_SECONDS", 0.05)

    async def never() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    with pytest.raises(HonninError) as caught:
        asyncio.run(reading.read_body(never))
    assert (caught.value.code, caught.value.retryable) == ("request.too_slow", True)
