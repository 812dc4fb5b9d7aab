"""For which device a page speaks: the person's word first, then the browser's hint, then its name."""

import pytest
from starlette.requests import Request
from starlette.responses import Response

from honnin.web.check.device import device_of, remember_device

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148"
PC = "Mozilla/5.0 (X11; Linux x86_64) Chrome/150"


def request(query: str = "", scheme: str = "http", **headers: str) -> Request:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "scheme": scheme, "path": "/check/x", "headers": given}
    return Request({**scope, "query_string": query.encode(), "server": ("localhost", 80)})


@pytest.mark.parametrize(
    ("query", "headers", "device"),
    [
        ("", {}, "computer"),
        ("", {"user_agent": IPHONE}, "phone"),
        ("", {"user_agent": PC}, "computer"),
        ("", {"user_agent": PC, "sec_ch_ua_mobile": "?1"}, "phone"),
        ("", {"user_agent": IPHONE, "sec_ch_ua_mobile": "?0"}, "computer"),
        ("", {"user_agent": IPHONE, "sec_ch_ua_mobile": "yes"}, "phone"),
        ("", {"user_agent": PC, "cookie": "honnin_device=phone", "sec_ch_ua_mobile": "?0"}, "phone"),
        ("", {"user_agent": IPHONE, "cookie": "honnin_device=<b>"}, "phone"),
        ("device=computer", {"user_agent": IPHONE, "cookie": "honnin_device=phone"}, "computer"),
        ("device=fridge", {"user_agent": IPHONE}, "phone"),
    ],
)
def test_device(query: str, headers: dict[str, str], device: str) -> None:
    assert device_of(request(query, **headers)) == device


def test_only_a_choice_is_remembered() -> None:
    assert "set-cookie" not in remember_device(request(user_agent=IPHONE), Response()).headers
    assert "set-cookie" not in remember_device(request("device=fridge"), Response()).headers
    kept = remember_device(request("device=phone", scheme="https"), Response()).headers["set-cookie"]
    assert kept.startswith("honnin_device=phone;")
    assert "Secure" in kept
    assert "Path=/check" in kept
