"""The labelled pairs of tests/vectors/identity-pairs.jsonl: figures per grade, and every exception by name."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from honnin.identity import compare_addresses, compare_names

VECTORS = Path(__file__).parent.parent / "vectors"
PAIRS = [json.loads(line) for line in (VECTORS / "identity-pairs.jsonl").read_text(encoding="utf-8").splitlines()]
EXCEPTIONS = json.loads((VECTORS / "identity-exceptions.json").read_text(encoding="utf-8"))
FLOOR = 0.97  # precision and recall of every grade


def judged(pair: dict[str, Any], *, turned: bool = False) -> tuple[str, str | None]:
    a, b = ("b", "a") if turned else ("a", "b")
    if pair["kind"] == "address":
        found = compare_addresses(pair[a], pair[b])
        return found.grade, found.level
    flags = {f"substituted_{side}": pair.get(f"substituted_{key}", ()) for side, key in (("a", a), ("b", b))}
    return compare_names(pair[a], pair[b], **flags).grade, None


def test_every_pair_that_disagrees_is_listed_and_every_listed_one_disagrees() -> None:
    apart = [{"a": pair["a"], "b": pair["b"]} for pair in PAIRS if judged(pair) != (pair["grade"], pair.get("level"))]
    assert apart == [{"a": row["a"], "b": row["b"]} for row in EXCEPTIONS]
    assert all(row["reason"] for row in EXCEPTIONS)


def test_turning_a_pair_round_changes_nothing() -> None:
    assert [p for p in PAIRS if judged(p) != judged(p, turned=True)] == []


def test_precision_and_recall_hold_for_every_grade() -> None:
    for kind in ("name", "address"):
        counted = Counter((p["grade"], judged(p)[0]) for p in PAIRS if p["kind"] == kind)
        for grade in {wanted for wanted, _ in counted}:
            hits = counted[grade, grade]
            assert hits / sum(n for (wanted, _), n in counted.items() if wanted == grade) >= FLOOR
            assert hits / sum(n for (_, got), n in counted.items() if got == grade) >= FLOOR


def test_the_corpus_is_large_enough() -> None:
    assert len(PAIRS) >= 400
