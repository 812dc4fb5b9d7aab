"""Documents under idempotency keys, on both stores: of many requests at once one is carried out."""

import threading
from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy import func, select
from tests.documents.files import pdf
from tests.waiting import LONG, joined

from honnin.errors import HonninError, StateError
from honnin.platform import Platform
from honnin.platform.document_forms import Document, DocumentQuery, DocumentRequest, DocumentSignature
from honnin.platform.models import Caller
from honnin.platform.store import schema

ASKED = DocumentRequest(purpose="lease", file=pdf())


def together(work: Callable[[], Document], times: int = 6) -> list[Document | HonninError]:
    """Run the same work in threads at once; return what each got."""
    got: list[Document | HonninError] = []
    gate = threading.Barrier(times, timeout=LONG)

    def run() -> None:
        gate.wait()
        try:
            got.append(work())
        except HonninError as error:
            got.append(error)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    joined(*threads)
    return got


def counted(platform: Platform) -> tuple[int, int]:
    """Documents and evidence records in the store."""
    with platform.store.read() as db:
        documents, evidence = (
            db.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (schema.documents, schema.evidence)
        )
        return documents, evidence


def test_each_step_at_once_under_one_key_is_one_document(
    platform: Platform, caller: Caller, card: Callable[..., object]
) -> None:
    documents = platform.documents
    got = together(lambda: documents.prepare(caller, ASKED, idempotency_key="k"))
    (made,) = {msgspec.json.encode(one) for one in got if isinstance(one, Document)}
    assert len(got) == 6
    assert not any(isinstance(one, HonninError) for one in got)
    assert counted(platform) == (1, 0)
    prepared = msgspec.json.decode(made, type=Document)
    assert prepared.to_be_signed is not None
    hanako = card("hanako")
    value = hanako.sign(prepared.to_be_signed.content)  # type: ignore[attr-defined]
    signed = DocumentSignature(signature=value, certificate=hanako.certificate)  # type: ignore[attr-defined]
    got = together(lambda: documents.complete(caller, prepared.id, signed, idempotency_key="k"))
    (answer,) = {msgspec.json.encode(one) for one in got if isinstance(one, Document)}
    assert len(got) == 6
    assert not any(isinstance(one, HonninError) for one in got)
    assert counted(platform) == (1, 1)
    file = documents.give(caller, prepared.id).content
    got = together(lambda: documents.judge(caller, file, DocumentQuery(purpose="lease"), idempotency_key="k"))
    assert len({one.id for one in got if isinstance(one, Document)}) == 1
    assert counted(platform) == (2, 2)
    assert msgspec.json.decode(answer, type=Document).status == "signed"


def test_without_a_key_completing_at_once_is_taken_once(
    platform: Platform, caller: Caller, card: Callable[..., object]
) -> None:
    prepared = platform.documents.prepare(caller, ASKED)
    assert prepared.to_be_signed is not None
    hanako = card("hanako")
    value = hanako.sign(prepared.to_be_signed.content)  # type: ignore[attr-defined]
    signed = DocumentSignature(signature=value, certificate=hanako.certificate)  # type: ignore[attr-defined]
    got = together(lambda: platform.documents.complete(caller, prepared.id, signed))
    refused = [one.code for one in got if isinstance(one, HonninError)]
    assert (len(refused), set(refused)) == (5, {"document.completed"})
    assert counted(platform) == (1, 1)


def test_a_key_stands_for_its_request_for_a_day(platform: Platform, caller: Caller, later: Callable[..., None]) -> None:
    first = platform.documents.prepare(caller, ASKED, idempotency_key="k")
    with pytest.raises(StateError) as conflict:
        platform.documents.prepare(caller, msgspec.structs.replace(ASKED, file=pdf("other")), idempotency_key="k")
    assert conflict.value.code == "verification.idempotency_conflict"
    later(hours=25)
    platform.sweep()
    assert platform.documents.prepare(caller, ASKED, idempotency_key="k").id != first.id
