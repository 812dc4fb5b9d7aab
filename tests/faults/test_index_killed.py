"""The revocation index under kills, old readers and many builders: the last good state stays, whole."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from tests.pki.index.lists import NOW, Issuer, entry, make_issuer, point, reason
from tests.waiting import LONG, joined, next_line

from honnin.errors import FormatError
from honnin.pki import RevocationIndex

DAY = 86_400
KILLS = 12
BUILDER = """
import sys
from datetime import datetime
from pathlib import Path
from honnin.pki import RevocationIndex
folder, lists, der, at = sys.argv[1:]
sources = sorted(Path(lists).iterdir())
print("begin", flush=True)
report = RevocationIndex.build(folder, sources, [Path(der).read_bytes()], at=datetime.fromisoformat(at))
print(len(report.accepted), flush=True)
"""


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return make_issuer()


def uri(place: int) -> str:
    return f"http://crl.jpki-test.invalid/{place}"


def generation(issuer: Issuer, folder: Path, number: int, *, places: int = 40, rows: int = 300) -> Path:
    """Write one day's lists: in generation n every partition lists the serials below n × rows."""
    folder.mkdir()
    for place in range(places):
        entries = (entry(1_000_000 + serial, NOW, reason(1)) for serial in range(number * rows))
        at = NOW - timedelta(hours=12) + timedelta(minutes=number)
        crl = issuer.crl(*entries, number=number, this_update=at, extensions=(point(uri(place)),))
        (folder / f"{place:03}.crl").write_bytes(crl)
    return folder


def states(index: RevocationIndex, issuer: Issuer, serial: int, places: int) -> set[str]:
    return {
        index.lookup(issuer.key_id, serial, distribution_points=uri(place), at=NOW).state for place in range(places)
    }


def builder(tmp_path: Path, folder: Path, lists: Path, issuer: Issuer) -> "subprocess.Popen[str]":
    (tmp_path / "ca.der").write_bytes(issuer.der)
    arguments = [str(folder), str(lists), str(tmp_path / "ca.der"), NOW.isoformat()]
    return subprocess.Popen([sys.executable, "-c", BUILDER, *arguments], stdout=subprocess.PIPE, text=True)


def test_a_builder_killed_at_any_moment_leaves_one_whole_generation(tmp_path: Path, issuer: Issuer) -> None:
    folder, places, rows = tmp_path / "index", 40, 300
    first, second = (generation(issuer, tmp_path / str(n), n, places=places, rows=rows) for n in (1, 2))
    RevocationIndex.build(folder, sorted(first.iterdir()), [issuer.der], at=NOW)
    process = builder(tmp_path, folder.with_name("timed"), second, issuer)
    assert process.stdout is not None
    next_line(process.stdout)
    begun = time.monotonic()
    process.communicate(timeout=LONG)
    longest = time.monotonic() - begun
    draw = random.Random(7)  # noqa: S311 - moments to kill at
    for _ in range(KILLS):
        process = builder(tmp_path, folder, second, issuer)
        assert process.stdout is not None
        assert next_line(process.stdout) == "begin\n"
        time.sleep(draw.random() * longest)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=LONG)
        index = RevocationIndex.open(folder)
        assert states(index, issuer, 1_000_000 + rows - 1, places) == {"revoked"}
        assert len(states(index, issuer, 1_000_000 + rows, places)) == 1, "partitions of two generations are mixed"
        assert all(source.intact() for source in index.sources(issuer.key_id))
    process = builder(tmp_path, folder, second, issuer)
    assert process.communicate(timeout=LONG)[0].split()[-1] in {"0", str(places)}
    assert states(RevocationIndex.open(folder), issuer, 1_000_000 + rows, places) == {"revoked"}


def test_what_a_kill_left_is_swept_a_day_later(tmp_path: Path, issuer: Issuer) -> None:
    RevocationIndex.build(tmp_path, [issuer.crl(entry(5))], [issuer.der], at=NOW)
    left = tmp_path / "pack-1-dead.seg.new"
    left.write_bytes(b"x")
    manifest = tmp_path / f"{make_issuer().key_id.hex()}.json.new"
    manifest.write_bytes(b"{")
    later = NOW - timedelta(hours=1)
    RevocationIndex.build(tmp_path, [issuer.crl(entry(6), number=2, this_update=later)], [issuer.der], at=NOW)
    assert left.exists()
    assert not manifest.exists()
    os.utime(left, (time.time() - DAY - 60,) * 2)
    RevocationIndex.build(tmp_path, [], [issuer.der], at=NOW)
    assert not left.exists()


def test_a_reader_may_hold_the_old_state_for_a_day(tmp_path: Path, issuer: Issuer) -> None:
    """A pack is kept for a day from when it falls out of use, however old it is; a mapping outlives even that."""
    RevocationIndex.build(tmp_path, [issuer.crl(entry(5), number=1)], [issuer.der], at=NOW)
    (pack,) = tmp_path.glob("pack-*")
    os.utime(pack, (time.time() - 30 * DAY,) * 2)
    reader, mapped = RevocationIndex.open(tmp_path), RevocationIndex.open(tmp_path)
    assert reader.manifest(issuer.key_id) is not None  # the manifest is read, its pack is not mapped yet
    assert mapped.lookup(issuer.key_id, 5, at=NOW).state == "revoked"
    later = NOW - timedelta(hours=1)
    RevocationIndex.build(tmp_path, [issuer.crl(number=2, this_update=later)], [issuer.der], at=NOW)
    RevocationIndex.build(tmp_path, [], [issuer.der], at=NOW)
    assert reader.lookup(issuer.key_id, 5, at=NOW).state == "revoked"
    os.utime(pack, (time.time() - DAY - 60,) * 2)
    RevocationIndex.build(tmp_path, [], [issuer.der], at=NOW)
    assert not pack.exists()
    assert mapped.lookup(issuer.key_id, 5, at=NOW).state == "revoked"
    assert mapped.refreshed().lookup(issuer.key_id, 5, at=NOW).state == "good"
    late = RevocationIndex.open(tmp_path)
    assert late.lookup(issuer.key_id, 5, at=NOW).state == "good"


def test_a_reader_whose_pack_is_gone_is_told_so(tmp_path: Path, issuer: Issuer) -> None:
    RevocationIndex.build(tmp_path, [issuer.crl(entry(5))], [issuer.der], at=NOW)
    reader = RevocationIndex.open(tmp_path)
    assert reader.manifest(issuer.key_id) is not None
    next(tmp_path.glob("pack-*")).unlink()
    with pytest.raises(FormatError, match=r"index\.torn"):
        reader.lookup(issuer.key_id, 5, at=NOW)


def test_a_swap_under_load_is_never_seen_by_halves(tmp_path: Path, issuer: Issuer) -> None:
    """Each generation lists a serial in all partitions or in none; no snapshot shows both."""
    places = 12
    generations = [generation(issuer, tmp_path / str(n), n, places=places, rows=20) for n in range(1, 7)]
    folder = tmp_path / "index"
    RevocationIndex.build(folder, sorted(generations[0].iterdir()), [issuer.der], at=NOW)
    wrong: list[object] = []
    done = threading.Event()

    def read() -> None:
        index = RevocationIndex.open(folder)
        try:
            while not done.is_set():
                index = index.refreshed()
                wrong.extend(
                    found
                    for serial in range(1_000_000, 1_000_120, 20)
                    if len(found := states(index, issuer, serial, places)) != 1
                )
        except Exception as error:  # noqa: BLE001 - any of them is the failure
            wrong.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in readers:
        thread.start()
    for lists in generations[1:]:
        assert not RevocationIndex.build(folder, sorted(lists.iterdir()), [issuer.der], at=NOW).refused
    done.set()
    joined(*readers)
    assert not wrong
    assert states(RevocationIndex.open(folder), issuer, 1_000_000 + 119, places) == {"revoked"}


def test_a_damaged_manifest_is_found_and_does_not_lose_packs(tmp_path: Path, issuer: Issuer) -> None:
    other = make_issuer("OTHER-TEST")
    RevocationIndex.build(tmp_path, [issuer.crl(entry(5)), other.crl(entry(6))], [issuer.der, other.der], at=NOW)
    path = tmp_path / f"{other.key_id.hex()}.json"
    whole = path.read_bytes()
    for damaged in (whole.replace(b"pack-1", b"pack-2"), whole[:-30], b"", b"[]", b"\xff" * 20):
        path.write_bytes(damaged)
        with pytest.raises(FormatError, match=r"index\.manifest"):
            RevocationIndex.open(tmp_path).lookup(other.key_id, 6, at=NOW)
        assert RevocationIndex.open(tmp_path).lookup(issuer.key_id, 5, at=NOW).state == "revoked"
        report = RevocationIndex.build(tmp_path, [other.crl(entry(7), number=2)], [other.der], at=NOW)
        assert [line["code"] for line in report.refused] == ["index.manifest"]
    path.write_bytes(whole)
    assert RevocationIndex.open(tmp_path).lookup(other.key_id, 6, at=NOW).state == "revoked"
    (tmp_path / "notes.json").write_text("{}")
    assert sorted(RevocationIndex.open(tmp_path).issuers()) == sorted([issuer.key_id, other.key_id])
