"""Names, addresses, dates, ages, individual number, matching."""

from honnin.identity.addresses import AddressMatch, compare_addresses
from honnin.identity.ages import age_on, attained_on
from honnin.identity.dates import PartialDate
from honnin.identity.derived import DERIVED, derive
from honnin.identity.expiry import card_expiry, certificate_expiry
from honnin.identity.four_items import FourItems
from honnin.identity.individual_number import IndividualNumber, check_individual_number
from honnin.identity.names import Match, compare_names

__all__ = [
    "DERIVED",
    "AddressMatch",
    "FourItems",
    "IndividualNumber",
    "Match",
    "PartialDate",
    "age_on",
    "attained_on",
    "card_expiry",
    "certificate_expiry",
    "check_individual_number",
    "compare_addresses",
    "compare_names",
    "derive",
]
