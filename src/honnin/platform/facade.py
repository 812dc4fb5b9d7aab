"""`Platform`: what the API, the pages and the commands call. Each call touches one tenant's rows alone."""

import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from honnin.chip.document import Trust
from honnin.errors import NotFoundError, StateError
from honnin.platform import outbox, tenants
from honnin.platform.clock import japanese_day, machine_clock, moment
from honnin.platform.comparing import Comparison, ComparisonRequest, compare_items
from honnin.platform.counter import Counter
from honnin.platform.evidence.log import Head, Log, log_of_shard
from honnin.platform.evidence.receipt import Receipt, make_receipt
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.failing import Failing
from honnin.platform.filing import Documents
from honnin.platform.forgetting import forget_person
from honnin.platform.idempotency import Once
from honnin.platform.keys import Keyring
from honnin.platform.logins import Logins
from honnin.platform.models import (
    Caller,
    Page,
    Shown,
    Tenant,
    TenantCreated,
    Verification,
    VerificationAnswer,
    VerificationPage,
    VerificationRequest,
    VerifierStatus,
)
from honnin.platform.readying import ready_types
from honnin.platform.records import Records
from honnin.platform.services import open_modes, revocation_folder
from honnin.platform.sessions import Sessions
from honnin.platform.settings import Settings
from honnin.platform.simulating import Simulation, simulate
from honnin.platform.staff import CounterTerminals, Members, SignIns
from honnin.platform.staff.passwords import Passwords
from honnin.platform.store import Store
from honnin.platform.store.prepared import Prepared
from honnin.platform.sweeping import Sweeper
from honnin.platform.tap import Taps
from honnin.platform.verifying import Verifier, find_evidence, find_shown, find_verification, list_verifications
from honnin.platform.webhooks import Deliverer, Webhooks

if TYPE_CHECKING:
    from honnin.pki.index import BuildReport
    from honnin.platform.upkeep import UpkeepReport

__all__ = ["Platform"]

LOGGER = logging.getLogger("honnin.platform")
SWEEP_EVERY = 5.0  # seconds between looks for sessions and sealed answers whose time has passed
CHECKPOINT_EVERY = 500  # records; each writes some five pages to SQLite's log
MANY = 10  # records under one head
SHARDS = {True: "live-0", False: "test-0"}
_ANSWERS = Prepared(text("SELECT 1"))


class Platform:
    """One platform, opened: store, keys, logs, services. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        ready_types()
        self.settings = settings
        self._modes = open_modes(settings)
        self.keys = Keyring(settings.data / "keys")
        self.store = Store(settings.data, settings.database_url)
        self.log = Log(self.store, self.keys.log, machine_clock)
        self._sealer = Sealer(self.keys)
        self._verifier = Verifier(self.store, self.keys, self._sealer)
        modes = self._modes.__getitem__
        once = Once(self.store, self._sealer, modes)
        self.sessions = Sessions(self.store, self.keys, self._sealer, modes, once)
        self.records = Records(self.store, self._sealer, modes, once)
        self.counter = Counter(self.store, self._sealer, self.records)
        passwords = Passwords(self.keys)
        self.staff = Members(self.store, passwords)
        self.terminals = CounterTerminals(self.store, self.keys)
        self.sign_ins = SignIns(self.store, self.keys, passwords, self.terminals)
        self.documents = Documents(self.store, self._sealer, modes, once)
        self.logins = Logins(self.store, self._verifier, modes, once)
        self.taps = Taps(self.store, self.keys, self._sealer, self._verifier, modes, once)
        self._local = self._modes[False].local_addresses
        self.webhooks = Webhooks(self.store, self._sealer, once, local=self._local)
        self._sweeper = Sweeper(
            self.store,
            self._sealer,
            self._modes,
            sign_ins=self.sign_ins,
            sessions=self.sessions,
            logins=self.logins,
            taps=self.taps,
            records=self.records,
        )
        self._woken = threading.Event()

    def close(self) -> None:
        """Close the store and the connections to services; a sequencer must have been stopped before."""
        for mode in self._modes.values():
            mode.close()
        self.store.close()

    def ping(self) -> None:
        """Ask the store whether it answers. Raises ServiceError `store.down`."""
        self.store.look(_ANSWERS)

    @contextmanager
    def sitting(self) -> Iterator[None]:
        """Make the checks of this thread one after the other until the block ends, then record them together."""
        with self.store.turns, self._verifier.sittings.sit():
            yield

    def home_of(self, caller: Caller | None) -> "Platform":  # noqa: ARG002 - `Shards` looks at it
        """Return the platform that holds a caller's rows: this one."""
        return self

    def of_tenant(self, tenant_id: str) -> "Platform":  # noqa: ARG002 - `Shards` looks at it
        """Return the platform that holds a tenant's rows: this one."""
        return self

    def clock(self, caller: Caller) -> datetime:
        """Return the time by which the caller's checks are judged: the sandbox's for a test tenant."""
        return self._modes[caller.livemode].clock()

    def document_trust(self, caller: Caller, document: str) -> Trust:
        """Return whom the proofs of a document read at a caller's counter rest on (`Mode.document_trust`)."""
        return self._modes[caller.livemode].document_trust(document)

    # --- tenants

    def authenticate(self, api_key: str) -> Caller:
        """Return who calls with this key. Raises KeyRefusedError `tenant.key`."""
        find = partial(tenants.find_by_key, self.store, self.keys, api_key)
        return Caller(tenant=self._verifier.sittings.once(api_key, find))

    def caller_of(self, tenant_id: str) -> Caller:
        """Return a tenant as the operator acts for it. Raises InputError `tenant.unknown`."""
        with self.store.read() as db:
            return Caller(tenant=tenants.get_tenant(db, tenant_id))

    def create_tenant(
        self,
        name: str,
        *,
        livemode: bool = False,
        verifier_status: VerifierStatus | None = None,
        verifier_from: date | None = None,
        return_urls: tuple[str, ...] = (),
        tenant_id: str | None = None,
    ) -> TenantCreated:
        """Make a tenant with its first key; its id is new unless it is given (`shards`).

        Raises InputError `tenant.name`, `tenant.return_url`.
        """
        now = moment(machine_clock())

        def work(db: Any) -> TenantCreated:
            log_id = log_of_shard(db, SHARDS[livemode], self.keys.log.public.key_id, now)
            made = tenants.add_tenant(
                db,
                self.keys,
                name,
                livemode=livemode,
                log_id=log_id,
                now=now,
                verifier_status=verifier_status,
                verifier_from=verifier_from,
                tenant_id=tenant_id,
            )
            if return_urls:
                tenants.change_tenant(db, made.tenant, local=self._local, return_urls=return_urls)
            return made

        return self.store.write(work)

    def new_key(self, tenant_id: str) -> str:
        """Give a tenant one more API key and return it, once. Raises InputError `tenant.unknown`."""
        now = moment(machine_clock())

        def work(db: Any) -> str:
            livemode = tenants.get_tenant(db, tenant_id).livemode
            return tenants.new_key(db, self.keys, tenant_id, livemode=livemode, now=now)

        return self.store.write(work)

    def change_tenant(self, tenant_id: str, **changes: Any) -> Tenant:
        """Change a tenant's settings (`tenants.change_tenant`)."""
        return self.store.write(lambda db: tenants.change_tenant(db, tenant_id, local=self._local, **changes))

    def tenants(self) -> list[Tenant]:
        """Return all tenants, oldest first."""
        with self.store.read() as db:
            return tenants.list_tenants(db)

    # --- checks

    def verify(
        self, caller: Caller, request: VerificationRequest, idempotency_key: str | None = None
    ) -> VerificationAnswer:
        """Make one check (`Verifier.verify`); the answer is durable when it returns."""
        mode = self._modes[caller.livemode]
        answer = self._verifier.verify(mode, caller.tenant, request, idempotency_key=idempotency_key)
        self._woken.set()
        return answer

    def verify_soon(
        self,
        caller: Caller,
        request: VerificationRequest,
        idempotency_key: str | None = None,
        *,
        waits: bool = True,
    ) -> "Future[VerificationAnswer]":
        """Make one check as `verify` and return where its answer will be once it is durable; errors of it come there,
        those of the request are raised.

        waits: whether outside services may be waited for; else NotAtHandError where they would be.
        """
        mode = self._modes[caller.livemode]
        told = self._verifier.verify_soon(mode, caller.tenant, request, idempotency_key=idempotency_key, waits=waits)
        told.add_done_callback(lambda _: self._woken.set())
        return told

    def verification(self, caller: Caller, verification_id: str) -> Verification:
        """Return a check, never with four items; a pending person is asked for again.

        Raises NotFoundError `verification.unknown`.
        """
        found = self._verification(caller, verification_id)
        if found.person_status == "pending":
            self._verifier.settle(self._modes[caller.livemode], caller.tenant, verification_id)
            found = self._verification(caller, verification_id)
        return found

    def verifications(self, caller: Caller, *, after: str | None = None, limit: int = 20) -> VerificationPage:
        """Return a page of checks, newest first. Raises NotFoundError `verification.unknown` for a bad cursor."""
        with self.store.read() as db:
            return list_verifications(db, caller.id, after=after, limit=limit)

    def _verification(self, caller: Caller, verification_id: str) -> Verification:
        with self.store.read() as db:
            return find_verification(db, caller.id, verification_id)

    def compare(self, caller: Caller, session_id: str, ledger: ComparisonRequest) -> Comparison:
        """Compare a session's four items with a ledger's (`comparing`), with an event that names the outcome alone.

        Raises what `Sessions.four_items` and `compare_items` raise.
        """
        held = self.sessions.four_items(caller, session_id)
        made = compare_items(held.four_items, ledger, session=session_id, livemode=caller.livemode)
        body = {"session": session_id, "outcome": made.outcome}
        now = moment(self.clock(caller))
        self.store.write(lambda db: outbox.append(db, caller.id, "session.compared", body, now))
        return made

    def simulate(
        self,
        caller: Caller,
        *,
        on: date,
        since: date | None = None,
        until: date | None = None,
        early: bool | None = None,
    ) -> Simulation:
        """Say which of a tenant's checks (by default of 31 days) would not be lawful on another day (`simulate`)."""
        last = until or japanese_day(self.clock(caller))
        first = since or last - timedelta(days=30)
        return simulate(self.store, caller.tenant, on=on, since=first, until=last, early=early)

    def events(self, caller: Caller, after: str | None = None, limit: int = 100) -> Page:
        """Return a page of the outbox, oldest first. Raises InputError `events.cursor`, `events.limit`."""
        with self.store.read() as db:
            return outbox.page(db, caller.id, livemode=caller.livemode, after=after, limit=limit)

    # --- upkeep

    def take_lists(self, crls: Iterable[str | os.PathLike[str] | bytes], *, livemode: bool) -> "BuildReport":
        """Take CRLs (files or DER) of a mode's trusted CAs into its revocation index, as `RevocationIndex.build`."""
        from honnin.pki.index import RevocationIndex

        mode = self._modes[livemode]
        folder = revocation_folder(self.settings, livemode=livemode)
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return RevocationIndex.build(folder, crls, mode.issuers().values(), at=mode.clock())

    def upkeep(self, *, livemode: bool) -> "UpkeepReport":
        """Tell the tenants of a mode which of their customers' certificates ended (`honnin.platform.upkeep`)."""
        from honnin.platform.revocation import open_index
        from honnin.platform.upkeep import Upkeep

        mode = self._modes[livemode]
        index = open_index(revocation_folder(self.settings, livemode=livemode))
        return Upkeep(self.store, self.keys, index, mode.kinds()).run(livemode=livemode, at=mode.clock())

    def end_old_taps(self, *, livemode: bool) -> int:
        """Remove the taps of one mode that their tenants keep no longer; return how many."""
        return self._sweeper.end_old_taps(livemode=livemode)

    def forget_person(self, tenant_id: str, object_id: str) -> int:
        """End the sealed data of a person, or of a check without one, at one tenant by destroying the keys.

        The log keeps proving. Return how many. Raises NotFoundError `evidence.unknown_person`.
        """
        now = moment(machine_clock())
        return self.store.write(lambda db: forget_person(db, self._sealer, tenant_id, object_id, now))

    # --- evidence

    def receipt(self, caller: Caller, object_id: str) -> Receipt:
        """Return the receipt of a check or evidence id of this tenant.

        Raises NotFoundError `evidence.unknown`, StateError `evidence.pending` until the next signed head,
        `evidence.log_damaged`.
        """
        return self._receipt(caller.id, object_id)

    def shown(self, caller: Caller, verification_id: str) -> Shown:
        """Return what the phone showed before the signature of a check. Raises what `find_shown` raises."""
        with self.store.read() as db:
            return find_shown(db, self._sealer, caller.id, verification_id)

    def export_receipt(self, object_id: str) -> Receipt:
        """Return the receipt of any tenant's check, for the operator, sequencing its log first where need be.

        Raises NotFoundError `evidence.unknown`, StateError `evidence.log_damaged`.
        """
        with self.store.read() as db:
            tenant_id, _ = find_evidence(db, None, object_id)
        try:
            return self._receipt(tenant_id, object_id)
        except StateError:
            self.sequence(tenant_id)
            return self._receipt(tenant_id, object_id)

    def _receipt(self, tenant_id: str, object_id: str) -> Receipt:
        with self.store.read() as db:
            _, evidence_id = find_evidence(db, tenant_id, object_id)
            proven = self.log.proven(db, tenant_id, evidence_id)
        if proven is None:
            self._woken.set()
            raise StateError(
                "evidence.pending",
                "The record has no signed head over it yet.",
                next="Ask again in a second.",
                retryable=True,
            )
        return make_receipt(proven)

    def log_head(self, caller: Caller) -> Head:
        """Return the newest signed head of the log that holds this tenant's records.

        Raises NotFoundError `evidence.no_head` before the first.
        """
        with self.store.read() as db:
            log_id = tenants.log_of(db, caller.id)
        head = self.log.latest_head(log_id)
        if head is None:
            raise NotFoundError("evidence.no_head", "The log has no signed head yet.", next="Make a check first.")
        return head

    def log_key(self, caller: Caller) -> bytes:  # noqa: ARG002 - every tenant's log is signed with one key
        """Return the log's public key, PEM; what verifies receipts must not come from a receipt."""
        return self.keys.log.public.pem

    def sequence(self, tenant_id: str | None = None) -> int:
        """Number what waits in every log, or in those alone where records of one tenant wait, and sign heads over it.

        Return how many records that were. A log that fails keeps no other from its head: what the first of them raised
        is raised after all.
        """
        numbered, failed = 0, list[Exception]()
        for log_id in self.log.waiting(tenant_id):
            try:
                numbered += self.log.sequence(log_id)
            except Exception as error:  # noqa: BLE001 - raised below
                failed.append(error)
        if failed:
            raise failed[0]
        return numbered

    def run_sequencer(self, stop: threading.Event) -> None:
        """Sequence while there is work, and end what has passed its time, until `stop` is set; then once more.

        Runs in a thread of its own; any number of processes may do so at once. Whatever fails, each log by itself, is
        said in the log, keeps nothing else from its turn, and is tried again.
        """
        failing = Failing(LOGGER, "sequencer", pause=1.0)
        swept, numbered, interval = -SWEEP_EVERY, 0, self.settings.head_interval
        written = 0
        while not stop.is_set():
            if self._woken.wait(interval):
                self._woken.clear()
                # gather a group: a head costs as much as some hundred records, so under load it covers more of them
                stop.wait(interval if numbered >= MANY else interval / 4)
            with failing.guard("late writes"):
                self.store.give_up_late()
            numbered = self._sequence_each(failing)
            written += numbered
            if written >= CHECKPOINT_EVERY:
                written = 0
                with failing.guard("checkpoint"):
                    self.store.checkpoint()
            if time.monotonic() - swept >= SWEEP_EVERY:
                swept = time.monotonic()
                with failing.guard("sweep"):
                    self.sweep()
        with suppress(Exception):  # what it could not number now, the next sequencer will
            self.sequence()

    def _sequence_each(self, failing: Failing) -> int:
        """Sequence each log that did not fail a moment ago; return how many records were numbered."""
        numbered = 0
        with failing.guard("logs"):
            paused = failing.paused()
            for log_id in self.log.waiting():
                if log_id not in paused:
                    with failing.guard(log_id):
                        numbered += self.log.sequence(log_id)
        return numbered

    def run_webhooks(self, stop: threading.Event) -> None:
        """Send events to the tenants' webhook endpoints until `stop` is set (`honnin.platform.webhooks`).

        Runs in a thread of its own; any number of processes may do so at once.
        """
        Deliverer(self.store, self._sealer, local=self._local).run(stop)

    def sweep(self) -> int:
        """End sessions, sealed answers and four items whose time has passed on their tenant's clock; say how many."""
        return self._sweeper.sweep()
