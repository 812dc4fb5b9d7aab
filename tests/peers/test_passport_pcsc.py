"""A passport through a real pcscd: short and extended lengths, PACE and basic access control, as in process."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from honnin.sandbox.cards import open_emulated
from honnin.sandbox.foreign_ministry import csca_certificates
from honnin.sandbox.foreign_ministry.passports import issue
from honnin.sandbox.world import World

pytestmark = [pytest.mark.peer("/usr/sbin/pcscd", "opensc-tool")]

HONNIN = str(Path(sys.executable).with_name("honnin"))


@pytest.mark.parametrize("kind", ["jp-bac-rsa", "jp-bac-ec", "pace-gm", "pace-cam", "old-chip"])
def test_a_passport_through_pcscd(pcsc: Any, tmp_path: Path, kind: str) -> None:
    world = World(tmp_path)
    issued = issue(world, "hanako", kind)
    anchors = []
    for number, certificate in enumerate(csca_certificates(world)):
        (path := tmp_path / f"csca{number}.der").write_bytes(certificate)
        anchors += ["--anchor", path]
    key = f"{issued.number}\n{issued.birth}\n{issued.expiry}\n".encode()
    with pcsc.holding(open_emulated(f"hanako/passport:{kind}", tmp_path)):
        done = pcsc.run(HONNIN, "card", "read", "--passport", "--reader", "pcsc:", *anchors, "--json", given=key)
    assert done.returncode == 0, done.stdout
    (said,) = json.loads(done.stdout)["applications"]
    assert sum(file["bytes"] for file in said["files"]) == sum(len(content) for content in issued.files.values())
    results = {proof["kind"]: proof["result"] for proof in said["proofs"]}
    assert results.pop("revocation") == "not_checked"
    assert set(results.values()) == {"passed"}
