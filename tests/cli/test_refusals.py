"""Odd arguments over every command: one JSON object, an error or a verdict, 0, 1 or 2, no traceback."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from honnin.cli.crl import _serial
from honnin.cli.main import main
from honnin.errors import InputError

Run = Callable[..., tuple[int, Any]]
AT = ("--at", "2026-11-21T09:00:00+09:00")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str | Path) -> tuple[int, Any]:
        monkeypatch.setattr(sys, "argv", ["honnin", *map(str, arguments), "--json"])
        with pytest.raises(SystemExit) as ended_with:
            main()
        shown = capsys.readouterr()
        (line,) = shown.out.splitlines()
        status = int(str(ended_with.value.code or 0))
        assert status in {0, 1, 2}
        return status, json.loads(line)

    return call


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder(subject_name=x509.Name([])).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    contents = {
        "empty": b"",
        "text": b"hello\n",
        "key": key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        "request": request.public_bytes(pem),
        "unended": b"-----BEGIN CERTIFICATE-----\n" * 50_000,
        "broken": b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    named = {name: str(tmp_path / name) for name in contents}
    return named | {"folder": str(tmp_path), "none": "", "missing": str(tmp_path / "missing"), "zero": "/dev/zero"}


ODD = ("empty", "text", "key", "request", "unended", "broken", "folder", "none", "missing", "zero")


@pytest.mark.parametrize("odd", ODD)
def test_odd_files_everywhere(run: Run, files: dict[str, str], tmp_path: Path, odd: str) -> None:
    file, data = files[odd], ("--data", str(tmp_path / "data"))
    emulated = ("--reader", "emulated:hanako", *data)
    commands: tuple[tuple[str, ...], ...] = (
        ("pki", "path", file, "--anchor", file, *AT),
        ("pki", "revocation", file, "--issuer", file, *AT),
        ("crl", "build", str(tmp_path / "index"), file, "--issuer", file, *AT),
        ("crl", "lookup", file, "--issuer", file, "0"),
        ("crl", "diff", file, file),
        ("crl", "stats", file),
        ("evidence", "verify", file, "--log-key", file),
        ("identity", "compare-names", file),
        ("identity", "compare-addresses", file),
        ("card", "pin", "verify", "signature", "--pin-file", file, *emulated),
        ("upkeep", "run", "--crl", file, *data),
    )
    for command in commands:
        status, told = run(*command)
        assert isinstance(told, dict), command
        if odd == "missing":
            assert status == 2 or command[0] == "crl", command


def test_odd_words(run: Run, tmp_path: Path, files: dict[str, str]) -> None:
    data = ("--data", str(tmp_path / "data"))
    for command in (
        ("sandbox", "event", "", "move"),
        ("sandbox", "event", "hanako", ""),
        ("sandbox", "event", "hanako", "move", "--municipality", ""),
        ("sandbox", "event", "hanako", "correct", "--birth", "99999999"),
        ("sandbox", "event", "hanako", "correct", "--birth", "２０００0101"),
        ("sandbox", "clock", "set", "2026-11-21"),
        ("sandbox", "clock", "set", "9999-12-31T23:59:59-23:59"),
        ("sandbox", "clock", "set", "0001-01-01T00:00:00+23:59"),
        ("sandbox", "clock", "advance", ""),
        ("sandbox", "clock", "advance", "999999d999999d"),
        ("sandbox", "switch", "", "", ""),
        ("sandbox", "switch", "jlis", "ocsp", ""),
    ):
        status, told = run(*command, *data)
        assert (status, bool(told.get("error", {}).get("code"))) == (2, True), command
    for at in ("", "2026-11-21T09:00:00", "0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00", "x" * 9999):
        for command in (
            ("pki", "path", files["text"], "--anchor", files["text"]),
            ("verify", files["text"]),
            ("crl", "stats", files["folder"]),
        ):
            status, told = run(*command, "--at", at)
            assert status in {1, 2}, (command, at)
    for oid in ("", "1", "x.y", "1." * 5000, "9.9.9"):
        run("pki", "path", files["text"], "--anchor", files["text"], *AT, "--policy", oid, "--purpose", oid)
    for age in ("nan", "inf", "-1", "1e400", "x"):
        status, told = run("pki", "path", files["text"], "--anchor", files["text"], *AT, "--max-age", age)
        assert (status, bool(told["error"]["code"])) == (2, True), age
    for reader in ("", "emulated:", "emulated:nobody", "emulated:hanako/none", "x:", "relay:nowhere", "pcsc:none"):
        status, told = run("card", "info", "--reader", reader, *data)
        assert (status, bool(told["error"]["code"])) == (2, True), reader


@pytest.mark.parametrize(("held", "label"), [("key", "PRIVATE KEY"), ("request", "CERTIFICATE REQUEST")])
def test_pem_of_another_type_is_named(run: Run, files: dict[str, str], held: str, label: str) -> None:
    status, told = run("pki", "path", files[held], "--anchor", files[held], *AT)
    assert (status, told["error"]["code"]) == (2, "input.pem_type")
    assert label in told["error"]["message"]


@pytest.mark.parametrize(
    "command",
    [
        ("tenant", "list"),
        ("tenant", "set", "ten_x"),
        ("tenant", "key", "ten_x"),
        ("tenant", "forget", "ten_x", "per_x"),
        ("evidence", "export", "ver_x", "--out", "receipt"),
        ("upkeep", "run"),
    ],
    ids=" ".join,
)
def test_a_mistyped_folder_is_not_made(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.delenv("HONNIN_DATABASE_URL", raising=False)
    status, told = run(*command, "--data", tmp_path / "mistyped")
    assert (status, told["error"]["code"]) == (2, "input.no_data")
    assert not (tmp_path / "mistyped").exists()


def test_a_log_key_that_is_none_is_the_callers_mistake(run: Run, files: dict[str, str]) -> None:
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    other = Path(files["folder"]) / "p384"
    other.write_bytes(key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    for log_key in (files["text"], files["key"], str(other), "/dev/zero"):
        assert run("evidence", "verify", files["text"], "--log-key", log_key)[0] == 2
    right = Path(files["folder"]) / "p256"
    right.write_bytes(
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    status, told = run("evidence", "verify", files["text"], "--log-key", right)
    assert (status, told["error"]["code"]) == (1, "evidence.not_receipt")


def test_a_broken_line_ends_with_2_after_the_other_results(run: Run, tmp_path: Path) -> None:
    lines = (
        b'{"a": "x", "b": "x"}',
        b"{",
        b"\xff\xfe",
        b'{"a": "\\ud800", "b": "x"}',
        b'{"a": "x", "b": "x", "substituted_a": [null]}',
        b"[" * 100_000,
        '{"a": "見本　花子", "b": "見本\u2028花子"}'.encode(),
    )
    file = tmp_path / "pairs.jsonl"
    file.write_bytes(b"\n".join(lines))
    for command in ("compare-names", "compare-addresses"):
        status, told = run("identity", command, file)
        assert status == 2
        assert len(told["results"]) == len(lines)
        assert told["results"][0]["grade"] == "same"
        assert told["results"][1]["error"]["code"] == "identity.line"
    file.write_bytes(lines[0])
    assert run("identity", "compare-names", file)[0] == 0


@pytest.mark.parametrize("text", ["5678", "0x5678", "0X5678", "56:78", "00005678"])
def test_serials_as_openssl_shows_them(text: str) -> None:
    assert _serial(text) == 0x5678


@pytest.mark.parametrize("text", ["", "0x", "-1", "5_6", "56:7", ":56", "g", "１２", "1" * 200])
def test_no_serial(text: str) -> None:
    with pytest.raises(InputError) as caught:
        _serial(text)
    assert caught.value.code == "index.serial"


def test_the_clock_goes_back_by_hours(run: Run, tmp_path: Path) -> None:
    """`-2h` holds the letter of `-h`."""
    assert list(run("sandbox", "clock", "advance", "-2h", "--data", tmp_path)[1]) == ["now"]
