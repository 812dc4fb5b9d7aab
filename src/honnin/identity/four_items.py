"""The four items (基本4情報): name, address, date of birth, sex (my-number-card.md §5.4).

Their repr shows nothing, and nothing here writes them anywhere. Not here: matching them with a customer's own data.
"""

from typing import Literal

import msgspec

from honnin.identity.dates import PartialDate

__all__ = ["SEX_CODES", "FourItems", "Sex", "substituted_positions"]

Sex = Literal["male", "female", "unknown"]

# §5.4 [1]: 3 is "unknown" by one source; 0 and 9 (ISO 5218) are accepted as unknown too.
SEX_CODES: dict[str, Sex] = {"1": "male", "2": "female", "3": "unknown", "9": "unknown", "0": "unknown"}


class FourItems(msgspec.Struct, frozen=True, gc=False):
    """What a signature certificate or the input support application says of its holder; None where it says nothing.

    name: parts separated by a full-width space.
    name_substituted, address_substituted: positions (characters, from 0) that stand for a character that the
        certificate could not carry.
    """

    name: str | None = None
    address: str | None = None
    birth_date: PartialDate | None = None
    sex: Sex | None = None
    name_substituted: tuple[int, ...] = ()
    address_substituted: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return "FourItems(…)"


def substituted_positions(flags: str) -> tuple[int, ...]:
    """Return where a string of `0`/`1` (one a character) says `1`. Raises ValueError for any other character."""
    if flags.strip("01"):
        raise ValueError("substitute-character flags are 0 or 1")
    return tuple([i for i, flag in enumerate(flags) if flag == "1"]) if "1" in flags else ()
