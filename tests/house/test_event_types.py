"""Every event that the platform writes is on the list of types, every type on it is written, and each is documented."""

import ast
import re
from pathlib import Path

import pytest

import honnin
from honnin.platform.event_types import event_types

ROOM = Path(honnin.__file__).parent / "platform"
PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
EVENTS = PAGE.partition("\n## Events\n")[2].partition("\n## ")[0]


def pattern(node: ast.expr) -> str | None:
    """What a text of the source may be: itself, or a pattern where parts are filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z_]+" for part in node.values]
        return "".join(parts)
    return None


def written() -> dict[str, str]:
    """The types that `outbox.append` is given, and the beginnings of (type, body) pairs, by where they stand."""
    found: dict[str, str] = {}
    for path in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            kind = None
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "outbox.append":
                kind = pattern(node.args[2])
                assert kind is not None, f"{path.name}:{node.lineno} writes an event of a type that cannot be told"
            elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[1], ast.Dict | ast.Call):
                kind = pattern(node.elts[0])
                kind = kind if kind is not None and re.match(r"[a-z]+\\\.", kind) else None
            if kind is not None:
                found[f"{path.name}:{node.lineno}"] = kind
    return found


def test_the_list_is_sorted_and_names_each_type_once() -> None:
    assert list(event_types()) == sorted(set(event_types()))


def test_every_event_that_is_written_is_on_the_list() -> None:
    for place, kind in written().items():
        assert any(re.fullmatch(kind, one) for one in event_types()), f"{place}: {kind}"


@pytest.mark.parametrize("kind", event_types())
def test_every_type_is_written_and_documented(kind: str) -> None:
    assert any(re.fullmatch(one, kind) for one in written().values())
    assert f"`{kind}`" in EVENTS


def test_the_page_names_no_other_type() -> None:
    first_cells = [line.split("|")[1] for line in EVENTS.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`([a-z_.]+)`", " ".join(first_cells))) == set(event_types())
