"""Many verifications over processes: in order, with errors in their places, whatever happens to a process."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from tests.pki.signing import NOW, PERSON, Authority, rsa_key
from tests.waiting import LONG, joined

from honnin.errors import FormatError, InputError, ServiceError
from honnin.pki import Outcome, Submission, verify, verify_many
from honnin.pki.batch import AHEAD, CHUNK

pytestmark = pytest.mark.xdist_group("batch")

CA = Authority.make()
KEY = rsa_key()
CONTENT = "口座の開設を申し込みます。".encode()
SIGNATURE = KEY.sign(CONTENT, padding.PKCS1v15(), hashes.SHA256())
CERTIFICATES = [CA.issue(KEY.public_key(), serial=100 + n, person=PERSON) for n in range(5)]


def submission(number: int, **other: object) -> Submission:
    fields = {"signed": SIGNATURE, "content": CONTENT, "certificate": CERTIFICATES[number % 5], "existed_at": NOW}
    return Submission(**{**fields, **other})  # type: ignore[arg-type]


def many(items: Iterator[Submission] | list[Submission], processes: int = 2) -> Iterator[Outcome]:
    return verify_many(items, anchors=[CA.der], crls=[CA.crl()], policy="jpki_signature", at=NOW, processes=processes)


def serial(outcome: Outcome) -> int:
    certificate = outcome.report.facts.signers[0].certificate
    assert certificate
    return int(certificate.serial, 16)


@pytest.mark.parametrize("processes", [1, 2])
def test_reports_are_those_of_verify_in_order(processes: int) -> None:
    outcomes = list(many([submission(n) for n in range(CHUNK + 7)], processes))
    assert [serial(outcome) for outcome in outcomes] == [100 + n % 5 for n in range(CHUNK + 7)]
    for outcome, certificate in zip(outcomes, CERTIFICATES, strict=False):
        assert outcome.report == verify(
            SIGNATURE,
            content=CONTENT,
            certificate=certificate,
            anchors=[CA.der],
            crls=[CA.crl()],
            policy="jpki_signature",
            at=NOW,
            existed_at=NOW,
        )


@pytest.mark.parametrize("processes", [1, 2])
def test_errors_stand_in_the_place_of_reports(processes: int) -> None:
    items = [
        submission(0),
        submission(1, content=None),
        submission(2, signed=b"MIME-Version: 1.0 of somebody"),
        submission(3, content=b"other"),
        submission(4, digest=bytes(32)),
    ]
    good, missing, unknown, wrong, both = many(items, processes)
    assert (good.indication, good.error) == ("TOTAL-PASSED", None)
    assert good.report.four_items is not None
    assert (wrong.indication, wrong.error) == ("TOTAL-FAILED", None)
    assert wrong.report.four_items is None
    for outcome, kind, code in (
        (missing, InputError, "signature.content_missing"),
        (unknown, FormatError, "signature.format_unknown"),
        (both, InputError, "signature.content_and_digest"),
    ):
        assert outcome.indication is None
        assert repr(outcome) == f"Outcome({code})"
        with pytest.raises(kind, match=code):
            assert outcome.report


def test_a_call_that_cannot_be_right_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="processes_impossible"):
        many([], 0)
    with pytest.raises(InputError, match="policy_unknown"):
        verify_many([], anchors=[], policy="of nobody")
    assert list(many([])) == []
    assert "見本" not in repr(submission(0))


def test_items_are_read_only_as_fast_as_they_are_worked_on() -> None:
    read = 0

    def endless() -> Iterator[Submission]:
        nonlocal read
        while True:
            yield submission(read)
            read += 1

    outcomes = many(endless())
    taken = list(islice(outcomes, 3 * CHUNK))
    assert len(taken) == 3 * CHUNK
    assert read <= len(taken) + (AHEAD * 2 + 1) * CHUNK
    outcomes.close()  # type: ignore[attr-defined]


def test_a_process_that_dies_loses_nothing() -> None:
    total = 12 * CHUNK
    outcomes = many(submission(n) for n in range(total))
    seen = [serial(outcome) for outcome in islice(outcomes, CHUNK)]
    os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
    seen += [serial(outcome) for outcome in outcomes]
    assert seen == [100 + n % 5 for n in range(total)]


def test_an_item_whose_process_always_dies_is_answered_with_an_error() -> None:
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.005):
            for child in multiprocessing.active_children():
                child.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        (outcome,) = many([submission(0)])
    finally:
        over.set()
        joined(killer)
    assert isinstance(outcome.error, ServiceError)
    assert (outcome.error.code, outcome.error.retryable) == ("signature.process_died", True)


def test_what_differs_within_a_chunk_stays_with_its_item() -> None:
    """Facts that are alike travel once; moments, lists and errors between them must not move to a neighbour."""
    revoked = CA.crl((102, NOW - timedelta(days=9), x509.ReasonFlags.key_compromise))
    items = [
        submission(0),
        submission(1, existed_at=NOW - timedelta(hours=1)),
        submission(2, crls=(revoked,)),
        submission(3, content=b"other"),
        submission(4, content=None),
        submission(0, existed_at=None),
        submission(1, certificate=b"\x30\x03\x02\x01\x01"),
        submission(2, at=NOW + timedelta(hours=1)),
        submission(3),
    ]
    here, there = list(many(items, 1)), list(many(items, 2))
    for one, other in zip(here, there, strict=True):
        assert one.indication == other.indication
        if one.error is None:
            assert one.report == other.report
        else:
            assert other.error is not None
            assert (one.error.code, one.error.next) == (other.error.code, other.error.next)


def test_no_process_is_left_when_the_items_or_the_interest_end() -> None:
    before = set(multiprocessing.active_children())
    list(many([submission(0)]))
    assert set(multiprocessing.active_children()) == before
    outcomes = many(submission(n) for n in range(9 * CHUNK))
    next(outcomes)
    started = [child.pid or 0 for child in set(multiprocessing.active_children()) - before]
    outcomes.close()  # type: ignore[attr-defined]
    assert len(started) == 2
    for pid in started:  # neither running nor waiting to be collected
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


ENDLESS = """
import itertools, os, signal, sys
from honnin.pki import Submission, verify_many
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start deaf to it
    item = Submission(signed=bytes(256), content=b"1", certificate=open(sys.argv[1], "rb").read())
    for number, _ in enumerate(verify_many(itertools.repeat(item), anchors=[], processes=2)):
        if number == 200:
            os.killpg(0, signal.{signal})
"""


@pytest.mark.parametrize("by", ["SIGINT", "SIGKILL"])
def test_an_interrupted_caller_leaves_no_process_and_no_words_of_theirs(tmp_path: Path, by: str) -> None:
    script, certificate = tmp_path / "endless.py", tmp_path / "certificate.der"
    # Killed alone, the caller cannot end its processes: they end with its socket.
    script.write_text(ENDLESS.format(signal=by).replace("os.killpg(0, signal.SIGKILL)", "os.kill(os.getpid(), 9)"))
    certificate.write_bytes(CERTIFICATES[0])
    done = subprocess.run(  # standard error reaches its end only when nobody holds it any longer
        [sys.executable, str(script), str(certificate)],
        capture_output=True,
        text=True,
        timeout=LONG,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == -getattr(signal, by)
    assert done.stderr.count("Traceback") == (1 if by == "SIGINT" else 0)
