"""Taps, start to end; each step is one call of the service provider's terminal.

    1. begin        the law, the tenant, the terminal, the level; a nonce that serves once, for a minute
    2. recognise    the user authentication certificate: path, revocation, whose it is (counterpart and renewals too)
    3. finish       the chip's own proof over the nonce → outcome, evidence, in one transaction
    or register     after a PIN: whose card it is from now on

The answer is durable before anybody hears it; a terminal that was cut off asks again and learns the same outcome. When
the line is down the revocation list at hand judges until its nextUpdate; after that nothing can be told.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select

from honnin.chip.document import Trust
from honnin.chip.my_number_card import BirthDateKey
from honnin.chip.my_number_card.tap import ChipAnswer, Tapped, judge
from honnin.errors import AccessError, HonninError, NotFoundError, ServiceError, StateError
from honnin.pki.jpki import four_items
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.platform.clock import moment
from honnin.platform.erasing import hold_people
from honnin.platform.evidence.commitments import KEY_SIZE, commit
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.idempotency import Binding, Once
from honnin.platform.ids import new_id
from honnin.platform.keys import Keyring
from honnin.platform.linking import same_people
from honnin.platform.models import Caller, Tenant, VerificationAnswer, VerificationRequest
from honnin.platform.services import Mode
from honnin.platform.store import Store, schema
from honnin.platform.tap.ageing import end_old
from honnin.platform.tap.allowing import allow, decide
from honnin.platform.tap.events import tell_ended
from honnin.platform.tap.judging import (
    Ending,
    Recognised,
    SeenChip,
    judge_certificate,
    judge_chip,
    judge_registration,
    verdict_of,
)
from honnin.platform.tap.models import (
    ASSURANCE_LEVEL,
    CardProof,
    RecognisedTap,
    RegistrationRequest,
    Tap,
    TapCertificate,
    TapPage,
    TapRegistration,
    TapRequest,
    TapTerminal,
    TerminalRequest,
)
from honnin.platform.tap.recognising import Recogniser
from honnin.platform.tap.recording import Ended, write_ending, write_registration
from honnin.platform.tap.registering import (
    card_tag,
    end_registrations,
    register,
    registered,
    registered_birth,
)
from honnin.platform.tap.rows import challenge_of, find, forget_unfinished, messages_of, move_on, page, shown, used
from honnin.platform.tap.terminals import MOST_PER_MINUTE, Terminals, usable
from honnin.platform.templates import tap_purpose
from honnin.platform.verifying import Verifier

__all__ = ["Taps"]

NONCE_SECONDS = 60


class _Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a tap knows between the certificate and the proof; it lives for a minute at most.

    key: of the record's commitments; certificate: the commitment to it.
    """

    key: bytes
    certificate: str
    seen: Recognised


@dataclass(frozen=True, slots=True)
class Taps:
    """Tap use of one platform. modes: the two modes by livemode."""

    store: Store
    keys: Keyring
    sealer: Sealer
    verifier: Verifier
    modes: Callable[[bool], Mode]
    once: Once

    @property
    def terminals(self) -> Terminals:
        """The terminals at which customers tap."""
        return Terminals(self.store)

    def add_terminal(
        self, caller: Caller, request: TerminalRequest, *, idempotency_key: str | None = None
    ) -> TapTerminal:
        """Register a terminal (`Terminals.add`).

        Raises AccessError `tap.not_allowed`, StateError `law.not_lawful`, `verification.idempotency_conflict`.
        """
        at = self.modes(caller.livemode).clock()
        allow(caller.tenant, at)
        binding = self.once.binding(caller, "tap_terminals", idempotency_key, request)
        work = partial(self.terminals.add, tenant=caller.tenant, request=request, at=at)
        return self.once.write(caller, binding, TapTerminal, work)

    def begin(self, caller: Caller, request: TapRequest, *, idempotency_key: str | None = None) -> Tap:
        """Begin one tap: its message waits for the chip.

        Raises AccessError `tap.not_allowed`, `tap.level`, `tap.not_supervised`, `tap.outdoors`, `tap.online`,
        NotFoundError `tap.terminal_unknown`, StateError `tap.terminal_retired`, `law.not_lawful`,
        `verification.idempotency_conflict`, ServiceError `tap.too_many`, and what `tap_purpose` raises.
        """
        tenant, at = caller.tenant, self.modes(caller.livemode).clock()
        allow(tenant, at)
        if request.assurance_level > ASSURANCE_LEVEL:
            raise AccessError(
                "tap.level",
                f"A tap has assurance level {ASSURANCE_LEVEL} and nothing higher.",
                next="Ask for a signature or a login with the PIN.",
            )
        purpose = tap_purpose(request.purpose, request.template)
        usable(self.terminals.get(tenant, request.terminal))
        table, now, tap_id = schema.taps, moment(at), new_id("tap")
        values = {
            "tenant_id": tenant.id,
            "tap_id": tap_id,
            "terminal_id": request.terminal,
            "created_at": now,
            "expires_at": moment(at + timedelta(seconds=NONCE_SECONDS)),
            "status": "open",
            "registration": request.registration,
            "purpose": purpose,
            "staff": request.staff,
            "nonce": secrets.token_bytes(32),
        }
        since = moment(at - timedelta(seconds=60))
        mine = (table.c.tenant_id == tenant.id) & (table.c.terminal_id == request.terminal)
        recent = select(func.count()).where(mine, table.c.created_at > since, table.c.created_at <= now)

        def work(db: Connection) -> Tap:
            if db.execute(recent).scalar_one() >= MOST_PER_MINUTE:
                raise ServiceError(
                    "tap.too_many",
                    f"This terminal began {MOST_PER_MINUTE} taps in a minute.",
                    next="Wait a moment.",
                    retryable=True,
                )
            db.execute(insert(table).values(**values))
            return shown(caller, find(db, tenant.id, tap_id), at)

        binding = self.once.binding(caller, "taps", idempotency_key, request)
        return self.once.write(caller, binding, Tap, work, named=tap_id)

    def read(self, caller: Caller, tap_id: str) -> Tap:
        """Return a tap, never with a birth-date key. Raises NotFoundError `tap.unknown`."""
        with self.store.read() as db:
            row = find(db, caller.id, tap_id)
        return shown(caller, row, self.modes(caller.livemode).clock())

    def ended(
        self, caller: Caller, *, after: str | None = None, limit: int = 20, since: datetime | None = None
    ) -> TapPage:
        """Return ended taps, newest first, from `since` on. Raises NotFoundError `tap.unknown` for a bad cursor."""
        at = self.modes(caller.livemode).clock()
        with self.store.read() as db:
            return page(db, caller, at, after=after, limit=limit, since=since)

    def recognise(self, caller: Caller, tap_id: str, given: TapCertificate) -> RecognisedTap:
        """Judge the certificate. The answer has the birth-date key where the chip is to prove itself now, else the end.

        Raises NotFoundError `tap.unknown`, StateError `tap.used`, `tap.kind`, FormatError `certificate.malformed`.
        """
        mode, tenant = self.modes(caller.livemode), caller.tenant
        row, at = self._open(caller, tap_id, "open", registration=False)
        seen = Recogniser(self.store, self.keys, mode, tenant).recognise(given.certificate, at)
        ending, key = judge_certificate(seen), secrets.token_bytes(KEY_SIZE)
        facts = _Facts(key=key, certificate=commit(key, "certificate", given.certificate), seen=seen)

        def work(db: Connection) -> RecognisedTap:
            hold_people(db, tenant.id)
            kept = registered(db, tenant.id, seen.person) if seen.person else None
            opener = registered_birth(db, self.sealer, tenant.id, kept.holder) if kept else None
            last = ending
            if last is None and opener is None:  # forgotten meanwhile
                last = judge_certificate(msgspec.structs.replace(seen, registered=False))
            move_on(db, row, "recognised", facts=msgspec.msgpack.encode(facts))
            if last is not None:
                self._end(db, tenant, row, facts, last, None, None, at)
            made = shown(caller, find(db, tenant.id, tap_id), at)
            digits = opener.digits if opener is not None and last is None else None
            return RecognisedTap(**msgspec.structs.asdict(made), birth_date_key=digits)

        return self.store.write(work, tenant=tenant.id)

    def finish(self, caller: Caller, tap_id: str, proof: CardProof) -> Tap:
        """Judge what the chip proved, and end the tap; its message has served then.

        Raises NotFoundError `tap.unknown`, StateError `tap.used`, `tap.kind`.
        """
        mode, tenant = self.modes(caller.livemode), caller.tenant
        row, at = self._open(caller, tap_id, "recognised", registration=False)
        facts = msgspec.msgpack.decode(row.facts, type=_Facts)
        person = facts.seen.person or ""
        tapped = judge(_answer(proof), challenge_of(row), Trust((), at, mode.card_keys))
        tag = card_tag(self.keys, tenant.id, tapped.chip_key) if tapped.chip_key else ""

        def work(db: Connection) -> Tap:
            hold_people(db, tenant.id)
            move_on(db, row, "recognised")
            kept = registered(db, tenant.id, person)
            opener = registered_birth(db, self.sealer, tenant.id, kept.holder) if kept else None
            seen = facts.seen if opener else msgspec.structs.replace(facts.seen, registered=False)
            chip = _chip(tapped, opener.digits if opener else "", kept.card == tag if kept else None)
            last = judge_certificate(seen) or judge_chip(chip)
            self._end(db, tenant, row, msgspec.structs.replace(facts, seen=seen), last, chip, proof, at)
            return shown(caller, find(db, tenant.id, tap_id), at)

        return self.store.write(work, tenant=tenant.id)

    def register(
        self, caller: Caller, tap_id: str, request: RegistrationRequest, *, idempotency_key: str | None = None
    ) -> TapRegistration:
        """Register whose card this is, by a PIN: the card's signature over the tap's message, and the chip's own proof.

        The check with the PIN is recorded like any other. Raises NotFoundError `tap.unknown`, StateError `tap.used`,
        `tap.kind`, ServiceError `tap.person_pending` where J-LIS cannot yet say whose certificate it is, and what
        `Verifier.verify` raises.
        """
        binding = self.once.binding(caller, "taps.registration", idempotency_key, (tap_id, request))
        return self.once.taken(
            caller, binding, TapRegistration, lambda: self._register(caller, tap_id, request, binding)
        )

    def _register(
        self, caller: Caller, tap_id: str, request: RegistrationRequest, binding: Binding | None
    ) -> TapRegistration:
        mode, tenant = self.modes(caller.livemode), caller.tenant
        row, at = self._open(caller, tap_id, "open", registration=True)
        challenge = challenge_of(row)
        tapped = judge(_answer(request.card), challenge, Trust((), at, mode.card_keys))
        birth = tapped.birth_date.whole if tapped.birth_date else None
        chip = _chip(tapped, request.birth_date_key, None)
        if (born := _born(request.certificate)) is not None:
            chip = chip._replace(same_birth_date=bool(chip.same_birth_date) and born == birth)
        found: list[TapRegistration] = []

        def also(db: Connection, answer: VerificationAnswer) -> None:
            move_on(db, row, "ended")
            last = judge_registration(answer, chip, birth)
            if last.outcome == "accepted" and answer.person is None:
                raise ServiceError(
                    "tap.person_pending",
                    "J-LIS does not say yet whose certificate this is.",
                    next="Register later; a fresh certificate can take a day.",
                    retryable=True,
                )
            if last.outcome == "accepted" and answer.person and birth and tapped.chip_key:
                tag, opener = card_tag(self.keys, tenant.id, tapped.chip_key), BirthDateKey(request.birth_date_key)
                register(db, self.sealer, tenant.id, answer.person, opener, tag, moment(at))
            write_registration(db, tenant, tap_id, last, answer)
            found[:] = [
                TapRegistration(
                    livemode=caller.livemode,
                    created_at=at,
                    outcome=last.outcome,
                    reason=last.reason,
                    messages=messages_of(last.reason),
                    person=answer.person if last.outcome == "accepted" else None,
                    verification=answer.id,
                )
            ]
            self.once.bind(db, caller, binding, found[0], named=answer.id)

        check = VerificationRequest(
            purpose="tap_registration",
            channel="in_person",
            device="tap_terminal",
            document=challenge.message(),
            signature=request.signature,
            certificate=request.certificate,
        )
        self.verifier.verify(mode, tenant, check, allowed=(), also=also)
        return found[0]

    def end_registration(self, caller: Caller, person: str) -> None:
        """Let a person tap no more. Raises NotFoundError `tap.not_registered`."""
        now = moment(self.modes(caller.livemode).clock())

        def work(db: Connection) -> bool:
            ended = end_registrations(db, self.sealer, caller.id, same_people(db, caller.id, person), now)
            tell_ended(db, caller.id, ended, now)
            return bool(ended)

        if not self.store.write(work, tenant=caller.id):
            raise NotFoundError("tap.not_registered", "This person is not registered for taps.", next="Check the id.")

    def forget(self, now: str, *, livemode: bool) -> int:
        """Delete taps of one mode that never ended and whose time has passed; return how many."""
        return forget_unfinished(self.store, now, livemode=livemode)

    def end_old(self, today: date, now: str, *, livemode: bool) -> tuple[int, bool]:
        """Remove ended taps of one mode that their tenants keep no longer (`ageing.end_old`)."""
        return end_old(self.store, self.sealer, today, now, livemode=livemode)

    # --- what the steps share

    def _open(self, caller: Caller, tap_id: str, status: str, *, registration: bool) -> tuple[Any, datetime]:
        at = self.modes(caller.livemode).clock()
        allow(caller.tenant, at)
        with self.store.read() as db:
            row = find(db, caller.id, tap_id)
        if bool(row.registration) != registration:
            raise StateError(
                "tap.kind", "This tap was begun for something else.", next="Say `registration` when you begin it."
            )
        if row.status != status or row.expires_at <= moment(at):
            raise used()
        usable(self.terminals.get(caller.tenant, row.terminal_id))
        return row, at

    def _end(
        self,
        db: Connection,
        tenant: Tenant,
        row: Any,
        facts: _Facts,
        last: Ending,
        chip: SeenChip | None,
        proof: CardProof | None,
        at: datetime,
    ) -> None:
        accepted = last.outcome == "accepted"
        inputs: dict[str, bytes | None] = {
            "purpose": row.purpose.encode(),
            "terminal": row.terminal_id.encode(),
            "staff": row.staff.encode() if row.staff else None,
            "message": challenge_of(row).message(),
            "card_proof": msgspec.msgpack.encode(proof) if proof else None,
            "person": facts.seen.person.encode() if facts.seen.person else None,
        }
        ended = Ended(
            tap_id=row.tap_id,
            key=facts.key,
            outcome=last.outcome,
            reason=last.reason,
            verdict=verdict_of(last, facts.seen, chip, at),
            revocation=facts.seen.revocation,
            law=decide(tenant, facts.seen, chip, at),
            commitments={"certificate": facts.certificate},
            inputs=inputs,
            person=facts.seen.person if accepted else None,
        )
        write_ending(db, self.sealer, tenant, ended)


def _answer(proof: CardProof) -> ChipAnswer:
    return ChipAnswer(proof.age_record, proof.certificate, proof.signature)


def _chip(tapped: Tapped, opener: str, same_card: bool | None) -> SeenChip:
    """Return the proofs' results. opener: the six digits that are registered, empty where that has ended."""
    born = tapped.birth_date.whole if tapped.birth_date else None
    issuer: Any = tapped.result("issuer")
    record: Any = tapped.result("data_signature")
    chip: Any = tapped.result("internal_authentication")
    same_birth = born is not None and opener in {BirthDateKey.of(born).digits, BirthDateKey.western(born).digits}
    return SeenChip(issuer, record, chip, same_card, same_birth)


def _born(certificate: bytes) -> date | None:
    """Return the birth date in a signature certificate, None where it has none; the check judges the certificate."""
    try:
        found = four_items(parse_certificate(certificate))
    except HonninError:
        return None
    return found.birth_date.whole if found is not None and found.birth_date is not None else None
