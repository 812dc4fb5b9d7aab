"""Every list that the revocation index accepts, `openssl crl -text` reads the same way, entry by entry."""

import re
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.pki.index.lists import NOW, entry, extension, generalized, make_issuer, reason
from tests.waiting import LONG

from honnin.pki import RevocationIndex

pytestmark = pytest.mark.peer("openssl")
ISSUER = make_issuer()
NAMES = {
    "Unspecified": "unspecified",
    "Key Compromise": "keyCompromise",
    "CA Compromise": "cACompromise",
    "Affiliation Changed": "affiliationChanged",
    "Superseded": "superseded",
    "Cessation Of Operation": "cessationOfOperation",
    "Certificate Hold": "certificateHold",
    "Remove From CRL": "removeFromCRL",
    "Privilege Withdrawn": "privilegeWithdrawn",
    "AA Compromise": "aACompromise",
}
ENTRY = re.compile(r"Serial Number: ([0-9A-F]+)\n\s+Revocation Date: (\S+ +\d+ \S+ \d+) GMT")
Entries = dict[int, tuple[str | None, datetime]]


def theirs(folder: Path, crl: bytes) -> Entries:
    (folder / "list.crl").write_bytes(crl)
    (folder / "ca.der").write_bytes(ISSUER.der)
    command = ["openssl", "crl", "-inform", "DER", "-in", str(folder / "list.crl"), "-noout", "-text"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONG).stdout
    found: Entries = {}
    blocks = (
        text.split("Revoked Certificates:\n")[1].split("    Serial Number: ")[1:] if "Serial Number" in text else []
    )
    for block in blocks:
        match = ENTRY.match("Serial Number: " + block)
        assert match is not None, block
        named = re.search(r"CRL Reason Code:[^\n]*\n\s+([A-Za-z ]+)", block)
        at = datetime.strptime(match[2], "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        found.setdefault(int(match[1], 16), (NAMES[named[1].strip()] if named else None, at))
    return found


def ours(folder: Path, crl: bytes) -> Entries | None:
    report = RevocationIndex.build(folder / "index", [crl], [ISSUER.der], at=NOW)
    if not report.accepted:
        return None
    index = RevocationIndex.open(folder / "index")
    (source,) = index.sources(ISSUER.key_id)
    found: Entries = {}
    for row in range(len(source.segment)):
        serial = source.segment.serial(row)
        status = index.lookup(ISSUER.key_id, serial, at=NOW)
        assert status.revoked_at is not None
        found[serial] = (status.reason, status.revoked_at)
    return found


MOMENTS = st.integers(-631_152_000, 2_524_607_999).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
SHAPES = st.one_of(
    st.just(()),
    st.sampled_from([0, 1, 2, 3, 4, 5, 6, 8, 9, 10]).map(lambda code: (reason(code),)),
    MOMENTS.map(lambda at: (reason(1), extension("2.5.29.24", generalized(at)))),
)
ENTRIES = st.lists(st.tuples(st.integers(1, 2**159 - 1), MOMENTS, SHAPES), min_size=1, max_size=40)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ENTRIES)
def test_generated_lists_are_read_as_openssl_reads_them(entries) -> None:  # noqa: ANN001
    crl = ISSUER.crl(*(entry(serial, at, *shape) for serial, at, shape in entries))
    with tempfile.TemporaryDirectory() as folder:
        assert ours(Path(folder), crl) == theirs(Path(folder), crl)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ENTRIES, st.data())
def test_mutated_lists_are_refused_or_read_as_openssl_reads_them(entries, data) -> None:  # noqa: ANN001
    listed = bytearray(b"".join(entry(serial, at, *shape) for serial, at, shape in entries))
    place = data.draw(st.integers(0, len(listed) - 1))
    listed[place] = data.draw(st.sampled_from([listed[place] ^ 1, listed[place] ^ 8, 0x30, 0x31, 0x39, 0x17, 0x00]))
    with tempfile.TemporaryDirectory() as folder:
        crl = ISSUER.crl(listed=bytes(listed))
        found = ours(Path(folder), crl)
        if found is not None:
            assert found == theirs(Path(folder), crl)
