"""`honnin bench`: how fast honnin is beside its peers in the same run, as tables or as JSON."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from msgspec import to_builtins

from honnin.cli.output import json_option, print_json

if TYPE_CHECKING:
    from honnin.bench.crl import Figure

__all__ = ["bench"]

PARTS = ("verification", "index", "ocsp", "upkeep", "evidence", "documents", "digital_auth", "matching")
TITLES = {
    "index": "revocation index, processor time",
    "ocsp": "OCSP answers, processor time",
    "upkeep": "upkeep: customers against a new list",
    "evidence": "evidence, by the clock",
    "documents": "signed PDFs and sign results, processor time",
    "digital_auth": "round trips at the sandbox's Digital Authentication Service",
}


@click.command()
@click.option("--full", is_flag=True, help="More rounds, and lists and logs of 10 and 30 million.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part; may be repeated.")
@json_option
def bench(full: bool, parts: tuple[str, ...], as_json: bool) -> None:
    """Measure honnin beside pyca, openssl and the bare drivers in one run, and count its APDUs."""
    answer: dict[str, Any] = {}
    for part in parts or PARTS:
        if part == "verification":
            answer |= _verification(full=full, shown=not as_json)
        elif part == "matching":
            answer["matching"] = _matching(shown=not as_json)
        else:
            answer[part] = _figures(part, full=full, shown=not as_json)
    if as_json:
        print_json(answer)


def _verification(*, full: bool, shown: bool) -> dict[str, Any]:
    from honnin.bench.batch import measure_batch
    from honnin.bench.cards import apdu_counts, document_reads
    from honnin.bench.http import measure_http
    from honnin.bench.machine import machine
    from honnin.bench.measuring import measure
    from honnin.cli.bench_output import print_documents, print_loads, print_verification, row_members, scaling_members

    where = machine()
    rows = measure(rounds=25, each=400) if full else measure()
    scaling = measure_batch(items=20_000) if full else measure_batch()
    loads = measure_http()
    counts = apdu_counts()
    reads = document_reads()
    if shown:
        print_verification(where, rows, scaling, counts)
        print_documents(reads)
        print_loads(loads, scaling.one)
    return {
        "machine": where,
        "timings": [row_members(row) for row in rows],
        "verify_many": scaling_members(scaling),
        "http": None if loads is None else to_builtins(loads),
        "apdus": counts,
        "document_reads": reads,
    }


def _figures(part: str, *, full: bool, shown: bool) -> list[dict[str, Any]]:
    from honnin.bench import crl, digital_auth, documents, evidence, ocsp, upkeep
    from honnin.cli.bench_output import figure_members, print_figures

    measures: dict[str, Callable[[], list[Figure]]] = {
        "index": lambda: crl.measure_index(full=full),
        "ocsp": ocsp.measure_ocsp,
        "upkeep": lambda: upkeep.measure_upkeep(full=full),
        "evidence": lambda: evidence.measure_evidence(full=full),
        "documents": lambda: documents.measure_documents(rounds=15 if full else 5),
        "digital_auth": lambda: digital_auth.measure_digital_auth(seconds=20.0 if full else 4.0),
    }
    figures = measures[part]()
    if shown:
        print_figures(TITLES[part], figures)
    return [figure_members(figure) for figure in figures]


def _matching(*, shown: bool) -> dict[str, int]:
    from honnin.bench.matching import measure_matching

    found = measure_matching()
    if shown:
        click.echo(f"pairs compared a second on one core: {found.names:,} names, {found.addresses:,} addresses")
    return {"names": found.names, "addresses": found.addresses}
