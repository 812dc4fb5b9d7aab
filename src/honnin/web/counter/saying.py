"""How the counter's pages write what a chip says: dates, sex, nationality and codes in the reader's language.

What a document says in words of its own (a name, an address, a condition) is shown as it is. A code whose table its
issuer does not publish stays a code, and says so.
"""

import re
from calendar import month_name
from contextlib import suppress
from datetime import date
from typing import Final

from honnin.errors import InputError
from honnin.identity.dates import ERAS, Era, era_of
from honnin.web.counter.seen import Field
from honnin.words import Language, in_all, say

__all__ = ["own_words", "write_country", "write_day", "write_field"]

INDEFINITE: Final = "0000"


def write_field(field: Field, language: Language) -> str:
    """Return a field's text as a page shows it."""
    text = field.text
    if field.form in {"date", "era_date"}:
        shown = write_day(text, language, era=field.era, with_era=field.form == "era_date")
    elif field.form == "sex":
        shown = say(f"counter.sex_{text}", language)
    elif field.form == "country":
        shown = write_country(text, language)
    elif field.form == "period":
        shown = _period(text, language)
    elif field.form == "code":
        shown = _known(f"counter.{field.name}_{text}", language) or say("counter.code", language, code=text)
    elif field.form == "zone":
        shown = say("counter.zone_date", language, text=text)
    else:
        shown = text
    if field.since:
        return say("counter.since", language, text=shown, day=write_day(field.since, language))
    return shown


def own_words(field: Field) -> bool:
    """Tell whether a field's text is the document's own and in Japanese."""
    return field.form == "text" and not field.text.isascii()


def write_country(code: str, language: Language) -> str:
    """Return a nationality's name with its code (ISO 3166-1, ICAO Doc 9303-3 §5); the code alone where it has none."""
    name = _known(f"country.{code}", language)
    return say("counter.country", language, name=name, code=code) if name else code


def write_day(text: str, language: Language, *, era: Era | None = None, with_era: bool = False) -> str:
    """Return `YYYY-MM-DD` in words; unknown parts (zeros) are said to be unknown.

    era: as the document names it, which may have ended before that year (平成36年). with_era: the document shows one.
    """
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text)
    if found is None:
        return text
    year, month, day = (int(part) for part in found.groups())
    if not year:
        return say("counter.date_unknown", language)
    if with_era and era is None and month and day:
        with suppress(InputError):  # of a day before the first era that has days of this calendar
            era = era_of(date(year, month, day))
    written = say("counter.year", language, year=year)
    if with_era and era:
        count = year - ERAS[era].year + 1
        in_era = "元" if count == 1 and language != "en" else str(count)
        written = say("counter.year_era", language, year=year, era=say(f"counter.era_{era}", language), count=in_era)
    parts = {"year": written, "month": month, "day": day, "month_name": month_name[month]}
    if not month or not day:
        return say(f"counter.{'day' if month else 'month_and_day'}_unknown", language, **parts)
    return say("counter.day", language, **parts)


def _period(code: str, language: Language) -> str:
    """Return a period of stay: `YYMM`, or `DDD` for days (other-documents sheet §4.3); zeros have no end."""
    if code == INDEFINITE:
        return say("counter.period_indefinite", language)
    if re.fullmatch(r"\d{3}", code):
        return say("counter.period_days", language, days=int(code))
    if not re.fullmatch(r"\d{4}", code):
        return say("counter.code", language, code=code)
    years, months = int(code[:2]), int(code[2:])
    name = "years_months" if years and months else "years" if years else "months"
    return say(f"counter.period_{name}", language, years=years, months=months)


def _known(key: str, language: Language) -> str:
    try:
        return in_all(key)[language]
    except KeyError:
        return ""
