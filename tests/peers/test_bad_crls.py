"""Bad revocation lists, one by one: what the index, pyca/cryptography and `openssl crl -text` say of the same octets.

All of them are signed, so that only reading can refuse them. Where the three differ, the case says so and why; a peer
that changes its mind fails here. docs/performance.md, Where it was attacked, has the same table in words.
"""

import re
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.pki.index.lists import NOW, entry, extension, generalized, integer, make_issuer, reason, tlv, utc
from tests.waiting import LONG

from honnin.pki import RevocationIndex

pytestmark = pytest.mark.peer("openssl")
ISSUER = make_issuer()
Serials = list[int] | None  # in the order told; None: refused
Case = tuple[Callable[[], bytes], str | list[int], Serials, Serials]  # the list, honnin, pyca, openssl
NUMBER = tlv(0xA0, tlv(0x30, extension("2.5.29.20", integer(1))))
FIVE = entry(5)
GIGABYTE, ENDLESS = b"\x84\x40\x00\x00\x00", b"\x80"


def listed(*entries: bytes) -> Callable[[], bytes]:
    return lambda: ISSUER.crl(listed=b"".join(entries))


def timed(tag: int, text: bytes) -> Callable[[], bytes]:
    return listed(entry(5, time=tlv(tag, text)))


def content(octets: bytes) -> bytes:
    """The contents of a value of less than 256 octets."""
    return octets[2:] if octets[1] < 0x80 else octets[3:]


def followed(*more: bytes) -> Callable[[], bytes]:
    """A list behind whose entries something else stands."""
    return lambda: ISSUER.seal(tlv(0x30, content(ISSUER.tbs(FIVE)), *more))


def claiming(claim: bytes, depth: str) -> Callable[[], bytes]:
    """A list in which the length of one value is `claim`."""
    serial = b"\x02" + claim + b"\x05" if depth == "serial" else integer(5)
    one = (b"\x30" + claim if depth == "entry" else b"\x30\x12") + serial + utc(NOW)
    entries = b"\x30" + claim + one if depth == "list" else tlv(0x30, one)
    body = content(ISSUER.tbs(b"")) + entries
    crl = ISSUER.seal(b"\x30" + claim + body if depth == "signed" else tlv(0x30, body))
    return lambda: b"\x30" + claim + crl[4:] if depth == "file" else crl


WIDE = (1 << 239) - 1
CASES: dict[str, Case] = {
    # of a serial that is listed twice the first entry stands; the peers tell both
    "duplicate serials": (
        listed(entry(5, NOW, reason(1)), entry(4), entry(5, NOW, reason(4))),
        [4, 5],
        [5, 4, 5],
        [5, 4, 5],
    ),
    # RFC 5280 §4.1.2.2: no certificate has one, and the columns have no room for it; the peers read any INTEGER
    "negative serial": (listed(entry(-5)), "index.entry", [-5], [-5]),
    "serial of 30 octets": (listed(entry(WIDE)), "index.entry", [WIDE], [WIDE]),
    "serial of 20 octets and a leading zero": (
        listed(entry((1 << 160) - 1)),
        "index.entry",
        [(1 << 160) - 1],
        [(1 << 160) - 1],
    ),
    "serial of 20 octets": (listed(entry((1 << 159) - 1)), [(1 << 159) - 1], [(1 << 159) - 1], [(1 << 159) - 1]),
    "serial 0": (listed(entry(0)), [0], [0], [0]),
    "serial with a needless zero": (listed(tlv(0x30, b"\x02\x02\x00\x05", utc(NOW))), "index.entry", None, None),
    "serial without octets": (listed(tlv(0x30, b"\x02\x00", utc(NOW))), "index.entry", None, None),
    "unsorted serials and dates": (
        listed(*(entry(59 * n % 61, NOW - timedelta(days=31 * n % 400)) for n in range(1, 61))),
        list(range(1, 61)),
        [59 * n % 61 for n in range(1, 61)],
        [59 * n % 61 for n in range(1, 61)],
    ),
    "GeneralizedTime before 2050": (listed(entry(5, time=generalized(NOW))), [5], [5], [5]),
    "GeneralizedTime after 2050": (listed(entry(5, time=generalized(NOW.replace(year=2060)))), [5], [5], [5]),
    # RFC 5280 §5.1.2.6, §4.1.2.5: DER has seconds, no fraction, Z; openssl reads BER's other forms
    "GeneralizedTime with a fraction": (timed(0x18, b"20261121030000.5Z"), "index.entry", None, [5]),
    "GeneralizedTime with an offset": (timed(0x18, b"20261121030000+0900"), "index.entry", None, [5]),
    "UTCTime without seconds": (timed(0x17, b"2611210300Z"), "index.entry", None, [5]),
    # openssl prints "Bad time value" and goes on
    "30 February": (timed(0x17, b"260230030000Z"), "index.entry", None, [5]),
    "zero entries, no list": (ISSUER.crl, [], [], []),
    "zero entries, an empty list": (
        lambda: ISSUER.seal(tlv(0x30, content(ISSUER.tbs(b"")), b"\x30\x00", NUMBER)),
        [],
        [],
        [],
    ),
    "an entry after the list's end": (followed(entry(9)), "index.malformed", None, None),
    "a list after the list's end": (followed(tlv(0x30, entry(9))), "index.malformed", None, None),
    # openssl reads the first value of a file and leaves the rest
    "an octet after the file's end": (lambda: ISSUER.crl(FIVE) + b"\x00", "index.malformed", None, [5]),
    # a length of two octets where one would do is BER; openssl reads it
    "a length in the long form": (listed(b"\x30\x81\x12" + integer(5) + utc(NOW)), "index.entry", None, [5]),
    # RFC 5280 §5.3.1 knows ten reasons; openssl prints the number of any other
    "reason 7": (listed(entry(5, NOW, reason(7))), "index.entry", None, [5]),
    "two reasons for one entry": (listed(entry(5, NOW, reason(1), reason(4))), "index.entry", None, [5]),
    # RFC 5280 §5.3: such a list must not be used; the peers leave that to the caller
    "an unknown critical extension": (
        listed(entry(5, NOW, extension("1.2.3", b"\x05\x00", critical=True))),
        "index.entry",
        [5],
        [5],
    ),
    # RFC 5280 §5.1.2.1; the peers do not look at the version
    "extensions in version 1": (
        lambda: ISSUER.seal(ISSUER.tbs(entry(5, NOW, reason(1)), version=b"")),
        "index.entry",
        [5],
        [5],
    ),
    **{
        f"{words} claimed by the {depth}": (
            claiming(claim, depth),
            "index.entry" if depth in {"entry", "serial"} else "index.malformed",
            None,
            None,
        )
        for words, claim in (("a gigabyte", GIGABYTE), ("no end", ENDLESS))
        for depth in ("file", "signed", "list", "entry", "serial")
    },
}


def of_honnin(folder: Path, crl: bytes) -> str | list[int]:
    """The serials in the index, or the code of the refusal."""
    report = RevocationIndex.build(folder / "index", [crl], [ISSUER.der], at=NOW)
    if not report.accepted:
        return str(report.refused[0]["code"])
    (source,) = RevocationIndex.open(folder / "index").sources(ISSUER.key_id)
    return [source.segment.serial(row) for row in range(len(source.segment))]


def of_pyca(crl: bytes) -> Serials:
    try:
        loaded = x509.load_der_x509_crl(crl)
        assert loaded.is_signature_valid(ISSUER.key.public_key())
        return [(one.serial_number, one.revocation_date_utc, one.extensions)[0] for one in loaded]
    except (ValueError, x509.DuplicateExtension):
        return None


def of_openssl(folder: Path, crl: bytes) -> Serials:
    (folder / "list.crl").write_bytes(crl)
    (folder / "ca.pem").write_bytes(ISSUER.certificate.public_bytes(serialization.Encoding.PEM))
    command = ["openssl", "crl", "-inform", "DER", "-in", folder / "list.crl", "-CAfile", folder / "ca.pem"]
    done = subprocess.run([*command, "-noout", "-text"], capture_output=True, text=True, check=False, timeout=LONG)
    if done.returncode:
        return None
    assert "verify OK" in done.stderr
    return [int(serial, 16) for serial in re.findall(r"Serial Number: (-?[0-9A-F]+)", done.stdout)]


@pytest.mark.parametrize("name", CASES)
def test_a_bad_list_is_judged_as_the_case_says(tmp_path: Path, name: str) -> None:
    make, honnin, pyca, openssl = CASES[name]
    crl = make()
    assert (of_honnin(tmp_path, crl), of_pyca(crl), of_openssl(tmp_path, crl)) == (honnin, pyca, openssl)


def test_of_duplicate_serials_the_same_entry_stands_as_in_pyca(tmp_path: Path) -> None:
    """Narrow and wide ones, in one list of several blocks, each listed three times with other reasons."""
    bases = [*range(1 << 20, (1 << 20) + 4000), *range(1 << 130, (1 << 130) + 4000)]
    entries = [entry(base, NOW - timedelta(hours=turn), reason(1 + turn)) for turn in range(3) for base in bases]
    crl = ISSUER.crl(*entries)
    assert RevocationIndex.build(tmp_path, [crl], [ISSUER.der], at=NOW).accepted
    index, pyca = RevocationIndex.open(tmp_path), x509.load_der_x509_crl(crl)
    (source,) = index.sources(ISSUER.key_id)
    assert len(source.segment) == len(bases)
    for serial in bases[::401]:
        theirs = pyca.get_revoked_certificate_by_serial_number(serial)
        assert theirs is not None
        status = index.lookup(ISSUER.key_id, serial, at=NOW)
        assert (status.revoked_at, status.reason) == (theirs.revocation_date_utc, "keyCompromise")


def test_the_documentation_names_every_test_of_bad_input() -> None:
    """The table in docs/performance.md points at tests that are there."""
    root = Path(__file__).parents[2]
    page = (root / "docs/performance.md").read_text(encoding="utf-8")
    table = page.split("### Where it was attacked", 1)[1].split("\n## ", 1)[0]
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", table))
    there = {
        name
        for folder in ("tests/pki/index", "tests/peers", "tests/faults", "tests/properties")
        for path in (root / folder).glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert len(named) >= 12
    assert named <= there, named - there
