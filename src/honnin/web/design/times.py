"""How a page writes moments and dates: in Japan's time zone, in the person's language."""

from calendar import month_name
from datetime import date, datetime
from zoneinfo import ZoneInfo

from honnin.words import Language

__all__ = ["write_date", "write_moment"]

TOKYO = ZoneInfo("Asia/Tokyo")


def write_date(day: date | str, language: Language) -> str:
    """Return a date in words: `2026年11月21日`, `21 November 2026`. A partial date (text) stays as it is."""
    if isinstance(day, str):
        try:
            return write_date(date.fromisoformat(day), language)
        except ValueError:
            return day
    if language == "en":
        return f"{day.day} {month_name[day.month]} {day.year}"
    return f"{day.year}年{day.month}月{day.day}日"


def write_moment(moment: datetime | str, language: Language, *, seconds: bool = False) -> str:
    """Return a moment in words, Japan Standard Time. `moment` is aware, or RFC 3339 text."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    local = moment.astimezone(TOKYO)
    clock = f"{local.hour}:{local.minute:02d}" + (f":{local.second:02d}" if seconds else "")
    if language == "en":
        return f"{write_date(local.date(), language)}, {clock} JST"
    return f"{write_date(local.date(), language)} {clock}"
