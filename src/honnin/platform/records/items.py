"""What the statutory record of each law contains: item numbers, names and when each is required, as data.

Source: reference sheet law-and-assurance §1.7 (規則20条1項; numbering indicative), §2.3, §3.3, §4.5, §5.
"""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from honnin.errors import InputError
from honnin.law import rule_table
from honnin.law.rows import Confidence, Words
from honnin.law.table import TableError

__all__ = ["Evidence", "Item", "RecordLaw", "record_law", "record_laws"]

Evidence = Literal["signed_data_and_certificate", "result_alone", "no_certificate"]


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One item: its number in the article where it has one; `when` it is required; whether a check fills it."""

    number: str | None
    id: str
    ja: str
    en: str
    when: str
    confidence: Confidence
    from_check: bool = False


class RecordLaw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One law's record.

    holds: `customer` (the person's items) or `no_personal_data`.
    evidence: what is kept beside it: signed data with the certificate, the result alone, or never a certificate.
    """

    title: Words
    article: str
    retention: str
    holds: Literal["customer", "no_personal_data"]
    evidence: Evidence
    note: Words | None = None
    items: tuple[Item, ...]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    source: str
    date: str
    note: str
    laws: dict[str, RecordLaw]


@cache
def record_laws() -> dict[str, RecordLaw]:
    """Return the laws that have a record. Raises TableError for a law or retention rule that does not exist."""
    read = msgspec.json.decode(files("honnin.platform.records").joinpath("items.json").read_bytes(), type=_File)
    table = rule_table()
    for name, law in read.laws.items():
        ids = [item.id for item in law.items]
        if name not in table.laws or law.retention not in table.retention or len(set(ids)) != len(ids):
            raise TableError(f"records: {name} names a law, a retention rule or an item wrongly")
    return read.laws


def record_law(name: str) -> RecordLaw:
    """Return one law's record. Raises InputError `record.law`."""
    found = record_laws().get(name)
    if found is None:
        raise InputError("record.law", "This law has no record here.", next=f"Use {', '.join(record_laws())}.")
    return found
