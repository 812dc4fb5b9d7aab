"""Identity documents: whether one is fresh enough on the day it is shown or received (犯収法 規則7条; §1.6).

Which categories a method takes stands in its row. Nothing is read from a document here.
"""

from calendar import monthrange
from datetime import date, datetime
from typing import Literal

from honnin.errors import InputError
from honnin.law.rows import Document
from honnin.law.standing import day_of
from honnin.law.table import rule_table

__all__ = ["documents", "freshness", "six_months_before"]

WITHOUT_EXPIRY = frozenset({"record_of_driving"})
Freshness = Literal["fresh", "expired", "too_old", "not_issued_yet", "unknown", "out_of_use"]


def documents() -> dict[str, Document]:
    """Return the identity documents by id."""
    return rule_table().documents


def freshness(
    document: str,
    *,
    received_on: date | datetime,
    issued_on: date | None = None,
    expires_on: date | None = None,
) -> Freshness:
    """Judge a document on the day it is shown or received, Japanese calendar days; its last day still counts.

    `valid_on_the_day` asks for the expiry (a record of driving has none), `six_months` for the day of issue,
    `valid_or_six_months` for either. `unknown`: the day that decides was not given. `out_of_use`: the kind of document
    did not exist, or no longer did. Raises InputError `law.document`.
    """
    known = documents().get(document)
    if known is None:
        raise InputError("law.document", "There is no such document here.", next="See honnin.law.documents.")
    day = day_of(received_on)
    if not (known.since or date.min) <= day <= (known.until or date.max):
        return "out_of_use"
    if issued_on is not None and issued_on > day:
        return "not_issued_yet"
    if expires_on is not None and known.validity != "six_months":
        return "fresh" if day <= expires_on else "expired"
    if known.validity == "valid_on_the_day":
        return "fresh" if document in WITHOUT_EXPIRY else "unknown"
    if issued_on is None:
        return "unknown"
    return "fresh" if issued_on >= six_months_before(day) else "too_old"


def six_months_before(day: date) -> date:
    """Return the earliest day of issue that a document received on `day` may have: clamped to the end of its month."""
    months = day.year * 12 + day.month - 1 - 6
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
