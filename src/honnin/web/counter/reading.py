"""One reading, start to end: the chip in a thread, its errors as codes, the record when the clerk has confirmed."""

from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from honnin.chip import Challenge, Proof, open_reader
from honnin.chip.detecting import detect_document
from honnin.chip.document import code_of
from honnin.chip.readers import Reader
from honnin.errors import HonninError, ReaderError
from honnin.platform.clock import japanese_day
from honnin.platform.counter import CounterCheck, CounterReading
from honnin.platform.models import Caller, VerificationRequest
from honnin.web.counter.documents.resuming import persistently
from honnin.web.counter.kinds import form_of, law_of
from honnin.web.counter.seen import Field, Seen, Standing, State, currency
from honnin.web.counter.tunnel import Tunnel
from honnin.web.counter.visits import Visit
from honnin.words import say

if TYPE_CHECKING:
    from honnin.platform import Platform

__all__ = ["Readings"]

AUDIENCE = "honnin counter"
# By sub-indication; every other certificate that did not pass is `failed`.
STATES: Final[dict[str, State]] = {"REVOKED": "revoked", "TRY_LATER": "unknown"}
NUMBERS = ("licence_number", "card_number", "document_number")


@dataclass(frozen=True, slots=True)
class Readings:
    """What reads, and what records.

    data: folder of the world, for readers that this server opens itself.
    """

    platform: "Platform"
    data: Path

    def exists(self, reader: str) -> bool:
        """Tell whether a reader that this server opens itself has its document: not every document has every kind."""
        try:
            open_reader(reader, data=self.data).close()
        except HonninError:
            return False
        return True

    def detect(self, visit: Visit) -> None:
        """Find out which document lies on the clerk's reader; it, or a coded error, stands in the visit afterwards."""
        if (tunnel := visit.tunnel) is None:
            return
        try:
            document = persistently(partial(detect_document, tunnel))
            form_of(visit.purpose, document)
            _note(visit, tunnel, document=document)
        except HonninError as error:
            _note(visit, tunnel, error=error)
        except Exception as error:  # noqa: BLE001 - as below
            _note(visit, tunnel, error=_stopped(error))
        finally:
            tunnel.close()

    def run(self, visit: Visit, given: dict[str, str], caller: Caller) -> None:
        """Read the chip of a visit; what was seen, or a coded error, stands in the visit afterwards.

        given: plain entries; they are forgotten with this call.
        """
        tunnel = visit.tunnel
        try:
            reader: Reader = tunnel if tunnel is not None else open_reader(visit.reader, data=self.data)
            challenge = Challenge.fresh(f"counter {visit.purpose}", AUDIENCE)
            if tunnel is not None:
                _must_be(visit.document, tunnel)  # before a PIN goes to a card that was changed meanwhile
            look = form_of(visit.purpose, visit.document).look
            trust = self.platform.of_tenant(caller.id).document_trust(caller, visit.document)
            seen = look(reader, given, trust, challenge, visit.progress)
            _note(visit, tunnel, seen=self._asked(seen, visit.purpose, caller))
        except HonninError as error:
            _note(visit, tunnel, error=error)
        except Exception as error:  # noqa: BLE001 - its text may quote what was read, so only its type is told
            _note(visit, tunnel, error=_stopped(error))
        finally:
            given.clear()
            if tunnel is not None:
                tunnel.close()

    def _asked(self, seen: Seen, purpose: str, caller: Caller) -> Seen:
        """Have the platform judge what a JPKI key of the card signed: path, time, revocation, signature.

        A signature certificate's four items come with it, as text that its own signature covers.
        """
        signed = seen.signed
        if signed is None:
            return seen
        request = VerificationRequest(
            purpose=f"counter_{purpose}",
            channel="in_person",
            device="counter_terminal",
            document=signed.message,
            signature=signed.signature,
            certificate=signed.certificate,
            certificate_kind=signed.kind,
        )
        try:
            answer = self.platform.of_tenant(caller.id).verify(caller, request)
        except HonninError as error:
            return replace(seen, signed=None, standing=Standing("unknown", error.code, signed.kind))
        verdict, items = answer.verdict, answer.four_items
        passed = verdict.indication == "TOTAL-PASSED"
        state: State = "good" if passed else STATES.get(verdict.sub_indication or "", "failed")
        result: Literal["passed", "not_checked"] = "passed" if passed else "not_checked"
        code = "proof.certificate_good" if passed else code_of(verdict.indication, verdict.sub_indication)
        proof = Proof("certificate", result, code, covers=("certificate_items",), detail=verdict.reason)
        texts = {} if items is None else {"name": items.name, "address": items.address, "birth_date": items.birth_date}
        told = {one.name for one in seen.fields if one.text}
        more = tuple(
            Field(name, "certificate_items", text, form="era_date" if name == "birth_date" else "text")
            for name, text in texts.items()
            if text and name not in told
        )
        return replace(
            seen,
            fields=(*seen.fields, *more),
            proofs=(*seen.proofs, proof),
            signed=None,
            standing=Standing(state, "", signed.kind, answer.id),
        )

    def record(
        self, visit: Visit, seen: Seen, *, same_person: bool, printed: date | None, at: datetime
    ) -> CounterCheck:
        """Write what remains of a confirmed reading. printed: the date of expiry that staff saw, for a chip without."""
        reading = self._reading(visit, seen, same_person=same_person, printed=printed, at=at)
        tenant = visit.desk.clerk.tenant
        return self.platform.of_tenant(tenant.id).counter.record(tenant, reading, at=at)

    def foreseen(self, visit: Visit, seen: Seen, *, at: datetime) -> CounterCheck:
        """Return the check that would be recorded if the clerk recognised the person; nothing is written."""
        reading = self._reading(visit, seen, same_person=True, printed=None, at=at)
        tenant = visit.desk.clerk.tenant
        return self.platform.of_tenant(tenant.id).counter.foreseen(tenant, reading, at=at)

    def _reading(
        self, visit: Visit, seen: Seen, *, same_person: bool, printed: date | None, at: datetime
    ) -> CounterReading:
        clerk = visit.desk.clerk
        law = law_of(clerk.tenant, visit.purpose)
        return CounterReading(
            document=seen.document,
            purpose=visit.purpose,
            staff=clerk.staff.name,
            staff_id=clerk.staff.id,
            place=clerk.terminal.place,
            terminal=clerk.terminal.name,
            terminal_id=clerk.terminal.id,
            kept=seen.kept,
            authentic=seen.authentic,
            current=currency(seen.expires or printed, japanese_day(at)),
            date_by="chip" if seen.expires or not printed else "staff",
            same_person=same_person,
            standing=seen.standing.state,
            verification=seen.standing.verification or None,
            checks=tuple(
                {"id": one.kind, "result": one.result, "reason": one.reason, "code": one.code}
                for one in seen.all_proofs
            ),
            law=law,
            full=_full(seen) if law else b"",
            document_words=say(f"counter.document_{seen.document}", "ja") if law else "",
            person=_person(seen) if law else {},
        )


def _note(visit: Visit, tunnel: Tunnel | None, **outcome: Any) -> None:
    """Write an outcome into its visit, unless the page began anew meanwhile."""
    if visit.tunnel is tunnel:
        for name, value in outcome.items():
            setattr(visit, name, value)


def _must_be(document: str, tunnel: Tunnel) -> None:
    """Raise ReaderError `counter.card_changed` where another kind of document lies on the reader now.

    A residence card may be an application on a My Number Card; reading it sends no PIN.
    """
    found = persistently(partial(detect_document, tunnel))
    if found != document and (document, found) != ("residence_card", "my_number_card"):
        raise ReaderError(
            "counter.card_changed", "Another document lies on the reader now.", next="Put the first one back."
        )


def _stopped(error: Exception) -> ReaderError:
    return ReaderError("counter.failed", f"The reading stopped with {type(error).__name__}.")


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
    later = [one.text for one in seen.fields if one.name == "later_address"]
    number = next((texts[name] for name in NUMBERS if name in texts), "")
    person = {
        "name": texts.get("name", ""),
        "address": texts.get("address", ""),
        "later_address": "、".join(later),
        "birth_date": texts.get("birth_date", ""),
        "number": number,
    }
    return {name: text for name, text in person.items() if text}
