"""Verification records: what each law makes the business keep of a check, made from it, corrected only by adding.

items      what the record of each law contains (`items.json`)
making     the items that a check fills, and those that the business states
keeping    the store: one sealed entry a version, the retention clock, the end
showing    a record as a PDF in Japanese and as CSV for an auditor
"""

from honnin.platform.records.items import RecordLaw, record_law, record_laws
from honnin.platform.records.keeping import Records
from honnin.platform.records.making import Entry, Record, RecordRequest

__all__ = ["Entry", "Record", "RecordLaw", "RecordRequest", "Records", "record_law", "record_laws"]
