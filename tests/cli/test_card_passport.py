"""`honnin card read` over emulated passports: keys by lines, zone or access number, proofs, exit codes, silence."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from honnin.cli.card import card
from honnin.errors import CardError, HonninError
from honnin.sandbox.command import sandbox

pytestmark = pytest.mark.xdist_group("emulated_passports_cli")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def csca(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("csca") / "csca.pem"
    result = CliRunner().invoke(sandbox, ["passport", "hanako", "--csca", str(path), "--data", str(data)])
    assert result.exit_code == 0, result.exception
    assert path.read_text().count("BEGIN CERTIFICATE") == 2
    return path


def page(data: Path, kind: str = "") -> dict[str, str]:
    result = CliRunner().invoke(sandbox, ["passport", f"hanako:{kind}", "--json", "--data", str(data)])
    found: dict[str, str] = json.loads(result.stdout)
    return found


def read(data: Path, kind: str, given: str, *arguments: str | Path) -> Result:
    at = ["--reader", f"emulated:hanako/passport:{kind}", "--data", str(data)]
    return CliRunner().invoke(card, ["read", *map(str, arguments), *at], input=given)


def three_lines(data: Path, kind: str = "") -> str:
    found = page(data, kind)
    return "\n".join((found["document_number"], found["birth_date"], found["expiry_date"])) + "\n"


def answer(result: Result) -> Any:
    return json.loads(result.stdout)


def values(result: Result) -> Any:
    return answer(result)["applications"][0]["values"]


def test_a_passport_is_read_and_proved(data: Path, csca: Path, tmp_path: Path) -> None:
    picture = tmp_path / "face.jpg"
    result = read(data, "", three_lines(data), "--anchor", csca, "--portrait", picture, "--json")
    assert result.exit_code == 0, result.exception
    said = answer(result)
    (application,) = said["applications"]
    shown = application["values"]
    assert (said["document"], application["application"], shown["opened_by"]) == ("passport", "lds1", "bac")
    assert shown["zone"]["surname"] == "MIHON"
    assert {proof["kind"]: proof["result"] for proof in application["proofs"]} == {
        "passive_authentication": "passed",
        "revocation": "not_checked",
        "active_authentication": "passed",
    }
    assert b64decode(shown["faces"][0]["image"]) == picture.read_bytes()
    assert picture.stat().st_mode & 0o777 == 0o600


def test_for_people(data: Path, csca: Path) -> None:
    result = read(data, "pace-gm", three_lines(data), "--anchor", csca)
    assert result.exit_code == 0
    assert "zone.surname: MIHON" in result.stdout
    assert "passive_authentication: passed [dg1 dg2 dg11 dg12 dg14]" in result.stdout
    assert "chip_authentication: passed" in result.stdout
    forged = read(data, "pace-gm,forged_issuer", three_lines(data), "--anchor", csca)
    assert "The signer names a CSCA as its issuer that did not sign it" in forged.stdout


@pytest.mark.parametrize("fault", ["altered_text", "altered_portrait", "copied", "forged_issuer"])
def test_a_forgery_ends_with_1(data: Path, csca: Path, fault: str) -> None:
    result = read(data, f"jp-bac-rsa,{fault}", three_lines(data), "--anchor", csca, "--json")
    assert result.exit_code == 1
    assert answer(result)["answers"]["authentic"]["result"] == "failed"


def test_three_answers_without_further_arguments(data: Path) -> None:
    """The world's own authorities, and the invented person's own key, where neither is given."""
    for kind in ("", "pace-cam"):
        result = read(data, kind, "", "--json")
        assert result.exit_code == 0, result.exception
        answers = answer(result)["answers"]
        assert answers["read"] == ["lds1"]
        assert (answers["authentic"]["result"], answers["current"]["result"]) == ("verified", "current")
    signed = {file["name"]: file["signed"] for file in answer(result)["applications"][0]["files"]}
    assert signed["dg1"]
    assert not signed["com"]


@pytest.mark.parametrize(
    ("fault", "authentic", "current", "status"),
    [
        ("wrong_issuer", "not_verifiable", "current", 2),
        ("expired", "verified", "expired", 1),
        ("swapped_key", "failed", "current", 1),
    ],
)
def test_the_answers_stay_apart(data: Path, fault: str, authentic: str, current: str, status: int) -> None:
    kind = f"jp-bac-rsa,{fault}"
    result = read(data, kind, three_lines(data, kind), "--json", "--strict")
    answers = answer(result)["answers"]
    assert (answers["authentic"]["result"], answers["current"]["result"]) == (authentic, current)
    assert result.exit_code == status
    why = "" if authentic == "verified" else f": {answers['authentic']['reason']}"
    told = read(data, kind, three_lines(data, kind)).stdout.splitlines()
    assert told[-2:] == [f"authentic: {authentic}{why}", f"current: {current}"]


def test_by_zone_and_by_access_number(data: Path) -> None:
    said = answer(read(data, "pace-gm", page(data, "pace-gm")["card_access_number"] + "\n", "--json"))
    (application,) = said["applications"]
    assert application["values"]["opened_by"] == "pace"
    assert application["values"]["pace"]["mapping"] == "gm"
    file = next(file for file in application["files"] if file["name"] == "dg1")
    assert file["bytes"] == 93
    from honnin.sandbox.foreign_ministry.passports import issue
    from honnin.sandbox.world import World

    zone = issue(World(data), "hanako").files[0x0101][5:].decode()
    assert len(zone) == 88
    assert values(read(data, "", f"{zone[:44]}\n{zone[44:]}\n", "--json"))["zone"]["wrong"] == []
    dashed = three_lines(data).splitlines()
    spelled = f"{dashed[0]}\n1990-04-12\n20{dashed[2][:2]}-{dashed[2][2:4]}-{dashed[2][4:]}\n"
    assert values(read(data, "", spelled, "--json"))["opened_by"] == "bac"


def test_a_wrong_key_says_so_and_quotes_nothing(data: Path) -> None:
    result = read(data, "", "XX7654321\n900412\n350101\n")
    assert isinstance(result.exception, CardError)
    assert result.exception.code == "passport.key_wrong"
    assert "XX7654321" not in f"{result.exception}{result.output}"


@pytest.mark.parametrize(
    "given", ["\n", "XX7654321\n", "XX7654321\nx\ny\n", "é\n1\n2\n", "A" * 50 + "\n" + "B" * 50 + "\n"]
)
def test_what_is_no_key_is_told(data: Path, given: str) -> None:
    result = read(data, "", given)
    assert isinstance(result.exception, HonninError)


@pytest.mark.parametrize("target", ["nobody/passport", "hanako/passport:blue", "hanako/passport:copied,expired"])
def test_what_the_sandbox_does_not_issue(data: Path, target: str) -> None:
    at = ["--reader", f"emulated:{target}", "--data", str(data)]
    result = CliRunner().invoke(card, ["read", *at], input="TS1234567\n900412\n350101\n")
    assert isinstance(result.exception, HonninError)
    assert result.exception.code in {"people.unknown", "emulated.document_unknown"}
