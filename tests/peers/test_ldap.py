"""CRLs out of a real directory: a slapd that holds the sandbox's lists under the names that certificates give."""

import base64
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from tests.ports import free_ports
from tests.waiting import LONG, until

from honnin.connect import jlis
from honnin.errors import ServiceError
from honnin.pki import check_revocation
from honnin.sandbox.jlis import crl
from honnin.sandbox.jlis.authorities import authorities
from honnin.sandbox.jlis.names import all_municipalities, distribution_point
from honnin.sandbox.opening import Sandbox
from honnin.sandbox.people import card_material, settle

SLAPD = "/usr/sbin/slapd"
AT = datetime(2026, 11, 21, 0, 0, 0, tzinfo=UTC)
CONFIGURATION = """include /etc/ldap/schema/core.schema
pidfile {folder}/pid
argsfile {folder}/args
sizelimit 10
database ldif
directory {folder}/entries
suffix "c=JP"
access to * by * read
"""
pytestmark = [pytest.mark.peer(SLAPD)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    made = Sandbox(tmp_path_factory.mktemp("world"), born=AT)
    made.set_clock(AT, frozen=True)
    settle(made)
    return made


def entries(world: Sandbox) -> str:
    """Return the directory as LDIF: each name with the lists of every generation that shares it."""
    lists: dict[str, list[bytes]] = {}
    roots: dict[str, list[bytes]] = {}
    for ca in authorities(world):
        for code in all_municipalities():
            name = distribution_point(ca.profile, code).rfc4514_string()
            lists.setdefault(name, []).append(crl.municipal(world, ca, code, AT))
        own = ca.certificate.subject.rfc4514_string()
        roots.setdefault(own, []).append(crl.authority_list(world, ca, AT))
    parents: dict[str, str] = {}
    for name in [*lists, *roots]:
        parts = name.split(",")
        for at in range(len(parts) - 1, 0, -1):
            parents.setdefault(",".join(parts[at:]), parts[at])
    kinds = {"C": "country", "O": "organization", "OU": "organizationalUnit"}
    blocks = []
    for name, first in sorted(parents.items(), key=lambda item: item[0].count(",")):
        if name not in roots:
            key, _, value = first.partition("=")
            blocks.append(f"dn: {name}\nobjectClass: {kinds[key]}\n{key.lower()}: {value}\n")
    for name, found in roots.items():
        unit = name.partition(",")[0].partition("=")[2]
        held = "".join(f"authorityRevocationList;binary:: {base64.b64encode(der).decode()}\n" for der in found)
        blocks.append(f"dn: {name}\nobjectClass: organizationalUnit\nobjectClass: pkiCA\nou: {unit}\n{held}")
    for name, found in lists.items():
        label = name.partition(",")[0].partition("=")[2]
        held = "".join(f"certificateRevocationList;binary:: {base64.b64encode(der).decode()}\n" for der in found)
        blocks.append(f"dn: {name}\nobjectClass: cRLDistributionPoint\ncn: {label}\n{held}")
    return "\n".join(blocks)


@pytest.fixture(scope="module")
def directory(world: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the running slapd."""
    folder = tmp_path_factory.mktemp("slapd")
    (folder / "entries").mkdir()
    (folder / "slapd.conf").write_text(CONFIGURATION.format(folder=folder))
    (folder / "entries.ldif").write_text(entries(world))
    conf = ["-f", str(folder / "slapd.conf")]
    slapadd = shutil.which("slapadd") or "/usr/sbin/slapadd"
    loaded = subprocess.run(
        [slapadd, *conf, "-l", str(folder / "entries.ldif")], capture_output=True, text=True, timeout=LONG, check=False
    )
    assert loaded.returncode == 0, loaded.stderr
    port = free_ports()
    url = f"ldap://127.0.0.1:{port}"
    server = subprocess.Popen(
        [SLAPD, "-d", "0", *conf, "-h", url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def listens() -> bool:
        assert server.poll() is None, "slapd ended"
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), LONG).close()
            return True
        return False

    until(listens, "slapd did not listen")
    yield url
    server.terminate()
    server.wait(LONG)


@pytest.mark.parametrize(
    ("person", "purpose", "state", "reason"),
    [
        ("hanako", "signature", "good", None),
        ("taro", "signature", "good", None),
        ("minoru", "signature", "revoked", "affiliationChanged"),
        ("minoru", "user_authentication", "good", None),
        ("tsuru", "user_authentication", "revoked", "cessationOfOperation"),
        ("keita", "signature", "good", None),
        ("mirai", "signature", "good", None),
        ("kyoko", "signature", "good", None),
    ],
)
def test_a_directory_tells_what_the_register_says(
    directory: str, world: Sandbox, person: str, purpose: str, state: str, reason: str | None
) -> None:
    material = card_material(world, person)
    certificate = getattr(material, f"{purpose}_certificate")
    issuer = getattr(material, f"{purpose}_ca_certificate")
    got = jlis.LdapCrlSource(directory).fetch(certificate, issuer, at=AT)
    assert (got.source, got.fetched_at) == ("crl_ldap", AT)
    status = check_revocation(certificate, issuer, crls=got.crls, at=AT)
    assert (status.state, status.reason) == (state, reason)


def test_one_name_gives_the_lists_of_every_generation(directory: str, world: Sandbox) -> None:
    material = card_material(world, "hanako")
    assert material.signature_certificate is not None
    got = jlis.LdapCrlSource(directory).fetch(material.signature_certificate, material.signature_ca_certificate, at=AT)
    keys = {
        x509.load_der_x509_crl(der).extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        for der in got.crls
    }
    assert len(got.crls) == len(keys) == 3  # two RSA generations and P-384


def test_the_roots_own_list(directory: str, world: Sandbox) -> None:
    root = world.anchors()["signature"][0]
    got = jlis.LdapCrlSource(directory).fetch(root, root, at=AT)
    assert len(got.crls) == 3


def test_directory_after_http(directory: str, world: Sandbox) -> None:
    """Where HTTP is down, the directory answers."""
    from honnin.connect.gateway import Gateway

    nowhere = Gateway("http://127.0.0.1:9", hosts=world.hosts(), timeout=0.5)
    source = jlis.Fallback(jlis.OcspSource(nowhere), jlis.LdapCrlSource(directory))
    material = card_material(world, "minoru")
    assert material.signature_certificate is not None
    got = source.fetch(material.signature_certificate, material.signature_ca_certificate, at=AT)
    assert got.source == "crl_ldap"
    nowhere.close()


def test_an_entry_that_is_not_there(directory: str, world: Sandbox, tmp_path: Path) -> None:
    """A certificate of a municipality that the directory does not hold."""
    material = card_material(world, "hanako")
    assert material.signature_certificate is not None
    elsewhere = material.signature_certificate.replace(b"Chiyoda-ku CRLDP", b"Atlantis-u CRLDP")
    with pytest.raises(ServiceError) as caught:
        jlis.LdapCrlSource(directory).fetch(elsewhere, material.signature_ca_certificate, at=AT)
    assert caught.value.code == "jlis.no_list"


def test_a_list_larger_than_the_limit(directory: str, world: Sandbox) -> None:
    material = card_material(world, "hanako")
    assert material.signature_certificate is not None
    with pytest.raises(ServiceError) as caught:
        jlis.LdapCrlSource(directory, limit=100).fetch(
            material.signature_certificate, material.signature_ca_certificate, at=AT
        )
    assert caught.value.code == "jlis.answer_malformed"


def test_a_wrong_password(directory: str, world: Sandbox) -> None:
    material = card_material(world, "hanako")
    assert material.signature_certificate is not None
    source = jlis.LdapCrlSource(directory, user="cn=nobody,c=JP", password="wrong")
    with pytest.raises(ServiceError) as caught:
        source.fetch(material.signature_certificate, material.signature_ca_certificate, at=AT)
    assert caught.value.code == "jlis.refused"
    assert "wrong" not in str(caught.value)
