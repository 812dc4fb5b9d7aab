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
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from honnin.chip.document import Challenge, Trust
from honnin.chip.my_number_card import BirthDateKey
from honnin.chip.my_number_card.tap import ChipAnswer, Tapped, judge
from honnin.errors import AccessError, HonninError, NotFoundError, ServiceError, StateError
from honnin.law import Decision, evaluate
from honnin.law.assurance import kind_levels
from honnin.pki import validate_path
from honnin.pki.jpki import four_items
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.extensions import authority_key_identifier
from honnin.platform import linking
from honnin.platform.checking import seen_check
from honnin.platform.clock import from_text, japanese_day, moment
from honnin.platform.evidence.commitments import KEY_SIZE, commit
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.ids import new_id
from honnin.platform.keys import Keyring
from honnin.platform.models import (
    AssuranceSeen,
    Caller,
    LevelSeen,
    RevocationSeen,
    Tenant,
    VerificationAnswer,
    VerificationRequest,
)
from honnin.platform.services import Mode, RevocationLearned
from honnin.platform.store import Store, schema
from honnin.platform.tap.judging import Ending, Recognised, SeenChip, judge_certificate, judge_chip, verdict_of
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
from honnin.platform.tap.recording import Ended, TapBody, write_ending, write_registration
from honnin.platform.tap.registering import (
    card_tag,
    end_registration,
    keep_card,
    register,
    registered,
    registered_birth,
)
from honnin.platform.tap.terminals import MOST_PER_MINUTE, Terminals, usable
from honnin.platform.templates import tap_purpose
from honnin.platform.tenants import standing
from honnin.platform.verifying import Verifier
from honnin.words import in_all

__all__ = ["METHOD", "Taps"]

METHOD = "jpki.tap_use"
NONCE_SECONDS = 60
PURPOSE = "tap"  # of the challenge that the chip signs; its audience is the terminal
PLACE = ("place.supervised", "first_registration.with_pin", "cert.user_authentication")


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

    @property
    def terminals(self) -> Terminals:
        """The terminals at which customers tap."""
        return Terminals(self.store)

    def add_terminal(self, caller: Caller, request: TerminalRequest) -> TapTerminal:
        """Register a terminal (`Terminals.add`). Raises AccessError `tap.not_allowed`, StateError `law.not_lawful`."""
        at = self.modes(caller.livemode).clock()
        _allow(caller.tenant, at)
        return self.terminals.add(caller.tenant, request, at=at)

    def begin(self, caller: Caller, request: TapRequest) -> Tap:
        """Begin one tap: its message waits for the chip.

        Raises AccessError `tap.not_allowed`, `tap.level`, `tap.not_supervised`, `tap.outdoors`, `tap.online`,
        NotFoundError `tap.terminal_unknown`, StateError `tap.terminal_retired`, `law.not_lawful`, ServiceError
        `tap.too_many`, and what `tap_purpose` raises.
        """
        tenant, at = caller.tenant, self.modes(caller.livemode).clock()
        _allow(tenant, at)
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
            return self._seen(caller, _row(db, tenant.id, tap_id), at)

        return self.store.write(work, tenant=tenant.id)

    def read(self, caller: Caller, tap_id: str) -> Tap:
        """Return a tap, never with a birth-date key. Raises NotFoundError `tap.unknown`."""
        with self.store.read() as db:
            row = _row(db, caller.id, tap_id)
        return self._seen(caller, row, self.modes(caller.livemode).clock())

    def ended(
        self, caller: Caller, *, after: str | None = None, limit: int = 20, since: datetime | None = None
    ) -> TapPage:
        """Return ended taps, newest first, from `since` on. Raises NotFoundError `tap.unknown` for a bad cursor."""
        table, at = schema.taps, self.modes(caller.livemode).clock()
        query = select(table).where(table.c.tenant_id == caller.id, table.c.status == "ended")
        if since is not None:
            query = query.where(table.c.created_at >= moment(since))
        with self.store.read() as db:
            if after is not None:
                last = _row(db, caller.id, after)
                query = query.where(
                    (table.c.created_at < last.created_at)
                    | ((table.c.created_at == last.created_at) & (table.c.tap_id < after))
                )
            rows = db.execute(query.order_by(table.c.created_at.desc(), table.c.tap_id.desc()).limit(limit + 1)).all()
        shown = tuple(self._seen(caller, row, at) for row in rows[:limit])
        return TapPage(data=shown, has_more=len(rows) > limit, next=shown[-1].id if len(rows) > limit else None)

    def recognise(self, caller: Caller, tap_id: str, given: TapCertificate) -> RecognisedTap:
        """Judge the certificate. The answer has the birth-date key where the chip is to prove itself now, else the end.

        Raises NotFoundError `tap.unknown`, StateError `tap.used`, `tap.kind`, FormatError `certificate.malformed`.
        """
        mode, tenant = self.modes(caller.livemode), caller.tenant
        row, at = self._open(caller, tap_id, "open", registration=False)
        seen = self._recognised(mode, tenant, given.certificate, at)
        ending, key = judge_certificate(seen), secrets.token_bytes(KEY_SIZE)
        facts = _Facts(key=key, certificate=commit(key, "certificate", given.certificate), seen=seen)

        def work(db: Connection) -> RecognisedTap:
            opener = registered_birth(db, self.sealer, tenant.id, seen.person) if seen.person else None
            last = ending
            if last is None and opener is None:  # forgotten meanwhile
                last = judge_certificate(msgspec.structs.replace(seen, registered=False))
            self._take(db, tenant, tap_id, "open", "recognised", facts)
            if last is not None:
                self._end(db, tenant, row, facts, last, None, None, at)
            made = self._seen(caller, _row(db, tenant.id, tap_id), at)
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
        tapped = judge(_answer(proof), _challenge(row), Trust((), at, mode.card_keys))
        tag = card_tag(self.keys, tenant.id, tapped.chip_key) if tapped.chip_key else ""

        def work(db: Connection) -> Tap:
            self._take(db, tenant, tap_id, "recognised", "recognised", facts)
            still, kept = registered(db, tenant.id, person)
            opener = registered_birth(db, self.sealer, tenant.id, person)
            seen = facts.seen if still and opener else msgspec.structs.replace(facts.seen, registered=False)
            chip = _chip(tapped, opener.digits if opener else "", None if kept is None else kept == tag)
            last = judge_certificate(seen) or judge_chip(chip)
            if last.outcome == "accepted" and not keep_card(db, tenant.id, person, tag):
                last = judge_chip(chip._replace(same_card=False))
            self._end(db, tenant, row, msgspec.structs.replace(facts, seen=seen), last, chip, proof, at)
            return self._seen(caller, _row(db, tenant.id, tap_id), at)

        return self.store.write(work, tenant=tenant.id)

    def register(self, caller: Caller, tap_id: str, request: RegistrationRequest) -> TapRegistration:
        """Register whose card this is, by a PIN: the card's signature over the tap's message, and the chip's own proof.

        The check with the PIN is recorded like any other. Raises NotFoundError `tap.unknown`, StateError `tap.used`,
        `tap.kind`, ServiceError `tap.person_pending` where J-LIS cannot yet say whose certificate it is, and what
        `Verifier.verify` raises.
        """
        mode, tenant = self.modes(caller.livemode), caller.tenant
        row, at = self._open(caller, tap_id, "open", registration=True)
        challenge = _challenge(row)
        tapped = judge(_answer(request.card), challenge, Trust((), at, mode.card_keys))
        birth = tapped.birth_date.whole if tapped.birth_date else None
        chip = _chip(tapped, request.birth_date_key, None)
        if (born := _born(request.certificate)) is not None:
            chip = chip._replace(same_birth_date=bool(chip.same_birth_date) and born == birth)
        found: list[TapRegistration] = []

        def also(db: Connection, answer: VerificationAnswer) -> None:
            self._take(db, tenant, tap_id, "open", "ended", None)
            last = _registration(answer, chip, birth)
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
                    messages=_messages(last.reason),
                    person=answer.person if last.outcome == "accepted" else None,
                    verification=answer.id,
                )
            ]

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

    def register_checked(self, caller: Caller, person: str, opener: BirthDateKey) -> None:
        """Let a person tap who was just verified at a distance; the first card that proves itself is theirs.

        For a program that made the check with a PIN itself. Raises AccessError `tap.not_allowed`.
        """
        at = self.modes(caller.livemode).clock()
        _allow(caller.tenant, at)
        self.store.write(
            lambda db: register(db, self.sealer, caller.id, person, opener, None, moment(at)), tenant=caller.id
        )

    def end_registration(self, caller: Caller, person: str) -> None:
        """Let a person tap no more. Raises NotFoundError `tap.not_registered`."""
        now = moment(self.modes(caller.livemode).clock())
        if not self.store.write(lambda db: end_registration(db, self.sealer, caller.id, person, now), tenant=caller.id):
            raise NotFoundError("tap.not_registered", "This person is not registered for taps.", next="Check the id.")

    def forget(self, now: str, *, livemode: bool) -> int:
        """Delete taps of one mode that never ended and whose time has passed; return how many."""
        table, tenants = schema.taps, schema.tenants
        old = (table.c.status != "ended") & (table.c.expires_at < now)
        with self.store.read() as db:
            if db.execute(select(table.c.tap_id).where(old).limit(1)).first() is None:
                return 0
        of_mode = select(tenants.c.tenant_id).where(tenants.c.livemode.is_(livemode))
        return self.store.write(
            lambda db: db.execute(delete(table).where(old, table.c.tenant_id.in_(of_mode))).rowcount
        )

    # --- what the steps share

    def _open(self, caller: Caller, tap_id: str, status: str, *, registration: bool) -> tuple[Any, datetime]:
        at = self.modes(caller.livemode).clock()
        _allow(caller.tenant, at)
        with self.store.read() as db:
            row = _row(db, caller.id, tap_id)
        if bool(row.registration) != registration:
            raise StateError(
                "tap.kind", "This tap was begun for something else.", next="Say `registration` when you begin it."
            )
        if row.status != status or row.expires_at <= moment(at):
            raise _used()
        usable(self.terminals.get(caller.tenant, row.terminal_id))
        return row, at

    def _take(self, db: Connection, tenant: Tenant, tap_id: str, now: str, then: str, facts: _Facts | None) -> None:
        """Move a tap on; of two that try at once the later one is undone."""
        table = schema.taps
        fresh = msgspec.msgpack.encode(facts) if facts and now == "open" else None
        moved = db.execute(
            update(table)
            .where(table.c.tenant_id == tenant.id, table.c.tap_id == tap_id, table.c.status == now)
            .values(status=then, **({"facts": fresh} if fresh else {}))
        )
        if moved.rowcount != 1:
            raise _used()

    def _recognised(self, mode: Mode, tenant: Tenant, certificate: bytes, at: datetime) -> Recognised:
        parsed = parse_certificate(certificate)
        learned = mode.learn_revocation(parsed, at=at)
        verdict = validate_path(
            certificate,
            anchors=mode.anchors("user_authentication"),
            crls=learned.crls,
            ocsp=learned.ocsp,
            at=at,
            purpose="user_authentication",
        )
        seen = Recognised(
            indication=verdict.indication,
            sub_indication=verdict.sub_indication,
            checks=tuple(seen_check(check) for check in verdict.checks),
            revocation=_revocation(verdict.indication, verdict.sub_indication, learned),
        )
        return seen if verdict.indication != "PASSED" else self._whose(mode, tenant, parsed, seen, at)

    def _whose(
        self, mode: Mode, tenant: Tenant, certificate: Certificate, seen: Recognised, at: datetime
    ) -> Recognised:
        """Find the person: by the certificate itself at once, else by its counterpart and predecessors at J-LIS."""
        issuer = authority_key_identifier(certificate)
        if issuer is None or issuer.key_identifier is None:
            return seen
        key = (issuer.key_identifier, certificate.serial_number)
        tag = linking.link_tag(self.keys, tenant.id, *key)
        with self.store.read() as db:
            person = linking.known_person(db, tenant.id, tag)
        settled = True
        if person is None:
            kin = linking.learn_kin(mode.services.links, *key, at=at)
            tags = [linking.link_tag(self.keys, tenant.id, *one) for one in kin.certificates]
            settled = kin.settled
            person = self._joined(tenant, tags, moment(at)) if settled else None
        if person is None:
            return msgspec.structs.replace(seen, settled=settled)
        with self.store.read() as db:
            may, _ = registered(db, tenant.id, person)
        return msgspec.structs.replace(seen, person=person, registered=may)

    def _joined(self, tenant: Tenant, tags: list[str], now: str) -> str | None:
        """Return the person that one of these certificates belongs to, and remember all of them; nobody new is made."""

        def work(db: Connection) -> str | None:
            if all(linking.known_person(db, tenant.id, tag) is None for tag in tags):
                return None
            return linking.join_person(db, tenant.id, tags, now)

        with self.store.read() as db:
            if all(linking.known_person(db, tenant.id, tag) is None for tag in tags):
                return None
        return self.store.write(work, tenant=tenant.id)

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
            "message": _challenge(row).message(),
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
            law=_law(tenant, facts.seen, chip, at),
            commitments={"certificate": facts.certificate},
            inputs=inputs,
            person=facts.seen.person if accepted else None,
        )
        write_ending(db, self.sealer, tenant, ended)

    def _seen(self, caller: Caller, row: Any, at: datetime) -> Tap:
        late = row.status != "ended" and row.expires_at <= moment(at)
        shown = Tap(
            id=row.tap_id,
            livemode=caller.livemode,
            created_at=from_text(row.created_at),
            expires_at=from_text(row.expires_at),
            status="expired" if late else row.status,
            terminal=row.terminal_id,
            purpose=row.purpose,
            staff=row.staff,
            registration=bool(row.registration),
            message=None if late or row.status == "ended" else _challenge(row).message(),
        )
        if row.body is None:
            return shown
        body = msgspec.json.decode(row.body, type=TapBody)
        return msgspec.structs.replace(
            shown,
            outcome=body.outcome,
            reason=body.reason,
            messages=_messages(body.reason),
            person=row.person_id,
            verdict=body.verdict,
            evidence=row.evidence_id,
            assurance=_assurance() if body.outcome == "accepted" and not row.registration else None,
        )


def _allow(tenant: Tenant, at: datetime) -> None:
    """Refuse tap use to a tenant that the operator or the law does not allow it."""
    if not tenant.tap_use:
        raise AccessError(
            "tap.not_allowed",
            "Tap use is not switched on for this tenant.",
            next="The operator allows it with `honnin tenant set TENANT --tap-use`.",
        )
    on = japanese_day(at)
    if evaluate("jpki", METHOD, (), on=on, tenant=standing(tenant)).status == "not_available":
        raise StateError(
            "law.not_lawful",
            f"{METHOD} is not available on {on} for this tenant.",
            next="Check the tenant's verifier status and the method's dates.",
        )


def _law(tenant: Tenant, seen: Recognised, chip: SeenChip | None, at: datetime) -> Decision:
    held = {*PLACE, *(("revocation",) if seen.indication == "PASSED" else ())}
    if not seen.registered:
        held.discard("first_registration.with_pin")
    if chip is not None and {chip.issuer, chip.record, chip.chip} == {"passed"}:
        held.add("chip.internal_authentication")
    return evaluate("jpki", METHOD, held, on=japanese_day(at), tenant=standing(tenant))


def _challenge(row: Any) -> Challenge:
    return Challenge(bytes(row.nonce), PURPOSE, row.terminal_id)


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


def _registration(answer: VerificationAnswer, chip: SeenChip, birth: date | None) -> Ending:
    """Say how a registration ends: the check with the PIN first, then the chip."""
    if answer.verdict.indication == "INDETERMINATE":
        return Ending("could_not_tell", "certificate_unknown", None, answer.verdict.reason)
    if answer.verdict.indication != "TOTAL-PASSED":
        return Ending("refused", "certificate_ended", None, answer.verdict.reason)
    ending = judge_chip(chip)
    if ending.outcome == "accepted" and birth is None:
        return Ending("refused", "no_birth_date", None, "The card names no whole birth date.")
    return ending


def _born(certificate: bytes) -> date | None:
    """Return the birth date in a signature certificate, None where it has none; the check judges the certificate."""
    try:
        found = four_items(parse_certificate(certificate))
    except HonninError:
        return None
    return found.birth_date.whole if found is not None and found.birth_date is not None else None


def _revocation(indication: str, sub_indication: str | None, learned: RevocationLearned) -> RevocationSeen:
    told = indication == "PASSED" or sub_indication == "REVOKED"
    status: Any = "good" if indication == "PASSED" else "revoked" if sub_indication == "REVOKED" else "unknown"
    source: Any = learned.source if told else None
    return RevocationSeen(status=status, source=source, checked_at=learned.fetched_at if told else None)


def _assurance() -> AssuranceSeen:
    ial, _, _ = kind_levels("tap")
    return AssuranceSeen(ial_2019=LevelSeen(level=ial.level, confidence=ial.confidence))


def _messages(reason: str) -> dict[str, str]:
    return dict(in_all(f"tap.{reason}"))


def _row(db: Connection, tenant_id: str, tap_id: str) -> Any:
    table = schema.taps
    row = db.execute(select(table).where(table.c.tenant_id == tenant_id, table.c.tap_id == tap_id)).one_or_none()
    if row is None:
        raise NotFoundError("tap.unknown", "There is no such tap.", next="Begin one.")
    return row


def _used() -> StateError:
    return StateError("tap.used", "This tap was used before, or took too long.", next="Tap again.")
