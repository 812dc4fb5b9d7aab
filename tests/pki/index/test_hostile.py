"""Bad input, each kind by itself: a list that lies, a signature of another kind, a question that cannot be asked."""

import io
import os
import resource
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pki.index.lists import (
    NOW,
    Issuer,
    certificate_of,
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
from tests.waiting import joined

from honnin.errors import FormatError, InputError
from honnin.pki import RevocationIndex
from honnin.pki.index import BuildReport
from honnin.pki.index.stream import make_buffer, read_crl


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return make_issuer()


def build(folder: Path, *crls: bytes, by: Issuer) -> BuildReport:
    return RevocationIndex.build(folder, crls, [by.der], at=NOW)


def refusal(folder: Path, crl: bytes, by: Issuer) -> str:
    report = build(folder, crl, by=by)
    assert not report.accepted
    return str(report.refused[0]["code"])


# --- the list itself


def test_a_list_of_version_1_is_read_but_not_with_extensions(tmp_path: Path, issuer: Issuer) -> None:
    listed = b"".join(entry(serial) for serial in range(1, 40))
    first = issuer.seal(issuer.tbs(listed, version=b""))
    assert not build(tmp_path, first, by=issuer).refused
    assert RevocationIndex.open(tmp_path).lookup(issuer.key_id, 39, at=NOW).state == "revoked"
    extended = b"".join(entry(serial, NOW, reason(1)) for serial in range(1, 40))
    for wrong in (extended, listed + entry(40, NOW, reason(1)), entry(40, NOW, extension("1.2.3", b"\x05\x00"))):
        assert refusal(tmp_path / "x", issuer.seal(issuer.tbs(wrong, version=b"")), issuer) == "index.entry"
    crl_extensions = tlv(0xA0, tlv(0x30, extension("2.5.29.20", integer(1))))
    wrong = issuer.seal(issuer.tbs(listed, crl_extensions, version=b""))
    assert refusal(tmp_path / "x", wrong, issuer) == "index.malformed"


def test_unsorted_serials_and_dates_and_both_kinds_of_time(tmp_path: Path, issuer: Issuer) -> None:
    serials = [(7919 * n) % 100_003 for n in range(1, 3000)]
    days = [NOW - timedelta(days=(31 * n) % 4000) for n in range(1, 3000)]
    listed = [
        entry(serial, at, time=generalized(at) if serial % 3 == 0 else None)
        for serial, at in zip(serials, days, strict=True)
    ]
    build(tmp_path, issuer.crl(*listed), by=issuer)
    index = RevocationIndex.open(tmp_path)
    for serial, at in zip(serials[::97], days[::97], strict=True):
        assert index.lookup(issuer.key_id, serial, at=NOW).revoked_at == at


def test_an_extension_that_ends_early_is_refused(tmp_path: Path, issuer: Issuer) -> None:
    for cut in (tlv(0x30, b"\x06\x03\x55\x1d\x15"), tlv(0x30), tlv(0x30, b"\x06\x00"), tlv(0x30, b"\x01\x01\xff")):
        wrong = tlv(0x30, integer(5), utc(NOW), tlv(0x30, cut))
        assert refusal(tmp_path, issuer.crl(listed=wrong), issuer) == "index.entry"


@pytest.mark.parametrize(
    "claim", [b"\x84\x40\x00\x00\x00", b"\x85\x01\x00\x00\x00\x00", b"\x80", b"\xff", b"\x83\xff\xff\xff"]
)
@pytest.mark.parametrize("depth", ["file", "signed", "list", "entry", "serial"])
def test_lengths_that_lie_are_refused_without_memory(tmp_path: Path, issuer: Issuer, claim: bytes, depth: str) -> None:
    serial = b"\x02" + claim + b"\x05" if depth == "serial" else integer(5)
    one = b"\x30" + claim + serial + utc(NOW) if depth == "entry" else tlv(0x30, serial, utc(NOW))
    listed = b"\x30" + claim + one if depth == "list" else tlv(0x30, one)
    inner = issuer.tbs(b"")
    body = inner[2 if inner[1] < 0x80 else 3 :] + listed
    tbs = b"\x30" + claim + body if depth == "signed" else tlv(0x30, body)
    crl = issuer.seal(tbs)
    if depth == "file":
        crl = b"\x30" + claim + crl[4:]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusal(tmp_path, crl, issuer) in {"index.malformed", "index.entry"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32_768


def test_what_follows_the_list_is_refused(tmp_path: Path, issuer: Issuer) -> None:
    for more in (entry(9), tlv(0x30, entry(9)), b"\x05\x00", b"\x00"):
        tbs = issuer.tbs(entry(5))
        assert refusal(tmp_path, issuer.seal(tlv(0x30, tbs[2:] if tbs[1] < 0x80 else tbs[3:], more)), issuer) == (
            "index.malformed"
        )


class OneByOne(io.RawIOBase):
    """A stream that gives one octet at a time, as a slow pipe may."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, into: "bytearray | memoryview") -> int:  # type: ignore[override]
        if self.at == len(self.octets) or not len(into):
            return 0
        into[0] = self.octets[self.at]
        self.at += 1
        return 1


@pytest.mark.parametrize("known", [True, False])
def test_one_octet_at_a_time_gives_the_same(issuer: Issuer, known: bool) -> None:
    crl = issuer.crl(*(entry(serial, NOW, reason(1)) for serial in range(2**20, 2**20 + 300)))
    size = len(crl) if known else None
    slow = read_crl(OneByOne(crl), size, make_buffer())  # type: ignore[arg-type]
    fast = read_crl(io.BytesIO(crl), len(crl), make_buffer())
    assert (slow.tbs_digest, slow.sha256, slow.signature) == (fast.tbs_digest, fast.sha256, fast.signature)
    assert slow.table.low.tolist() == fast.table.low.tolist() == list(range(2**20, 2**20 + 300))
    for wrong in (crl[:-1], crl[:50], crl[:-400]):
        with pytest.raises(FormatError):
            read_crl(OneByOne(wrong), len(wrong) if known else None, make_buffer())  # type: ignore[arg-type]
    if not known:
        with pytest.raises(FormatError):
            read_crl(OneByOne(crl + b"\x00"), None, make_buffer())  # type: ignore[arg-type]


def test_a_pipe_is_read_as_a_file_is(tmp_path: Path, issuer: Issuer) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    crl = issuer.crl(*(entry(serial) for serial in range(1, 5000)))
    writer = threading.Thread(target=pipe.write_bytes, args=(crl,), daemon=True)
    writer.start()
    assert not RevocationIndex.build(tmp_path / "i", [pipe], [issuer.der], at=NOW).refused
    joined(writer)
    assert RevocationIndex.open(tmp_path / "i").lookup(issuer.key_id, 4999, at=NOW).state == "revoked"


def test_files_that_are_no_lists_are_refused(tmp_path: Path, issuer: Issuer) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "pem").write_bytes(b"-----BEGIN X509 CRL-----\n!!!!\n-----END X509 CRL-----\n")
    sources = [tmp_path, tmp_path / "none", tmp_path / "empty", tmp_path / "pem", b"\x30\x00", b"\x30"]
    report = RevocationIndex.build(tmp_path / "i", sources, [issuer.der], at=NOW)
    assert [line["code"] for line in report.refused] == [
        "index.unreadable",
        "index.unreadable",
        *["index.malformed"] * 4,
    ]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
def test_any_octets_give_a_refusal_or_a_list(octets: bytes, place: int, value: int) -> None:
    crl = bytearray(GOOD)
    crl[place % len(crl)] = value
    for given_octets in (octets, bytes(crl), bytes(crl)[:place], b"\x30\x82" + octets):
        for size in (len(given_octets), None):
            with suppress(FormatError):
                read_crl(io.BytesIO(given_octets), size, make_buffer())


GOOD = make_issuer().crl(entry(5), entry(9, NOW, reason(1)), extensions=(point("http://crl.jpki-test.invalid/1"),))


# --- small lists read together


def test_one_bad_list_among_many_small_ones_is_refused_alone(tmp_path: Path, issuer: Issuer) -> None:
    crls = []
    for place in range(60):
        scope = point(f"http://crl.jpki-test.invalid/{place}")
        serials = range(1 << 24 | place << 8, (1 << 24 | place << 8) + 20)
        crls.append(issuer.crl(*(entry(serial, NOW, reason(1)) for serial in serials), extensions=(scope,)))
    torn = bytearray(crls[30])
    torn[-1] ^= 1
    crls[30] = bytes(torn)
    odd = [entry(1 << 24 | 1, NOW, reason(1))] * 19 + [entry(1 << 24 | 2, NOW, reason(7))]
    crls[10] = issuer.crl(*odd, extensions=(point("http://crl.jpki-test.invalid/10"),))
    split = b"".join(entry(1 << 24 | n, NOW, reason(1)) for n in range(20))
    crls[20] = issuer.crl(listed=split[:-5], extensions=(point("http://crl.jpki-test.invalid/20"),))
    report = build(tmp_path, *crls, by=issuer)
    assert {line["source"]: line["code"] for line in report.refused} == {
        "#10": "index.entry",
        "#20": "index.entry",
        "#30": "index.signature",
    }
    assert [line["source"] for line in report.accepted] == [f"#{n}" for n in range(60) if n not in {10, 20, 30}]
    index = RevocationIndex.open(tmp_path)
    for place in (0, 29, 59):
        uri = f"http://crl.jpki-test.invalid/{place}"
        for low, state in ((0, "revoked"), (19, "revoked"), (20, "good")):
            serial = (1 << 24 | place << 8) + low
            assert index.lookup(issuer.key_id, serial, distribution_points=uri, at=NOW).state == state


# --- signatures


def test_pss_and_dsa_signatures_hold_and_others_are_refused_clearly(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    sha256 = tlv(0x30, bytes.fromhex("0609608648016503040201"))
    mask = tlv(0x30, bytes.fromhex("06092a864886f70d010108"), sha256)
    parameters = tlv(0x30, tlv(0xA0, sha256), tlv(0xA1, mask), tlv(0xA2, integer(32)))
    pss = tlv(0x30, bytes.fromhex("06092a864886f70d01010a"), parameters)
    how = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    for number, (maker, algorithm, sign) in enumerate(
        [
            (key, pss, lambda tbs: key.sign(tbs, how, hashes.SHA256())),
            (
                key,
                bytes.fromhex("300d06092a864886f70d01010c0500"),
                lambda t: key.sign(t, padding.PKCS1v15(), hashes.SHA384()),
            ),
        ]
    ):
        issuer = Issuer(maker, certificate_of(maker))  # type: ignore[arg-type]
        tbs = issuer.tbs(entry(5), algorithm=algorithm)
        crl = tlv(0x30, tbs, algorithm, tlv(0x03, b"\x00", sign(tbs)))
        folder = tmp_path / str(number)
        assert not build(folder, crl, by=issuer).refused
        assert RevocationIndex.open(folder).lookup(issuer.key_id, 5, at=NOW).state == "revoked"
        assert refusal(folder / "x", crl[:-1] + bytes((crl[-1] ^ 1,)), issuer) == "index.signature"


def test_a_signature_that_one_pass_cannot_check_is_refused(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    issuer = Issuer(key, certificate_of(key))  # type: ignore[arg-type]
    algorithm = bytes.fromhex("300506032b6570")
    tbs = issuer.tbs(entry(5), algorithm=algorithm)
    crl = tlv(0x30, tbs, algorithm, tlv(0x03, b"\x00", key.sign(tbs)))
    assert refusal(tmp_path, crl, issuer) == "index.algorithm"
    sha1 = bytes.fromhex("300906072a8648ce3d0401")
    tbs = issuer.tbs(entry(5), algorithm=sha1)
    assert refusal(tmp_path, tlv(0x30, tbs, sha1, tlv(0x03, b"\x00", b"x")), issuer) == "index.algorithm"
    unknown = tlv(0x30, b"\x06\x03\x2a\x03\x04")
    tbs = issuer.tbs(entry(5), algorithm=unknown)
    assert refusal(tmp_path, tlv(0x30, tbs, unknown, tlv(0x03, b"\x00", b"x")), issuer) == "index.algorithm"


def test_keys_too_short_or_of_a_dying_kind_are_refused(tmp_path: Path) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    issuer = Issuer(weak, certificate_of(weak))  # type: ignore[arg-type]
    algorithm = bytes.fromhex("300d06092a864886f70d01010b0500")
    tbs = issuer.tbs(entry(5), algorithm=algorithm)
    signed = weak.sign(tbs, padding.PKCS1v15(), hashes.SHA256())
    assert refusal(tmp_path, tlv(0x30, tbs, algorithm, tlv(0x03, b"\x00", signed)), issuer) == "index.algorithm"
    old = dsa.generate_private_key(1024)  # noqa: S505
    issuer = Issuer(old, certificate_of(old))  # type: ignore[arg-type]
    algorithm = bytes.fromhex("300b0609608648016503040302")
    tbs = issuer.tbs(entry(5), algorithm=algorithm)
    crl = tlv(0x30, tbs, algorithm, tlv(0x03, b"\x00", old.sign(tbs, hashes.SHA256())))
    assert refusal(tmp_path, crl, issuer) == "index.algorithm"


def test_a_key_identifier_of_another_key_does_not_choose_the_signer(tmp_path: Path) -> None:
    one, two = make_issuer(), make_issuer()
    pretended = extension("2.5.29.35", tlv(0x30, tlv(0x80, two.key_id)))
    crl = one.seal(one.tbs(entry(5), tlv(0xA0, tlv(0x30, pretended))))
    report = RevocationIndex.build(tmp_path, [crl], [one.der, two.der], at=NOW)
    assert [line["code"] for line in report.refused] == ["index.signature"]
    index = RevocationIndex.open(tmp_path)
    assert index.lookup(two.key_id, 6, at=NOW).state == "unknown"
    assert isinstance(one.key, ec.EllipticCurvePrivateKey)


# --- order in time


def test_equal_numbers_with_other_content_are_not_taken_for_later(tmp_path: Path, issuer: Issuer) -> None:
    build(tmp_path, issuer.crl(entry(5), number=9), by=issuer)
    assert refusal(tmp_path, issuer.crl(entry(6), number=9), issuer) == "index.rolled_back"
    plain = tmp_path / "plain"
    build(plain, issuer.crl(entry(5), number=None), by=issuer)
    assert refusal(plain, issuer.crl(entry(6), number=None), issuer) == "index.rolled_back"
    later = issuer.crl(entry(6), number=None, this_update=NOW - timedelta(hours=1))
    assert not build(plain, later, by=issuer).refused


def test_a_delta_and_the_complete_list_of_one_number_agree(tmp_path: Path, issuer: Issuer) -> None:
    later = NOW - timedelta(hours=1)
    indicator = extension("2.5.29.27", integer(10), critical=True)
    delta = issuer.crl(entry(3, NOW, reason(1)), number=11, this_update=later, extensions=(indicator,))
    whole = issuer.crl(entry(1), entry(3, NOW, reason(1)), number=11, this_update=later)
    for order in ([delta, whole], [whole, delta]):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        build(folder, issuer.crl(entry(1), number=10), by=issuer)
        for crl in order:
            assert not build(folder, crl, by=issuer).refused
        index = RevocationIndex.open(folder)
        assert [index.lookup(issuer.key_id, n, at=NOW).state for n in (1, 2, 3)] == ["revoked", "good", "revoked"]


def test_a_delta_over_wide_and_dated_entries_keeps_the_rest(tmp_path: Path, issuer: Issuer) -> None:
    wide = [2**64 + 5, 2**159 - 3, 5, 6, 2**40]
    far = NOW.replace(year=9000)
    held = reason(6)
    base = [tlv(0x30, integer(serial), generalized(far), tlv(0x30, held)) for serial in wide]
    dated = extension("2.5.29.24", generalized(NOW - timedelta(days=9)))
    build(tmp_path, issuer.crl(*base, entry(77, NOW, reason(1), dated), number=10), by=issuer)
    indicator = extension("2.5.29.27", integer(10), critical=True)
    changes = [
        entry(2**64 + 5, NOW, reason(8)),
        entry(6, NOW, reason(8)),
        entry(2**64 + 6),
        entry(2**64 + 6, NOW, reason(1)),
    ]
    delta = issuer.crl(*changes, number=11, this_update=NOW - timedelta(hours=1), extensions=(indicator,))
    assert not build(tmp_path, delta, by=issuer).refused
    index = RevocationIndex.open(tmp_path)
    states = {serial: index.lookup(issuer.key_id, serial, at=NOW) for serial in [*wide, 77, 2**64 + 6]}
    assert [serial for serial, status in states.items() if status.state == "good"] == [2**64 + 5, 6]
    assert states[2**159 - 3].revoked_at == far
    assert states[2**64 + 6].reason is None
    proof = states[77].proof
    assert proof is not None
    assert proof["invalidity_date"] == (NOW - timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- questions


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> RevocationIndex:
    folder = tmp_path_factory.mktemp("index")
    build(folder, issuer.crl(entry(5), entry(2**64 + 1), entry(2**159 - 1), entry(0)), by=issuer)
    return RevocationIndex.open(folder)


@pytest.mark.parametrize("serial", [-1, -(2**64), -5, 2**160, 2**200, 2**4000])
def test_impossible_serials_are_unknown(index: RevocationIndex, issuer: Issuer, serial: int) -> None:
    assert index.lookup(issuer.key_id, serial, at=NOW).state == "unknown"
    assert index.lookup_many(issuer.key_id, [5, serial, 6], at=NOW).tolist() == ["revoked", "unknown", "good"]


@pytest.mark.parametrize("serial", [5.0, "5", None, b"5", 1e30])
def test_what_is_no_number_is_refused(index: RevocationIndex, issuer: Issuer, serial: object) -> None:
    with pytest.raises(InputError, match=r"index\.serial"):
        index.lookup(issuer.key_id, serial, at=NOW)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"index\.serial"):
        index.lookup_many(issuer.key_id, [5, serial], at=NOW)  # type: ignore[list-item]


def test_arrays_of_every_kind_are_read_rightly(index: RevocationIndex, issuer: Issuer) -> None:
    def many(serials: object) -> list[str]:
        return index.lookup_many(issuer.key_id, serials, at=NOW).tolist()  # type: ignore[arg-type, no-any-return]

    assert many(np.array([5, -1, 6], dtype=np.int64)) == ["revoked", "unknown", "good"]
    assert many(np.array([5, 6], dtype=np.uint8)) == ["revoked", "good"]
    assert many(np.array([5, 2**64 + 1], dtype=object)) == ["revoked", "revoked"]
    assert many([np.uint64(5), 0, 2**159 - 1]) == ["revoked"] * 3
    assert many([]) == []
    assert index.lookup(issuer.key_id, np.uint64(5), at=NOW).state == "revoked"  # type: ignore[arg-type]
    with pytest.raises(InputError):
        many(np.array([5.0]))
    asked = list(range(4000)) * 2  # many asked, few listed: the search goes the other way
    assert [n for n, state in enumerate(many(asked)) if state == "revoked"] == [0, 5, 4000, 4005]


def test_a_moment_without_zone_is_refused(index: RevocationIndex, issuer: Issuer) -> None:
    for at in (datetime(2026, 11, 21, 9), datetime.min):  # noqa: DTZ001, DTZ901
        with pytest.raises(InputError, match=r"clock\.no_zone"):
            index.lookup(issuer.key_id, 5, at=at)
        with pytest.raises(InputError, match=r"clock\.no_zone"):
            index.lookup_many(issuer.key_id, [5], at=at)
        with pytest.raises(InputError, match=r"clock\.no_zone"):
            RevocationIndex.build("/nonexistent", [], [], at=at)


def test_threads_share_one_index(tmp_path: Path, issuer: Issuer) -> None:
    crls = [
        issuer.crl(*(entry(n * 100 + m) for m in range(5)), extensions=(point(f"http://crl.jpki-test.invalid/{n}"),))
        for n in range(60)
    ]
    build(tmp_path, *crls, by=issuer)
    shared = RevocationIndex.open(tmp_path)
    wrong: list[object] = []

    def ask(start: int) -> None:
        try:
            for step in range(150):
                n = (start + step) % 60
                uri = f"http://crl.jpki-test.invalid/{n}"
                for low, state in ((4, "revoked"), (5, "good")):
                    found = shared.lookup(issuer.key_id, n * 100 + low, distribution_points=uri, at=NOW)
                    if found.state != state:
                        wrong.append((n, low, found))
                shared.lookup(bytes([start, step % 200]), 1, at=NOW)
                shared.refreshed()
        except Exception as error:  # noqa: BLE001 - any of them is the failure
            wrong.append(error)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    joined(*threads)
    assert not wrong


def test_building_takes_the_memory_of_the_index_not_of_the_list(tmp_path: Path, issuer: Issuer) -> None:
    """A list of 5 MB whose entries carry much that the index does not keep."""
    padding_octets = extension("1.2.392.1", tlv(0x04, bytes(100)))
    crl = issuer.crl(listed=b"".join(entry(n, NOW, padding_octets) for n in range(40_000)))
    (tmp_path / "list").write_bytes(crl)
    (tmp_path / "ca").write_bytes(issuer.der)
    script = """
import resource, sys
from datetime import datetime
from pathlib import Path
from honnin.pki import RevocationIndex
import honnin.pki.index
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
folder = Path(sys.argv[1])
at = datetime.fromisoformat(sys.argv[2])
assert not RevocationIndex.build(folder / "i", [folder / "list"], [(folder / "ca").read_bytes()], at=at).refused
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    arguments = [sys.executable, "-c", script, str(tmp_path), NOW.isoformat()]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120)
    assert int(done.stdout) < 8_000
