"""The whole way over HTTP: the connector and the samples against the sandbox's service, and the PF behind it."""

import asyncio
import importlib.util
import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from tests.documents.files import pdf
from tests.waiting import LONG

from honnin.cli.digital_auth import digital_auth
from honnin.connect.digital_auth import Attempt, DigitalAuth, Service
from honnin.sandbox.command import sandbox
from honnin.web.serving import Running

ROOT = Path(__file__).parents[2]
BACK = "http://localhost:8000/return"
PERSON = {"Honnin-Sandbox-Person": "hanako"}  # the sandbox's switch for programs without a phone
TEXT = "利用規約に同意します。".encode()


def command(group: Any, *arguments: str) -> str:
    done = CliRunner().invoke(group, [*arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def base(server: Running) -> str:
    port = httpx.URL(server.base).port
    return f"http://digital-auth.localhost:{port}/api"


@pytest.fixture(scope="module")
def keys(server: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As docs/digital-auth.md says: keys by command, the sandbox's forms filled in with their JWKS."""
    folder = tmp_path_factory.mktemp("sp")
    data = str(server.platform.settings.data)
    command(digital_auth, "keys", "new", "--keys", str(folder))
    (folder / "jwks.json").write_text(command(digital_auth, "keys", "jwks", "--keys", str(folder)))
    decrypt = ("--use", "decrypt", "--data", data)
    if not json.loads(command(digital_auth, "keys", "list", *decrypt, "--json"))["keys"]:
        command(digital_auth, "keys", "new", *decrypt)
    (folder / "pf.json").write_text(command(digital_auth, "keys", "jwks", *decrypt))
    register = ("digital-auth", "register", "--data", data)
    command(sandbox, *register, "--verifier", "PF0001", "--name", "見本PF", "--jwks", str(folder / "pf.json"))
    party = ("--client-id", "RP00009001", "--name", "見本商店", "--redirect-uri", BACK, "--verifier", "PF0001")
    command(sandbox, *register, *party, "--jwks", str(folder / "jwks.json"), "--strict")
    return folder


@pytest.fixture
def connector(server: Running, base: str, keys: Path) -> Iterator[DigitalAuth]:
    clock = server.platform.clock(server.platform.authenticate(server.api_key))
    with DigitalAuth(
        Service.at(base), client_id="RP00009001", redirect_uri=BACK, keys=keys, clock=clock.timestamp
    ) as opened:
        yield opened


def away(url: str) -> str:
    """Go where the browser is sent, as a person without a phone; return where the service sends it back to."""
    parts = httpx.URL(url)
    address = parts.copy_with(host="127.0.0.1")
    answer = httpx.get(address, headers={**PERSON, "host": parts.netloc.decode()}, trust_env=False, timeout=LONG)
    assert answer.status_code in {302, 303}, answer.text
    assert answer.headers["location"].startswith(BACK), answer.headers["location"]
    return str(answer.headers["location"])


def test_logs_in_with_the_four_items(connector: DigitalAuth) -> None:
    subjects = set()
    for _ in range(2):
        attempt = connector.start_login(["name", "address", "birthdate", "gender"])
        login = connector.finish_login(attempt, away(attempt.url))
        subjects.add(login.subject)
        assert login.items.name
        assert login.items.birth_date is not None
        assert login.items.sex == "female"
    assert len(subjects) == 1


@pytest.mark.parametrize("shape", ["digest_info", "bare_digest"])
def test_signs_and_the_platform_verifies(connector: DigitalAuth, client: httpx.Client, shape: Any) -> None:
    attempt: Attempt = connector.start_signing(TEXT, shape=shape)
    result = connector.finish_signing(attempt, away(attempt.url)).result
    answer = client.post(
        "/v1/verifications",
        json={
            "purpose": "account_opening",
            "law": "aml",
            "document": b64encode(TEXT).decode(),
            "signing_result": {"jwe": result.jwe, "submitted": result.submitted},
        },
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["verdict"]["indication"] == "TOTAL-PASSED"
    assert answer.json()["four_items"]["name"]


@pytest.mark.peer("pdfsig")
def test_a_person_signs_a_pdf_on_the_phone(connector: DigitalAuth, client: httpx.Client, tmp_path: Path) -> None:
    """Prepared here, signed at the service, assembled and judged here; pdfsig is asked, too."""
    file = b64encode(pdf()).decode()
    made = client.post(
        "/v1/documents/prepare",
        json={"purpose": "lease", "file": file, "stamp": ["電子署名", "見本　花子"], "level": "T"},
    ).json()
    attempt = connector.start_signing(b64decode(made["to_be_signed"]["content"]))
    result = connector.finish_signing(attempt, away(attempt.url)).result
    assert result.submitted == made["to_be_signed"]["digest_info"]
    sent = {"signing_result": {"jwe": result.jwe, "submitted": result.submitted}}
    path = f"/v1/documents/{made['id']}"
    with ThreadPoolExecutor(2) as two:  # of two at once one is taken
        answers = list(two.map(lambda _: client.post(f"{path}/complete", json=sent), range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    done = next(answer.json() for answer in answers if answer.status_code == 200)
    assert (done["status"], done["report"]["indication"]) == ("signed", "TOTAL-PASSED")
    (tmp_path / "lease.pdf").write_bytes(client.get(f"{path}/file").content)
    told = subprocess.run(["pdfsig", "-nocert", tmp_path / "lease.pdf"], capture_output=True, check=True, timeout=LONG)
    assert b"Signature is Valid" in told.stdout


def load(name: str) -> Any:
    specification = importlib.util.spec_from_file_location(name, ROOT / f"samples/{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


def fastapi(module: Any) -> Callable[[str], tuple[int, str, str]]:
    runner = asyncio.Runner()
    cookies = httpx.Cookies()

    async def ask(path: str) -> httpx.Response:
        transport = httpx.ASGITransport(module.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", cookies=cookies) as browser:
            answer = await browser.get(path)
            cookies.update(browser.cookies)
        return answer

    def get(path: str) -> tuple[int, str, str]:
        answer = runner.run(ask(path))
        return answer.status_code, answer.headers.get("location", ""), answer.text

    def end() -> None:
        runner.run(module.client.aclose())
        runner.close()

    module.end = end
    return get


def flask(module: Any) -> Callable[[str], tuple[int, str, str]]:
    module.end = module.client.close
    browser = module.app.test_client()

    def get(path: str) -> tuple[int, str, str]:
        answer = browser.get(path)
        return answer.status_code, answer.headers.get("location", ""), answer.get_data(as_text=True)

    return get


def django(module: Any) -> Callable[[str], tuple[int, str, str]]:
    module.end = module.client.close
    from django.test import Client

    browser = Client()

    def get(path: str) -> tuple[int, str, str]:
        answer = browser.get(path)
        return answer.status_code, answer.headers.get("location", ""), answer.content.decode()

    return get


@pytest.mark.parametrize("framework", [fastapi, flask, django], ids=lambda one: one.__name__)
def test_samples(
    framework: Any, base: str, keys: Path, connector: DigitalAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each logs somebody in with under 60 lines, once for each return, and for its own browser alone."""
    values = {"BASE": base, "CLIENT_ID": "RP00009001", "REDIRECT_URI": BACK, "KEYS": str(keys)}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    name = f"{framework.__name__}_login"
    lines = (ROOT / f"samples/{name}.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) < 60
    module = load(name)
    object.__setattr__(module.client._client, "clock", connector._client.clock)
    get = framework(module)
    assert "/login" in get("/")[2]
    status, location, _ = get("/login")
    assert status in {302, 307}
    back = away(location).removeprefix("http://localhost:8000")
    forged = back.replace("state=", "state=x")
    assert get(forged)[0] == 400
    status, location, text = get(back)
    assert (status in {302, 307}, location) == (True, "/"), text
    assert "<p>" in get("/")[2]
    assert get(back)[0] == 400
    module.attempts.close()
    module.end()
