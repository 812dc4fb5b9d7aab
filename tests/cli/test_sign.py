"""`honnin sign` with an emulated card, in one step and in two; `honnin release` by tenant."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.documents.files import pdf


def run(folder: Path, *arguments: str, code: int = 0) -> dict[str, object]:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("honnin")), *arguments, "--json"],
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, done.stdout.decode() + done.stderr.decode()
    assert b"HANAKO2468" not in done.stdout + done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HONNIN_DATA", str(tmp_path / "data"))
    (tmp_path / "pin").write_text("HANAKO2468\n")
    (tmp_path / "lease.pdf").write_bytes(pdf())
    (tmp_path / "lease.xml").write_bytes(b"<Lease><Rent>100000</Rent></Lease>")
    (tmp_path / "lease.txt").write_bytes(b"a lease")
    return tmp_path


CARD = ["--reader", "emulated:hanako", "--pin-file", "pin"]


def verdict(folder: Path, name: str) -> dict[str, object]:
    run(folder, "card", "certificate", "signature_ca", "--reader", "emulated:hanako", "--out", "ca.pem")
    # without revocation data everything else is told, and the outcome is: ask again
    return run(folder, "verify", name, "--anchor", "ca.pem", code=2)


@pytest.mark.parametrize("name", ["lease.pdf", "lease.xml", "lease.txt"])
def test_every_kind(folder: Path, name: str) -> None:
    told = run(folder, "sign", name, *CARD, "--visible")
    report = verdict(folder, str(told["out"]))
    assert report["sub_indication"] == "TRY_LATER"
    assert {check["id"]: check["result"] for check in report["checks"]}["signature"] == "passed"  # type: ignore[union-attr,index]


def test_two_steps(folder: Path) -> None:
    prepared = run(folder, "sign", "lease.pdf", "--prepare", "--reader", "emulated:hanako", "--stamp", "電子署名")
    made = _by_card(folder, bytes.fromhex(str(prepared["digest"])))
    assert base64.b64decode(str(prepared["digest_info"])).endswith(bytes.fromhex(str(prepared["digest"])))
    (folder / "value").write_bytes(made)
    told = run(
        folder, "sign", str(prepared["out"]), "--value", "value", "--certificate", "person.pem", "--out", "signed.pdf"
    )
    assert told["kind"] == "pdf"
    assert verdict(folder, "signed.pdf")["sub_indication"] == "TRY_LATER"
    (folder / "value").write_bytes(bytes(256))
    wrong = run(folder, "sign", str(prepared["out"]), "--value", "value", "--certificate", "person.pem", code=1)
    assert wrong["error"]["code"] == "signing.value_wrong"  # type: ignore[index]


def _by_card(folder: Path, digest: bytes) -> bytes:
    from honnin.chip import MyNumberCard, Pin, open_reader

    run(folder, "card", "certificate", "signature", *CARD, "--out", "person.pem")
    with open_reader("emulated:hanako", data=folder / "data") as reader, MyNumberCard(reader) as card:
        card.jpki.unlock(Pin("signature", "HANAKO2468"))
        return card.jpki.sign("signature", digest).value


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["lease.pdf", *CARD, "--level", "T"], "signing.level", 2),
        (["lease.xml", *CARD, "--level", "LTA", "--tsa", "http://tsa.localhost:1/"], "signing.level", 2),
        (["lease.pdf", *CARD, "--level", "T", "--tsa", "nonsense"], "signing.level", 2),
        (["missing.pdf", *CARD], "input.unreadable", 2),
        (["lease.txt", *CARD, "--as", "pdf"], "signature.pdf_malformed", 1),
        (["lease.pdf", "--reader", "emulated:hanako"], "card.pin_missing", 2),
    ],
)
def test_refusals(folder: Path, arguments: list[str], code: str, exit_code: int) -> None:
    assert run(folder, "sign", *arguments, code=exit_code)["error"]["code"] == code  # type: ignore[index]


def test_release_by_tenant(folder: Path) -> None:
    live = run(folder, "tenant", "create", "見本銀行", "--live")["tenant"]
    test = run(folder, "tenant", "create", "見本銀行")["tenant"]
    signed = str(run(folder, "sign", "lease.pdf", *CARD)["out"])
    given = run(folder, "release", signed, "--tenant", str(live), "--out", "live.pdf")
    assert (given["given"], given["ground"]) == ("rendition", None)
    given = run(folder, "release", signed, "--tenant", str(test), "--out", "test.pdf")
    assert (given["given"], given["ground"]) == ("document", "sandbox")
    assert (folder / "test.pdf").read_bytes() == (folder / signed).read_bytes()
    assert b"/ByteRange" not in (folder / "live.pdf").read_bytes()
