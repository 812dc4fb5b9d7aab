"""The second JOSE library of these tests, jwcrypto: it makes what honnin reads, and reads what honnin makes."""

import json
from typing import Any

from jwcrypto import jwe, jwk, jws

__all__ = ["imported", "new_key", "public_of", "read_signed", "sealed", "signed"]


def new_key(**members: str) -> jwk.JWK:
    """A new P-256 key."""
    return jwk.JWK.generate(kty="EC", crv="P-256", **members)


def imported(members: dict[str, Any]) -> jwk.JWK:
    return jwk.JWK(**members)


def public_of(key: jwk.JWK) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(key.export_public())
    return found


def signed(header: dict[str, Any], claims: dict[str, Any], key: jwk.JWK) -> str:
    token = jws.JWS(json.dumps(claims).encode())
    if header["alg"] not in token.allowed_algs:
        token.allowed_algs = [header["alg"]]
    token.add_signature(key, protected=json.dumps(header))
    return str(token.serialize(compact=True))


def read_signed(token: str, key: jwk.JWK) -> dict[str, Any]:
    read = jws.JWS()
    read.deserialize(token, key)
    found: dict[str, Any] = json.loads(read.payload)
    return found


def sealed(header: dict[str, Any], payload: bytes, public: dict[str, Any]) -> str:
    """A compact JWE; the header decides the algorithms, not the key's own `alg`."""
    key = jwk.JWK(**{name: value for name, value in public.items() if name not in {"alg", "use"}})
    token = jwe.JWE(payload, protected=json.dumps(header), algs=[header["alg"], header["enc"]])
    token.add_recipient(key)
    return str(token.serialize(compact=True))
