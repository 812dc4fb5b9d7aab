"""Which device the person holds, as far as the words of a page depend on it: a phone, or a computer beside one.

What the person chose on the page counts first (kept in a cookie), then the client hint `Sec-CH-UA-Mobile` that browsers
send by themselves to secure origins, then the user agent. None of them opens or closes anything: a tablet that calls
itself a computer, and a phone that asks for the desktop's page, read the other words after one press.
"""

import re
from typing import Literal, get_args

from starlette.requests import Request
from starlette.responses import Response

__all__ = ["Device", "device_of", "remember_device"]

Device = Literal["phone", "computer"]
COOKIE = "honnin_device"
HINTS: dict[str, Device] = {"?1": "phone", "?0": "computer"}  # RFC 8941 booleans
_PHONE = re.compile(r"Android|iPhone|iPod|Mobile")


def device_of(request: Request) -> Device:
    """Return the device for which a page speaks."""
    if chosen := _known(request.query_params.get("device")) or _known(request.cookies.get(COOKIE)):
        return chosen
    if hinted := HINTS.get(request.headers.get("sec-ch-ua-mobile", "").strip()):
        return hinted
    return "phone" if _PHONE.search(request.headers.get("user-agent", "")) else "computer"


def remember_device(request: Request, response: Response) -> Response:
    """Keep what the person chose with this request, for the pages of checks in this browser."""
    if chosen := _known(request.query_params.get("device")):
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, chosen, path="/check", httponly=True, samesite="lax", secure=secure)
    return response


def _known(word: str | None) -> Device | None:
    return next((device for device in get_args(Device) if device == word), None)
