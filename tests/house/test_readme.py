"""The README's example is what a newcomer pastes: it runs as it stands, against a real server."""

import contextlib
import io
import os
import re
from pathlib import Path

import pytest

from honnin.platform import Settings
from honnin.web.serving import serve_in_thread

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_example_verifies_a_signature(name: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / name).read_text(encoding="utf-8"), re.DOTALL)
    assert len(code.splitlines()) <= 25
    monkeypatch.setenv("HONNIN_DATA", str(data))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    with serve_in_thread(Settings(data=data)) as running:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code.replace(":8600", f":{running.port}"), name, "exec"), {})  # noqa: S102
    assert re.fullmatch(r"TOTAL-PASSED 見本　花子 per_\w+\n", printed.getvalue())
    assert os.environ["HONNIN_DATA"] == str(data)


def test_first_screen_names_the_two_commands() -> None:
    for name in ("README.md", "README.ja.md"):
        first = "\n".join((REPOSITORY / name).read_text(encoding="utf-8").splitlines()[:24])
        assert "make run" in first
        assert "make test" in first


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_every_page_is_found_from_the_index(name: str) -> None:
    found, coming = set[Path](), [REPOSITORY / name]
    while coming:
        page = coming.pop()
        if page in found:
            continue
        found.add(page)
        links = re.findall(r"\]\(([^)#\s:]+\.md)", page.read_text(encoding="utf-8"))
        coming += [(page.parent / link).resolve() for link in links]
    assert set((REPOSITORY / "docs").glob("*.md")) - found == set()


def test_members_that_others_configure_or_read_are_named_there() -> None:
    pages = {
        name: (REPOSITORY / "docs" / name).read_text(encoding="utf-8") for name in ("api.md", "evidence.md", "live.md")
    }
    for member in ("`shown`", "`signing`"):
        assert member in pages["api.md"]
        assert member in pages["evidence.md"]
    assert "`local_addresses`" in pages["live.md"]
