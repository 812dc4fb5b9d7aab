"""UserInfo: the four items as the card's input support application had them at its last update (§1.9, A-09).

They are card-borne attributes: whether they are still right is proved by the signature certificate alone.
"""

import re
from typing import Any

from honnin.connect.digital_auth.exchange import Reply, Steps, get, read_object
from honnin.connect.digital_auth.profile import profile
from honnin.connect.digital_auth.service import Service
from honnin.connect.digital_auth.tokens import Tokens
from honnin.errors import AccessError, FormatError, ServiceError
from honnin.identity import FourItems
from honnin.identity.dates import PartialDate

__all__ = ["fetch_items", "read_items"]

MOST_CHARACTERS = 2000


def fetch_items(service: Service, tokens: Tokens, subject: str) -> Steps[FourItems]:
    """Return the items that were granted; nothing is asked where none was.

    Raises AccessError `digital_auth.userinfo_subject` (another person's), `digital_auth.userinfo_refused`, ServiceError
    `digital_auth.malformed`.
    """
    granted = tokens.scopes.intersection(profile().scopes.items)
    if not granted:
        return FourItems()
    reply = yield get("userinfo", service.userinfo, token=tokens.access_token)
    return read_items(_answered(reply), subject, granted)


def read_items(body: dict[str, Any], subject: str, granted: frozenset[str]) -> FourItems:
    """Read a UserInfo body; a claim whose scope was not granted is not looked at. Raises as `fetch_items`."""
    if body.get("sub") != subject:
        raise AccessError(
            "digital_auth.userinfo_subject", "The items belong to another person than the login.", next="Start again."
        )
    rules = profile().userinfo
    texts = {item: _text(body, claim) if claim in granted else None for item, claim in rules.claims.items()}
    return FourItems(
        name=texts["name"],
        address=texts["address"],
        birth_date=None if texts["birth_date"] is None else _day(texts["birth_date"]),
        sex=None if texts["sex"] is None else rules.sexes.get(texts["sex"].lower(), "unknown"),
    )


def _answered(reply: Reply) -> dict[str, Any]:
    if reply.status in {401, 403}:
        raise AccessError("digital_auth.userinfo_refused", "The service does not give the items.", next="Start again.")
    body = read_object(reply)
    if reply.status != 200:
        raise _malformed()
    return body


def _text(body: dict[str, Any], claim: str) -> str | None:
    value = body.get(claim)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
        raise _malformed()
    return value


def _day(text: str) -> PartialDate:
    for pattern in profile().userinfo.birth_date_patterns:
        if match := re.fullmatch(pattern, text, re.ASCII):
            year, month, day = (int(part) or None for part in match.groups())
            try:
                return PartialDate(year, month, day)
            except FormatError:
                break
    raise _malformed()


def _malformed() -> ServiceError:
    return ServiceError("digital_auth.malformed", "The items are not in a form that is known.")
