"""The machine-readable zone (ICAO Doc 9303-3 §4, -4 TD3, -5 TD1, -6 TD2): reading, check digits, MRZ information.

A check digit finds misreadings, it proves nothing: the zone is data group 1 on the chip, and that is what is signed.
The document code's second character may be any letter, as it is from 2026 (reference other-documents §5.1).
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from honnin.errors import FormatError, InputError

__all__ = ["Mrz", "check_digit", "full_date", "mrz_information", "parse_mrz"]

WEIGHTS: Final = (7, 3, 1)
VALUES: Final = {"<": 0} | {c: v for v, c in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
NUMBER_LENGTH: Final = 9
CENTURY: Final = 100


def check_digit(text: str | bytes) -> int:
    """Return the check digit, 0 to 9, of a field: weights 7 3 1, `<` is 0, A is 10 … Z is 35, sum modulo 10 (§4.9).

    Raises InputError `passport.mrz_information` for any other character.
    """
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    try:
        return sum(VALUES[c] * WEIGHTS[at % 3] for at, c in enumerate(text)) % 10
    except KeyError:
        raise _not_mrz() from None


@dataclass(frozen=True, slots=True)
class Mrz:
    """A machine-readable zone. Texts are without trailing fillers; dates are YYMMDD as printed.

    format: TD1 (3 × 30), TD2 (2 × 36) or TD3 (2 × 44). wrong: names of the check digits that do not fit:
    `document_number`, `birth_date`, `expiry_date`, `optional`, `composite`.
    """

    format: Literal["TD1", "TD2", "TD3"]
    document_code: str
    issuing_state: str
    surname: str = field(repr=False)
    given_names: str = field(repr=False)
    document_number: str = field(repr=False)
    nationality: str
    birth_date: str = field(repr=False)
    sex: Literal["M", "F", ""]
    expiry_date: str = field(repr=False)
    optional: str = field(repr=False)
    wrong: tuple[str, ...] = ()

    @property
    def information(self) -> str:
        """The MRZ information that opens the chip (Doc 9303-11 §9.7.2)."""
        return mrz_information(self.document_number, self.birth_date, self.expiry_date)


def mrz_information(document_number: str, birth_date: str | date, expiry_date: str | date) -> str:
    """Return number, birth date and expiry date, each with its check digit (24 characters, more for a long number).

    document_number: without its check digit; shorter than 9 it is filled with `<`. Dates: YYMMDD, or a date.
    Raises InputError `passport.mrz_information`.
    """
    number = document_number.upper().strip().ljust(NUMBER_LENGTH, "<")
    fields = (number, _six(birth_date), _six(expiry_date))
    return "".join(f"{one}{check_digit(one)}" for one in fields)


def parse_mrz(text: str | bytes) -> Mrz:
    """Read a zone of 90 (TD1), 72 (TD2) or 88 (TD3) characters; line breaks and spaces are ignored.

    Check digits that do not fit are named in `wrong`. Raises FormatError `passport.mrz_malformed`.
    """
    raw = text.decode("latin-1") if isinstance(text, bytes) else text
    zone = "".join(raw.split())
    if not set(zone) <= VALUES.keys():
        raise _malformed("It has other characters than A to Z, 0 to 9 and <.")
    if len(zone) == 88:
        return _two_lines(zone, "TD3", 44)
    if len(zone) == 72:
        return _two_lines(zone, "TD2", 36)
    if len(zone) == 90:
        return _three_lines(zone)
    raise _malformed(f"It has {len(zone)} characters instead of 88, 72 or 90.")


def full_date(six: str, *, today: date, kind: Literal["birth", "expiry"]) -> date | None:
    """Return the day that YYMMDD means; None when it names none (unknown parts are `<` or 00).

    A birth is never after `today`; an expiry is the year nearest to it.
    """
    if not (six.isascii() and six.isdigit()) or len(six) != 6:
        return None
    year = today.year // CENTURY * CENTURY + int(six[:2])
    try:
        days = [date(y, int(six[2:4]), int(six[4:])) for y in (year - CENTURY, year, year + CENTURY) if y > 0]
    except ValueError:  # 29 February of a year that has none in one of the centuries
        days = [day for y in (year - CENTURY, year, year + CENTURY) if (day := _day(y, six)) is not None]
    if not days:
        return None
    if kind == "birth":
        return max((day for day in days if day <= today), default=None)
    return min(days, key=lambda day: abs(day - today))


def _day(year: int, six: str) -> date | None:
    try:
        return date(year, int(six[2:4]), int(six[4:]))
    except ValueError:
        return None


def _two_lines(zone: str, layout: Literal["TD2", "TD3"], width: int) -> Mrz:
    first, second = zone[:width], zone[width:]
    optional = second[28:42] if layout == "TD3" else second[28:35]
    number, tail, number_fits = _number(second[:9], second[9], optional if layout == "TD2" else "")
    wrong = [] if number_fits else ["document_number"]
    wrong += _wrong_dates(second[13:20], second[21:28])
    if layout == "TD3" and not _fits(optional, second[42]) and (optional.strip("<") or second[42] != "<"):
        wrong.append("optional")
    if not _fits(second[:10] + second[13:20] + second[21 : width - 1], second[-1]):
        wrong.append("composite")
    surname, given = _names(first[5:])
    return Mrz(
        format=layout,
        document_code=first[:2].rstrip("<"),
        issuing_state=first[2:5].rstrip("<"),
        surname=surname,
        given_names=given,
        document_number=number,
        nationality=second[10:13].rstrip("<"),
        birth_date=second[13:19],
        sex=_sex(second[20]),
        expiry_date=second[21:27],
        optional=(tail if layout == "TD2" else optional).rstrip("<"),
        wrong=tuple(wrong),
    )


def _three_lines(zone: str) -> Mrz:
    first, second, third = zone[:30], zone[30:60], zone[60:]
    number, tail, number_fits = _number(first[5:14], first[14], first[15:30])
    wrong = [] if number_fits else ["document_number"]
    wrong += _wrong_dates(second[:7], second[8:15])
    if not _fits(first[5:] + second[:7] + second[8:15] + second[18:29], second[29]):
        wrong.append("composite")
    surname, given = _names(third)
    return Mrz(
        format="TD1",
        document_code=first[:2].rstrip("<"),
        issuing_state=first[2:5].rstrip("<"),
        surname=surname,
        given_names=given,
        document_number=number,
        nationality=second[15:18].rstrip("<"),
        birth_date=second[:6],
        sex=_sex(second[7]),
        expiry_date=second[8:14],
        optional=(tail.rstrip("<") + " " + second[18:29].rstrip("<")).strip(),
        wrong=tuple(wrong),
    )


def _number(number: str, check: str, rest: str) -> tuple[str, str, bool]:
    """Return the whole document number, what is left of the optional field, and whether the check digit fits.

    A number of more than 9 characters has `<` for its check digit and goes on, check digit last, in the optional
    field up to a filler (Doc 9303-5 §4.2.4).
    """
    more, filler, tail = rest.partition("<")
    if check == "<" and len(more) > 1:
        whole = number + more[:-1]
        return whole, filler + tail, _fits(whole, more[-1])
    return number.rstrip("<"), rest, _fits(number, check)


def _wrong_dates(birth: str, expiry: str) -> list[str]:
    """Name the dates, each given with its check digit, that do not fit it."""
    named = (("birth_date", birth), ("expiry_date", expiry))
    return [name for name, field_ in named if not _fits(field_[:6], field_[6])]


def _fits(text: str, check: str) -> bool:
    return check == str(check_digit(text))


def _names(text: str) -> tuple[str, str]:
    surname, _, given = text.partition("<<")
    return surname.replace("<", " ").strip(), given.replace("<", " ").strip()


def _sex(letter: str) -> Literal["M", "F", ""]:
    return "M" if letter == "M" else "F" if letter == "F" else ""


def _six(day: str | date) -> str:
    text = day.strftime("%y%m%d") if isinstance(day, date) else day.strip().upper()
    if len(text) != 6 or not set(text) <= set("0123456789<"):
        raise _not_mrz()
    return text


def _malformed(why: str) -> FormatError:
    return FormatError("passport.mrz_malformed", f"This is no machine-readable zone. {why}", next="Read it again.")


def _not_mrz() -> InputError:
    return InputError(
        "passport.mrz_information",
        "A machine-readable zone has only A to Z, 0 to 9 and <; its dates are six characters.",
        next="Read it again from the document.",
    )
