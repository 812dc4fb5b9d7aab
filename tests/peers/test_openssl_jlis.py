"""openssl reads, verifies and asks for every certificate of every invented person, and comes to the register's answer.

Where it does not, `openssl_jlis_divergences.json` says what it says instead and why; an entry that is no longer needed
fails the test too.
"""

import json
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.waiting import LONG, until

from honnin.sandbox.jlis import crl, register
from honnin.sandbox.jlis.app import create_app
from honnin.sandbox.jlis.authorities import Authority, authorities, by_key_id
from honnin.sandbox.jlis.register import Entry
from honnin.sandbox.opening import Sandbox
from honnin.sandbox.people import card_material, persons, settle

DIVERGENCES = Path(__file__).with_name("openssl_jlis_divergences.json")
REASONS = {
    "keyCompromise": "Key Compromise",
    "affiliationChanged": "Affiliation Changed",
    "superseded": "Superseded",
    "cessationOfOperation": "Cessation Of Operation",
    "certificateHold": "Certificate Hold",
}
OCSP_REASONS = {name: name for name in REASONS}
PURPOSES = ("signature", "user_authentication")
CASES = [(one.id, purpose) for one in persons() for purpose in PURPOSES]
pytestmark = [pytest.mark.peer("openssl")]


@dataclass(frozen=True)
class Issued:
    """One certificate with what the register knows of it."""

    person: str
    purpose: str
    der: bytes
    entry: Entry
    authority: Authority

    @property
    def name(self) -> str:
        return f"{self.person}/{self.purpose}"


@dataclass(frozen=True)
class Office:
    """The running J-LIS, its certificates as files, and the moment that all of them are judged at."""

    world: Sandbox
    folder: Path
    url: str
    at: datetime
    issued: dict[tuple[str, str], Issued]

    def pem(self, one: Issued) -> Path:
        path = self.folder / f"{one.person}-{one.purpose}.pem"
        path.write_bytes(x509.load_der_x509_certificate(one.der).public_bytes(Encoding.PEM))
        return path

    def roots(self, purpose: str) -> Path:
        """All roots of a purpose in one file: several of them have the same name."""
        path = self.folder / f"roots-{purpose}.pem"
        roots = [x509.load_der_x509_certificate(der) for der in self.world.anchors()[purpose]]
        path.write_bytes(b"".join(root.public_bytes(Encoding.PEM) for root in roots))
        return path

    def root(self, authority: Authority) -> Path:
        path = self.folder / f"{authority.name}.pem"
        path.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
        return path

    def lists(self, one: Issued) -> Path:
        """The municipality's lists of every generation in one file."""
        path = self.folder / f"{one.person}-{one.purpose}.crl"
        found = [
            crl.municipal(self.world, ca, one.entry.municipality, self.at)
            for ca in authorities(self.world)
            if ca.kind == one.entry.kind
        ]
        path.write_bytes(b"".join(x509.load_der_x509_crl(der).public_bytes(Encoding.PEM) for der in found))
        return path


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=LONG, check=False)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """openssl asks the real clock, so this world is born now."""
    at = datetime.now(UTC).replace(microsecond=0)
    world = Sandbox(tmp_path_factory.mktemp("world"), born=at)
    world.set_clock(at, frozen=True)
    settle(world)
    issued = {}
    for person, purpose in CASES:
        material = card_material(world, person)
        der = getattr(material, f"{purpose}_certificate")
        if der is None:
            continue
        parsed = x509.load_der_x509_certificate(der)
        key_id = parsed.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        authority = by_key_id(world, key_id or b"")
        assert authority is not None
        entry = register.entry(world, authority.kind, parsed.serial_number)
        assert entry is not None
        issued[person, purpose] = Issued(person, purpose, der, entry, authority)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(world), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until(lambda: server.started, "the server did not start")
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/ocsp"
    yield Office(world, tmp_path_factory.mktemp("files"), url, at, issued)
    server.should_exit = True
    thread.join(LONG)
    listening.close()


@pytest.fixture(scope="module")
def divergences() -> dict[tuple[str, str], dict[str, str]]:
    """What openssl is known to say otherwise, by check and certificate."""
    known = {(one["check"], one["certificate"]): one for one in json.loads(DIVERGENCES.read_text(encoding="utf-8"))}
    assert {name for _, name in known} <= {f"{person}/{purpose}" for person, purpose in CASES}, "entries for nobody"
    return known


def judge(
    divergences: dict[tuple[str, str], dict[str, str]], check: str, one: Issued, *, expected: str, told: str
) -> None:
    """Hold openssl's answer to the register's, or to the listed divergence, which must still be one."""
    known = divergences.get((check, one.name))
    if known is None:
        assert told == expected
        return
    assert (known["expected"], known["actual"]) == (expected, told), f"divergence no longer as listed: {known}"
    assert known["reason"]


@pytest.mark.parametrize(("person", "purpose"), CASES)
def test_text(office: Office, person: str, purpose: str) -> None:
    """`openssl x509 -text` shows what the register says."""
    one = office.issued.get((person, purpose))
    if one is None:
        assert person in {"yui", "riyo", "shin"}  # who hold one certificate only
        return
    text = openssl("x509", "-in", office.pem(one), "-noout", "-text", "-nameopt", "RFC2253").stdout
    assert f"{one.entry.serial} (0x{one.entry.serial:x})" in text
    assert "O=JPKI-TEST" in text
    assert "OU=honnin sandbox" in text
    assert one.authority.profile.policy in text
    assert ":".join(f"{byte:02X}" for byte in one.authority.key_id) in text
    assert f"http://{one.authority.profile.host}/ocsp" in text
    assert ("X509v3 Subject Alternative Name" in text) == (purpose == "signature")
    if purpose == "signature":
        assert "1.2.392.200149.8.5.5.1:" in text
        assert one.entry.holder.address.split("　")[0] in text
    end = re.search(r"Not After : (.+)", text)
    assert end is not None
    assert datetime.strptime(end.group(1), "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC) == one.entry.not_after


@pytest.mark.parametrize(("person", "purpose"), CASES)
def test_verify(office: Office, divergences: dict[tuple[str, str], dict[str, str]], person: str, purpose: str) -> None:
    """`openssl verify -crl_check`, strict and with the policy required, among roots and lists that share names."""
    one = office.issued.get((person, purpose))
    if one is None:
        return
    done = openssl(
        "verify", "-x509_strict", "-crl_check", "-policy_check", "-explicit_policy",
        "-policy", one.authority.profile.policy, "-attime", str(int(office.at.timestamp())),
        "-CAfile", office.roots(purpose), "-CRLfile", office.lists(one), office.pem(one),
    )  # fmt: skip
    said = re.search(r"error \d+ at \d+ depth lookup: (.+)", done.stderr + done.stdout)
    told = "OK" if done.returncode == 0 else (said.group(1).strip() if said else done.stderr)
    expected = "OK"
    if one.entry.not_after < office.at:
        expected = "certificate has expired"
    if one.entry.revoked_by(crl.publication(office.at)):
        expected = "certificate revoked"
    judge(divergences, "verify", one, expected=expected, told=told)


@pytest.mark.parametrize(("person", "purpose"), CASES)
def test_wrong_purpose_does_not_verify(office: Office, person: str, purpose: str) -> None:
    """The other purpose's roots lead nowhere."""
    one = office.issued.get((person, purpose))
    if one is None:
        return
    other = next(p for p in PURPOSES if p != purpose)
    assert openssl("verify", "-CAfile", office.roots(other), office.pem(one)).returncode != 0


def test_lists(office: Office) -> None:
    """`openssl crl` verifies every CA's whole list and shows the register's serial numbers and reasons."""
    for ca in authorities(office.world):
        path = office.folder / f"{ca.name}.full.crl"
        path.write_bytes(crl.full(office.world, ca, office.at))
        done = openssl("crl", "-inform", "DER", "-in", path, "-noout", "-text", "-CAfile", office.root(ca))
        assert "verify OK" in done.stderr
        known = register.revoked(office.world, ca.kind, ca.line, ca.generation, by=crl.publication(office.at))
        shown = {
            int(serial, 16): re.search(r"CRL Reason Code:\s*\n\s*(.+)", block)
            for serial, block in re.findall(
                r"Serial Number: ([0-9A-F]+)\n(.*?)(?=Serial Number:|Signature Alg|\Z)", done.stdout, re.DOTALL
            )
        }
        assert {serial: match and match.group(1) for serial, match in shown.items()} == {
            entry.serial: REASONS[str(entry.reason)] for entry in known
        }


def test_partition_lists_name_their_scope(office: Office) -> None:
    one = office.issued["minoru", "signature"]
    path = office.folder / "minoru.crl"
    path.write_bytes(crl.municipal(office.world, one.authority, one.entry.municipality, office.at))
    done = openssl("crl", "-inform", "DER", "-in", path, "-noout", "-text", "-CAfile", office.root(one.authority))
    assert "verify OK" in done.stderr
    assert "X509v3 Issuing Distribution Point: critical" in done.stdout
    assert "CN = Sendai-shi Aoba-ku CRLDP" in done.stdout


@pytest.mark.parametrize("algorithm", ["-sha1", "-sha256"])
@pytest.mark.parametrize(("person", "purpose"), CASES)
def test_ocsp(
    office: Office, divergences: dict[tuple[str, str], dict[str, str]], person: str, purpose: str, algorithm: str
) -> None:
    """`openssl ocsp` asks the running responder, with a nonce, and checks the delegated responder's signature."""
    one = office.issued.get((person, purpose))
    if one is None:
        return
    pem = office.pem(one)
    done = openssl(
        "ocsp", algorithm, "-issuer", office.root(one.authority), "-cert", pem, "-url", office.url,
        "-CAfile", office.roots(purpose), "-no-CApath", "-no-CAstore", "-nonce",
    )  # fmt: skip
    said = re.search(rf"{re.escape(str(pem))}: (\w+)(?:.*?Reason: (\w+))?", done.stdout, re.DOTALL)
    if said and "Response verify OK" in done.stderr and "WARNING" not in done.stderr + done.stdout:
        told = " ".join(filter(None, said.groups()))
    elif "trylater" in done.stdout + done.stderr:
        told = "try later"
    elif "503" in done.stdout + done.stderr:
        told = "down"
    else:
        told = done.stdout + done.stderr
    switched = next(p for p in persons() if p.id == person).switches.get("ocsp", "")
    expected = {"": "good", "down": "down", "try_later": "try later"}[switched]
    if one.entry.revoked_by(office.at):
        expected = f"revoked {OCSP_REASONS[str(one.entry.reason)]}"
    judge(divergences, "ocsp", one, expected=expected, told=told)


def test_ocsp_for_a_serial_never_issued(office: Office) -> None:
    one = office.issued["hanako", "signature"]
    done = openssl(
        "ocsp", "-issuer", office.root(one.authority), "-serial", "0x600abda", "-url", office.url,
        "-CAfile", office.roots("signature"), "-no-CApath", "-no-CAstore",
    )  # fmt: skip
    assert "Response verify OK" in done.stderr
    assert "0x600abda: unknown" in done.stdout


def test_ocsp_for_several_certificates_at_once(office: Office) -> None:
    """Certificates of one CA, several in a request."""
    some = [
        i
        for i in office.issued.values()
        if i.authority.name == "signature-rsa-2" and i.person not in {"madoka", "kumo"}
    ]
    parts: list[str | Path] = ["ocsp", "-issuer", office.root(some[0].authority)]
    for one in some:
        parts += ["-cert", office.pem(one)]
    done = openssl(*parts, "-url", office.url, "-CAfile", office.roots("signature"), "-no-CApath", "-no-CAstore")
    assert "Response verify OK" in done.stderr
    for one in some:
        told = re.search(rf"{re.escape(str(office.pem(one)))}: (\w+)", done.stdout)
        assert told is not None
        assert told.group(1) == ("revoked" if one.entry.revoked_by(office.at) else "good")
