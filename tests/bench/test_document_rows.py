"""The rows of documents and of the Digital Authentication Service measure what they say, in no time."""

from honnin.bench.digital_auth import measure_digital_auth
from honnin.bench.documents import measure_documents


def test_documents_and_sign_results() -> None:
    figures = measure_documents(rounds=1, each=1)
    assert [figure.name for figure in figures] == [
        "PDF signed, PAdES B-B",
        "PDF validated, one signature, CRL",
        "time stamp asked and checked",
        "PDF signed, PAdES B-T",
        "PDF signed, PAdES B-LT, OCSP",
        "sign result (JWE) opened and judged, CRL",
    ]
    assert all(figure.ours > 0 and figure.peer and figure.ratio for figure in figures)


def test_round_trips_of_two_server_processes() -> None:
    figures = {figure.name: figure for figure in measure_digital_auth(seconds=0.5)}
    assert len(figures) == 4
    assert all(figure.ours > 0 for figure in figures.values())
