"""Ids: their shape, and that those made later sort later, so that index pages fill in order."""

import re
from types import SimpleNamespace

import pytest

from honnin.platform import ids


def test_later_ids_sort_later(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for milliseconds in (0, 1, 31, 32, 1_764_000_000_000, 1_764_000_000_001, 2**45 - 1):
        monkeypatch.setattr(ids, "time", SimpleNamespace(time_ns=lambda at=milliseconds: at * 1_000_000))
        made.append(ids.new_id("ver"))
    assert made == sorted(made)
    assert all(re.fullmatch(r"ver_[0-9a-hjkmnp-tv-z]{24}", one) for one in made)


def test_ids_of_one_moment_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "time", SimpleNamespace(time_ns=lambda: 1_764_000_000_000_000_000))
    made = {ids.new_id("evd") for _ in range(10_000)}
    assert len(made) == 10_000
    assert len({one[:13] for one in made}) == 1
