"""Registering relying parties and PF operators by file, by command and over HTTP; and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey, OctKey, RSAKey

from honnin.errors import FormatError, InputError
from honnin.sandbox.command import sandbox
from honnin.sandbox.digital_auth.demonstration import demo_file, register_demo
from honnin.sandbox.digital_auth.parties import parties, party, register, verifier
from honnin.sandbox.digital_auth.profile import profile
from honnin.sandbox.digital_auth.store import prepare
from honnin.sandbox.opening import Sandbox

from .conftest import Party

NewWorld = Callable[..., Sandbox]
KEY = ECKey.generate_key("P-256", auto_kid=True)


def jwk(key: Any = KEY, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = key.as_dict(private=False) | more
    return found


def registration(client_id: str = "RP00000010", **more: Any) -> str:
    given = {
        "client_id": client_id,
        "name": "試験サービス",
        "redirect_uris": ["https://rp.example/cb"],
        "jwks": {"keys": [jwk()]},
    }
    return json.dumps(given | more)


@pytest.mark.parametrize(
    "more",
    [
        {"client_id": "RP 1"},
        {"client_id": ""},
        {"client_id": "R" * 256},
        {"name": ""},
        {"name": "a\nb"},
        {"redirect_uris": []},
        {"redirect_uris": ["http://rp.example/cb"]},
        {"redirect_uris": ["https://rp.example/cb#x"]},
        {"redirect_uris": ["https://user@rp.example/cb"]},
        {"redirect_uris": ["https://*.example/cb"]},
        {"redirect_uris": ["/cb"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["https://rp.example\\@evil.example/"]},
        {"redirect_uris": ["https://rp.example/" + "a" * 250]},
        {"redirect_uris": ["https://rp.example:99999/cb"]},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": [jwk()] * 2}},
        {"jwks": {"keys": [KEY.as_dict(private=True)]}},
        {"jwks": {"keys": [OctKey.generate_key(256).as_dict(private=True)]}},
        {"jwks": {"keys": [jwk(ECKey.generate_key("P-384"))]}},
        {"jwks": {"keys": [jwk(alg="none")]}},
        {"jwks": {"keys": [{"kty": "EC"}]}},
        {"jwks": {"keys": [{}]}},
        {"jwks": {"keys": [{"kty": "RSA", "e": "AQAB", "n": "w" * 170 + "Q"}]}},
        {"verifier": "nobody"},
        {"mode": "both"},
        {"surprise": 1},
    ],
)
def test_unfit(party: Party, more: dict[str, Any]) -> None:
    with pytest.raises(InputError) as raised:
        register(party.world, registration(**more).encode())
    assert raised.value.code == "sandbox.registration_unfit"


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 5000, b"x" * 70_000])
def test_no_registration_at_all(party: Party, content: bytes) -> None:
    with pytest.raises(InputError):
        register(party.world, content)


def run(data: Path, *arguments: str) -> Any:
    result = CliRunner().invoke(
        sandbox, ["digital-auth", *arguments, "--data", str(data), "--json"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_by_file_and_command(data: Path, tmp_path: Path) -> None:
    pf = RSAKey.generate_key(2048, {"use": "enc", "alg": "RSA-OAEP-256"}, auto_kid=True)
    keys = tmp_path / "pf.jwks"
    keys.write_text(json.dumps({"keys": [jwk(pf)]}))
    assert run(data, "register", "--verifier", "pf-1", "--name", "PF", "--jwks", str(keys))["verifier"] == "pf-1"
    whole = tmp_path / "rp.json"
    whole.write_text(registration(verifier="pf-1"))
    assert run(data, "register", str(whole))["client_id"] == "RP00000010"
    keys.write_text(json.dumps({"keys": [jwk()]}))
    back = "http://localhost:3000/cb"
    made = run(data, "register", "--client-id", "RP2", "--redirect-uri", back, "--jwks", str(keys), "--strict")
    assert made["strict"] is True
    listed = run(data, "list")
    assert [one["client_id"] for one in listed["parties"]] == ["RP00000010", "RP2"]
    assert [one["verifier"] for one in listed["verifiers"]] == ["pf-1"]
    assert len(run(data, "roll-keys")["kids"]) == 2


def test_by_command_without_enough(data: Path) -> None:
    with pytest.raises(InputError) as raised:
        CliRunner().invoke(sandbox, ["digital-auth", "register", "--data", str(data)], catch_exceptions=False)
    assert raised.value.code == "sandbox.registration_incomplete"


def test_over_http(party: Party) -> None:
    given = json.loads(registration("RP00000011"))
    assert party.browser.post("/registrations", json=given).status_code == 201
    assert party.browser.post("/registrations", json={"client_id": "x"}).status_code == 400
    plain = {"content-type": "text/plain"}
    assert party.browser.post("/registrations", content=b"{}", headers=plain).status_code == 415


def test_demonstration_keeps_its_keys_and_hides_them(new_world: NewWorld) -> None:
    world = new_world()
    prepare(world)
    first = register_demo(world, port=8600).read_bytes()
    register_demo(world, port=9000)
    held, before = json.loads(demo_file(world.data).read_bytes()), json.loads(first)
    assert held["private_jwk"] == before["private_jwk"]
    assert demo_file(world.data).stat().st_mode & 0o077 == 0
    found = party(world, held["client_id"])
    assert found is not None
    assert "http://bank.localhost:9000/return" in found.redirect_uris
    assert verifier(world, held["verifier"]) is not None
    assert not any("d" in jwk for one in parties(world) for jwk in one.jwks["keys"])


@pytest.mark.parametrize("content", ["{", '{"base": 1}', '{"surprise": 1}', '{"assumptions": {"A-99": {}}}'])
def test_own_profile_that_does_not_fit(new_world: NewWorld, content: str) -> None:
    world = new_world()
    (world.data / "digital-auth-profile.json").write_text(content)
    with pytest.raises(FormatError) as raised:
        profile(world)
    assert raised.value.code == "sandbox.profile_malformed"


def test_every_assumption_has_its_entry(new_world: NewWorld) -> None:
    packaged = json.loads(
        (Path(__file__).parents[3] / "src/honnin/sandbox/digital_auth/profile.json").read_text(encoding="utf-8")
    )
    assert sorted(packaged["assumptions"]) == [f"A-{n:02d}" for n in range(1, 18)]
