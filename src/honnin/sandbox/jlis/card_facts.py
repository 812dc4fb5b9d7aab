"""What J-LIS writes on a person's My Number Card besides the certificates: numbers, expiry, the keys that open it.

My Number Card sheet, sections 2 and 3.5. All invented: an individual number here begins with five zeros, a serial with
4000000, and both follow from the id of the person or the card alone.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

from honnin.identity.dates import from_certificate, jst_day
from honnin.identity.expiry import card_expiry
from honnin.sandbox.people import person
from honnin.sandbox.states import State
from honnin.sandbox.strongroom import seed

__all__ = ["CardFacts", "facts_of", "individual_number"]

SEX = {"male": "1", "female": "2", "unknown": "9"}
ERAS = ((date(2019, 5, 1), 2018), (date(1989, 1, 8), 1988), (date(1926, 12, 25), 1925), (date(1912, 7, 30), 1911))


@dataclass(frozen=True, slots=True)
class CardFacts:
    """The text of one card. birth, expiry: YYYYMMDD; birth_key: YYMMDD with the year of the era."""

    person: str
    card: str
    name: str
    address: str
    birth: str
    sex: str
    municipality: str
    expiry: str
    serial: str
    number_a: str = field(repr=False)
    security_code: str = field(repr=False)
    birth_key: str = field(repr=False)

    @property
    def number_b(self) -> str:
        """Verification number B: birth date, expiry year, security code."""
        return self.birth_key + self.expiry[:4] + self.security_code


def facts_of(person_id: str, state: State, *, expired: bool = False) -> CardFacts:
    """Return what a card says in a state of its holder. expired: as if it had been issued twelve years earlier."""
    birth = from_certificate(state.birth)
    issued = jst_day(state.card_issued) - timedelta(days=4383 if expired else 0)
    whole = birth.whole or date(birth.year or 1900, birth.month or 1, birth.day or 1)
    expiry = max(card_expiry(whole, max(issued, whole)), issued)
    eight = f"{birth.year or 0:04d}{birth.month or 0:02d}{birth.day or 0:02d}"
    return CardFacts(
        person=person_id,
        card=state.card,
        name=state.name,
        address=state.address,
        birth=eight,
        sex=SEX[state.sex],
        municipality=state.municipality,
        expiry=f"{expiry:%Y%m%d}",
        serial=f"4000000{seed(f'card/{state.card}/serial', 10**8):08d}",
        number_a=individual_number(person_id),
        security_code=f"{seed(f'card/{state.card}/code', 10**4):04d}",
        birth_key=_era_year(whole, foreign=person(person_id).foreign) + eight[4:],
    )


def individual_number(person_id: str) -> str:
    """Return twelve digits, the last their check digit."""
    first = f"00000{seed(f'number/{person_id}', 10**6):06d}"
    total = sum(int(digit) * (n + 1 if n <= 6 else n - 5) for n, digit in enumerate(reversed(first), 1))
    return first + str(0 if total % 11 <= 1 else 11 - total % 11)


def _era_year(birth: date, *, foreign: bool) -> str:
    """Return the two digits that are printed: the year of the era; of foreign residents the Western one [?]."""
    before = next((year for first, year in ERAS if birth >= first), 1867)
    return f"{(birth.year if foreign else birth.year - before) % 100:02d}"
