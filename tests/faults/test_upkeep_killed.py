"""Killing upkeep at any moment loses no event and tells none twice; two at once do not either, on both engines."""

import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.faults.backends import as_killed, gone
from tests.waiting import LONG, next_line

from honnin.bench.lists import NOW, Shape, Signer
from honnin.pki.index import RevocationIndex
from honnin.platform import Platform, Settings
from honnin.platform.customers import keep_customer

pytestmark = pytest.mark.xdist_group("faults")
UPKEEPER = Path(__file__).with_name("upkeeper.py")
FIRST = 1 << 24
CUSTOMERS = 3000
LEAST_LIFE = 0.001  # seconds: no machine ends three thousand customers in that


def test_killed_at_any_moment(settings: Settings, tmp_path: Path) -> None:
    chance = random.Random(20261121)  # noqa: S311 - moments of death, not secrets
    signer, path = Signer(), tmp_path / "list.crl"
    signer.write(path, Shape(CUSTOMERS // 2))
    RevocationIndex.build(tmp_path / "index", [path], [signer.certificate], at=NOW)
    platform = Platform(settings)
    tenant = platform.create_tenant("試験銀行").tenant

    def customers(db: Any) -> None:
        for number in range(CUSTOMERS):
            keep_customer(db, platform.keys, tenant, f"per_{number}", signer.key_id, FIRST + number)

    platform.store.write(customers)
    arguments = [str(settings.data), settings.database_url or "", str(tmp_path / "index"), NOW.isoformat()]
    deaths = 0
    for number in range(40):
        life = chance.uniform(0.0, 0.08) if number else LEAST_LIFE
        running = [_started(arguments, life) for _ in range(1 + number % 2)]  # two at once, every second round
        finished = [_ended(process) for process in running]
        deaths += not all(finished)
        gone(settings.database_url)
        _hold(platform, whole=False)
        if any(finished):
            break
    assert deaths > 0, "no run was killed before it ended"
    assert _ended(_started(arguments))
    _hold(platform, whole=True)
    platform.close()


def _started(arguments: list[str], life: float = 0.0) -> subprocess.Popen[bytes]:
    """Start upkeep. life: seconds of its own processor time after which the kernel kills it, 0 never."""
    command = [sys.executable, "-W", "error", UPKEEPER, *arguments, str(life)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0, env=as_killed())
    assert process.stdout is not None
    assert next_line(process.stdout) == b"begins\n"
    return process


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Wait until a process has ended; tell whether it came to its end, or else was killed."""
    output, _ = process.communicate(timeout=LONG)
    assert process.returncode == (0 if output else -signal.SIGPROF)
    return output.startswith(b"ends")


def _hold(platform: Platform, *, whole: bool) -> None:
    with platform.store.read() as db:
        rows = db.exec_driver_sql("SELECT number, type, body FROM events ORDER BY number").all()
        ends = db.exec_driver_sql("SELECT count(*) FROM certificate_ends").scalar_one()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    people = Counter(msgspec.json.decode(row.body)["person"] for row in rows)
    assert set(people.values()) <= {1}
    assert len(people) == ends
    listed = {f"per_{number}" for number in range(CUSTOMERS // 2)}
    assert set(people) <= listed
    if whole:
        assert set(people) == listed
