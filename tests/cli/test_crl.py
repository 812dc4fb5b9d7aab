"""`honnin crl lookup --certificate`: whose certificate it is comes before what the index says of its number."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.pki import making as m

from honnin.cli.crl import crl
from honnin.errors import InputError
from honnin.pki import RevocationIndex

SERIAL = f"{4711:x}"
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """An index over the lists of one CA; people issued by it, by its next generation, and by a stranger to its name."""
    objects = {
        "ca": m.authority().der(),
        "own": m.person().der(),
        "next": m.person().but(signer="ca-2").der(),
        "other": m.person().but(issuer=m.ROOT_NAME).der(),
    }
    for name, octets in objects.items():
        (tmp_path / name).write_bytes(octets)
    lists = [m.crl(m.CA_NAME, "ca", [m.entry(1)])]
    assert not RevocationIndex.build(tmp_path / "index", lists, [objects["ca"]], at=m.AT).refused

    def call(*serials: str, certificate: str = "") -> tuple[int, Any]:
        given = ["--certificate", str(tmp_path / certificate)] if certificate else []
        fixed = ["--issuer", str(tmp_path / "ca"), "--at", m.AT.isoformat(), "--json"]
        done = CliRunner().invoke(crl, ["lookup", str(tmp_path / "index"), *serials, *given, *fixed])
        if isinstance(done.exception, InputError):
            raise done.exception
        return done.exit_code, json.loads(done.stdout)["results"][0]

    return call


def test_the_issuers_own_certificate(ask: Ask) -> None:
    assert ask(SERIAL)[0] == 0
    status, told = ask(SERIAL, certificate="own")
    assert (status, told["state"]) == (0, "good")


@pytest.mark.parametrize("certificate", ["next", "other"])
def test_a_certificate_of_another_issuer_is_never_good(ask: Ask, certificate: str) -> None:
    status, told = ask(SERIAL, certificate=certificate)
    assert (status, told["state"]) == (2, "unknown")
    assert told["reason"] == "The issuer given did not issue this certificate."


def test_a_serial_that_is_not_the_certificates(ask: Ask) -> None:
    for serials in (("1",), (SERIAL, "1")):
        with pytest.raises(InputError) as caught:
            ask(*serials, certificate="own")
        assert caught.value.code == "index.serial_differs"
