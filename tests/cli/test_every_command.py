"""What holds for every command alike: `--json`, moments in RFC 3339, `-` for standard input (CONTRACTS: Commands)."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.cli.test_verify import CA, CERTIFICATE, CONTENT
from tests.pki import cms

from honnin.cli.main import cli

PROGRAM = str(Path(sys.executable).with_name("honnin"))


def commands(command: click.Command, context: click.Context, *names: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield " ".join(names), command
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from commands(found, click.Context(found, parent=context, info_name=name), *names, name)


def test_every_command_takes_json() -> None:
    found = dict(commands(cli, click.Context(cli)))
    assert {"verify", "pki path", "sandbox card", "sandbox clock set", "evidence export"} <= set(found)
    without = [name for name, one in found.items() if not any("--json" in given.opts for given in one.params)]
    assert without == []


@pytest.fixture
def files(tmp_path: Path) -> Path:
    info = cms.signer(CERTIFICATE, cms.attributes(CONTENT), cms.pkcs1())
    held = {"ca": CA.der, "crl": CA.crl(), "cert": CERTIFICATE, "cms": cms.signed_data(CONTENT, [info], [CERTIFICATE])}
    held["cms-alone"] = cms.signed_data(CONTENT, [info], [])
    for name, content in held.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def run(folder: Path, *arguments: str, given: bytes = b"") -> tuple[int, dict[str, object]]:
    done = subprocess.run(
        [PROGRAM, *arguments, "--json"], cwd=folder, input=given, capture_output=True, check=False, timeout=60
    )
    shown: dict[str, object] = json.loads(done.stdout)
    return done.returncode, shown


TRUST = ("--anchor", "ca", "--crl", "crl", "--at", "2026-11-21T12:00:00+09:00")


def test_a_dash_is_standard_input(files: Path) -> None:
    signed, certificate = (files / "cms").read_bytes(), (files / "cert").read_bytes()
    assert run(files, "verify", "-", *TRUST, given=signed)[1]["indication"] == "TOTAL-PASSED"
    assert run(files, "verify", "cms-alone", "--certificate", "-", *TRUST, given=certificate)[0] == 0
    assert run(files, "pki", "path", "-", *TRUST, given=certificate)[1]["indication"] == "PASSED"
    pem = x509.load_der_x509_certificate(certificate).public_bytes(serialization.Encoding.PEM)
    assert run(files, "pki", "path", "-", *TRUST, given=pem)[0] == 0
    pairs = '{"a": "見本　花子", "b": "見本花子"}\n'.encode()
    assert run(files, "identity", "compare-names", "-", given=pairs)[1] == {
        "results": [{"grade": "same", "reasons": ["spacing"]}]
    }


def test_a_closed_standard_input_is_an_empty_one(files: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" pki path - --anchor ca --json <&-', PROGRAM],
        cwd=files,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, json.loads(done.stdout)["sub_indication"]) == (1, "FORMAT_FAILURE")


@pytest.mark.parametrize("moment", ["2026-11-21t03:00:00z", "2026-11-21T12:00:00.250+09:00", "2026-11-21 03:00:00Z"])
def test_moments_are_rfc_3339(files: Path, moment: str) -> None:
    assert run(files, "pki", "path", "cert", *TRUST[:-1], moment)[0] == 0
    assert run(files, "verify", "cms", *TRUST[:-1], moment, "--existed-at", moment)[0] == 0
    assert run(files, "crl", "build", "index", "crl", "--issuer", "ca", "--at", moment)[0] == 0


@pytest.mark.parametrize("moment", ["", "2026-11-21", "2026-11-21T12:00:00", "9999-12-31T23:59:59-09:00", "now"])
def test_other_moments_are_refused_alike(files: Path, moment: str) -> None:
    for command in (("pki", "path", "cert"), ("verify", "cms")):
        status, told = run(files, *command, *TRUST[:-1], moment)
        assert (status, told["error"]["code"]) == (2, "input.time")  # type: ignore[index]
