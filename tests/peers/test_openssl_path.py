"""`openssl verify` and `openssl ocsp` beside honnin on one set of paths, lists and answers.

Where they differ, `openssl-divergences.json` says what each of them answers and why; an entry that is no longer needed
fails the test too. Agreement is evidence, not truth.
"""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.pki import making as m
from tests.pki.making import AT, CA_NAME, DAY, authority, person, root
from tests.waiting import LONG

from honnin.pki import check_revocation, validate_path

pytestmark = pytest.mark.peer("openssl")

OPENSSL = "openssl"


@cache
def divergences() -> dict[str, dict[str, Any]]:
    text = (Path(__file__).parent / "openssl-divergences.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)["divergences"]
    return found


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([OPENSSL, *arguments], capture_output=True, text=True, check=False, timeout=LONG)


def pem(folder: Path, name: str, kind: str, *objects: bytes) -> str:
    from base64 import encodebytes

    path = folder / name
    path.write_bytes(
        b"".join(
            b"-----BEGIN %b-----\n%b-----END %b-----\n" % (kind.encode(), encodebytes(der), kind.encode())
            for der in objects
        )
    )
    return str(path)


def compare(case: str, ours: str, theirs: str) -> None:
    known = divergences().get(case)
    if known is None:
        assert ours == theirs, f"{case}: honnin {ours}, openssl {theirs}; if rightly so, list it with its reason"
    else:
        assert (ours, theirs) == (known["honnin"], known["openssl"]), f"{case}: the listed divergence has changed"
        assert ours != theirs, f"{case}: the divergence is no longer needed"


class Path_(NamedTuple):  # noqa: N801
    target: m.Certificate = person()
    ca: m.Certificate = authority()
    top: m.Certificate = root()
    crls: tuple[bytes, ...] = ()
    more: tuple[bytes, ...] = ()
    flags: tuple[str, ...] = ()
    options: dict[str, Any] = {}  # noqa: RUF012


UNKNOWN = m.extension("1.2.3.4", b"\x05\x00", critical=True)
SUB = m.Certificate(m.name("Sub"), CA_NAME, "sub", "ca", (m.basic(), m.CA_USAGE))
BELOW_SUB = person(issuer=m.name("Sub"), signer="sub")
CA_LIST, ROOT_LIST = m.crl(CA_NAME, "ca", [m.entry(1)]), m.crl(m.ROOT_NAME, "root", [m.entry(1)])
POINT, TOWN = m.directory(m.name("Points", "City")), m.directory(m.name("Points", "Town"))
PLACED = person(m.points(POINT))
EXPLICIT = {
    "flags": ("-policy_check", "-explicit_policy", "-policy", "2.5.29.32.0"),
    "options": {"explicit_policy": True},
}


def full(name: bytes) -> bytes:
    return m.tlv(0xA0, m.tlv(0xA0, name))


def lists(*crls: bytes, target: m.Certificate = person(), ca: m.Certificate = authority()) -> Path_:  # noqa: B008
    flags = ("-crl_check_all", "-extended_crl", "-use_deltas")
    return Path_(target, ca, crls=crls, flags=flags, options={"revocation": "require"})


def constrained(
    names: tuple[bytes, ...], *, permitted: tuple[bytes, ...] = (), excluded: tuple[bytes, ...] = ()
) -> Path_:
    return Path_(person(m.subject_alternative(*names)), authority(m.name_constraints(permitted, excluded)))


PATHS: dict[str, Path_] = {
    "ordinary": Path_(),
    "target expired": Path_(person(not_after=m.when(AT - DAY))),
    "target not yet valid": Path_(person(not_before=m.when(AT + DAY))),
    "authority expired": Path_(ca=authority(not_after=m.when(AT - DAY))),
    "anchor expired": Path_(top=root(not_after=m.when(AT - DAY))),
    "target signed by another": Path_(person(signer="other")),
    "authority signed by another": Path_(ca=authority(signer="other")),
    "authority without basic constraints": Path_(ca=authority(extensions=(m.CA_USAGE,))),
    "authority that is none": Path_(ca=authority(extensions=(m.basic(ca=False), m.usage(6)))),
    "authority that may not sign": Path_(ca=authority(extensions=(m.basic(), m.usage(6)))),
    "basic constraints not critical": Path_(ca=authority(extensions=(m.basic(critical=False), m.CA_USAGE))),
    "path length kept": Path_(BELOW_SUB, authority(extensions=(m.basic(length=1), m.CA_USAGE)), more=(SUB.der(),)),
    "path length broken": Path_(BELOW_SUB, authority(extensions=(m.basic(length=0), m.CA_USAGE)), more=(SUB.der(),)),
    "unknown critical extension in target": Path_(person(UNKNOWN)),
    "unknown critical extension in authority": Path_(ca=authority(UNKNOWN)),
    "unknown critical extension in anchor": Path_(top=root(UNKNOWN)),
    "serial number zero": Path_(person(serial=m.num(0))),
    "serial number negative": Path_(person(serial=m.num(-5))),
    "serial number too long": Path_(person(serial=m.num(1 << 170))),
    "extension twice": Path_(person(m.policies("1.2.3"), m.policies("1.2.3"))),
    "algorithms differ": Path_(person(outer_algorithm=bytes.fromhex("300a06082a8648ce3d040303"))),
    "SHA-1": Path_(person(algorithm=bytes.fromhex("300906072a8648ce3d0401"), digest="SHA1")),
    "empty subject": Path_(person(subject=m.seq())),
    "same name, other case": Path_(person(issuer=m.name("root", "ca"))),
    "same name, other string type": Path_(person(issuer=m.name("Root", "CA", tag=0x13))),
    "same name, wide characters": Path_(person(issuer=m.name("Ｒｏｏｔ", "ＣＡ"))),
    "host permitted": constrained((m.dns("a.example.jp"),), permitted=(m.dns("example.jp"),)),
    "host not permitted": constrained((m.dns("a.example.com"),), permitted=(m.dns("example.jp"),)),
    "host excluded": constrained((m.dns("a.example.jp"),), excluded=(m.dns("example.jp"),)),
    "wildcard over an excluded host": constrained((m.dns("*.example.jp"),), excluded=(m.dns("a.example.jp"),)),
    "mail permitted": constrained((m.email("a@example.jp"),), permitted=(m.email("example.jp"),)),
    "mail excluded": constrained((m.email("a@example.jp"),), excluded=(m.email("example.jp"),)),
    "address permitted": constrained((m.ip(b"\x0a\0\0\1"),), permitted=(m.ip(b"\x0a\0\0\0\xff\0\0\0"),)),
    "address not permitted": constrained((m.ip(b"\x0b\0\0\1"),), permitted=(m.ip(b"\x0a\0\0\0\xff\0\0\0"),)),
    "uri permitted": constrained((m.uri("https://example.jp/"),), permitted=(m.uri("example.jp"),)),
    "uri not permitted": constrained((m.uri("https://example.com/"),), permitted=(m.uri("example.jp"),)),
    "directory name permitted": Path_(ca=authority(m.name_constraints([m.directory(m.PERSON_NAME)]))),
    "directory name excluded": Path_(ca=authority(m.name_constraints((), [m.directory(m.PERSON_NAME)]))),
    "constraints not critical": Path_(ca=authority(m.name_constraints([m.directory(m.PERSON_NAME)], critical=False))),
    "constraints in the anchor": Path_(top=root(m.name_constraints((), [m.directory(m.PERSON_NAME)]))),
    "explicit policy kept": Path_(person(m.policies("1.2.3")), authority(m.policies("1.2.3")), **EXPLICIT),
    "explicit policy broken": Path_(person(m.policies("1.2.4")), authority(m.policies("1.2.3")), **EXPLICIT),
    "policy required by the authority": Path_(
        ca=authority(m.extension("2.5.29.36", m.seq(b"\x80\x01\x00"), critical=True)), flags=("-policy_check",)
    ),
    "purpose in the authority": Path_(
        person(m.purposes("1.3.6.1.5.5.7.3.2")),
        authority(m.purposes("1.3.6.1.5.5.7.3.1")),
        flags=("-purpose", "sslclient"),
        options={"purpose": "1.3.6.1.5.5.7.3.2"},
    ),
    "no lists": lists(),
    "lists say good": lists(CA_LIST, ROOT_LIST),
    "target revoked": lists(m.crl(CA_NAME, "ca", [m.entry(4711, m.reason(1))]), ROOT_LIST),
    "authority revoked": lists(CA_LIST, m.crl(m.ROOT_NAME, "root", [m.entry(4711)])),
    "list of the authority missing": lists(CA_LIST),
    "list stale": lists(m.crl(CA_NAME, "ca", next_update=m.when(AT - DAY / 2)), ROOT_LIST),
    "list from the future": lists(m.crl(CA_NAME, "ca", this_update=m.when(AT + DAY / 2)), ROOT_LIST),
    "list without next update": lists(m.crl(CA_NAME, "ca", next_update=b""), ROOT_LIST),
    "list signed by another": lists(m.crl(CA_NAME, "other"), ROOT_LIST),
    "list with a critical extension": lists(m.crl(CA_NAME, "ca", extensions=[UNKNOWN]), ROOT_LIST),
    "list with a critical entry extension": lists(m.crl(CA_NAME, "ca", [m.entry(1, UNKNOWN)]), ROOT_LIST),
    "list by an authority that may not": lists(
        CA_LIST, ROOT_LIST, ca=authority(extensions=(m.basic(), m.usage(5)))
    ),
    "list for this point": lists(
        m.crl(CA_NAME, "ca", extensions=[m.scope(full(POINT))]), ROOT_LIST, target=PLACED
    ),
    "list for another point": lists(
        m.crl(CA_NAME, "ca", extensions=[m.scope(full(TOWN))]), ROOT_LIST, target=PLACED
    ),
    "list for authorities": lists(m.crl(CA_NAME, "ca", extensions=[m.scope(m.tlv(0x82, b"\xff"))]), ROOT_LIST),
    "list for users": lists(m.crl(CA_NAME, "ca", extensions=[m.scope(m.tlv(0x81, b"\xff"))]), ROOT_LIST),
    "list for attributes": lists(m.crl(CA_NAME, "ca", extensions=[m.scope(m.tlv(0x85, b"\xff"))]), ROOT_LIST),
    "list for some reasons": lists(m.crl(CA_NAME, "ca", extensions=[m.scope(m.tlv(0x83, b"\x06\x40"))]), ROOT_LIST),
    "list with a critical number": lists(
        m.crl(CA_NAME, "ca", extensions=[m.extension("2.5.29.20", m.num(1), critical=True)]), ROOT_LIST
    ),
    "certificate twice in the list, once on hold": lists(
        m.crl(CA_NAME, "ca", [m.entry(4711, m.reason(6)), m.entry(4711, m.reason(8))]), ROOT_LIST
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PATHS)
def test_verify(case: str, tmp_path: Path) -> None:
    path = PATHS[case]
    target, ca, top = path.target.der(), path.ca.der(), path.top.der()
    verdict = validate_path(
        target,
        anchors=[top],
        intermediates=[ca, *path.more],
        crls=path.crls,
        **({"at": AT, "revocation": "off"} | path.options),
    )
    arguments = ["-CAfile", pem(tmp_path, "top", "CERTIFICATE", top), "-no-CApath", "-no-CAstore"]
    arguments += ["-untrusted", pem(tmp_path, "ca", "CERTIFICATE", ca, *path.more)]
    if path.crls:
        arguments += ["-CRLfile", pem(tmp_path, "crl", "X509 CRL", *path.crls)]
    done = run(
        "verify",
        "-attime",
        str(int(AT.timestamp())),
        *path.flags,
        *arguments,
        pem(tmp_path, "target", "CERTIFICATE", target),
    )
    compare(case, (verdict.indication == "PASSED" and "passes") or "fails", "fails" if done.returncode else "passes")


NOW = datetime.now(UTC).replace(microsecond=0)
MINUTE = timedelta(minutes=1)
VALID = {"not_before": m.when(NOW - DAY), "not_after": m.when(NOW + DAY)}
WHICH = m.cert_id(CA_NAME, "ca")
RESPONDER_NAME = m.name("Responder")


def single(which: bytes = WHICH, state: bytes = m.GOOD, **changes: Any) -> bytes:
    return m.single(which, state, **({"this_update": NOW - MINUTE, "next_update": NOW + DAY} | changes))


def by_issuer(*singles: bytes, **more: Any) -> bytes:
    return m.answer(CA_NAME, "ca", singles, **more)


def by_responder(*extensions: bytes, **changes: Any) -> bytes:
    stated = extensions or (m.usage(0), m.purposes("1.3.6.1.5.5.7.3.9"), m.NO_CHECK)
    sent = m.Certificate(RESPONDER_NAME, CA_NAME, "responder", "ca", stated, serial=m.num(9)).but(**(VALID | changes))
    return m.answer(RESPONDER_NAME, "responder", [single()], certificates=[sent.der()])


ANSWERS: dict[str, bytes] = {
    "issuer says good": by_issuer(single()),
    "issuer says good, SHA-256": by_issuer(single(m.cert_id(CA_NAME, "ca", hash_name="sha256"))),
    "issuer says revoked": by_issuer(single(state=m.revoked(NOW - DAY))),
    "issuer does not know": by_issuer(single(state=m.UNKNOWN)),
    "answer signed by another": m.answer(CA_NAME, "other", [single()]),
    "answer about another": by_issuer(single(m.cert_id(CA_NAME, "ca", 5))),
    "answer stale": by_issuer(single(this_update=NOW - DAY, next_update=NOW - DAY / 2)),
    "answer from the future": by_issuer(single(this_update=NOW + DAY / 2)),
    "answer old without next update": by_issuer(single(this_update=NOW - 300 * DAY, next_update=None)),
    "answer fresh without next update": by_issuer(single(next_update=None)),
    "answer with a critical extension": by_issuer(single(), extensions=[UNKNOWN]),
    "status with a critical extension": by_issuer(single(extensions=[UNKNOWN])),
    "good, then revoked": by_issuer(single(), single(state=m.revoked(NOW - DAY))),
    "responder says good": by_responder(),
    "responder not for signing answers": by_responder(m.usage(0), m.NO_CHECK),
    "responder for any purpose": by_responder(m.usage(0), m.purposes("2.5.29.37.0"), m.NO_CHECK),
    "responder expired": by_responder(not_after=m.when(NOW - DAY / 2)),
    "responder certified by another": by_responder(signer="other"),
    "responder with a critical extension": by_responder(
        m.usage(0), m.purposes("1.3.6.1.5.5.7.3.9"), m.NO_CHECK, UNKNOWN
    ),
    "responder's key not for signatures": by_responder(m.usage(2), m.purposes("1.3.6.1.5.5.7.3.9"), m.NO_CHECK),
    "try later": m.seq(m.tlv(0x0A, b"\x03")),
    "cut off": by_issuer(single())[:-1],
}


@pytest.mark.parametrize("case", ANSWERS)
def test_ocsp(case: str, tmp_path: Path) -> None:
    target, ca, top = person(**VALID).der(), authority(**VALID).der(), root(**VALID).der()
    status = check_revocation(target, ca, ocsp=[ANSWERS[case]], at=NOW)
    (tmp_path / "answer").write_bytes(ANSWERS[case])
    ca_file = pem(tmp_path, "ca", "CERTIFICATE", ca)
    done = run(
        "ocsp",
        "-no_nonce",
        "-respin",
        str(tmp_path / "answer"),
        "-issuer",
        ca_file,
        *(("-sha256",) if "SHA-256" in case else ()),
        "-cert",
        pem(tmp_path, "target", "CERTIFICATE", target),
        "-CAfile",
        pem(tmp_path, "top", "CERTIFICATE", top),
        "-verify_other",
        ca_file,
        "-no-CApath",
        "-no-CAstore",
    )
    said = next((line.split(": ")[1] for line in done.stdout.splitlines() if line.startswith(str(tmp_path))), "unknown")
    if "Response verify OK" not in done.stderr or "WARNING" in done.stdout + done.stderr:
        said = "unknown"
    compare(case, status.state, said if said in {"good", "revoked"} else "unknown")


def test_every_listed_divergence_is_a_case() -> None:
    assert set(divergences()) <= {*PATHS, *ANSWERS}
    assert all(entry["reason"] for entry in divergences().values())
