"""`honnin pki path` and `honnin pki revocation`: exit status, JSON, PEM and DER."""

import json
from base64 import encodebytes
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.pki import making as m

from honnin.cli.pki import pki
from honnin.errors import InputError

AT = "2026-11-21T12:00:00+09:00"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    objects = {
        "person": m.person().der(),
        "ca": m.authority().der(),
        "root": m.root().der(),
        "expired": m.person(not_after=m.when(m.AT - m.DAY)).der(),
        "garbage": b"not a certificate",
        "crl": m.crl(m.CA_NAME, "ca", [m.entry(1)]),
        "revoking": m.crl(m.CA_NAME, "ca", [m.entry(4711, m.reason(1))]),
        "root_crl": m.crl(m.ROOT_NAME, "root"),
        "answer": m.answer(m.CA_NAME, "ca", [m.single(m.cert_id(m.CA_NAME, "ca"))]),
    }
    for name, octets in objects.items():
        (tmp_path / name).write_bytes(octets)
    armoured = b"-----BEGIN CERTIFICATE-----\n" + encodebytes(objects["person"]) + b"-----END CERTIFICATE-----\n"
    (tmp_path / "pem").write_bytes(armoured)
    (tmp_path / "two").write_bytes(armoured * 2)
    (tmp_path / "torn").write_bytes(armoured.replace(b"M", b"=", 3))
    return {path.name: str(path) for path in tmp_path.iterdir()}


def call(*arguments: str) -> tuple[int, Any]:
    done = CliRunner().invoke(pki, [*arguments, "--json"])
    if isinstance(done.exception, InputError):
        raise done.exception
    return done.exit_code, json.loads(done.stdout)


@pytest.mark.parametrize(
    ("target", "crl", "expected"),
    [
        ("person", "crl", (0, "PASSED", None)),
        ("pem", "crl", (0, "PASSED", None)),
        ("person", "revoking", (1, "FAILED", "REVOKED")),
        ("expired", "crl", (1, "FAILED", "EXPIRED")),
        ("garbage", "crl", (1, "FAILED", "FORMAT_FAILURE")),
        ("torn", "crl", (1, "FAILED", "FORMAT_FAILURE")),
        ("person", "garbage", (2, "INDETERMINATE", "TRY_LATER")),
        ("person", "root_crl", (2, "INDETERMINATE", "TRY_LATER")),
    ],
)
def test_path(files: dict[str, str], target: str, crl: str, expected: tuple[int, str, str | None]) -> None:
    arguments = ["path", files[target], "--anchor", files["root"], "--intermediate", files["ca"], "--at", AT]
    status, body = call(*arguments, "--crl", files[crl], "--crl", files["root_crl"])
    assert (status, body["indication"], body["sub_indication"]) == expected
    assert body["at"] == "2026-11-21T03:00:00Z"
    assert {"id", "result"} <= set(body["checks"][0])


def test_now_is_judged_without_a_moment(files: dict[str, str]) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    status, body = call("path", files["person"], "--anchor", files["ca"], "--revocation", "off")
    assert before <= datetime.fromisoformat(body["at"]) <= datetime.now(UTC)
    assert status == {"PASSED": 0, "FAILED": 1}[body["indication"]]
    assert call("revocation", files["person"], "--issuer", files["ca"])[0] == 2


def test_path_options(files: dict[str, str]) -> None:
    arguments = ["path", files["person"], "--anchor", files["ca"], "--at", AT]
    assert call(*arguments, "--ocsp", files["answer"])[0] == 0
    assert call(*arguments, "--ocsp", files["answer"], "--max-age", "60")[0] == 2
    assert call(*arguments, "--revocation", "off")[0] == 0
    assert call(*arguments, "--revocation", "if_present")[0] == 0
    assert call(*arguments, "--revocation", "off", "--explicit-policy", "--policy", "1.2.3")[0] == 1
    assert call(*arguments, "--revocation", "off", "--purpose", "signature")[0] == 0
    assert call(*arguments, "--revocation", "off", "--purpose", "user_authentication")[0] == 1


def test_path_in_words(files: dict[str, str]) -> None:
    done = CliRunner().invoke(pki, ["path", files["expired"], "--anchor", files["ca"], "--at", AT])
    assert done.exit_code == 1
    assert done.stdout.startswith("FAILED / EXPIRED: ")


@pytest.mark.parametrize(
    ("crl", "expected"), [("crl", (0, "good")), ("revoking", (1, "revoked")), ("garbage", (2, "unknown"))]
)
def test_revocation(files: dict[str, str], crl: str, expected: tuple[int, str]) -> None:
    status, body = call("revocation", files["person"], "--issuer", files["ca"], "--crl", files[crl], "--at", AT)
    assert (status, body["state"]) == expected


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"--at": "tomorrow"}, "input.time"),
        ({"--at": "2026-11-21T12:00:00"}, "input.time"),
        ({"": "two"}, "input.not_one"),
    ],
)
def test_wrong_arguments(files: dict[str, str], change: dict[str, str], code: str) -> None:
    target = files[change.get("", "person")]
    with pytest.raises(InputError) as caught:
        call("path", target, "--anchor", files["ca"], "--at", change.get("--at", AT))
    assert caught.value.code == code
