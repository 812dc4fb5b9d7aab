"""How a check ends, as its pages say it: moods, the words for the next step, what a page was told, and the way back."""

import re
from urllib.parse import urlsplit

from honnin.errors import HonninError
from honnin.platform.models import SessionReturn
from honnin.words import Language, in_all

__all__ = ["DEAD_ENDS", "MOODS", "back_in", "dead_end", "next_step", "origin_for_forms", "told"]

MOODS = {
    "TOTAL-PASSED": "success",
    "PASSED": "success",
    "TOTAL-FAILED": "error",
    "FAILED": "error",
    "INDETERMINATE": "warning",
}
NEXT_STEPS = {"REVOKED": "reissue", "EXPIRED": "renew"}
DEAD_ENDS = {"card.not_issued": "not_issued", "card.pin_locked": "pin_locked"}

_TOLD = re.compile(
    r"(?:card|reader|chip|digital_auth|verification|law)\.[a-z_]{1,40}\Z|check\.(?:sent_before|service_failed)\Z"
)
_ORIGIN = re.compile(r"https?://[a-z0-9.-]{1,253}(?::\d{1,5})?\Z")


def told(code: str) -> str:
    """Return a code that a page's address carries, where it is one that has words; otherwise nothing."""
    if not _TOLD.match(code):
        return ""
    try:
        in_all(code)
    except (KeyError, FileNotFoundError):
        return ""
    return code


def dead_end(error: HonninError) -> str:
    """Return the code under which a page tells what the card or its reader refused."""
    return told(error.code) or "card.refused"


def next_step(ending: SessionReturn) -> str:
    """Return what a person does after a verdict, as the words' key."""
    if ending.verdict is None or MOODS[ending.verdict.indication] == "success":
        return "back"
    if ending.session.status == "open":
        return "later"
    if ending.session.status == "undetermined":
        return "another_day"
    return NEXT_STEPS.get(ending.verdict.sub_indication or "", "ask")


def back_in(url: str, language: Language) -> str:
    """Return the way back with the person's language."""
    return f"{url}{'&' if '?' in url else '?'}lang={language}"


def origin_for_forms(url: str) -> tuple[str, ...]:
    """Return the origin of a return address as CSP form-action can name it; nothing where it cannot (IPv6)."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    return (origin,) if _ORIGIN.match(origin) else ()
