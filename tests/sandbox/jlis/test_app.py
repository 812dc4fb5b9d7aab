"""J-LIS over HTTP: every endpoint, its refusals, and failing on demand by world, header and person."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from honnin.errors import InputError
from honnin.sandbox.jlis.app import create_app
from honnin.sandbox.jlis.profile import profile
from honnin.sandbox.jlis.switches import HEADER, SERVICES, set_switch, switches
from honnin.sandbox.people import card_material
from honnin.sandbox.world import World

NewWorld = Callable[..., World]
OCSP = {"content-type": "application/ocsp-request"}


class Client:
    """Asks the application in process."""

    def __init__(self, world: World) -> None:
        self._transport = httpx.ASGITransport(create_app(world))

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://jlis.localhost") as client:
                return await client.request(method, path, **options)

        return asyncio.run(once())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self._ask("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self._ask("POST", path, **options)


@pytest.fixture
def jlis(world: World) -> Client:
    """A client of the shared world's J-LIS; nobody switches anything there."""
    return Client(world)


def parts(world: World, person: str) -> tuple[x509.Certificate, x509.Certificate]:
    material = card_material(world, person)
    assert material.signature_certificate is not None
    return (
        x509.load_der_x509_certificate(material.signature_certificate),
        x509.load_der_x509_certificate(material.signature_ca_certificate),
    )


def request(world: World, person: str) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(*parts(world, person), hashes.SHA1())  # noqa: S303
    return builder.build().public_bytes(Encoding.DER)


def key_id(world: World, person: str) -> str:
    _, issuer = parts(world, person)
    return issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()


class TestOcsp:
    def test_post(self, jlis: Client, world: World) -> None:
        answer = jlis.post("/ocsp", content=request(world, "hanako"), headers=OCSP)
        assert answer.headers["content-type"] == "application/ocsp-response"
        assert ocsp.load_der_ocsp_response(answer.content).certificate_status.name == "GOOD"

    def test_get(self, jlis: Client, world: World) -> None:
        from base64 import b64encode
        from urllib.parse import quote

        answer = jlis.get("/ocsp/" + quote(b64encode(request(world, "hanako")).decode(), safe=""))
        assert ocsp.load_der_ocsp_response(answer.content).certificate_status.name == "GOOD"

    def test_get_of_no_base64(self, jlis: Client) -> None:
        answer = jlis.get("/ocsp/%%%")
        assert ocsp.load_der_ocsp_response(answer.content).response_status.name == "MALFORMED_REQUEST"

    def test_wrong_type(self, jlis: Client, world: World) -> None:
        assert jlis.post("/ocsp", content=request(world, "hanako")).status_code == 415

    @pytest.mark.parametrize("size", [5000, 20_000, 2_000_000])
    def test_too_large(self, jlis: Client, size: int) -> None:
        assert jlis.post("/ocsp", content=bytes(size), headers=OCSP).status_code == 413


class TestCrl:
    @pytest.mark.parametrize("which", ["Tokyo-to/Chiyoda-ku", "Kyoto-fu/Kyoto-shi Kamigyo-ku"])
    def test_municipal(self, jlis: Client, world: World, which: str) -> None:
        answer = jlis.get(f"/crl/{key_id(world, 'hanako')}/{which}.crl")
        assert answer.headers["content-type"] == "application/pkix-crl"
        x509.load_der_x509_crl(answer.content)

    @pytest.mark.parametrize("which", ["full", "authority"])
    def test_whole(self, jlis: Client, world: World, which: str) -> None:
        x509.load_der_x509_crl(jlis.get(f"/crl/{key_id(world, 'hanako')}/{which}.crl").content)

    @pytest.mark.parametrize(
        "path", ["00/full.crl", "zz/full.crl", "{key}/Tokyo-to/Atlantis.crl", "{key}/x.crl", "{key}/../../etc/passwd"]
    )
    def test_nowhere(self, jlis: Client, world: World, path: str) -> None:
        assert jlis.get(f"/crl/{path.format(key=key_id(world, 'hanako'))}").status_code == 404

    def test_authority_certificate(self, jlis: Client, world: World) -> None:
        der = jlis.get("/ca/signature-rsa-2.cer").content
        assert der in world.anchors()["signature"]
        assert jlis.get("/ca/nobody.cer").status_code == 404


class TestLink:
    def test_answers(self, jlis: Client, world: World) -> None:
        certificate, _ = parts(world, "hanako")
        asked = {
            "format": "honnin-sandbox-link/1",
            "issuer_key_id": key_id(world, "hanako"),
            "serial": f"{certificate.serial_number:x}",
        }
        told = jlis.post("/link", json=asked).json()
        assert told["state"] == "linked"
        assert told["format"] == "honnin-sandbox-link/1"

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b'{"format":"other"}', b'{"format":"honnin-sandbox-link/1","serial":1}', b"\xff"]
    )
    def test_refuses_what_is_not_in_the_format(self, jlis: Client, body: bytes) -> None:
        assert jlis.post("/link", content=body).status_code == 400


class TestIndex:
    @pytest.mark.parametrize(
        ("language", "title"), [("ja", "サンドボックス"), ("en", "sandbox"), ("xx", "サンドボックス")]
    )
    def test_lists_everything(self, jlis: Client, language: str, title: str) -> None:
        page = jlis.get("/", params={"lang": language})
        assert title in page.text
        assert page.text.count("/full.crl") == 10
        assert page.headers["content-type"].startswith("text/html")

    def test_language_of_the_browser(self, jlis: Client) -> None:
        assert 'lang="en"' in jlis.get("/", headers={"accept-language": "en-GB"}).text


class TestFailing:
    @pytest.mark.parametrize("service", ["ocsp", "crl", "link"])
    @pytest.mark.parametrize("state", ["down", "try_later", "malformed"])
    def test_by_header(self, jlis: Client, world: World, service: str, state: str) -> None:
        header = {HEADER: f"{service}={state}"}
        if service == "ocsp":
            answer = jlis.post("/ocsp", content=request(world, "hanako"), headers=OCSP | header)
        elif service == "crl":
            answer = jlis.get(f"/crl/{key_id(world, 'hanako')}/full.crl", headers=header)
        else:
            asked = {"format": "honnin-sandbox-link/1", "issuer_key_id": "00", "serial": "1"}
            answer = jlis.post("/link", json=asked, headers=header)
        if state == "malformed":
            assert answer.status_code == 200
        elif (service, state) == ("ocsp", "try_later"):
            assert asn1_ocsp.OCSPResponse.load(answer.content)["response_status"].native == "try_later"
        else:
            assert answer.status_code == 503

    @pytest.mark.parametrize("header", ["ocsp=asleep", "fax=down", "ocsp", "=", "crl=wrong_nonce"])
    def test_header_that_means_nothing(self, jlis: Client, world: World, header: str) -> None:
        answer = jlis.post("/ocsp", content=request(world, "hanako"), headers=OCSP | {HEADER: header})
        assert (answer.status_code, answer.text[:22]) == (400, "sandbox.switch_unknown")

    def test_stale_and_forged_crls(self, jlis: Client, world: World) -> None:
        path = f"/crl/{key_id(world, 'hanako')}/full.crl"
        stale, forged, good = (
            x509.load_der_x509_crl(jlis.get(path, headers={HEADER: f"crl={state}"}).content)
            for state in ("stale", "forged", "up")
        )
        assert stale.next_update_utc is not None
        assert stale.next_update_utc < world.now() - timedelta(days=5)
        _, issuer = parts(world, "hanako")
        assert good.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
        assert not forged.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]

    def test_by_person(self, jlis: Client, world: World) -> None:
        told = jlis.post("/ocsp", content=request(world, "madoka"), headers=OCSP)
        assert ocsp.load_der_ocsp_response(told.content).response_status.name == "TRY_LATER"
        assert jlis.post("/ocsp", content=request(world, "kumo"), headers=OCSP).status_code == 503
        assert jlis.get(f"/crl/{key_id(world, 'kumo')}/Aomori-ken/Aomori-shi.crl").status_code == 503

    def test_the_header_outweighs_the_person(self, jlis: Client, world: World) -> None:
        told = jlis.post("/ocsp", content=request(world, "madoka"), headers=OCSP | {HEADER: "ocsp=up"})
        assert ocsp.load_der_ocsp_response(told.content).certificate_status.name == "GOOD"

    def test_by_switch(self, new_world: NewWorld) -> None:
        world = new_world()
        der = request(world, "hanako")
        client = Client(world)
        set_switch(world, "ocsp", "down")
        assert client.post("/ocsp", content=der, headers=OCSP).status_code == 503
        assert switches(World(world.data)) == {"ocsp": "down", "crl": "up", "link": "up"}
        set_switch(world, "ocsp", "up")
        assert client.post("/ocsp", content=der, headers=OCSP).status_code == 200

    def test_slow_answers_in_the_end(self, jlis: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        from honnin.sandbox.jlis import app

        waited = []

        async def no_wait(seconds: float) -> None:
            waited.append(seconds)

        monkeypatch.setattr(app, "asyncio", SimpleNamespace(sleep=no_wait))
        told = jlis.post("/ocsp", content=request(world, "hanako"), headers=OCSP | {HEADER: "ocsp=slow"})
        assert ocsp.load_der_ocsp_response(told.content).certificate_status.name == "GOOD"
        assert waited == [profile().slow_seconds]

    @pytest.mark.parametrize(
        ("service", "state"), [("fax", "down"), ("ocsp", ""), ("link", "stale"), ("crl", "asleep")]
    )
    def test_switches_that_are_not_there(self, new_world: NewWorld, service: str, state: str) -> None:
        with pytest.raises(InputError) as caught:
            set_switch(new_world(), service, state)
        assert caught.value.code == "sandbox.switch_unknown"
        assert set(SERVICES) == {"ocsp", "crl", "link"}


def test_answers_follow_the_clock(new_world: NewWorld) -> None:
    world = new_world(datetime.fromisoformat("2026-11-21T09:00:00+09:00"))
    der = request(world, "hanako")
    client = Client(world)
    for _ in range(2):
        told = ocsp.load_der_ocsp_response(client.post("/ocsp", content=der, headers=OCSP).content)
        assert told.this_update_utc == world.now()
        world.advance(timedelta(days=900))


@pytest.mark.parametrize(("language", "zone"), [("ja", "日本時間"), ("ja-simple", "日本の 時間"), ("en", "JST")])
def test_page_tells_the_time_of_japan_in_each_language(jlis: Client, world: World, language: str, zone: str) -> None:
    page = jlis.get(f"/?lang={language}").text
    shown = re.search(r'<time datetime="([^"]+)">([^<]+)</time>', page)
    assert shown
    assert datetime.fromisoformat(shown[1]).utcoffset() == timedelta(hours=9)
    assert abs(datetime.fromisoformat(shown[1]) - world.now()) < timedelta(minutes=5)
    assert shown[2].startswith(shown[1][:10])
    assert zone in shown[2]
    assert 'rel="icon"' in page
    assert f'<html lang="{language[:2]}">' in page
