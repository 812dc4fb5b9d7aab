"""The parts of `honnin bench` by name: what each measures, as figures of one form."""

import logging
from collections.abc import Callable

from honnin.bench.figures import Figure
from honnin.bench.http import Load

__all__ = ["PARTS", "TITLES", "measure_part"]

LOGGER = logging.getLogger("honnin.bench")
TITLES = {
    "index": "Revocation index: processor time, peak memory, disk",
    "ocsp": "OCSP answers, processor time",
    "verification": "Verification on one core, processor time",
    "batch": "`verify_many`, one and two processes",
    "http": "Over HTTP at 32 connections",
    "upkeep": "Upkeep: customers against a new list, processor time",
    "evidence": "Evidence, by the clock",
    "documents": "Signed PDFs and sign results, processor time",
    "digital_auth": "Round trips at the sandbox's Digital Authentication Service",
    "taps": "Taps at one terminal over HTTP, chip and J-LIS in the same process",
    "cards": "Cards: APDUs of one use, PIN and leaving included",
    "matching": "Matching names and addresses, processor time",
}
SHARES = {"full verification, CRL": 0.75}  # of the floor's rate, at least
TWO_PROCESSES = 1.8
HTTP_SHARE, TWO_WORKERS, P99 = 0.3, 1.5, 20.0


def measure_part(name: str, *, full: bool = False) -> list[Figure]:
    """Measure one part. full: more rounds, and lists and logs of 10 and 30 million."""
    return PARTS[name](full)


def _index(full: bool) -> list[Figure]:
    from honnin.bench.crl import measure_index

    return measure_index(full=full)


def _ocsp(full: bool) -> list[Figure]:
    from honnin.bench.ocsp import measure_ocsp

    return measure_ocsp(rounds=25 if full else 9)


def _verification(full: bool) -> list[Figure]:
    from honnin.bench.measuring import FLOOR, measure

    rows = measure(rounds=25, each=400) if full else measure()
    floor = next(row for row in rows if row.name == FLOOR)
    figures = []
    for row in rows:
        peer = None if row is floor else floor.microseconds
        ratio = None if row is floor else row.of_floor
        figures.append(
            Figure(
                row.name,
                "µs",
                row.microseconds,
                "" if row is floor else "floor (ratio: rates)",
                peer,
                ratio,
                SHARES.get(row.name),
                row.rounds,
                note=f"{row.per_second:,}/s",
                at_least=True,
            )
        )
    return figures


def _batch(full: bool) -> list[Figure]:
    from honnin.bench.batch import measure_batch

    found = measure_batch(items=20_000) if full else measure_batch()
    free = round(2 / found.cost, 2)
    told = f"processor time an item {found.cost:.2f} times that of one process: two free cores would reach {free:.2f}"
    return [
        Figure(
            "verify_many, two processes, by the clock",
            "items/s",
            found.two,
            "one process",
            found.one,
            found.times,
            TWO_PROCESSES,
            note=told,
            at_least=True,
        ),
        Figure(
            "the same as processor time would have it on two free cores",
            "times one process",
            free,
            aim=TWO_PROCESSES,
            at_least=True,
        ),
    ]


def _http(full: bool) -> list[Figure]:
    from honnin.bench.cluster import POSTGRESQL, running_cluster
    from honnin.bench.http import measure_http

    seconds = 10 if full else 3
    one = measure_http(seconds=seconds)
    if one is None:
        LOGGER.warning("HTTP is not measured: wrk is not installed.")
        return []
    LOGGER.info("two workers")
    two = measure_http(seconds=seconds, workers=2) or []
    figures = _served(one, "SQLite, one worker") + _served(two, "SQLite, two workers", one)
    if (POSTGRESQL / "initdb").exists():
        LOGGER.info("on PostgreSQL")
        with running_cluster() as cluster:
            found = [measure_http(seconds=seconds, workers=workers, cluster=cluster) or [] for workers in (1, 2)]
        figures += _served(found[0], "PostgreSQL, one worker") + _served(found[1], "PostgreSQL, two workers", found[0])
    return figures


def _served(loads: list[Load], where: str, alone: list[Load] | None = None) -> list[Figure]:
    """Return the figures of one server; alone: what one worker did in the same run."""
    least, check = loads
    told = f"wrk took {check.generator:.2f} of a core; median {check.median:.0f} ms"
    rate, name = check.per_second, f"{where}: `{check.name}`, durable"
    figures = [
        Figure(
            f"{name}, processor time",
            "µs",
            check.processor,
            "`honnin.verify` (ratio: rates)",
            round(check.processor * check.of_python, 1),
            check.of_python,
            None if alone else HTTP_SHARE,
            at_least=True,
        ),
        Figure(name, "/s", rate, f"`{least.name}`", least.per_second, round(rate / least.per_second, 3), note=told),
        Figure(f"{name}, 99th percentile", "ms", check.p99, aim=P99),
    ]
    if alone:
        before = alone[1]
        ratio = round(rate / before.per_second, 2)
        figures.append(Figure(name, "/s", rate, "one worker", before.per_second, ratio, TWO_WORKERS, at_least=True))
        # one worker computes on one core; of two, all that is computed shares two: database and generator, too
        free, one = round(2e6 / check.everything), round(1e6 / before.processor)
        told = f"{check.everything:,.0f} µs a check with database and `wrk`"
        name = f"{where}, as processor time would have it on two free cores"
        figures.append(
            Figure(name, "/s", free, "one", one, round(free / one, 2), TWO_WORKERS, note=told, at_least=True)
        )
    return figures


def _upkeep(full: bool) -> list[Figure]:
    from honnin.bench.upkeep import measure_upkeep

    return measure_upkeep(full=full)


def _evidence(full: bool) -> list[Figure]:
    from honnin.bench.evidence import measure_evidence

    return measure_evidence(full=full)


def _documents(full: bool) -> list[Figure]:
    from honnin.bench.documents import measure_documents

    return measure_documents(rounds=15 if full else 5)


def _digital_auth(full: bool) -> list[Figure]:
    from honnin.bench.digital_auth import measure_digital_auth

    return measure_digital_auth(seconds=20.0 if full else 4.0)


def _taps(full: bool) -> list[Figure]:
    from honnin.bench.taps import measure_taps

    return measure_taps(taps=100 if full else 30)


def _cards(full: bool) -> list[Figure]:
    from honnin.bench.cards import apdu_counts, document_reads

    figures = []
    for name, count in (apdu_counts() or {}).items():
        figures += _beside_recordings(name, name, count)
    for name, told in (document_reads(rounds=9 if full else 3) or {}).items():
        figures += _beside_recordings(name, f"{name}: read whole and proved", told.apdus, told.bytes)
        figures.append(Figure(f"{name}: processor time to the verdict", "ms", told.milliseconds))
    return figures


def _beside_recordings(name: str, title: str, apdus: int, octets: int | None = None) -> list[Figure]:
    """Return APDUs of a task beside each recording of it. octets: of our answers."""
    from honnin.bench.cards import recorded_reads

    ours = f"{octets:,} bytes" if octets is not None else ""
    peers = recorded_reads().get(name, ())
    if not peers:
        return [Figure(title, "APDUs", apdus, note=ours)]
    found = []
    for recorded in peers:
        note = f"{ours}, peer {recorded.bytes:,}" if ours else ""
        told = f"{recorded.peer}, recorded"
        found.append(Figure(title, "APDUs", apdus, told, recorded.apdus, apdus / recorded.apdus, note=note))
    return found


def _matching(full: bool) -> list[Figure]:  # noqa: ARG001 - one size
    from honnin.bench.matching import measure_matching

    found = measure_matching()
    return [Figure("names compared", "/s", found.names), Figure("addresses compared", "/s", found.addresses)]


PARTS: dict[str, Callable[[bool], list[Figure]]] = {
    "index": _index,
    "ocsp": _ocsp,
    "verification": _verification,
    "batch": _batch,
    "http": _http,
    "upkeep": _upkeep,
    "evidence": _evidence,
    "documents": _documents,
    "digital_auth": _digital_auth,
    "taps": _taps,
    "cards": _cards,
    "matching": _matching,
}
