"""The revocation index on a disk that fills up in the middle of a build, and under builders that want it at once."""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from tests.pki.index.lists import NOW, Issuer, entry, make_issuer, point, reason
from tests.waiting import LONG, next_line

from honnin.pki import RevocationIndex

REQUIRE_ALL = os.environ.get("HONNIN_REQUIRE_ALL") == "1"
PLACES = 6
ROWS = 500
# Runs in a mount namespace of its own: a tmpfs of 256 KiB, filled up but for a few pages, less full at every turn.
ON_A_SMALL_DISK = """
import os, subprocess, sys
from datetime import datetime
from pathlib import Path
from honnin.errors import StateError
from honnin.pki import RevocationIndex
disk, inputs, at, key_ids = Path(sys.argv[1]), Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3]), sys.argv[4:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=True)
anchors = [path.read_bytes() for path in sorted(inputs.glob("*.der"))]
folder = disk / "index"
def build(generation):
    return RevocationIndex.build(folder, sorted((inputs / generation).iterdir()), anchors, at=at)
def listed():
    index = RevocationIndex.open(folder)
    for key_id in key_ids:
        assert all(source.intact() for source in index.sources(bytes.fromhex(key_id)))
    return {sum(len(source.segment) for source in index.sources(bytes.fromhex(key_id))) for key_id in key_ids}
assert not build("1").refused
old = listed()
filler, full = disk / "filler", 0
for pages in range(64):
    room = os.statvfs(disk).f_bavail - pages
    with filler.open("wb") as out:
        out.write(bytes(4096 * max(room, 0)))
    try:
        assert not build("2").refused
    except StateError as error:
        assert error.code == "index.no_room", error
        assert listed() == old, (pages, "the index is not what it was")
        assert not list(folder.glob("*.new")), "a build that failed left its files"
        full += 1
    else:
        break
    filler.unlink()
filler.unlink()
assert listed() == {2 * rows for rows in old}, listed()
print(full)
"""


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return make_issuer()


def uri(place: int) -> str:
    return f"http://crl.jpki-test.invalid/{place}"


def crl_of(issuer: Issuer, place: int, number: int, rows: int) -> bytes:
    entries = (entry(1 << 24 | serial, NOW, reason(1)) for serial in range(rows))
    at = NOW - timedelta(hours=12) + timedelta(minutes=number)
    return issuer.crl(*entries, number=number, this_update=at, extensions=(point(uri(place)),))


def in_a_namespace() -> list[str]:
    """The command that runs another where it may mount; skips by name where neither root nor a user namespace may."""
    tool = shutil.which("unshare")
    for command in ([tool, "-m"], [tool, "-r", "-m"]) if tool else ():
        probe = [*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        if subprocess.run(probe, capture_output=True, check=False, timeout=LONG).returncode == 0:
            return [str(part) for part in command]
    missing = pytest.fail if REQUIRE_ALL else pytest.skip
    return missing("unshare: no mount namespace can be made here")


def test_a_disk_that_fills_at_any_page_leaves_the_whole_old_index(tmp_path: Path, issuer: Issuer) -> None:
    """Two issuers' manifests and one pack: what does not fit must not leave one of them new and the other old."""
    command = in_a_namespace()
    issuers = [issuer, make_issuer("OTHER-TEST")]
    (tmp_path / "disk").mkdir()
    for place, one in enumerate(issuers):
        (tmp_path / f"{place}.der").write_bytes(one.der)
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        for place in range(PLACES):
            for which, one in enumerate(issuers):
                crl = crl_of(one, place, number, number * ROWS)
                (tmp_path / str(number) / f"{which}-{place}.crl").write_bytes(crl)
    script = [sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path / "disk"), str(tmp_path), NOW.isoformat()]
    command += [*script, *(one.key_id.hex() for one in issuers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 2 * PLACES, "the disk was never full in the middle of a pack"


BUILDER = """
import sys
from datetime import datetime
from pathlib import Path
from honnin.pki import RevocationIndex
folder, crl, der, at = sys.argv[1:]
print("begin", flush=True)
report = RevocationIndex.build(folder, [crl], [Path(der).read_bytes()], at=datetime.fromisoformat(at))
print(*(line["code"] for line in report.refused), len(report.accepted))
"""


def builder(tmp_path: Path, name: str, crl: bytes, issuer: Issuer) -> "subprocess.Popen[str]":
    (tmp_path / "ca.der").write_bytes(issuer.der)
    (tmp_path / name).write_bytes(crl)
    arguments = [str(tmp_path / "index"), str(tmp_path / name), str(tmp_path / "ca.der"), NOW.isoformat()]
    return subprocess.Popen([sys.executable, "-c", BUILDER, *arguments], stdout=subprocess.PIPE, text=True)


def test_two_builders_take_turns_and_the_later_list_stays(tmp_path: Path, issuer: Issuer) -> None:
    """Both are at the lock before either may go on; of one scope the higher number stays, whoever comes first."""
    folder = tmp_path / "index"
    folder.mkdir()
    with (folder / "build.lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        crls = {f"{number}.crl": crl_of(issuer, 0, number, number * 10) for number in (2, 3)}
        other = crl_of(issuer, 1, 1, 10)
        processes = [builder(tmp_path, name, crl, issuer) for name, crl in {**crls, "other.crl": other}.items()]
        for process in processes:
            assert process.stdout is not None
            assert next_line(process.stdout) == "begin\n"
        time.sleep(0.5)
        assert [process.poll() for process in processes] == [None] * 3, "a builder did not wait for its turn"
        assert [path.name for path in folder.iterdir()] == ["build.lock"], "a builder wrote before its turn"
    told = [process.communicate(timeout=LONG)[0].split() for process in processes]
    assert told[0] in (["1"], ["index.rolled_back", "0"])
    assert told[1:] == [["1"], ["1"]]
    index = RevocationIndex.open(folder)
    for place, rows in ((0, 30), (1, 10)):
        answers = [
            index.lookup(issuer.key_id, 1 << 24 | serial, distribution_points=uri(place), at=NOW).state
            for serial in (rows - 1, rows)
        ]
        assert answers == ["revoked", "good"]


IN_LITTLE_MEMORY = """
import resource, sys
from datetime import datetime
from pathlib import Path
from honnin.pki import RevocationIndex
import honnin.pki.index
folder, source, der, at, room = sys.argv[1:]
size = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmSize"))
resource.setrlimit(resource.RLIMIT_AS, (size + int(room),) * 2)
report = RevocationIndex.build(folder, [source], [Path(der).read_bytes()], at=datetime.fromisoformat(at))
print(*(line["code"] for line in report.refused))
"""


@pytest.mark.parametrize("by", ["file", "pipe"])
def test_a_gigabyte_claimed_in_a_kilobyte_gets_no_memory(tmp_path: Path, issuer: Issuer, by: str) -> None:
    """Every length from the file's to the list's says 1 GiB, consistently; the process may have 64 MiB of addresses."""
    crl = issuer.crl(entry(5))
    body_at, listed_at = crl.index(b"\x02\x01\x01"), crl.index(entry(5))
    outer, signed, listed = (b"\x30\x84" + ((1 << 30) - less).to_bytes(4, "big") for less in (0, 500, 1000))
    lying = outer + signed + crl[body_at : listed_at - 2] + listed + crl[listed_at:]
    assert len(lying) < 1024
    (tmp_path / "ca.der").write_bytes(issuer.der)
    (tmp_path / "lying.crl").write_bytes(lying)
    source = tmp_path / "lying.crl" if by == "file" else Path("/dev/stdin")
    arguments = [str(tmp_path / "index"), str(source), str(tmp_path / "ca.der"), NOW.isoformat(), str(64 << 20)]
    done = subprocess.run(
        [sys.executable, "-c", IN_LITTLE_MEMORY, *arguments],
        input=lying,
        capture_output=True,
        check=False,
        timeout=LONG,
    )
    expected = "index.malformed" if by == "file" else "index.entry"  # a pipe's length is what the list says itself
    assert (done.stdout.decode().strip(), done.returncode) == (expected, 0), done.stderr.decode()[-500:]
