"""The revocation index: what it answers, what it refuses, and that the last good state survives everything."""

import hashlib
import json
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from tests.pki.index.lists import (
    NOW,
    Issuer,
    entry,
    extension,
    generalized,
    integer,
    make_issuer,
    point,
    reason,
    tlv,
    utc,
)
from tests.waiting import LONG

from honnin.errors import FormatError, InputError
from honnin.pki import RevocationIndex
from honnin.pki.index import BuildReport


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return make_issuer()


def build(folder: Path, issuer: Issuer, *crls: bytes, at: datetime = NOW) -> BuildReport:
    return RevocationIndex.build(folder, crls, [issuer.der], at=at)


def refusal(folder: Path, issuer: Issuer, crl: bytes) -> str:
    report = build(folder, issuer, crl)
    assert not report.accepted
    return report.refused[0]["code"]


# --- answers


def test_answers_state_reason_date_and_proof(tmp_path: Path, issuer: Issuer) -> None:
    at = NOW - timedelta(days=2)
    build(tmp_path, issuer, issuer.crl(entry(5, at, reason(4)), entry(9), number=7))
    index = RevocationIndex.open(tmp_path)
    revoked = index.lookup(issuer.key_id, 5, at=NOW)
    assert (revoked.state, revoked.reason, revoked.revoked_at) == ("revoked", "superseded", at)
    assert revoked.proof is not None
    assert (revoked.proof["kind"], revoked.proof["number"]) == ("crl", "7")
    assert index.lookup(issuer.key_id, 9, at=NOW).reason is None
    assert index.lookup(issuer.key_id, 6, at=NOW).state == "good"


def test_unknown_issuer_stale_and_uncovered_are_never_good(tmp_path: Path, issuer: Issuer) -> None:
    uri = "http://crl.jpki-test.invalid/13221"
    build(tmp_path, issuer, issuer.crl(entry(5), extensions=(point(uri),)))
    index = RevocationIndex.open(tmp_path)
    assert index.lookup(b"\0" * 20, 5, at=NOW).state == "unknown"
    assert index.lookup(issuer.key_id, 6, at=NOW).state == "unknown"
    assert index.lookup(issuer.key_id, 5, at=NOW).state == "revoked"
    assert index.lookup(issuer.key_id, 6, distribution_points=[uri + "0"], at=NOW).state == "unknown"
    assert index.lookup(issuer.key_id, 6, distribution_points=[uri], at=NOW).state == "good"
    assert index.lookup(issuer.key_id, 6, distribution_points=[uri], at=NOW + timedelta(days=2)).state == "unknown"
    assert index.lookup(issuer.key_id, 6, distribution_points=[uri], at=NOW - timedelta(days=2)).state == "unknown"


def test_the_certificate_extension_itself_names_the_points(tmp_path: Path, issuer: Issuer) -> None:
    uri = "http://crl.jpki-test.invalid/13221"
    build(tmp_path, issuer, issuer.crl(entry(5), extensions=(point(uri),)))
    value = x509.CRLDistributionPoints(
        [x509.DistributionPoint([x509.UniformResourceIdentifier(uri)], None, None, None)]
    ).public_bytes()
    index = RevocationIndex.open(tmp_path)
    assert index.lookup(issuer.key_id, 6, distribution_points=value, at=NOW).state == "good"
    with pytest.raises(InputError):
        index.lookup(issuer.key_id, 6, distribution_points=b"\x30\x03", at=NOW)


def test_lists_for_some_reasons_or_for_authorities_do_not_say_good(tmp_path: Path, issuer: Issuer) -> None:
    build(tmp_path, issuer, issuer.crl(entry(5), extensions=(point(reasons=b"\x06\x40"),)))
    index = RevocationIndex.open(tmp_path)
    assert index.lookup(issuer.key_id, 6, at=NOW).state == "unknown"
    assert index.lookup(issuer.key_id, 5, at=NOW).state == "revoked"
    other = tmp_path / "ca"
    build(other, issuer, issuer.crl(entry(5), extensions=(point(only=2),)))
    assert RevocationIndex.open(other).lookup(issuer.key_id, 6, at=NOW).state == "unknown"


def test_many_answers_as_one(tmp_path: Path, issuer: Issuer) -> None:
    serials = [3, 2**33 + 1, 2**63 + 5, 2**64 - 1, 2**64 + 9, 2**158 + 1]
    build(tmp_path, issuer, issuer.crl(*(entry(serial, NOW, reason(1)) for serial in serials)))
    index = RevocationIndex.open(tmp_path)
    asked = sorted(serials + [serial + 1 for serial in serials] + [serial ^ 1 << 40 for serial in serials])
    many = index.lookup_many(issuer.key_id, asked, at=NOW)
    assert list(many) == [index.lookup(issuer.key_id, serial, at=NOW).state for serial in asked]
    narrow = np.array([3, 4], dtype=np.uint64)
    assert list(index.lookup_many(issuer.key_id, narrow, at=NOW)) == ["revoked", "good"]


def test_indirect_entries_go_to_the_issuer_they_name(tmp_path: Path, issuer: Issuer) -> None:
    other = make_issuer("OTHER-TEST")
    named = extension("2.5.29.29", tlv(0x30, tlv(0xA4, other.name)), critical=True)
    crl = issuer.crl(entry(1), entry(2, NOW, named), entry(3), extensions=(point(indirect=True),))
    report = RevocationIndex.build(tmp_path, [crl], [issuer.der, other.der], at=NOW)
    assert not report.refused
    index = RevocationIndex.open(tmp_path)
    states = {
        (name, serial): index.lookup(key, serial, at=NOW).state
        for name, key in (("own", issuer.key_id), ("other", other.key_id))
        for serial in (1, 2, 3)
    }
    revoked = {pair for pair, state in states.items() if state == "revoked"}
    assert revoked == {("own", 1), ("other", 2), ("other", 3)}


def test_delta_is_applied_to_its_base(tmp_path: Path, issuer: Issuer) -> None:
    base = issuer.crl(entry(1, NOW, reason(6)), entry(2), number=10)
    delta = issuer.crl(
        entry(1, NOW, reason(8)),
        entry(3, NOW, reason(1)),
        number=11,
        this_update=NOW - timedelta(hours=1),
        extensions=(extension("2.5.29.27", integer(10), critical=True),),
    )
    assert refusal(tmp_path / "none", issuer, delta) == "index.no_base"
    build(tmp_path, issuer, base)
    old = RevocationIndex.open(tmp_path)
    assert old.lookup(issuer.key_id, 1, at=NOW).state == "revoked"
    assert not build(tmp_path, issuer, delta).refused
    new = RevocationIndex.open(tmp_path)
    assert [new.lookup(issuer.key_id, serial, at=NOW).state for serial in (1, 2, 3)] == ["good", "revoked", "revoked"]
    assert old.diff(new).counts == {"ended": 1, "changed": 0, "released": 1, "removed": 0}
    assert old.refreshed() is not old
    assert new.refreshed() is new


def test_a_delta_lifts_holds_only(tmp_path: Path, issuer: Issuer) -> None:
    wide = 2**64 + 4
    listed = [
        entry(1, NOW, reason(6)),
        entry(2, NOW, reason(1)),
        entry(3),
        entry(wide, NOW, reason(1)),
        entry(4, NOW, reason(6)),
    ]
    build(tmp_path, issuer, issuer.crl(*listed, number=10))
    lifting = [entry(serial, NOW, reason(8)) for serial in (1, 2, 3, wide, 4, 5)]
    indicator = extension("2.5.29.27", integer(10), critical=True)
    delta = issuer.crl(*lifting, number=11, this_update=NOW - timedelta(hours=1), extensions=(indicator,))
    assert not build(tmp_path, issuer, delta).refused
    index = RevocationIndex.open(tmp_path)
    states = {serial: index.lookup(issuer.key_id, serial, at=NOW).state for serial in (1, 2, 3, wide, 4, 5)}
    assert [serial for serial, state in states.items() if state == "revoked"] == [2, 3, wide]
    assert index.lookup(issuer.key_id, 2, at=NOW).reason == "keyCompromise"


# --- refusals


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda i: i.crl(entry(-5)), "index.entry"),
        (lambda i: i.crl(entry(1 << 231)), "index.entry"),
        (lambda i: i.crl(entry(5, NOW, extension("1.2.3", b"\x05\x00", critical=True))), "index.entry"),
        (lambda i: i.crl(entry(5), extensions=(extension("1.2.3", b"\x05\x00", critical=True),)), "index.critical"),
        (lambda i: i.crl(entry(5), next_update=None), "index.no_next_update"),
        (lambda i: i.crl(entry(5), next_update=NOW - timedelta(minutes=1)), "index.stale"),
        (lambda i: i.crl(entry(5), this_update=NOW + timedelta(minutes=1)), "index.not_yet"),
        (lambda i: i.crl(entry(5)) + b"\0", "index.malformed"),
        (lambda i: i.crl(entry(5))[:-1], "index.malformed"),
        (lambda i: i.crl(entry(5))[:40], "index.malformed"),
        (lambda i: b"\x30\x84\x40\x00\x00\x00" + i.crl(entry(5))[4:], "index.malformed"),
        (lambda i: b"", "index.malformed"),
        (lambda i: i.crl(listed=entry(5)[:-2]), "index.entry"),
        (lambda i: i.crl(listed=entry(5) + b"\x05\x00"), "index.entry"),
        (lambda i: i.crl(entry(5, time=tlv(0x17, b"261332000000Z"))), "index.entry"),
        (lambda i: i.crl(entry(5, NOW, reason(7))), "index.entry"),
        (lambda i: make_issuer().crl(entry(5)), "index.signature"),
        (lambda i: make_issuer("ELSE").crl(entry(5)), "index.issuer_unknown"),
    ],
)
def test_refused_with_its_reason(tmp_path: Path, issuer: Issuer, change, code: str) -> None:  # noqa: ANN001
    crl = change(issuer)
    found = refusal(tmp_path, issuer, crl)
    assert found == code or (code == "index.malformed" and found in {"index.malformed", "der.malformed"})


def test_an_issuer_that_may_not_sign_lists_is_refused(tmp_path: Path) -> None:
    issuer = make_issuer(crl_sign=False)
    assert refusal(tmp_path, issuer, issuer.crl(entry(5))) == "index.issuer_not_allowed"


def test_last_good_list_stays_when_a_worse_one_comes(tmp_path: Path, issuer: Issuer) -> None:
    build(tmp_path, issuer, issuer.crl(entry(5), number=9))
    assert refusal(tmp_path, issuer, issuer.crl(entry(6), number=8)) == "index.rolled_back"
    good = issuer.crl(entry(7), number=10)
    torn = bytearray(good)
    torn[-20] ^= 1
    assert refusal(tmp_path, issuer, bytes(torn)) == "index.signature"
    index = RevocationIndex.open(tmp_path)
    assert index.lookup(issuer.key_id, 5, at=NOW).state == "revoked"
    later = index.lookup(issuer.key_id, 5, at=NOW + timedelta(days=3))
    assert (later.state, later.reason) == ("unknown", "The CRL at hand is stale.")


def test_the_same_list_again_changes_nothing(tmp_path: Path, issuer: Issuer) -> None:
    crl = issuer.crl(entry(5))
    build(tmp_path, issuer, crl)
    before = sorted(path.name for path in tmp_path.iterdir())
    report = build(tmp_path, issuer, crl)
    assert (len(report.unchanged), len(report.accepted)) == (1, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_key_of_the_same_name_signs_its_own_list(tmp_path: Path) -> None:
    old, new = make_issuer(), make_issuer()
    report = RevocationIndex.build(tmp_path, [old.crl(entry(1)), new.crl(entry(2))], [new.der, old.der], at=NOW)
    assert {line["issuer_key_id"] for line in report.accepted} == {old.key_id.hex(), new.key_id.hex()}
    index = RevocationIndex.open(tmp_path)
    assert index.lookup(old.key_id, 2, at=NOW).state == "good"


# --- shapes


def test_twice_listed_serials_keep_the_first_entry(tmp_path: Path, issuer: Issuer) -> None:
    build(tmp_path, issuer, issuer.crl(entry(5, NOW, reason(1)), entry(4), entry(5, NOW, reason(4))))
    assert RevocationIndex.open(tmp_path).lookup(issuer.key_id, 5, at=NOW).reason == "keyCompromise"


def test_far_and_early_dates_are_exact(tmp_path: Path, issuer: Issuer) -> None:
    far, early = NOW.replace(year=9999), NOW.replace(year=1901)
    build(tmp_path, issuer, issuer.crl(entry(1, time=generalized(far)), entry(2, time=generalized(early)), entry(3)))
    index = RevocationIndex.open(tmp_path)
    assert index.lookup(issuer.key_id, 1, at=NOW).revoked_at == far
    assert index.lookup(issuer.key_id, 2, at=NOW).revoked_at == early


def test_an_empty_list_says_good(tmp_path: Path, issuer: Issuer) -> None:
    build(tmp_path, issuer, issuer.crl())
    assert RevocationIndex.open(tmp_path).lookup(issuer.key_id, 5, at=NOW).state == "good"


def test_a_serial_that_imitates_an_entry_is_one_serial(tmp_path: Path, issuer: Issuer) -> None:
    """The serial's octets hold `17 0D … Z`, and even a whole entry; the chain of lengths tells them apart."""
    fake = int.from_bytes(b"\x01" + utc(NOW) + b"\x30\x14\x02\x01", "big")
    serials = [fake, 7, fake + 1, *range(100, 130)]
    build(tmp_path, issuer, issuer.crl(*(entry(serial, NOW, reason(1)) for serial in serials)))
    index = RevocationIndex.open(tmp_path)
    (source,) = index.sources(issuer.key_id)
    assert {source.segment.serial(row) for row in range(len(source.segment))} == set(serials)


# --- files, processes


def test_a_reader_keeps_its_snapshot_while_builders_go_on(tmp_path: Path, issuer: Issuer) -> None:
    build(tmp_path, issuer, issuer.crl(entry(1), number=1))
    held = RevocationIndex.open(tmp_path)
    assert held.lookup(issuer.key_id, 1, at=NOW).state == "revoked"
    for number in range(2, 6):
        build(tmp_path, issuer, issuer.crl(entry(number), number=number))
    assert held.lookup(issuer.key_id, 1, at=NOW).state == "revoked"
    assert RevocationIndex.open(tmp_path).lookup(issuer.key_id, 1, at=NOW).state == "good"


BUILDER = """
import resource, sys
from datetime import datetime
from pathlib import Path
from honnin.errors import StateError
from honnin.pki import RevocationIndex
from honnin.pki.index import BuildReport
folder, crl, der, at, room = sys.argv[1:]
if int(room):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), int(room)))
try:
    RevocationIndex.build(folder, [crl], [Path(der).read_bytes()], at=datetime.fromisoformat(at))
except StateError as error:
    print(error.code)
"""


def builder(folder: Path, issuer: Issuer, crl: bytes, *, room: int = 0) -> "subprocess.Popen[str]":
    """A build in a process of its own; `room`: octets that a file may take."""
    inputs = folder.parent / "inputs"
    inputs.mkdir(exist_ok=True)
    (inputs / "ca.der").write_bytes(issuer.der)
    path = inputs / f"{hashlib.sha256(crl).hexdigest()}.crl"
    path.write_bytes(crl)
    arguments = [str(folder), str(path), str(inputs / "ca.der"), NOW.isoformat(), str(room)]
    return subprocess.Popen([sys.executable, "-c", BUILDER, *arguments], stdout=subprocess.PIPE, text=True)


def test_builders_at_once_lose_nothing(tmp_path: Path, issuer: Issuer) -> None:
    folder = tmp_path / "index"
    crls = [issuer.crl(entry(n), extensions=(point(f"http://crl.jpki-test.invalid/{n}"),)) for n in range(4)]
    for process in [builder(folder, issuer, crl) for crl in crls]:
        assert process.communicate(timeout=LONG) == ("", None)
    index = RevocationIndex.open(folder)
    for n in range(4):
        points = [f"http://crl.jpki-test.invalid/{n}"]
        assert index.lookup(issuer.key_id, n, distribution_points=points, at=NOW).state == "revoked"


def test_a_full_disk_leaves_the_old_index(tmp_path: Path, issuer: Issuer) -> None:
    folder = tmp_path / "index"
    build(folder, issuer, issuer.crl(entry(1), number=1))
    big = issuer.crl(*(entry(n) for n in range(2, 3000)), number=2)
    assert builder(folder, issuer, big, room=4096).communicate(timeout=LONG)[0].strip() == "index.no_room"
    assert RevocationIndex.open(folder).lookup(issuer.key_id, 1, at=NOW).state == "revoked"
    assert not list(folder.glob("*.new"))


def test_a_torn_segment_is_refused_not_read(tmp_path: Path, issuer: Issuer) -> None:
    build(tmp_path, issuer, issuer.crl(*(entry(n) for n in range(1, 500))))
    (pack,) = tmp_path.glob("pack-*")
    whole = pack.read_bytes()
    pack.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match="torn"):
        RevocationIndex.open(tmp_path).lookup(issuer.key_id, 5, at=NOW)
    pack.unlink()
    with pytest.raises(FormatError, match="torn"):
        RevocationIndex.open(tmp_path).lookup(issuer.key_id, 5, at=NOW)
    pack.write_bytes(whole[:100] + b"\xff" + whole[101:])
    damaged = RevocationIndex.open(tmp_path)
    assert not damaged.sources(issuer.key_id)[0].intact()
    for _ in range(2):
        with pytest.raises(FormatError, match="torn"):
            damaged.lookup(issuer.key_id, 5, at=NOW)


def test_no_index_and_a_damaged_manifest_are_coded(tmp_path: Path, issuer: Issuer) -> None:
    with pytest.raises(InputError):
        RevocationIndex.open(tmp_path)
    build(tmp_path, issuer, issuer.crl(entry(1)))
    next(tmp_path.glob("*.json")).write_text("{")
    with pytest.raises(FormatError):
        RevocationIndex.open(tmp_path).lookup(issuer.key_id, 1, at=NOW)


def test_a_manifest_without_filed_names_is_read_as_well(tmp_path: Path, issuer: Issuer) -> None:
    """Indexes that were built before names were filed in the manifest."""
    uris = [f"http://crl.jpki-test.invalid/{n}" for n in range(3)]
    build(tmp_path, issuer, *(issuer.crl(entry(n), extensions=(point(uri),)) for n, uri in enumerate(uris)))
    (path,) = tmp_path.glob("*.json")
    sealed = json.loads(path.read_text())
    assert len(sealed["manifest"].pop("named")) == 3
    octets = json.dumps(sealed["manifest"], separators=(",", ":")).encode()
    head = f'{{"version":{sealed["version"]},"checksum":"{hashlib.sha256(octets).hexdigest()}","manifest":'
    path.write_bytes(head.encode() + octets + b"}")
    index = RevocationIndex.open(tmp_path)
    for n, uri in enumerate(uris):
        states = [index.lookup(issuer.key_id, m, distribution_points=uri, at=NOW).state for m in range(3)]
        assert [m for m, state in enumerate(states) if state == "revoked"] == [n]


def test_a_moved_folder_is_the_same_index(tmp_path: Path, issuer: Issuer) -> None:
    build(tmp_path / "a", issuer, issuer.crl(entry(1)))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert RevocationIndex.open(tmp_path / "b").lookup(issuer.key_id, 1, at=NOW).state == "revoked"
