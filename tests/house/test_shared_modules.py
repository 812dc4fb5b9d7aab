"""No test changes a module of Python itself: servers of other tests run on in the same process.

With `asyncio.sleep` made to return at once, their event loops turned without a pause and filled the test's list until
the machine had no memory left, and the kernel ended the process without a word.
"""

import re
import sys
from pathlib import Path

MODULES = sys.stdlib_module_names - {"sys", "platform"}  # whose arguments commands read; what we call a Platform
TESTS = Path(__file__).parents[1]
PATCHED = re.compile(r"""setattr\(\s*(?:\w+\.)*(\w+),\s*["']|setattr\(\s*["'](\w+)\.""")


def test_no_test_changes_a_module_of_python() -> None:
    found = [
        f"{path.relative_to(TESTS)}: {name}"
        for path in sorted(TESTS.rglob("*.py"))
        for names in PATCHED.findall(path.read_text(encoding="utf-8"))
        for name in names
        if name in MODULES
    ]
    assert found == []
