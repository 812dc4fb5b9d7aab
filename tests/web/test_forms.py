"""Any bytes that come as a form give fields or a coded error, never anything else."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from honnin.errors import HonninError
from honnin.web.design.forms import FIELD, form_token, read_form
from honnin.web.design.languages import language_of
from honnin.web.design.times import write_date
from honnin.words import LANGUAGES

TOKEN = "t" * 43


def request(
    body: bytes = b"", *, cookie: str = f"honnin_form={TOKEN}", origin: str | None = None, site: str | None = None
) -> Request:
    """Return a request whose body comes in pieces."""
    headers = [(b"host", b"bank.localhost:8600"), (b"cookie", cookie.encode("latin-1", "replace"))]
    if origin is not None:
        headers.append((b"origin", origin.encode("latin-1", "replace")))
    if site is not None:
        headers.append((b"sec-fetch-site", site.encode()))
    pieces: Iterator[Any] = iter([body[:100], body[100:]])

    async def receive() -> dict[str, Any]:
        piece = next(pieces, b"")
        return {"type": "http.request", "body": piece, "more_body": piece is not body[100:]}

    return Request({"type": "http", "method": "POST", "headers": headers, "query_string": b""}, receive)


def fields(body: bytes, **more: Any) -> dict[str, str]:
    return asyncio.run(read_form(request(body, **more)))


def test_fields_are_read_once_the_token_fits() -> None:
    assert fields(f"{FIELD}={TOKEN}&name=%E8%8A%B1+%E5%AD%90&empty=".encode()) == {"name": "花 子", "empty": ""}


@pytest.mark.parametrize("origin", ["http://bank.localhost:8600", "null", None])
def test_own_origin_is_let_in(origin: str | None) -> None:
    assert fields(f"{FIELD}={TOKEN}".encode(), origin=origin) == {}


@pytest.mark.parametrize(
    "origin",
    [
        "http://bank.localhost",
        "https://bank.localhost:8600.attacker.example",
        "http://[",
        "http://console.localhost:8600",
    ],
)
def test_other_origin_is_refused(origin: str) -> None:
    with pytest.raises(HonninError) as caught:
        fields(f"{FIELD}={TOKEN}".encode(), origin=origin)
    assert caught.value.code == "page.form_stale"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_form_of_another_site_is_refused(site: str) -> None:
    with pytest.raises(HonninError) as caught:
        fields(f"{FIELD}={TOKEN}".encode(), origin="null", site=site)
    assert caught.value.code == "page.form_stale"


@given(st.binary(max_size=400), st.text(max_size=80), st.none() | st.text(max_size=80))
def test_any_bytes_give_fields_or_a_coded_error(body: bytes, cookie: str, origin: str | None) -> None:
    found: dict[str, str] = {}
    code = "page.form_read"
    try:
        found = fields(body, cookie=cookie, origin=origin)
    except HonninError as error:
        code = error.code
    assert code.startswith("page.form_")
    assert FIELD not in found


@given(st.text(max_size=60))
def test_any_cookie_gives_a_token_and_a_language(cookie: str) -> None:
    asked = request(cookie=cookie)
    assert len(form_token(asked)) == 43
    assert language_of(asked) in LANGUAGES


@given(st.text(max_size=20))
def test_any_text_for_a_date_is_shown(text: str) -> None:
    assert isinstance(write_date(text, "ja"), str)
