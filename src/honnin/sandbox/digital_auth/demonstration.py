"""A relying party and a PF operator that are there from the beginning, with their private keys in the data folder.

`DATA/digital-auth/demo.json` (its owner's alone) is what an operator would hold after onboarding:
    {"client_id", "private_jwk", "redirect_uris", "verifier", "verifier_private_jwk"}
"""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
from joserfc.jwk import ECKey, RSAKey

from honnin.sandbox.digital_auth.parties import register
from honnin.sandbox.world import World

__all__ = ["CLIENT_ID", "VERIFIER", "demo_file", "register_demo"]

CLIENT_ID, VERIFIER = "RP00000001", "pf-demo"
NAME, VERIFIER_NAME = "デモ銀行", "honnin デモPF"
RETURN_PATHS = ("/return", "/digital-auth/return", "/callback")
HOSTS = ("bank.localhost", "localhost", "127.0.0.1")


def demo_file(data: Path) -> Path:
    """Return where the demo's private keys lie."""
    return data / "digital-auth" / "demo.json"


def register_demo(world: World, *, port: int = 8600) -> Path:
    """Register the demo's bank and PF for the addresses of a port, with keys that are made once; return their file."""
    path = demo_file(world.data)
    held: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else _new_keys()
    held["redirect_uris"] = [f"http://{host}:{port}{end}" for host in HOSTS for end in RETURN_PATHS]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)
    pf = RSAKey.import_key(held["verifier_private_jwk"]).as_dict(private=False)
    register(world, msgspec.json.encode({"verifier": VERIFIER, "name": VERIFIER_NAME, "jwks": {"keys": [pf]}}))
    bank = ECKey.import_key(held["private_jwk"]).as_dict(private=False)
    register(
        world,
        msgspec.json.encode(
            {
                "client_id": CLIENT_ID,
                "name": NAME,
                "redirect_uris": held["redirect_uris"],
                "jwks": {"keys": [bank]},
                "verifier": VERIFIER,
            }
        ),
    )
    return path


def _new_keys() -> dict[str, Any]:
    bank = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    pf = RSAKey.generate_key(2048, {"use": "enc", "alg": "RSA-OAEP-256"}, auto_kid=True)
    return {
        "client_id": CLIENT_ID,
        "private_jwk": bank.as_dict(private=True),
        "verifier": VERIFIER,
        "verifier_private_jwk": pf.as_dict(private=True),
    }
