"""What `honnin bench --write` leaves behind: its rows anew, all others as they were, and not a word of the prose."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from click.testing import CliRunner

from honnin.bench.figures import Figure
from honnin.bench.report import BEGIN, END, Report, Run, merged, tables, write_docs
from honnin.cli.bench import bench
from honnin.errors import InputError

IDLE = Run("2026-11-20T03:00:00Z", {"processor": "A"}, (0.2, 1.1), 2)
BUSY = Run("2026-11-26T22:00:00Z", {"processor": "B"}, (2.0, 7.5), 2)
SLOW = Figure("build, 1 M entries", "s", 0.2, "pyca", 1.0, 0.2, 0.08, (0.2, 0.3, 0.25))
LONG = Figure("build, 10 M entries", "s", 1.5, "pyca", 20.0, 0.075, 0.08)
RATE = Figure("checks", "/s", 900.0, "one worker", 500.0, 1.8, 1.5, (900.0, 700.0), at_least=True)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "performance.md").write_text(f"before\n{BEGIN}{END}\nafter\n", encoding="utf-8")
    return tmp_path


def test_a_partial_run_leaves_the_other_rows(docs: Path) -> None:
    write_docs(docs, {"index": ([SLOW, LONG], IDLE), "http": ([RATE], IDLE)})
    quicker = msgspec.structs.replace(SLOW, ours=0.07, ratio=0.07)
    report = write_docs(docs, {"index": ([quicker], BUSY)})
    assert [(one.figure.name, one.run) for one in report.parts["index"]] == [(SLOW.name, BUSY), (LONG.name, IDLE)]
    page = (docs / "performance.md").read_text(encoding="utf-8")
    assert page.startswith(f"before\n{BEGIN}")
    assert page.endswith(f"{END}\nafter\n")
    assert "load 2.0 before, 7.5 with it, **machine busy**" in page
    assert "| build, 10 M entries [2] | 1.5 s |" in page
    assert "processor A" in page
    assert "processor B" in page
    assert json.loads((docs / "performance.json").read_bytes())["parts"]["http"][0]["reached"] is True
    assert write_docs(docs, {}) == report


def test_the_table_tells_spread_and_direction_of_an_aim() -> None:
    text = tables(merged(merged(Report(), "index", [SLOW], IDLE), "http", [RATE], IDLE))
    assert "| 0.2 / 0.25 / 0.3 | pyca: 1 s | 0.2 | ≤ 0.08 | **missed** |" in text
    assert "| 900 / 800 / 700 | one worker: 500 /s | 1.8 | ≥ 1.5 | reached |" in text
    assert "busy" not in text


def test_the_plot_shows_each_figure_that_has_an_aim(docs: Path) -> None:
    write_docs(docs, {"index": ([SLOW, Figure("no aim <&>", "s", 1.0)], IDLE), "http": ([RATE], IDLE)})
    drawn = ET.fromstring((docs / "pictures" / "performance.svg").read_text(encoding="utf-8"))  # noqa: S314 - ours
    titles = [node.text for node in drawn.iter("{http://www.w3.org/2000/svg}title")]
    assert titles[1:] == ["build, 1 M entries : pyca: 2.50 of the aim", "checks : one worker: 0.83 of the aim"]


def test_a_page_without_markers_is_left_alone(docs: Path) -> None:
    (docs / "performance.md").write_text("prose", encoding="utf-8")
    with pytest.raises(InputError, match="no place"):
        write_docs(docs, {"index": ([SLOW], IDLE)})
    assert not (docs / "performance.json").exists()


def test_one_part_by_name_as_one_json_object() -> None:
    found = CliRunner().invoke(bench, ["cards", "--json"])
    told = json.loads(found.stdout)["cards"]
    assert {"at", "busy", "figures", "load", "machine", "title"} == set(told)
    assert told["figures"][0]["ours"] == 12
    assert CliRunner().invoke(bench, ["nonsense"]).exit_code == 2
