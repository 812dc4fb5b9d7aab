"""`honnin verify`: exit status, one JSON object, words on the terminal, coded errors."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.pki import cms
from tests.pki.signing import DAY, NOW, PERSON, Authority, rsa_key, sign_pkcs1
from tests.waiting import LONG

CA = Authority.make()
CERTIFICATE = CA.issue(rsa_key().public_key(), person=PERSON)
CONTENT = b"open an account"
AT = ["--at", "2026-11-21T12:00:00+09:00", "--existed-at", "2026-11-21T03:00:00Z"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pem = x509.load_der_x509_certificate(CA.der).public_bytes(serialization.Encoding.PEM)
    info = cms.signer(CERTIFICATE, cms.attributes(CONTENT), cms.pkcs1())
    contents = {
        "raw": sign_pkcs1(CONTENT),
        "cms": cms.signed_data(CONTENT, [info], [CERTIFICATE]),
        "content": CONTENT,
        "cert": CERTIFICATE,
        "ca.pem": pem,
        "crl": CA.crl(),
        "revoked": CA.crl((0x132C4AB, NOW - DAY, x509.ReasonFlags.affiliation_changed)),
        "ocsp": CA.ocsp(CERTIFICATE),
        "mail": b"MIME-Version: 1.0\n",
    }
    for name, octets in contents.items():
        (tmp_path / name).write_bytes(octets)
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("honnin")), "verify", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=LONG)


RAW = ["raw", "--content", "content", "--certificate", "cert", "--anchor", "ca.pem", *AT]


@pytest.mark.parametrize(
    ("arguments", "code", "indication", "sub_indication"),
    [
        ([*RAW, "--crl", "crl"], 0, "TOTAL-PASSED", None),
        ([*RAW, "--ocsp", "ocsp"], 0, "TOTAL-PASSED", None),
        ([*RAW, "--crl", "revoked"], 1, "TOTAL-FAILED", "REVOKED"),
        ([*RAW], 2, "INDETERMINATE", "TRY_LATER"),
        (["cms", "--anchor", "ca.pem", "--crl", "crl", *AT], 0, "TOTAL-PASSED", None),
        (["cms", "--anchor", "ca.pem", "--crl", "revoked", *AT[:2]], 2, "INDETERMINATE", "REVOKED_NO_POE"),
        (["cms", "--crl", "crl", *AT], 2, "INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND"),
        (["cms", "--content", "cert", "--anchor", "ca.pem", *AT], 1, "TOTAL-FAILED", "HASH_FAILURE"),
    ],
)
def test_exit_status_and_json(
    folder: Path, arguments: list[str], code: int, indication: str, sub_indication: str | None
) -> None:
    done = run(folder, *arguments, "--json")
    assert (done.returncode, done.stderr) == (code, "")
    shown = json.loads(done.stdout)
    assert (shown["indication"], shown["sub_indication"]) == (indication, sub_indication)
    assert shown["at"] == "2026-11-21T03:00:00Z"
    assert PERSON[1] not in done.stdout


def test_digest(folder: Path) -> None:
    given = ["raw", "--digest", hashlib.sha256(CONTENT).hexdigest(), "--certificate", "cert", "--anchor", "ca.pem"]
    assert run(folder, *given, "--crl", "crl", *AT).returncode == 0


def test_words_for_people(folder: Path) -> None:
    done = run(folder, *RAW, "--crl", "crl")
    assert done.stdout.startswith("TOTAL-PASSED\n")
    assert "✓ signature" in done.stdout
    assert "電子署名を確認できました" in done.stdout
    assert PERSON[1] not in done.stdout


def test_without_an_anchor_the_next_step_is_to_give_one(folder: Path) -> None:
    """Not to sign again: the signer has nothing to mend. With an anchor that leads nowhere it is as ever."""
    told = run(folder, "cms", "--crl", "crl", *AT).stdout
    assert told.count("--anchor") == 3
    assert "My Number Card" not in told
    (folder / "other.cer").write_bytes(Authority.make("another").der)
    assert "My Number Card" in run(folder, "cms", "--crl", "crl", "--anchor", "other.cer", *AT).stdout


def test_four_items_only_when_asked_and_only_when_passed(folder: Path) -> None:
    shown = json.loads(run(folder, *RAW, "--crl", "crl", "--four-items", "--json").stdout)
    assert shown["four_items"]["name"] == PERSON[1]
    assert shown["four_items"]["birth_date"] == "1990-04-01"
    assert shown["four_items"]["substitute_characters"] == {"name": [4], "address": []}
    assert json.loads(run(folder, *RAW, "--four-items", "--json").stdout)["four_items"] is None


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (["mail"], 1, "signature.format_unknown"),
        (["raw", "--content", "content"], 2, "signature.certificate_missing"),
        (["missing"], 2, "input.unreadable"),
        ([*RAW[:-1], "yesterday"], 2, "input.time"),
        ([*RAW[:-1], "2026-11-21T03:00:00"], 2, "input.time"),
        ([*RAW, "--policy", "nonsense"], 2, "signature.policy_unknown"),
    ],
)
def test_coded_errors(folder: Path, arguments: list[str], exit_code: int, code: str) -> None:
    done = run(folder, *arguments, "--json")
    assert done.returncode == exit_code
    assert json.loads(done.stdout)["error"]["code"] == code
    assert "Traceback" not in done.stderr


def test_raw_and_cms_load_no_heavy_library(folder: Path) -> None:
    code = (
        "import sys\n"
        "from honnin.cli.main import main\n"
        "sys.argv = ['honnin', 'verify', 'cms', '--json']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = ('asn1crypto', 'pyhanko', 'lxml', 'sqlalchemy', 'numpy', 'httpx', 'rich', 'starlette')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=LONG
    )
    assert done.stdout.splitlines()[-1] == "[]"
