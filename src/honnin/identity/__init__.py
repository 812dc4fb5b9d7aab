"""Names, addresses, dates, ages, individual number, matching."""

from honnin.identity.ages import age_on, attained_on
from honnin.identity.dates import PartialDate
from honnin.identity.expiry import card_expiry, certificate_expiry
from honnin.identity.four_items import FourItems
from honnin.identity.individual_number import check_individual_number

__all__ = [
    "FourItems",
    "PartialDate",
    "age_on",
    "attained_on",
    "card_expiry",
    "certificate_expiry",
    "check_individual_number",
]
