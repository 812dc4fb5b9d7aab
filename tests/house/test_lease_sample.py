"""The e-contract sample runs as it stands against a real server; what it makes is valid for a foreign reader."""

import json
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


@pytest.mark.peer("pdfsig")
def test_two_parties_see_the_words_on_their_phones_and_anybody_proves_it(data: Path, tmp_path: Path) -> None:
    honnin = str(Path(sys.executable).with_name("honnin"))
    with serve_in_thread(Settings(data=data)) as running:
        keys = {"api_key": running.api_key}
        (data / "keys.json").write_text(json.dumps(keys))
        done = subprocess.run(
            [sys.executable, str(SAMPLE.with_name("lease_by_phone.py")), "lease"],
            cwd=tmp_path,
            env={"HONNIN_DATA": str(data), "HONNIN_URL": running.base, "PATH": "/usr/bin"},
            capture_output=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()
    *told, first, second = done.stdout.decode().splitlines()
    assert told == ["貸主 TOTAL-PASSED text", "借主 TOTAL-PASSED text"]
    folder, alone = tmp_path / "lease", {"PATH": "/usr/bin", "HONNIN_DATA": str(tmp_path / "none")}
    for command in (first, second):
        proof = [honnin, *command.split()[1:]]
        proved = subprocess.run(proof, cwd=folder, env=alone, capture_output=True, text=True, check=False, timeout=60)
        assert proved.returncode == 0, proved.stderr
    seen = subprocess.run(["pdfsig", "-nocert", "lease.pdf"], cwd=folder, capture_output=True, check=True, timeout=60)
    assert seen.stdout.decode().count("Signature is Valid") == 2
    words = folder / "words.txt"
    words.write_text(words.read_text(encoding="utf-8").replace("100,000", "900,000"), encoding="utf-8", newline="")
    changed = subprocess.run(proof, cwd=folder, env=alone, capture_output=True, text=True, check=False, timeout=60)
    assert (changed.returncode, "evidence.shown_differs" in changed.stderr) == (1, True)
