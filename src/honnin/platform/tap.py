"""Tap use (かざし利用): a customer who was verified with a PIN once taps without one, at supervised terminals.

Every tap does both: the certificate's validity (path, revocation) is asked, and the chip proves that it is genuine by a
nonce of its own (公的個人認証法38条の4・施行規則64条の12; digital-agency-apis sheet §5.1). Every answer carries
assurance level 1, and nothing that needs more may build on it. When the line is down the list at hand judges until its
nextUpdate; after that the answer is "could not tell", and the door stays shut.

    register   after a check with a PIN: keeps the birth date of that person, sealed, for the birth-date key
    begin      terminal → single-use nonce, a minute long
    recognise  certificate → who it is at this tenant, and the birth-date key to send to the terminal
    finish     proofs of the chip → entered or not, with evidence
"""

import secrets
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec
from sqlalchemy import Connection, delete, insert, select

from honnin.chip.document import Challenge
from honnin.chip.my_number_card import BirthDateKey
from honnin.chip.my_number_card.tap import Tapped
from honnin.errors import AccessError, GoneError, InputError, NotFoundError, StateError
from honnin.pki import validate_path
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.pki.rfc5280.extensions import authority_key_identifier
from honnin.platform import linking
from honnin.platform.clock import moment
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.ids import keyed_hash, new_id
from honnin.platform.keys import Keyring
from honnin.platform.models import Tenant
from honnin.platform.services import Mode
from honnin.platform.store import Store, schema

__all__ = ["ASSURANCE_LEVEL", "Recognised", "Tap", "Taps", "Terminal"]

ASSURANCE_LEVEL = 1
NONCE_SECONDS = 60
KIND = "tap_birth"


class Terminal(msgspec.Struct, frozen=True, kw_only=True):
    """A terminal in a supervised or managed place."""

    id: str
    name: str
    place: str
    object: Literal["tap_terminal"] = "tap_terminal"


@dataclass(frozen=True, slots=True)
class Recognised:
    """Whose certificate it is. status: of the certificate; birth_date: what opens the chip's own proof, or None."""

    person: str | None
    status: Literal["good", "ended", "unknown"]
    birth_date: BirthDateKey | None = field(repr=False)


class Tap(msgspec.Struct, frozen=True, kw_only=True):
    """How a tap ended. assurance_level: always 1; refuse it for anything that needs more."""

    id: str
    terminal: str
    at: datetime
    person: str | None
    outcome: Literal["accepted", "refused", "could_not_tell"]
    reason: str
    assurance_level: int = ASSURANCE_LEVEL
    object: Literal["tap"] = "tap"


@dataclass(frozen=True, slots=True)
class Taps:
    """Tap use of one platform."""

    store: Store
    keys: Keyring
    sealer: Sealer

    def add_terminal(self, tenant: Tenant, name: str, place: str, *, supervised: bool, outdoors: bool) -> Terminal:
        """Register a terminal. Raises AccessError `tap.not_supervised`, `tap.outdoors`: the law allows neither."""
        if not supervised:
            raise AccessError(
                "tap.not_supervised",
                "Tap use needs a face-to-face, supervised or managed place.",
                next="Let the person enter the PIN instead.",
            )
        if outdoors:
            raise AccessError("tap.outdoors", "Tap use is not allowed outdoors.", next="Let the person enter the PIN.")
        if not name.strip() or not place.strip():
            raise InputError("tap.terminal_name", "A terminal needs a name and a place.", next="Give both.")
        made = Terminal(id=new_id("trm"), name=name.strip(), place=place.strip())
        body = msgspec.json.encode(made).decode()
        self.store.write(
            lambda db: db.execute(
                insert(schema.tap_terminals).values(tenant_id=tenant.id, terminal_id=made.id, body=body)
            )
        )
        return made

    def register(self, tenant: Tenant, person: str, birth_date: date, *, at: datetime) -> None:
        """Let a person who was just verified with a PIN tap from now on."""
        six = BirthDateKey.of(birth_date).digits.encode("ascii")

        def work(db: Connection) -> None:
            self.sealer.end(db, tenant.id, person, moment(at), retention=KIND)
            self.sealer.seal(db, tenant.id, person, KIND, six, subject=person, retention=KIND, now=moment(at))

        self.store.write(work)

    def begin(self, tenant: Tenant, terminal: str, *, at: datetime) -> Challenge:
        """Return a fresh challenge for one tap. Raises NotFoundError `tap.terminal_unknown`."""
        table = schema.tap_terminals
        nonce = secrets.token_bytes(32)

        def work(db: Connection) -> None:
            known = db.execute(
                select(table.c.terminal_id).where(table.c.tenant_id == tenant.id, table.c.terminal_id == terminal)
            ).scalar()
            if known is None:
                raise NotFoundError("tap.terminal_unknown", "There is no such terminal.", next="Register it first.")
            nonces = schema.tap_nonces
            db.execute(delete(nonces).where(nonces.c.tenant_id == tenant.id, nonces.c.expires_at <= moment(at)))
            until = moment(at + timedelta(seconds=NONCE_SECONDS))
            db.execute(
                insert(nonces).values(
                    tenant_id=tenant.id, nonce_hash=self._mark(tenant, terminal, nonce), expires_at=until
                )
            )

        self.store.write(work)
        return Challenge(nonce, "tap", terminal)

    def recognise(self, mode: Mode, tenant: Tenant, certificate: bytes) -> Recognised:
        """Judge a user authentication certificate and tell whose it is at this tenant.

        Raises FormatError `certificate.malformed`.
        """
        at, parsed = mode.clock(), parse_certificate(certificate)
        learned = mode.learn_revocation(parsed, at=at)
        verdict = validate_path(
            certificate,
            anchors=mode.anchors("user_authentication"),
            crls=learned.crls,
            ocsp=learned.ocsp,
            at=at,
            purpose="user_authentication",
        )
        if verdict.indication != "PASSED":
            return Recognised(None, "unknown" if verdict.indication == "INDETERMINATE" else "ended", None)
        issuer = authority_key_identifier(parsed)
        if issuer is None or issuer.key_identifier is None:
            return Recognised(None, "good", None)
        kin = linking.learn_kin(mode.services.links, issuer.key_identifier, parsed.serial_number, at=at)
        with self.store.read() as db:
            for key in kin.certificates:
                person = linking.known_person(db, tenant.id, linking.link_tag(self.keys, tenant.id, *key))
                if person is not None:
                    return Recognised(person, "good", self._birth_date(db, tenant, person))
        return Recognised(None, "good", None)

    def finish(
        self,
        tenant: Tenant,
        terminal: str,
        challenge: Challenge,
        seen: Recognised,
        tapped: Tapped | None,
        *,
        at: datetime,
    ) -> Tap:
        """Judge a tap and use its nonce up.

        tapped: None where the chip was not asked. Raises StateError `tap.nonce` for one that is unknown, used or late.
        """
        self.store.write(lambda db: self._use_up(db, tenant, terminal, challenge, at))
        outcome, reason = _judged(challenge, seen, tapped)
        return Tap(
            id=new_id("tap"),
            terminal=terminal,
            at=at,
            person=seen.person if outcome == "accepted" else None,
            outcome=outcome,
            reason=reason,
        )

    def _use_up(self, db: Connection, tenant: Tenant, terminal: str, challenge: Challenge, at: datetime) -> None:
        nonces = schema.tap_nonces
        gone = db.execute(
            delete(nonces).where(
                nonces.c.tenant_id == tenant.id,
                nonces.c.nonce_hash == self._mark(tenant, terminal, challenge.nonce),
                nonces.c.expires_at > moment(at),
            )
        )
        if gone.rowcount != 1 or challenge.audience != terminal:
            raise StateError("tap.nonce", "This tap was used before, or took too long.", next="Tap again.")

    def _mark(self, tenant: Tenant, terminal: str, nonce: bytes) -> str:
        return keyed_hash(self.keys.derived(f"tap:{tenant.id}"), "nonce", terminal, nonce)

    def _birth_date(self, db: Connection, tenant: Tenant, person: str) -> BirthDateKey | None:
        try:
            return BirthDateKey(self.sealer.open(db, tenant.id, person, KIND).decode("ascii"))
        except GoneError:
            return None


def _judged(
    challenge: Challenge, seen: Recognised, tapped: Tapped | None
) -> tuple[Literal["accepted", "refused", "could_not_tell"], str]:
    if seen.status == "unknown":
        return "could_not_tell", "Whether the certificate is still good could not be told."
    if seen.status == "ended":
        return "refused", "The certificate has ended or is not J-LIS's."
    if seen.person is None or seen.birth_date is None:
        return "refused", "Nobody is registered with this card here."
    if tapped is None:
        return "refused", "The chip did not prove that it is genuine."
    proof = next((one for one in tapped.proofs if one.kind == "internal_authentication"), None)
    if proof is None or proof.result == "not_checked":
        return "could_not_tell", "Whether the chip is genuine could not be told."
    if not tapped.genuine or proof.message != challenge.message():
        return "refused", "The chip is a copy, or answered another tap."
    return "accepted", "The certificate is good and the chip is genuine."
