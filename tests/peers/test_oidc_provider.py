"""The connector logs in against oidc-provider (npm, certified), set up like the agency's service."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from tests.waiting import LONG, next_line, running

from honnin.connect.digital_auth import AsyncDigitalAuth, Attempt, DigitalAuth, KeyFile
from honnin.errors import HonninError
from honnin.identity.dates import PartialDate

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REDIRECT = "https://sp.example/return"
CLIENT = "RP00000001"
REQUIRE_ALL = os.environ.get("HONNIN_REQUIRE_ALL") == "1"

pytestmark = pytest.mark.peer("node")


@pytest.fixture(scope="module", params=["ES256", "RS256"])
def algorithm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory, algorithm: str) -> Iterator[Any]:
    """A provider that knows our client by its JWKS."""
    tmp_path = tmp_path_factory.mktemp("provider")
    if not (ROOT / "node_modules/oidc-provider").exists() or not shutil.which("node"):
        missing = pytest.fail if REQUIRE_ALL else pytest.skip
        missing("peer oidc-provider is not installed (scripts/install-peers)")
    keys = tmp_path / "keys"
    file = KeyFile(keys, "sign")
    file.new(algorithm, at=datetime(2026, 11, 21, tzinfo=UTC))
    settings = tmp_path / "provider.json"
    settings.write_text(json.dumps({"jwks": file.jwks(), "redirect_uri": REDIRECT, "algorithm": algorithm}))
    with (
        (tmp_path / "provider.log").open("w") as log,
        running(
            ["node", HERE / "oidc_provider.mjs", settings], stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT
        ) as process,
    ):
        issuer = next_line(process.stdout).strip()
        assert issuer, (tmp_path / "provider.log").read_text()
        yield SimpleNamespace(issuer=issuer, keys=keys)


@pytest.fixture
def client(provider: Any) -> Iterator[DigitalAuth]:
    service = DigitalAuth.discover(provider.issuer)
    with DigitalAuth(service, client_id=CLIENT, redirect_uri=REDIRECT, keys=provider.keys) as opened:
        yield opened


def walk(attempt: Attempt) -> str:
    """Go where a browser goes until it is sent back to the service provider; return that address."""
    with httpx.Client(timeout=LONG, trust_env=False) as browser:
        url = attempt.url
        for _ in range(12):
            answer = browser.get(url)
            assert answer.status_code in {302, 303}, answer.text
            url = urljoin(url, answer.headers["location"])
            if url.startswith(REDIRECT):
                return url
    pytest.fail("the provider does not send the browser back")


def code_of(error: pytest.ExceptionInfo[HonninError]) -> str:
    return error.value.code


class TestLogin:
    def test_logs_in_with_all_items(self, client: DigitalAuth, provider: Any) -> None:
        attempt = client.start_login(["name", "address", "birthdate", "gender"])
        login = client.finish_login(attempt, walk(attempt))
        assert login.issuer == provider.issuer
        assert len(login.subject) == 64
        assert (login.items.name, login.items.address) == ("見本　花子", "東京都見本区例町1-2-3")
        assert (login.items.birth_date, login.items.sex) == (PartialDate(1985, 3, 15), "female")
        assert login.granted == {"name", "address", "birthdate", "gender"}

    def test_gives_what_was_granted_and_no_more(self, client: DigitalAuth) -> None:
        attempt = client.start_login(["name"])
        login = client.finish_login(attempt, walk(attempt))
        assert (login.items.name, login.items.address, login.items.sex) == ("見本　花子", None, None)

    def test_the_async_shell_logs_in_as_well(self, client: DigitalAuth, provider: Any) -> None:
        async def run() -> str:
            async with AsyncDigitalAuth(
                client.service, client_id=CLIENT, redirect_uri=REDIRECT, keys=provider.keys
            ) as asynchronous:
                attempt = asynchronous.start_login(["name"])
                url = await asyncio.to_thread(walk, attempt)
                return (await asynchronous.finish_login(attempt, url)).subject

        attempt = client.start_login()
        assert asyncio.run(run()) == client.finish_login(attempt, walk(attempt)).subject


class TestTrouble:
    def test_a_code_works_once(self, client: DigitalAuth) -> None:
        attempt = client.start_login()
        url = walk(attempt)
        client.finish_login(attempt, url)
        with pytest.raises(HonninError) as caught:
            client.finish_login(attempt, url)
        assert code_of(caught) == "digital_auth.code_refused"

    def test_another_attempts_verifier_is_refused(self, client: DigitalAuth) -> None:
        first, second = client.start_login(), client.start_login()
        url = walk(first).replace(first.state, second.state)
        with pytest.raises(HonninError) as caught:
            client.finish_login(second, url)
        assert code_of(caught) == "digital_auth.code_refused"

    def test_a_rollover_of_keys_is_followed(self, client: DigitalAuth, provider: Any) -> None:
        before = client.start_login()
        client.finish_login(before, walk(before))
        client._client.keys._asked -= 60
        httpx.get(provider.issuer + "/test/rotate", timeout=LONG, trust_env=False)
        after = client.start_login()
        assert client.finish_login(after, walk(after)).subject

    def test_keys_out_of_reach_do_not_spend_the_code(self, client: DigitalAuth, provider: Any) -> None:
        attempt = client.start_login()
        url = walk(attempt)
        httpx.get(provider.issuer + "/test/jwks-down", timeout=LONG, trust_env=False)
        with pytest.raises(HonninError) as caught:
            client.finish_login(attempt, url)
        assert code_of(caught) == "digital_auth.jwks_unavailable"
        assert caught.value.retryable
        httpx.get(provider.issuer + "/test/jwks-up", timeout=LONG, trust_env=False)
        assert client.finish_login(attempt, url).subject

    def test_a_missing_iss_is_refused_where_it_is_promised(self, client: DigitalAuth) -> None:
        attempt = client.start_login()
        url = walk(attempt)
        assert "&iss=" in url
        with pytest.raises(HonninError) as caught:
            client.finish_login(attempt, url.partition("&iss=")[0])
        assert code_of(caught) == "digital_auth.mix_up"

    def test_a_key_that_is_not_registered(self, client: DigitalAuth, provider: Any, tmp_path: Path) -> None:
        KeyFile(tmp_path / "other", "sign").new("ES256", at=datetime(2026, 11, 21, tzinfo=UTC))
        with DigitalAuth(client.service, client_id=CLIENT, redirect_uri=REDIRECT, keys=tmp_path / "other") as stranger:
            attempt = stranger.start_login()
            with pytest.raises(HonninError) as caught:
                stranger.finish_login(attempt, walk(attempt))
        assert code_of(caught) == "digital_auth.client_refused"

    def test_discovery_of_another_issuer(self, provider: Any) -> None:
        with pytest.raises(HonninError) as caught:
            DigitalAuth.discover(provider.issuer + "/")
        assert code_of(caught) == "digital_auth.discovery"
