"""`honnin card` over emulated cards: JSON shapes, exit codes, where PINs come from and where they never go."""

import json
import os
import pty
import select
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from tests.waiting import LONG

from honnin.cli.card import card
from honnin.errors import CardError, InputError, PinError, ReaderError
from honnin.words import in_all

HONNIN = str(Path(sys.executable).with_name("honnin"))
SIGNATURE_PIN, AUTHENTICATION_PIN = "HANAKO2468", "2468"


@pytest.fixture(scope="module")
def people_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One world for this file; tests that move counters use persons of their own."""
    return tmp_path_factory.mktemp("data")


def run(people_data: Path, *arguments: str | Path, given: str = "", person: str = "hanako") -> Result:
    """Run in process with standard input that is no terminal."""
    at = ["--reader", f"emulated:{person}", "--data", str(people_data)]
    return CliRunner().invoke(card, [*map(str, arguments), *at], input=given)


def answer(people_data: Path, *arguments: str | Path, given: str = "", person: str = "hanako") -> Any:
    """The one JSON object on standard output."""
    result = run(people_data, *arguments, "--json", given=given, person=person)
    assert result.exception is None, result.exception
    assert result.exit_code == 0
    return json.loads(result.stdout)


def verify(certificate: bytes, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm) -> None:
    key = x509.load_der_x509_certificate(certificate).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(signature, message, padding.PKCS1v15(), algorithm)


def test_ways_to_use_the_card_with_their_strength() -> None:
    result = CliRunner().invoke(card, ["methods", "--json"])
    found = {one["id"]: one for one in json.loads(result.stdout)["methods"]}
    assert found["tap_use"]["factors"] == ["possession"]
    assert found["standard_application"]["pin"] == "optional"
    assert found["jpki_user_authentication"]["factors"] == ["possession", "knowledge"]
    assert found["card_application"]["factors"] == []
    assert "freely set" in CliRunner().invoke(card, ["methods"]).stdout


def test_info(people_data: Path) -> None:
    told = answer(people_data, "info")
    assert told["document"] == "my_number_card"
    assert told["applications"][0] == {
        "document": "my_number_card",
        "application": "jpki",
        "present": True,
        "generation": 1,
    }
    assert [one["application"] for one in told["applications"] if one["present"]] == [
        "jpki",
        "card_face",
        "input_support",
        "common",
        "resident_register",
        "drivers_licence",
    ]
    assert told["token"]["carrier"] == "my_number_card"
    assert told["issued"] == {"signature": True, "user_authentication": True}
    assert [pin["name"] for pin in told["pins"]] == ["signature", "user_authentication"]
    assert "JPKIAPICCTOKEN2" in run(people_data, "info").stdout


def test_pin_status_of_everyone(people_data: Path) -> None:
    told = answer(people_data, "pin", "status")["pins"]
    assert told[:3] == [
        {"name": "signature", "tries_left": 5, "tries": 5, "state": "open", "application": "jpki"},
        {"name": "user_authentication", "tries_left": 3, "tries": 3, "state": "open", "application": "jpki"},
        {"name": "input_support", "tries_left": 3, "tries": 3, "state": "open", "application": "input_support"},
    ]
    assert {pin["application"] for pin in told} == {"jpki", "input_support", "card_face", "drivers_licence"}
    states = {
        p: [pin["state"] for pin in answer(people_data, "pin", "status", person=p)["pins"]][:2] for p in ("goro", "yui")
    }
    assert states == {"goro": ["locked", "open"], "yui": ["unused", "open"]}
    assert "tries left 0 of 5, locked" in run(people_data, "pin", "status", person="goro").stdout
    for command in (("pin", "status"), ("info",)):
        assert "PIN of signature: unused" in run(people_data, *command, person="yui").stdout


def test_read_prints_words(people_data: Path, tmp_path: Path) -> None:
    """A PIN file may begin with a byte order mark."""
    (tmp_path / "pin").write_bytes(b"\xef\xbb\xbfHANAKO2468\r\n")
    told = run(people_data, "read", "--signature", "--pin-file", tmp_path / "pin").stdout
    assert "\nsubstitute characters: none\n" in told
    assert "{" not in told
    marked = run(people_data, "read", "--signature", "--pin-file", "-", person="katsura", given="\ufeffKATSURA124\n")
    assert "substitute characters: name 1\n" in marked.stdout


@pytest.mark.parametrize("source", ["input", "file", "dash"])
def test_a_pin_comes_from_input_or_file(people_data: Path, tmp_path: Path, source: str) -> None:
    (tmp_path / "pin").write_text(AUTHENTICATION_PIN + "\n")
    options = {"input": [], "file": ["--pin-file", tmp_path / "pin"], "dash": ["--pin-file", "-"]}[source]
    given = "" if source == "file" else AUTHENTICATION_PIN + "\n"
    told = answer(people_data, "pin", "verify", "user_authentication", *options, given=given)
    assert told == {"pin": "user_authentication", "verified": True}


@pytest.mark.parametrize(
    ("arguments", "given", "person", "error", "code"),
    [
        (["pin", "verify", "user_authentication"], "", "hanako", InputError, "card.pin_missing"),
        (["pin", "verify", "user_authentication"], "24680\n", "hanako", PinError, "card.pin_format"),
        (["pin", "verify", "signature"], "GORO55555\n", "goro", PinError, "card.pin_locked"),
        (["pin", "verify", "signature"], "ICHIKA1111\n", "ichika", PinError, "card.pin_last_try"),
        (["certificate", "signature"], "ABC123\n", "yui", CardError, "card.not_issued"),
        (["certificate", "user_authentication"], "", "shin", CardError, "card.not_issued"),
        (["certificate", "user_authentication"], "", "keita", PinError, "card.pin_required"),
        (["certificate", "signature_ca", "--der"], "", "hanako", InputError, "card.der_needs_out"),
        (["sign", "/dev/null/nothing"], "", "hanako", InputError, "input.unreadable"),
        (["pin", "change", "user_authentication"], "2468\n0000\n", "hanako", PinError, "card.pin_improper"),
        (["pin", "change", "user_authentication"], "2468\n0412\n1990-04-12\n", "hanako", PinError, "card.pin_improper"),
        (["pin", "change", "user_authentication"], "2468\n2285\n\n2285\n", "hanako", PinError, "card.pin_improper"),
        (["pin", "change", "user_authentication"], "2468\n7391\nyesterday\n", "hanako", InputError, "card.birth_date"),
        (["pin", "change", "user_authentication"], "2468\n", "hanako", InputError, "card.pin_missing"),
        (["read", "--pin-file", "/dev/null/nothing"], "", "hanako", InputError, "input.unreadable"),
    ],
)
def test_coded_errors(
    people_data: Path, arguments: list[str], given: str, person: str, error: type[Exception], code: str
) -> None:
    caught = run(people_data, *arguments, given=given, person=person).exception
    assert isinstance(caught, error)
    assert caught.code == code  # type: ignore[attr-defined]
    for pin in given.split():
        assert pin not in str(caught)


def test_exit_codes_and_error_json(people_data: Path) -> None:
    """A PIN error ends with 1, a reader error with 2; both print one JSON object."""
    wrong = [HONNIN, "card", "pin", "verify", "user_authentication", "--reader", "emulated:minoru", "--json"]
    done = subprocess.run(
        [*wrong, "--data", people_data], input=b"9182\n", capture_output=True, check=False, timeout=LONG
    )
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"], error["tries_left"]) == (1, "card.pin_wrong", 2)
    assert "もう一度入力してください" in error["user_messages"]["ja"]
    assert b"9182" not in done.stdout + done.stderr
    unknown = subprocess.run(
        [HONNIN, "card", "info", "--reader", "usb:1"], capture_output=True, check=False, timeout=LONG
    )
    assert unknown.returncode == 2
    assert unknown.stderr.startswith(b"reader.unknown_scheme")
    assert in_all("reader.unknown_scheme")["ja"] in unknown.stderr.decode().splitlines()


def test_standard_input_that_stays_open(people_data: Path) -> None:
    """Whoever feeds the PIN need not close the pipe first."""
    arguments = [HONNIN, "card", "pin", "verify", "user_authentication", "--reader", "emulated:hanako"]
    child = subprocess.Popen([*arguments, "--data", people_data], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin
    child.stdin.write(b"2468\r\n")
    child.stdin.flush()
    assert child.wait(LONG) == 0
    child.communicate(timeout=LONG)


def test_a_pin_file_that_is_no_text(people_data: Path, tmp_path: Path) -> None:
    (tmp_path / "pin").write_bytes(b"\xff\xfe24")
    caught = run(people_data, "pin", "verify", "user_authentication", "--pin-file", tmp_path / "pin").exception
    assert isinstance(caught, InputError)
    (tmp_path / "pin").write_bytes(b"2" * 5000)
    caught = run(people_data, "pin", "verify", "user_authentication", "--pin-file", tmp_path / "pin").exception
    assert isinstance(caught, InputError)
    assert "222" not in str(caught)


def test_a_pin_is_no_argument(people_data: Path) -> None:
    result = run(people_data, "pin", "verify", "user_authentication", "2468")
    assert result.exit_code == 2
    result = run(people_data, "pin", "verify", "user_authentication", "--pin", "2468")
    assert result.exit_code == 2


def test_change_and_change_back(people_data: Path) -> None:
    told = answer(people_data, "pin", "change", "signature", given="TARO97531\nnew0pin7\n", person="taro")
    assert told == {"pin": "signature", "changed": True, "not_compared": ["birth_date", "security_code"]}
    answer(people_data, "pin", "verify", "signature", given="NEW0PIN7", person="taro")
    result = run(people_data, "pin", "change", "signature", given="new0pin7\nTARO97531\n", person="taro")
    assert "was changed" in result.stdout


def test_last_try_on_purpose(people_data: Path) -> None:
    told = answer(people_data, "pin", "verify", "signature", "--last-try", given="ICHIKA1111", person="ichika")
    assert told["verified"]


def test_read(people_data: Path) -> None:
    without = answer(people_data, "read")
    assert without["four_items"] is None
    assert set(without["certificates"]) == {"signature_ca", "user_authentication", "user_authentication_ca"}
    told = answer(people_data, "read", "--signature", given=SIGNATURE_PIN)
    assert told["four_items"] == {
        "name": "見本　花子",
        "address": "東京都千代田区見本町一丁目２番３号",
        "birth_date": "1990-04-12",
        "sex": "female",
        "substitute_characters": {"name": [], "address": []},
    }
    x509.load_der_x509_certificate(b64decode(told["certificates"]["signature"]))
    assert "見本　花子" in run(people_data, "read", "--signature", given=SIGNATURE_PIN).stdout


@pytest.mark.parametrize("kind", ["signature", "user_authentication", "signature_ca", "user_authentication_ca"])
def test_certificate(people_data: Path, tmp_path: Path, kind: str) -> None:
    given = SIGNATURE_PIN if kind == "signature" else ""
    shown = run(people_data, "certificate", kind, given=given).stdout
    certificate = x509.load_pem_x509_certificate(shown.encode())
    out = tmp_path / "certificate.der"
    told = answer(people_data, "certificate", kind, "--out", out, "--der", given=given)
    assert x509.load_der_x509_certificate(out.read_bytes()) == certificate
    assert b64decode(told["certificate"]) == out.read_bytes()
    assert out.stat().st_mode & 0o077 == 0


def test_a_phone_with_its_pin(people_data: Path) -> None:
    answer(people_data, "certificate", "user_authentication", "--pin-file", "-", given="6667", person="keita")


@pytest.mark.parametrize(
    ("algorithm", "made"), [("sha256", hashes.SHA256()), ("sha384", hashes.SHA384()), ("sha512", hashes.SHA512())]
)
@pytest.mark.parametrize(("key", "pin"), [("signature", SIGNATURE_PIN), ("user_authentication", AUTHENTICATION_PIN)])
def test_sign(
    people_data: Path, tmp_path: Path, key: str, pin: str, algorithm: str, made: hashes.HashAlgorithm
) -> None:
    (tmp_path / "file").write_bytes(b"an application")
    told = answer(people_data, "sign", tmp_path / "file", "--key", key, "--alg", algorithm, given=pin)
    assert (told["key"], told["algorithm"]) == (key, algorithm)
    verify(b64decode(told["certificate"]), b64decode(told["signature"]), b"an application", made)


def test_a_next_generation_card_signs_with_sha384(people_data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"an application")
    told = answer(people_data, "sign", tmp_path / "file", given="MIRAI3112", person="mirai")
    assert (told["algorithm"], told["encoding"]) == ("sha384", "raw_rs")
    key = x509.load_der_x509_certificate(b64decode(told["certificate"])).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    value = b64decode(told["signature"])
    der = encode_dss_signature(int.from_bytes(value[:48], "big"), int.from_bytes(value[48:], "big"))
    key.verify(der, b"an application", ec.ECDSA(hashes.SHA384()))


def test_sign_into_files(people_data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"an application")
    outputs = ["--out", tmp_path / "signature", "--certificate-out", tmp_path / "certificate"]
    result = run(people_data, "sign", tmp_path / "file", *outputs, given=SIGNATURE_PIN)
    assert result.stdout == ""
    certificate = x509.load_pem_x509_certificate((tmp_path / "certificate").read_bytes())
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify((tmp_path / "signature").read_bytes(), b"an application", padding.PKCS1v15(), hashes.SHA256())
    shown = run(people_data, "sign", tmp_path / "file", given=SIGNATURE_PIN).stdout
    assert b64decode(shown) == (tmp_path / "signature").read_bytes()


def test_an_output_that_cannot_be_written(people_data: Path, tmp_path: Path) -> None:
    result = run(people_data, "certificate", "signature_ca", "--out", tmp_path / "no" / "such")
    assert isinstance(result.exception, InputError)
    assert result.exception.code == "card.unwritable"


def test_readers_without_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smartcard", None)
    result = CliRunner().invoke(card, ["readers"])
    assert isinstance(result.exception, ReaderError)


def on_a_terminal(arguments: list[str], typed: list[str]) -> tuple[str, int]:
    """Run a command on a pseudo-terminal, type a line at each prompt; return all that the terminal showed."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen([HONNIN, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown, answered, waiting = "", 0, list(typed)
    while select.select([ours], [], [], LONG)[0]:
        try:
            shown += os.read(ours, 4096).decode()
        except OSError:  # the child closed its end
            break
        if waiting and shown[answered:].rstrip(" ").endswith(":"):
            answered = len(shown)
            os.write(ours, waiting.pop(0).encode() + b"\n")
    os.close(ours)
    return shown, child.wait(LONG)


def test_a_person_sees_the_tries_and_not_the_pin(people_data: Path) -> None:
    at = ["--reader", "emulated:hanako", "--data", str(people_data)]
    shown, code = on_a_terminal(["card", "pin", "verify", "user_authentication", *at], [AUTHENTICATION_PIN])
    assert code == 0
    assert "tries left 3 of 3" in shown
    assert shown.index("tries left") < shown.index("PIN of user_authentication:", shown.index("tries left"))
    assert AUTHENTICATION_PIN not in shown


def test_a_person_types_a_new_pin_twice(people_data: Path) -> None:
    at = ["--reader", "emulated:anna", "--data", str(people_data)]
    shown, code = on_a_terminal(["card", "pin", "change", "user_authentication", *at], ["8018", "7391", "7392"])
    assert (code, "card.pin_differs" in shown) == (2, True)
    shown, code = on_a_terminal(
        ["card", "pin", "change", "user_authentication", *at], ["8018", "7391", "7391", "1990-04-13", ""]
    )
    assert (code, "was changed" in shown) == (0, True)
    assert "7391" not in shown
    shown, code = on_a_terminal(
        ["card", "pin", "change", "user_authentication", *at], ["7391", "0413", "0413", "1990-04-13", ""]
    )
    assert (code, "card.pin_improper" in shown) == (1, True)
