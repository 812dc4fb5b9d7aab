"""Every CRL that the index accepts, it reads as pyca/cryptography does: generated lists, and mutated ones."""

import tempfile
from datetime import UTC, datetime, timedelta

from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.pki.index.lists import NOW, entry, extension, generalized, make_issuer, reason, tlv

from honnin.pki import RevocationIndex

ISSUER = make_issuer()
MOMENTS = st.integers(-631_152_000, 2_524_607_999).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
SERIALS = st.one_of(
    st.integers(0, 300),
    st.integers(0, 2**64 + 300),
    st.integers(2**63 - 2, 2**64 + 2),
    st.integers(0, 2**159 - 2001),  # room for the run of serials that one entry becomes
    # octets that look like the marks the wide reader goes by
    st.binary(min_size=1, max_size=3).map(
        lambda x: int.from_bytes(b"\x01\x17\x0d" + x + b"0" * 9 + b"Z0\x12\x02\x01", "big")
    ),
)
CODES = st.sampled_from([1, 2, 3, 4, 5, 6, 8, 9, 10])
SHAPES = st.one_of(
    st.just(()),
    CODES.map(lambda code: (reason(code),)),
    st.tuples(CODES.map(reason), MOMENTS.map(lambda at: extension("2.5.29.24", generalized(at)))),
    MOMENTS.map(lambda at: (extension("2.5.29.24", generalized(at)),)),
    CODES.map(lambda code: (reason(code), extension("1.2.392.1", b"\x05\x00"))),
)
ENTRIES = st.lists(st.tuples(SERIALS, MOMENTS, SHAPES), max_size=60)
NAMES = {
    "unspecified": "unspecified",
    "key_compromise": "keyCompromise",
    "ca_compromise": "cACompromise",
    "affiliation_changed": "affiliationChanged",
    "superseded": "superseded",
    "cessation_of_operation": "cessationOfOperation",
    "certificate_hold": "certificateHold",
    "remove_from_crl": "removeFromCRL",
    "privilege_withdrawn": "privilegeWithdrawn",
    "aa_compromise": "aACompromise",
}


def ours(crl: bytes) -> dict[int, tuple[str | None, datetime | None]] | None:
    """What the index says of every serial, or None when it refuses the list."""
    with tempfile.TemporaryDirectory() as folder:
        report = RevocationIndex.build(folder, [crl], [ISSUER.der], at=NOW)
        if not report.accepted:
            return None
        index = RevocationIndex.open(folder)
        (source,) = index.sources(ISSUER.key_id)
        serials = [source.segment.serial(row) for row in range(len(source.segment))]
        found = {}
        for serial in serials:
            status = index.lookup(ISSUER.key_id, serial, at=NOW)
            assert status.state == "revoked"
            found[serial] = (status.reason, status.revoked_at)
        return found


def theirs(crl: bytes) -> dict[int, tuple[str | None, datetime | None]]:
    """What pyca says: the first entry of each serial."""
    found: dict[int, tuple[str | None, datetime | None]] = {}
    for listed in x509.load_der_x509_crl(crl):
        name = None
        for one in listed.extensions:
            if isinstance(one.value, x509.CRLReason):
                name = NAMES[one.value.reason.name]
        found.setdefault(listed.serial_number, (name, listed.revocation_date_utc))
    return found


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ENTRIES, st.integers(1, 9))
def test_generated_lists_are_read_as_pyca_reads_them(entries, copies: int) -> None:  # noqa: ANN001
    listed = [entry(serial, at, *shape) for serial, at, shape in entries]
    if len(listed) == 1:  # long runs of one shape take the wide reader through whole blocks
        listed = [entry(entries[0][0] + n, entries[0][1], *entries[0][2]) for n in range(copies * 200)]
    crl = ISSUER.crl(*listed)
    assert ours(crl) == theirs(crl)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ENTRIES.filter(bool), st.data())
def test_mutated_lists_are_refused_or_read_as_pyca_reads_them(entries, data) -> None:  # noqa: ANN001
    """The mutation is signed, so that only reading can refuse it."""
    listed = bytearray(b"".join(entry(serial, at, *shape) for serial, at, shape in entries))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(listed) - 1))
        listed[place] = data.draw(st.sampled_from([listed[place] ^ 1, 0x17, 0x0D, 0x30, 0x02, 0x5A, 0x80, 0xFF, 0x00]))
    crl = ISSUER.crl(listed=bytes(listed))
    answer = ours(crl)
    if answer is not None:
        assert answer == theirs(crl)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(0, 3))
def test_blocks_cut_entries_anywhere(octets: int, odd: int) -> None:
    """More than a block of entries of every length, with entries of a rare shape between."""
    listed = []
    for n in range(2_000):
        serial = 1 << (8 * octets) | n
        shape = (extension("1.2.392.1", tlv(0x04, b"x" * (n % 90))),) if n % 997 == odd else (reason(1 + n % 6),)
        listed.append(entry(serial, NOW - timedelta(seconds=n), *shape))
    crl = ISSUER.crl(*listed)
    assert ours(crl) == theirs(crl)
