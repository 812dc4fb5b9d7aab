"""One reading, start to end: the chip in a thread, its errors as codes, the record when the clerk has confirmed."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from honnin.chip import Challenge, Trust, open_reader
from honnin.chip.readers import Reader
from honnin.errors import HonninError, ReaderError
from honnin.platform.clock import japanese_day
from honnin.platform.counter import CounterCheck, CounterReading
from honnin.platform.models import Tenant
from honnin.web.counter.kinds import DOCUMENTS, PURPOSES
from honnin.web.counter.seen import Seen, currency
from honnin.web.counter.visits import Visit
from honnin.words import say

if TYPE_CHECKING:
    from honnin.platform import Platform

__all__ = ["Readings"]

AUDIENCE = "honnin counter"
NUMBERS = ("licence_number", "card_number", "document_number")
ADDRESS_SOURCES = {"changes", "address"}


@dataclass(frozen=True, slots=True)
class Readings:
    """What reads, and what records.

    trust: whom proofs may rest on, by document; data: folder of the world, for readers that this server opens itself.
    """

    platform: "Platform"
    trust: Callable[[str], Trust]
    data: Path

    def run(self, visit: Visit, given: dict[str, str]) -> None:
        """Read the chip of a visit; what was seen, or a coded error, stands in the visit afterwards.

        given: plain entries; they are forgotten with this call.
        """
        tunnel = visit.tunnel
        try:
            reader: Reader = tunnel if tunnel is not None else open_reader(visit.reader, data=self.data)
            challenge = Challenge.fresh(f"counter {visit.purpose}", AUDIENCE)
            look = DOCUMENTS[visit.document].look
            visit.seen = look(reader, given, self.trust(visit.document), challenge, visit.progress)
        except HonninError as error:
            visit.error = error
        except Exception as error:  # noqa: BLE001 - its text may quote what was read, so only its type is told
            visit.error = ReaderError("counter.failed", f"The reading stopped with {type(error).__name__}.")
        finally:
            given.clear()
            if tunnel is not None:
                tunnel.close()

    def record(self, visit: Visit, seen: Seen, tenant: Tenant, *, same_person: bool, at: datetime) -> CounterCheck:
        """Write what remains of a confirmed reading."""
        law = PURPOSES[visit.purpose]
        reading = CounterReading(
            document=seen.document,
            purpose=visit.purpose,
            staff=visit.desk.staff,
            place=visit.desk.place,
            terminal=visit.desk.terminal,
            kept=seen.kept,
            authentic=seen.authentic,
            current=currency(seen.expires, japanese_day(at)),
            same_person=same_person,
            checks=tuple({"id": one.kind, "result": one.result, "reason": one.reason} for one in seen.proofs),
            law=law,
            full=_full(seen) if law else b"",
            document_words=say(f"counter.document_{seen.document}", "ja") if law else "",
            person=_person(seen) if law else {},
        )
        return self.platform.counter.record(tenant, reading, at=at)


def _full(seen: Seen) -> bytes:
    """Return every field with its mark, for the verification record that a law asks for."""
    rows = [
        {
            "name": one.name,
            "mark": mark,
            **({"text": one.text} if one.text else {}),
            **({"media_type": one.media_type, "image": b64encode(one.image).decode()} if one.image else {}),
        }
        for one, mark in seen.marked()
    ]
    files = [
        {"application": one.application, "name": one.name, "content": b64encode(one.content).decode()}
        for one in seen.files
    ]
    return msgspec.json.encode({"document": seen.document, "fields": rows, "files": files})


def _person(seen: Seen) -> dict[str, str]:
    """Return what a record says of the person, from what a signature covers; a later address says that none does."""
    texts = {one.name: one.text for one, mark in seen.marked() if one.text and mark == "covered"}
    later = [one.text for one in seen.fields if one.name == "later" and one.source in ADDRESS_SOURCES]
    number = next((texts[name] for name in NUMBERS if name in texts), "")
    person = {
        "name": texts.get("name", ""),
        "address": texts.get("address", ""),
        "later_address": "、".join(later),
        "birth_date": texts.get("birth_date", ""),
        "number": number,
    }
    return {name: text for name, text in person.items() if text}
