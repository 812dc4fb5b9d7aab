"""Signed documents of a tenant: judged, or prepared and assembled here, kept for a day, given out by the rule.

    judge      a signed file comes whole; its report is recorded as evidence.
    prepare    a file gets a place for one signature; the digest is signed elsewhere, as by the Digital Authentication
               Service's signing API.
    complete   the signature comes; the signed file is made, judged and recorded.
    give       the file itself on a ground of `documents.ground_for`, to everyone else a rendition without certificates.

Files lie sealed under a key of their own that ends after KEPT; record, report and receipt stay. Who may trust what is
the platform's: its anchors, its revocation sources, its time-stamping authority.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from honnin.errors import InputError, NotFoundError, StateError
from honnin.pki import Facts, Report, judge
from honnin.pki.signing import Prepared, Stamp, prepare
from honnin.platform import outbox
from honnin.platform.clock import japanese_day, moment
from honnin.platform.document_forms import (
    Document,
    DocumentQuery,
    DocumentRequest,
    DocumentSignature,
    Level,
    ToBeSigned,
)
from honnin.platform.documents import Released, release
from honnin.platform.evidence.commitments import KEY_SIZE, commit_all
from honnin.platform.evidence.custody import Opening, small_revocation
from honnin.platform.evidence.kept_once import KeptOnce, kept_name
from honnin.platform.evidence.packing import pack, read_opening, shared_certificates
from honnin.platform.evidence.record import Circumstances, add_record, build_record
from honnin.platform.evidence.sealing import Sealer
from honnin.platform.file_checks import POLICY, JudgedFile, assembled, judged, shown
from honnin.platform.hidden import hides
from honnin.platform.idempotency import Once
from honnin.platform.ids import new_id
from honnin.platform.models import MOST_DOCUMENT, Caller, Shown, VerdictAnswer
from honnin.platform.services import Mode
from honnin.platform.store import Store, schema
from honnin.platform.tenants import log_of, standing
from honnin.platform.verifying import opened_shown

__all__ = ["Documents"]

KEPT = timedelta(hours=24)
DEFAULT_RETENTION, FILE_RETENTION = "default", "document"


class _Prepared(msgspec.Struct, frozen=True):
    """What is sealed between the two steps."""

    prepared: bytes
    level: Level

    def __repr__(self) -> str:
        return "_Prepared(…)"


class Documents:
    """The documents of one platform. modes: the two modes by livemode."""

    def __init__(self, store: Store, sealer: Sealer, modes: Callable[[bool], Mode], once: Once) -> None:
        self._store = store
        self._sealer = sealer
        self._modes = modes
        self._once = once
        self._kept_once = KeptOnce(is_sqlite=store.is_sqlite)

    def judge(
        self, caller: Caller, file: bytes, query: DocumentQuery, *, idempotency_key: str | None = None
    ) -> Document:
        """Judge a signed file and record it; durable when it returns.

        Raises InputError `signature.content_missing`, `signature.digest_malformed`, `signature.certificate_missing`
        (a bare signature value is for `POST /v1/verifications`), FormatError `signature.format_unknown`,
        StateError `verification.idempotency_conflict`.
        """
        mode = self._mode(caller)
        at = mode.clock()
        same = (query, hashlib.sha256(file).digest())
        binding = self._once.binding(caller, "documents.judge", idempotency_key, same)
        if (before := self._once.before(caller, binding, Document)) is not None:
            return before
        report, learned = judged(mode, file, query.digest, at=at, existed_at=None)
        made = _document(caller, "judged", query.purpose, report)
        done = JudgedFile(file, report, learned, None, None)

        def work(db: Connection) -> Document:
            self._record(db, caller, made, done)
            return made

        return self._once.write(caller, binding, Document, work, named=made.id)

    def prepare(self, caller: Caller, request: DocumentRequest, *, idempotency_key: str | None = None) -> Document:
        """Give a file a place for one more signature, and say what is to be signed.

        Raises InputError `document.too_large`, `document.time_stamping` (a level that needs an authority where none is
        configured), `document.pdf_only`, `document.hidden_characters`, StateError `verification.idempotency_conflict`,
        and what `honnin.pki.signing.prepare` raises.
        """
        if len(request.file) > MOST_DOCUMENT:
            raise InputError("document.too_large", f"`file` is larger than {MOST_DOCUMENT} bytes.")
        mode = self._mode(caller)
        if request.level != "B" and mode.services.stamp is None:
            raise InputError(
                "document.time_stamping",
                "No time-stamping authority is configured here.",
                next="Choose level B, or configure one (docs/live.md).",
            )
        at = mode.clock()
        same = (msgspec.structs.replace(request, file=b""), hashlib.sha256(request.file).digest())
        binding = self._once.binding(caller, "documents.prepare", idempotency_key, same)
        if (before := self._once.before(caller, binding, Document)) is not None:
            return before
        kind = request.kind or _kind(request.file)
        lines = [*request.stamp, request.reason or "", request.location or ""]
        if kind != "pdf" and any(lines):
            raise InputError("document.pdf_only", "`stamp`, `reason` and `location` are of a PDF.", next="Leave them.")
        words = request.words or ""
        if any(hides(one) or len(one.splitlines()) > 1 for one in lines) or hides(words) or "\r" in words:
            raise InputError(
                "document.hidden_characters",
                "`stamp`, `reason`, `location` or `words` holds characters that are not shown, or that reorder others.",
                next="Remove them; a line of `words` ends with a line feed.",
            )
        stamp = Stamp(lines=request.stamp) if request.stamp else None
        prepared = prepare(
            request.file,
            kind,
            at=at,
            shape=request.shape,
            stamp=stamp,
            reason=request.reason,
            location=request.location,
            words=request.words,
        )
        wanted = ToBeSigned(
            hash=prepared.hash,
            content=prepared.to_be_signed,
            digest=prepared.digest.hex(),
            digest_info=prepared.digest_info,
        )
        made = Document(
            id=new_id("doc"),
            livemode=caller.livemode,
            created_at=at,
            status="prepared",
            purpose=request.purpose,
            kind=kind,
            available_until=at + KEPT,
            to_be_signed=wanted,
        )
        kept = msgspec.msgpack.encode(_Prepared(prepared.encode(), request.level))

        def work(db: Connection) -> Document:
            self._add(db, caller, made)
            self._keep(db, caller, made, "prepared", kept)
            return made

        return self._once.write(caller, binding, Document, work, named=made.id)

    def complete(
        self, caller: Caller, document_id: str, signed: DocumentSignature, *, idempotency_key: str | None = None
    ) -> Document:
        """Put a signature into a prepared document, judge the outcome and record it, once.

        Raises NotFoundError `document.unknown`, StateError `document.completed`, `verification.idempotency_conflict`,
        GoneError `evidence.gone` (its time has passed), and what `assembled` raises.
        """
        mode = self._mode(caller)
        at = mode.clock()
        binding = self._once.binding(caller, "documents.complete", idempotency_key, (document_id, signed))
        if (told := self._once.before(caller, binding, Document)) is not None:
            return told
        with self._store.read() as db:
            before = _find(db, caller.id, document_id)
            if before.status != "prepared":
                raise _completed()
            sealed = self._sealer.open(db, caller.id, document_id, "prepared")
        held = msgspec.msgpack.decode(sealed, type=_Prepared)
        prepared = Prepared.decode(held.prepared)
        done = assembled(mode, prepared, signed, held.level, at=at)
        made = _document(caller, "signed", before.purpose, done.report)
        made = msgspec.structs.replace(made, id=document_id, created_at=before.created_at)

        def work(db: Connection) -> Document:
            table = schema.documents
            taken = db.execute(
                update(table)
                .where(
                    table.c.tenant_id == caller.id,
                    table.c.document_id == document_id,
                    table.c.status == "prepared",
                )
                .values(status="signed", evidence_id=made.evidence, body=msgspec.json.encode(made).decode())
            )
            if taken.rowcount != 1:  # two signatures at once: all of the later one is undone
                raise _completed()
            self._sealer.end(db, caller.id, document_id, moment(at), retention=FILE_RETENTION)
            self._record(db, caller, made, done)
            return msgspec.structs.replace(made, shown=done.shown)

        return self._once.write(caller, binding, Document, work, named=made.evidence)

    def read(self, caller: Caller, document_id: str) -> Document:
        """Return a document without its file. Raises NotFoundError `document.unknown`."""
        with self._store.read() as db:
            return _find(db, caller.id, document_id)

    def shown(self, caller: Caller, document_id: str) -> Shown:
        """Return what the phone showed before a document was signed here.

        Raises NotFoundError `document.unknown`, `evidence.not_shown`, StateError `document.not_signed`, GoneError
        `evidence.gone`.
        """
        with self._store.read() as db:
            if _find(db, caller.id, document_id).evidence is None:
                raise _not_signed()
            return opened_shown(read_opening(db, self._sealer, caller.id, document_id, "document_opening"))

    def give(self, caller: Caller, document_id: str) -> Released:
        """Return what the tenant may have of a document's file, and leave an event that says on which ground.

        Raises NotFoundError `document.unknown`, StateError `document.not_signed`, GoneError `evidence.gone`.
        """
        at = self._mode(caller).clock()
        with self._store.read() as db:
            found = _find(db, caller.id, document_id)
            if found.evidence is None:
                raise _not_signed()
            opening = read_opening(db, self._sealer, caller.id, document_id, "document_opening")
            file = self._sealer.open(db, caller.id, document_id, "file")
        report = judge(Facts.decode(opening.facts), POLICY)
        given = release(file, report, caller.tenant, at=at, receipt=document_id)
        body = {"document": document_id, "given": given.given, "ground": given.ground}
        self._store.write(lambda db: outbox.append(db, caller.id, "document.given", body, moment(at)))
        return given

    def _mode(self, caller: Caller) -> Mode:
        return self._modes(caller.livemode)

    def _record(self, db: Connection, caller: Caller, made: Document, done: JudgedFile) -> None:
        """Write the evidence of a judged file, the file itself for a day, and last the event."""
        file, report, learned = done.file, done.report, done.learned
        if made.status == "judged":
            self._add(db, caller, made)
        self._keep(db, caller, made, "file", file)
        now, key = moment(report.at), secrets.token_bytes(KEY_SIZE)
        verdict = VerdictAnswer(
            indication=report.indication,
            sub_indication=report.sub_indication,
            reason=report.reason,
            at=report.at,
            checks=tuple(msgspec.to_builtins(check) for check in report.checks),
        )
        commitments = commit_all(
            key,
            {"file": file, "purpose": made.purpose.encode("utf-8"), "verdict": msgspec.json.encode(made.report)},
        )
        log_id = log_of(db, caller.id)
        about = Circumstances(
            log_id=log_id,
            evidence_id=made.evidence or "",
            verification_id=made.id,
            tenant=caller.tenant,
            at=now,
            channel="remote",
            device=None,
            covers=report.facts.kind,
            document_kind=None,
            certificate_kind=report.signers[0].purpose if len(report.signers) == 1 else None,
            verifier_status=standing(caller.tenant).status_on(japanese_day(report.at)),
            client="api",
            signing=done.signing,
        )
        add_record(db, about, build_record(about, verdict, None, None, commitments))
        lists, certificates = small_revocation(learned.crls), shared_certificates(report.facts, learned.ocsp)
        for statement, row in self._kept_once.rows(caller.id, (*lists, *certificates), now):
            statement.run(db, **row)
        opening = Opening(
            key=key,
            facts=report.facts.encode(),
            revocation=small_revocation(learned.ocsp),
            lists=tuple(kept_name(crl) for crl in lists),
            purpose=made.purpose,
            shown=None if done.shown is None else done.shown.jws,
        )
        self._sealer.seal(
            db, caller.id, made.id, "document_opening", pack(opening, certificates),
            subject=made.id, retention=DEFAULT_RETENTION, now=now,
        )  # fmt: skip
        body = {"document": made.id, "status": made.status, "indication": report.indication}
        outbox.append(db, caller.id, "document.completed", body, now)

    def _add(self, db: Connection, caller: Caller, made: Document) -> None:
        db.execute(
            insert(schema.documents).values(
                tenant_id=caller.id,
                document_id=made.id,
                created_at=moment(made.created_at),
                status=made.status,
                evidence_id=made.evidence,
                body=msgspec.json.encode(made).decode(),
            )
        )

    def _keep(self, db: Connection, caller: Caller, made: Document, kind: str, content: bytes) -> None:
        self._sealer.seal(
            db, caller.id, made.id, kind, content,
            subject=made.id, retention=FILE_RETENTION, now=moment(made.created_at),
            expires_at=moment(made.available_until),
        )  # fmt: skip


def _document(caller: Caller, status: Any, purpose: str, report: Report) -> Document:
    return Document(
        id=new_id("doc"),
        livemode=caller.livemode,
        created_at=report.at,
        status=status,
        purpose=purpose,
        kind=report.facts.kind,
        available_until=report.at + KEPT,
        report=shown(report),
        evidence=new_id("evd"),
        messages=report.words(),
    )


def _kind(file: bytes) -> Any:
    if file.startswith(b"%PDF-"):
        return "pdf"
    return "xml" if file.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else "cms"


def _find(db: Connection, tenant_id: str, document_id: str) -> Document:
    table = schema.documents
    body = db.execute(
        select(table.c.body).where(table.c.tenant_id == tenant_id, table.c.document_id == document_id)
    ).scalar()
    if body is None:
        raise NotFoundError("document.unknown", "There is no such document.", next="Check its id.")
    return msgspec.json.decode(body, type=Document)


def _not_signed() -> StateError:
    return StateError("document.not_signed", "The document is not signed yet.", next="Complete it with a signature.")


def _completed() -> StateError:
    return StateError(
        "document.completed", "The document has its signature already.", next="Prepare it again for another one."
    )
