"""Reading a posted form safely: bounded size, own origin only, and a token that the page itself handed out.

The token is a double-submit cookie (OWASP: CSRF prevention): a random value in a SameSite cookie and in the form. A
foreign page can send neither the cookie (SameSite=Lax) nor know the value; what the browser says of the sender (Origin,
Sec-Fetch-Site) stands beside it because browsers differ in what they call one site under `localhost`.
"""

import json
import secrets
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from honnin.errors import AccessError, InputError

__all__ = ["COOKIE", "FIELD", "form_token", "from_here", "read_form", "read_json", "read_upload", "stale"]

COOKIE = "honnin_form"
FIELD = "form_token"
HEADER = "x-form-token"
LIMIT = 16 << 10
UPLOAD_LIMIT = 12 << 20  # a photograph of a telephone
JSON_LIMIT = 256 << 10  # an extended answer of a card in hexadecimal
FIELDS = 64


def form_token(request: Request) -> str:
    """Return this browser's form token, a new one when it has none yet."""
    kept = request.cookies.get(COOKIE, "")
    return kept if len(kept) == 43 else secrets.token_urlsafe(32)


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of an URL-encoded form (the last one wins).

    Raises InputError `page.form_too_large`; AccessError `page.form_stale` when the token or the origin is not ours.
    """
    if not from_here(request):
        raise stale()
    fields = await _fields(request)
    kept = request.cookies.get(COOKIE, "")
    if not kept or not secrets.compare_digest(kept.encode(), fields.pop(FIELD, "").encode()):
        raise stale()
    return fields


async def read_json(request: Request) -> dict[str, Any]:
    """Return the JSON object that a script of our own page sent, with the page's token in `X-Form-Token`.

    Raises InputError `page.form_too_large`, `page.form_unreadable`; AccessError `page.form_stale`.
    """
    kept = request.cookies.get(COOKIE, "")
    token = request.headers.get(HEADER, "")
    if not from_here(request) or not kept or not secrets.compare_digest(kept.encode(), token.encode()):
        raise stale()
    try:
        said = json.loads(await _body(request, JSON_LIMIT))
    except ValueError as error:
        raise _unreadable() from error
    if not isinstance(said, dict):
        raise _unreadable()
    return said


async def read_upload(request: Request, name: str) -> bytes:
    """Return the one file that a form of ours uploads.

    Raises InputError `page.form_too_large`, `page.form_unreadable`; AccessError `page.form_stale`.
    """
    if not from_here(request):
        raise stale()
    if int(request.headers.get("content-length", "0") or "0") > UPLOAD_LIMIT:
        raise InputError("page.form_too_large", f"The form is larger than {UPLOAD_LIMIT} bytes.", next="Send less.")
    try:
        async with request.form(max_files=1, max_fields=4, max_part_size=LIMIT) as form:
            kept, token, file = request.cookies.get(COOKIE, ""), form.get(FIELD), form.get(name)
            if not kept or not isinstance(token, str) or not secrets.compare_digest(kept.encode(), token.encode()):
                raise stale()
            if not isinstance(file, UploadFile):
                raise _unreadable()
            return await file.read(UPLOAD_LIMIT)
    except HTTPException as error:
        raise _unreadable() from error


def from_here(request: Request) -> bool:
    """Tell whether the browser says that one of our own pages sent the form; old browsers say nothing.

    Origin is `null` for our own forms too, because our pages send no referrer; Sec-Fetch-Site then tells.
    """
    origin = request.headers.get("origin", "null")
    same = origin == "null" or origin.partition("://")[2] == request.headers.get("host")
    return same and request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}


async def _fields(request: Request) -> dict[str, str]:
    body = await _body(request, LIMIT)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS))
    except ValueError as error:
        raise _unreadable() from error


async def _body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise InputError("page.form_too_large", f"The form is larger than {limit} bytes.", next="Send less.")
    return bytes(body)


def _unreadable() -> InputError:
    return InputError("page.form_unreadable", "The form cannot be read.", next="Open the page again.")


def stale() -> AccessError:
    """Return the refusal of a form that is not, or no longer, ours."""
    return AccessError(
        "page.form_stale",
        "The form was not handed out by this page, or is too old.",
        next="Open the page again and send the form from there.",
    )
