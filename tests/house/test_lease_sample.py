"""The e-contract sample runs as it stands against a real server; what it makes is valid for a foreign reader."""

import subprocess
import sys
from pathlib import Path

import pytest

from honnin.platform import Settings
from honnin.web.serving import serve_in_thread

SAMPLE = Path(__file__).parents[2] / "samples" / "lease.py"


@pytest.mark.peer("pdfsig")
def test_two_parties_sign_a_lease(data: Path, tmp_path: Path) -> None:
    with serve_in_thread(Settings(data=data)) as running:
        done = subprocess.run(
            [sys.executable, str(SAMPLE), "lease.pdf"],
            cwd=tmp_path,
            env={"HONNIN_DATA": str(data), "HONNIN_TSA": f"http://tsa.localhost:{running.port}/", "PATH": "/usr/bin"},
            capture_output=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()
    first, second = done.stdout.decode().splitlines()
    assert first.startswith("貸主 TOTAL-PASSED 見本　花子")
    assert second.startswith("借主 TOTAL-PASSED")
    told = subprocess.run(["pdfsig", "-nocert", "lease.pdf"], cwd=tmp_path, capture_output=True, check=True, timeout=60)
    assert told.stdout.decode().count("Signature is Valid") == 2
