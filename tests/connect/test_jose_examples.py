"""Examples of the JOSE standards and of PKCE (tests/vectors/jose-rfc.json), by the product's library and by jwcrypto.

What the agency's profile does not name is refused by `ResultOpener`.
"""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe, jws
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey
from jwcrypto import jwe as jwcrypto_jwe
from jwcrypto import jws as jwcrypto_jws
from tests import jose

from honnin.connect.digital_auth import KeyFile
from honnin.connect.digital_auth.attempt import code_challenge
from honnin.connect.digital_auth.jwks import _imported
from honnin.connect.digital_auth.opening import ResultOpener
from honnin.errors import HonninError

EXAMPLES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors/jose-rfc.json").read_text())
KINDS: dict[str, Any] = {"EC": ECKey, "RSA": RSAKey, "oct": OctKey}


def key_of(jwk: dict[str, Any]) -> Any:
    return KINDS[jwk["kty"]].import_key({name: value for name, value in jwk.items() if name not in {"use", "alg"}})


def test_rfc_7515_a3() -> None:
    example = EXAMPLES["rfc7515_a3"]
    key = _imported(example["jwk"])
    assert key is not None
    read = jws.deserialize_compact(example["jws"], key, algorithms=["ES256"])
    assert json.loads(read.payload or b"") == example["claims"]
    assert jose.read_signed(example["jws"], jose.imported(example["jwk"])) == example["claims"]
    head, body, signature = example["jws"].split(".")
    with pytest.raises(BadSignatureError):
        jws.deserialize_compact(f"{head}.{body}.E{signature[1:]}", key, algorithms=["ES256"])


@pytest.mark.parametrize("name", EXAMPLES["jws"])
def test_rs256_of_rfc_7515_and_7520(name: str) -> None:
    example = EXAMPLES["jws"][name]
    public = {member: example["jwk"][member] for member in ("kty", "n", "e")}
    key = _imported(public)
    assert key is not None
    read = jws.deserialize_compact(example["compact"], key, algorithms=["RS256"])
    second = jwcrypto_jws.JWS()
    second.deserialize(example["compact"], jose.imported(public))
    assert read.payload == second.payload
    for wrong in ("ES256", "HS256", "PS256"):
        with pytest.raises((JoseError, ValueError)):
            jws.deserialize_compact(example["compact"], key, algorithms=[wrong])


@pytest.mark.parametrize("name", EXAMPLES["jwe"])
def test_encryption_of_rfc_7516_and_7520(name: str) -> None:
    example = EXAMPLES["jwe"][name]
    allowed = [example["alg"], example["enc"]]
    key = key_of(example["jwk"])
    assert jwe.decrypt_compact(example["compact"], key, algorithms=allowed).plaintext == example["plaintext"].encode()
    second = jwcrypto_jwe.JWE(algs=allowed)
    second.deserialize(example["compact"], jose.imported(example["jwk"]))
    assert second.payload == example["plaintext"].encode()
    # what the library seals, the second one opens
    head = {"alg": example["alg"], "enc": example["enc"]}
    made = jwe.encrypt_compact(head, b"a result", key, algorithms=allowed)
    second = jwcrypto_jwe.JWE(algs=allowed)
    second.deserialize(made, jose.imported({k: v for k, v in example["jwk"].items() if k not in {"use", "alg"}}))
    assert second.payload == b"a result"


def agreed_by_rfc_7518() -> str:
    """A JWE under the key that appendix C derives, made by neither library: whoever opens it has derived that key."""
    example = EXAMPLES["rfc7518_c"]
    header = urlsafe_b64encode(json.dumps(example["header"]).encode()).rstrip(b"=")
    derived, nonce = urlsafe_b64decode(example["derived"] + "=="), bytes(12)
    made = AESGCM(derived).encrypt(nonce, b"a result", header)
    parts = [header, b"", *(urlsafe_b64encode(part).rstrip(b"=") for part in (nonce, made[:-16], made[-16:]))]
    return b".".join(parts).decode()


def test_rfc_7518_c() -> None:
    example, token = EXAMPLES["rfc7518_c"], agreed_by_rfc_7518()
    bob = ECKey.import_key(example["bob"])
    alice = ECKey.import_key({**example["header"]["epk"], "d": example["ephemeral_d"]})
    assert bob.exchange_derive_key(alice) == alice.exchange_derive_key(bob) == bytes.fromhex(example["z"])
    allowed = ["ECDH-ES", "A128GCM"]
    assert jwe.decrypt_compact(token, bob, algorithms=allowed).plaintext == b"a result"
    second = jwcrypto_jwe.JWE(algs=allowed)
    second.deserialize(token, jose.imported(example["bob"]))
    assert second.payload == b"a result"
    head, *rest = token.split(".")
    other = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4))) | {"apv": "QWxpY2U"}
    changed = ".".join([urlsafe_b64encode(json.dumps(other).encode()).rstrip(b"=").decode(), *rest])
    with pytest.raises((JoseError, ValueError)):
        jwe.decrypt_compact(changed, bob, algorithms=allowed)


def test_rfc_7517_a1_and_7638() -> None:
    example = EXAMPLES["rfc7638_3_1"]
    key = _imported(example["jwk"])
    assert key is not None
    assert key.thumbprint() == example["thumbprint"]
    listed = EXAMPLES["rfc7517_a1"]
    for jwk, thumbprint in zip(listed["keys"], listed["thumbprints"], strict=True):
        found = _imported(jwk)
        assert found is not None
        assert found.thumbprint() == jose.imported(jwk).thumbprint() == thumbprint


def test_rfc_7636_b() -> None:
    assert code_challenge(EXAMPLES["rfc7636_b"]["verifier"]) == EXAMPLES["rfc7636_b"]["challenge"]


def test_what_the_profile_does_not_name_is_refused(tmp_path: Path) -> None:
    """Examples of other algorithms, `none`, `crit`, and a compressed bomb: one error, before anything is decrypted."""
    file = KeyFile(tmp_path, "decrypt")
    file.new("RSA-OAEP-256", at=datetime(2026, 11, 21, tzinfo=UTC))
    public = file.jwks()["keys"][0]
    head = {"alg": public["alg"], "enc": "A256GCM", "kid": public["kid"]}
    compressor = zlib.compressobj(9, wbits=-15)
    bomb = compressor.compress(bytes(60 << 20)) + compressor.flush()
    _, *rest = jose.sealed(head, bomb[:20_000], public).split(".")

    def headed(**members: Any) -> str:
        header = urlsafe_b64encode(json.dumps({**head, **members}).encode()).rstrip(b"=").decode()
        return ".".join([header, *rest])

    tokens = [agreed_by_rfc_7518(), *(example["compact"] for example in EXAMPLES["jwe"].values())]
    tokens += [headed(alg="none"), headed(alg="dir"), headed(alg="RSA1_5"), headed(enc="A128GCM"), headed(zip="DEF")]
    tokens += [headed(crit=["exp"]), headed(crit=[]), headed(alg=["RSA-OAEP-256"]), headed(enc=None)]
    for token in tokens:
        with pytest.raises(HonninError) as caught:
            ResultOpener(tmp_path).open(token)
        assert caught.value.code == "verification.result_unreadable", token[:40]
