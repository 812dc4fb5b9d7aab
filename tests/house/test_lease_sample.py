"""The e-contract sample runs as it stands against a real server; what it makes is valid for a foreign reader."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.waiting import LONG

import honnin
from honnin.connect.worlds import open_world
from honnin.platform import Settings
from honnin.web.serving import serve_in_thread

SAMPLE = Path(__file__).parents[2] / "samples" / "lease.py"
HONNIN = str(Path(sys.executable).with_name("honnin"))


def _alone(command: str, folder: Path, none: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command that a sample printed where nothing is but the files of a folder."""
    env = {"PATH": "/usr/bin", "HONNIN_DATA": str(none / "none")}
    words = [HONNIN, *command.split()[1:]]
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=LONG)


@pytest.mark.peer("pdfsig")
def test_two_parties_sign_a_lease(data: Path, tmp_path: Path) -> None:
    with serve_in_thread(Settings(data=data)) as running:
        done = subprocess.run(
            [sys.executable, str(SAMPLE), "lease.pdf"],
            cwd=tmp_path,
            env={"HONNIN_DATA": str(data), "HONNIN_URL": running.base, "PATH": "/usr/bin"},
            capture_output=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()
    first, second, command = done.stdout.decode().splitlines()
    assert first.startswith("貸主 TOTAL-PASSED 見本　花子")
    assert second.startswith("借主 TOTAL-PASSED")
    assert first.endswith(" JST")
    assert _alone(command, tmp_path, tmp_path).returncode == 0
    told = subprocess.run(
        ["pdfsig", "-nocert", "lease.pdf"], cwd=tmp_path, capture_output=True, check=True, timeout=LONG
    )
    assert told.stdout.decode().count("Signature is Valid") == 2


@pytest.mark.peer("pdfsig")
def test_two_parties_see_the_words_on_their_phones_and_anybody_proves_it(data: Path, tmp_path: Path) -> None:
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
    folder, world = tmp_path / "lease", open_world(data)
    anchors = [*world.anchors()["signature"], *world.time_stamping_anchors()]
    report = honnin.verify((folder / "lease.pdf").read_bytes(), anchors=anchors, at=world.now())
    assert [signer.indication for signer in report.signers] == ["TOTAL-PASSED"] * 2
    for command in (first, second):
        proved = _alone(command, folder, tmp_path)
        assert proved.returncode == 0, proved.stderr
    seen = subprocess.run(["pdfsig", "-nocert", "lease.pdf"], cwd=folder, capture_output=True, check=True, timeout=LONG)
    assert seen.stdout.decode().count("Signature is Valid") == 2
    words = folder / "words.txt"
    words.write_text(words.read_text(encoding="utf-8").replace("100,000", "900,000"), encoding="utf-8", newline="")
    changed = _alone(second, folder, tmp_path)
    assert (changed.returncode, "evidence.shown_differs" in changed.stderr) == (1, True)
