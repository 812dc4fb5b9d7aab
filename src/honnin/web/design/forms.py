"""Reading a posted form safely: bounded size, own origin only, and a token that the page itself handed out.

The token is a double-submit cookie (OWASP: CSRF prevention): a random value in a SameSite cookie and in the form. A
foreign page can send neither the cookie (SameSite=Lax) nor know the value; what the browser says of the sender (Origin,
Sec-Fetch-Site) stands beside it because browsers differ in what they call one site under `localhost`.
"""

import secrets
from urllib.parse import parse_qsl

from starlette.requests import Request

from honnin.errors import AccessError, InputError

__all__ = ["COOKIE", "FIELD", "form_token", "read_form"]

COOKIE = "honnin_form"
FIELD = "form_token"
LIMIT = 16 << 10
FIELDS = 64


def form_token(request: Request) -> str:
    """Return this browser's form token, a new one when it has none yet."""
    kept = request.cookies.get(COOKIE, "")
    return kept if len(kept) == 43 else secrets.token_urlsafe(32)


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of an URL-encoded form (the last one wins).

    Raises InputError `page.form_too_large`; AccessError `page.form_stale` when the token or the origin is not ours.
    """
    if not _from_here(request):
        raise _stale()
    fields = await _fields(request)
    kept = request.cookies.get(COOKIE, "")
    if not kept or not secrets.compare_digest(kept.encode(), fields.pop(FIELD, "").encode()):
        raise _stale()
    return fields


def _from_here(request: Request) -> bool:
    """Tell whether the browser says that one of our own pages sent the form; old browsers say nothing.

    Origin is `null` for our own forms too, because our pages send no referrer; Sec-Fetch-Site then tells.
    """
    origin = request.headers.get("origin", "null")
    same = origin == "null" or origin.partition("://")[2] == request.headers.get("host")
    return same and request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}


async def _fields(request: Request) -> dict[str, str]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LIMIT:
            raise InputError("page.form_too_large", f"The form is larger than {LIMIT} bytes.", next="Send less.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS))
    except ValueError as error:
        raise InputError("page.form_unreadable", "The form cannot be read.", next="Open the page again.") from error


def _stale() -> AccessError:
    return AccessError(
        "page.form_stale",
        "The form was not handed out by this page, or is too old.",
        next="Open the page again and send the form from there.",
    )
