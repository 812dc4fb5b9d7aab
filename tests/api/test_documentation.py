"""docs/api.md names every endpoint, every code with its status, and the limits as they are."""

from pathlib import Path

import pytest

from honnin.api import reading, wire
from honnin.api.app import OPERATIONS
from honnin.api.problems import _statuses
from honnin.platform import models

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_every_endpoint_has_its_row(operation) -> None:  # noqa: ANN001
    assert f"| `{operation.method} {operation.path}` |" in PAGE


def test_every_code_stands_with_its_status() -> None:
    rows = {line.split("|")[1].strip(): line for line in PAGE.splitlines() if line.startswith("| ") and "`" in line}
    for code, status in _statuses().items():
        assert f"`{code}`" in rows[str(status)]


def test_the_limits_are_those_of_the_code() -> None:
    assert f"{wire.HEAD_BYTES >> 10} KiB, {wire.HEAD_FIELDS} fields, {wire.HEAD_SECONDS:.0f} s" in PAGE
    assert f"{reading.BODY_BYTES >> 20} MiB, {reading.BODY_SECONDS:.0f} s" in PAGE
    assert f"from {reading.LARGE_BODY >> 10} KiB on" in PAGE
    assert f"{models.MOST_DOCUMENT >> 20} MiB / {models.MOST_CMS >> 20} MiB" in PAGE
    assert f"{reading.QUERY_BYTES} bytes" in PAGE
