"""Keys by command, and opening sign results: files and a SoftHSM token, JWEs made by jwcrypto, a second library."""

import json
import os
import shutil
import stat
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests import jose
from tests.connect.test_jose_examples import EXAMPLES, agreed_by_rfc_7518
from tests.waiting import LONG

from honnin.cli.digital_auth import digital_auth
from honnin.connect.digital_auth import KeyFile
from honnin.connect.digital_auth.opening import ResultOpener, read_submitted
from honnin.errors import HonninError

AT = datetime(2026, 11, 21, tzinfo=UTC)
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PAYLOAD = {
    "signature": b64encode(b"signature").decode(),
    "certificate": b64encode(b"certificate").decode(),
    "sign_transaction_id": "65a04b4e-af8b-45a2-8713-5ec2631bab64",
}


def run(*arguments: str, code: int = 0) -> dict[str, Any]:
    done = CliRunner().invoke(digital_auth, [*arguments, "--json"], standalone_mode=True)
    assert done.exit_code == code, done.output
    answer: dict[str, Any] = json.loads(done.output)
    return answer


def sealed(jwks: dict[str, Any], payload: bytes | None = None, **header: str) -> str:
    """A JWE for the first key of a JWKS, made by jwcrypto."""
    public = jwks["keys"][0]
    protected = {"alg": public["alg"], "enc": "A256GCM", "kid": public["kid"], **header}
    content = json.dumps(PAYLOAD).encode() if payload is None else payload
    return jose.sealed(protected, content, public)


def other(part: str) -> str:
    """A part of a token with another first letter, so with other octets."""
    return ("A" if part[0] != "A" else "B") + part[1:]


def code_of(call: Callable[[], Any]) -> str:
    with pytest.raises(HonninError) as caught:
        call()
    return caught.value.code


class TestCommands:
    def test_new_jwks_rotate(self, tmp_path: Path) -> None:
        first = run("keys", "new", "--keys", str(tmp_path))
        assert (first["state"], first["algorithm"]) == ("current", "ES256")
        second = run("keys", "new", "--algorithm", "RS256", "--keys", str(tmp_path))
        assert second["state"] == "next"
        assert KeyFile(tmp_path, "sign").signing_key().kid == first["kid"]
        published = run("keys", "jwks", "--keys", str(tmp_path))["keys"]
        assert [key["kid"] for key in published] == [first["kid"], second["kid"]]
        assert not {"d", "p", "q", "dp", "dq", "qi"} & {name for key in published for name in key}
        assert run("keys", "rotate", "--keys", str(tmp_path))["kid"] == second["kid"]
        assert [key["kid"] for key in run("keys", "list", "--keys", str(tmp_path))["keys"]] == [second["kid"]]

    def test_files_are_private(self, data: Path) -> None:
        made = run("keys", "new", "--use", "decrypt", "--data", str(data))
        path = Path(made["file"])
        assert path == data / "keys/digital-auth/test/decrypt.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_thumbprint_is_jwcryptos(self, tmp_path: Path) -> None:
        for use in ("sign", "decrypt"):
            made = run("keys", "new", "--use", use, "--keys", str(tmp_path))
            public = run("keys", "jwks", "--use", use, "--keys", str(tmp_path))["keys"][0]
            assert jose.imported(public).thumbprint() == made["kid"]

    def test_refusals(self, tmp_path: Path) -> None:
        file = KeyFile(tmp_path, "sign")
        assert code_of(file.signing_key) == "digital_auth.no_key"
        assert code_of(file.rotate) == "digital_auth.nothing_waits"
        assert code_of(lambda: file.new("HS256", at=AT)) == "digital_auth.algorithm"
        file.new("ES256", at=AT)
        file.new("ES256", at=AT)
        assert code_of(lambda: file.new("ES256", at=AT)) == "digital_auth.key_waiting"
        assert code_of(lambda: file.retire("x")) == "digital_auth.key_unknown"
        file.path.write_text("{")
        assert code_of(file.held) == "digital_auth.key_file"


class TestOpening:
    @pytest.mark.parametrize("algorithm", ["RSA-OAEP-256", "ECDH-ES+A256KW"])
    def test_opens_what_jwcrypto_sealed(self, tmp_path: Path, algorithm: str) -> None:
        file = KeyFile(tmp_path, "decrypt")
        file.new(algorithm, at=AT)
        opened = ResultOpener(tmp_path).open(sealed(file.jwks()))
        assert (opened.signature, opened.certificate) == (b"signature", b"certificate")
        assert opened.transaction == PAYLOAD["sign_transaction_id"]
        assert "signature" not in repr(opened).replace("OpenedResult", "")

    def test_previous_keys_go_on_until_they_are_retired(self, tmp_path: Path) -> None:
        file = KeyFile(tmp_path, "decrypt")
        old = file.new("ECDH-ES+A256KW", at=AT)
        under_way = sealed(file.jwks())
        file.new("RSA-OAEP-256", at=AT)
        file.rotate()
        assert ResultOpener(tmp_path).open(under_way).signature == b"signature"
        file.retire(old.kid)
        assert code_of(lambda: ResultOpener(tmp_path).open(under_way)) == "verification.result_key"

    def test_another_platforms_key(self, tmp_path: Path) -> None:
        ours, theirs = KeyFile(tmp_path / "a", "decrypt"), KeyFile(tmp_path / "b", "decrypt")
        ours.new("RSA-OAEP-256", at=AT)
        theirs.new("RSA-OAEP-256", at=AT)
        opener = ResultOpener(tmp_path / "a")
        assert code_of(lambda: opener.open(sealed(theirs.jwks()))) == "verification.result_key"
        posing = sealed(theirs.jwks(), kid=ours.held()[0].kid)
        assert code_of(lambda: opener.open(posing)) == "verification.result_unreadable"

    def test_whatever_is_wrong_is_one_error(self, tmp_path: Path) -> None:
        file = KeyFile(tmp_path, "decrypt")
        file.new("RSA-OAEP-256", at=AT)
        good = sealed(file.jwks())
        head, key, iv, content, tag = good.split(".")
        broken = [
            "",
            "....",
            "a.b.c.d.e",
            "." + good.partition(".")[2],
            ".".join([head, key, iv, content, "A" * len(tag)]),
            ".".join([head, "A" * len(key), iv, content, tag]),
            ".".join([head, key, iv, other(content), tag]),
            ".".join([head, key, iv, content, other(tag)]),
            good + "x" * 40_000,
            sealed(file.jwks(), enc="A128CBC-HS256"),
            sealed(file.jwks(), alg="RSA-OAEP"),
            sealed(file.jwks(), zip="DEF"),
            *(
                sealed(file.jwks(), payload)
                for payload in (b"", b"[]", b"{}", b'{"signature":"!","certificate":"AA=="}')
            ),
        ]
        for token in broken:
            assert code_of(lambda token=token: ResultOpener(tmp_path).open(token)) == "verification.result_unreadable"


class TestSubmitted:
    # digital-agency-apis.md §1.11, values for 利用規約に同意します。
    DIGEST = bytes.fromhex("5c8877caa2fdca2014424ba8bd7ab1fb12993b06a6787671ece0a84d176526b4")
    INFO = bytes.fromhex("3031300d060960864801650304020105000420")

    def test_two_shapes(self) -> None:
        assert read_submitted(self.DIGEST).shape == "bare_digest"
        told = read_submitted(self.INFO + self.DIGEST)
        assert (told.shape, told.hash, told.digest) == ("digest_info", "sha256", self.DIGEST)

    def test_nothing_else(self) -> None:
        loose = self.INFO[:1] + b"\x81" + self.INFO[1:] + self.DIGEST
        without_null = bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20" + self.DIGEST
        for value in (b"", self.DIGEST[:-1], self.INFO + self.DIGEST + b"\0", self.INFO, loose, without_null):
            assert code_of(lambda value=value: read_submitted(value)) == "verification.submitted"


@pytest.mark.peer("softhsm2-util", MODULE)
def test_a_key_in_softhsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The private half is made in the token and stays there; a JWE of Authlib's is opened through it."""
    environment = softhsm(tmp_path)
    script = (
        "import sys; from pathlib import Path; from honnin.connect.digital_auth.opening import ResultOpener\n"
        "print(ResultOpener(Path(sys.argv[1])).open(sys.stdin.read()).signature)"
    )
    honnin = Path(shutil.which("honnin", path=str(Path(sys.executable).parent)) or "honnin")
    command = [honnin, "digital-auth", "keys", "new", "--use", "decrypt", "--keys", tmp_path / "keys", "--json"]
    command += ["--pkcs11", MODULE, "--token", "honnin", "--label", "pf-1", "--pin-file", tmp_path / "pin"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=LONG)
    assert done.returncode == 0, done.stdout + done.stderr
    stored = json.loads((tmp_path / "keys/decrypt.json").read_text())["keys"][0]
    assert "d" not in stored["jwk"]
    token = sealed(KeyFile(tmp_path / "keys", "decrypt").jwks())
    opened = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "keys"],
        env=environment,
        input=token,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )
    assert opened.stdout.strip() == "b'signature'", opened.stderr


@pytest.mark.peer("softhsm2-util", MODULE)
def test_rfc_7518_c_in_softhsm(tmp_path: Path) -> None:
    """Bob's key of appendix C lies in the token, which makes the example's Z; the JWE under its key is opened by it."""
    example = EXAMPLES["rfc7518_c"]
    held_in = {"module": MODULE, "token": "honnin", "label": "bob", "pin_file": str(tmp_path / "pin")}
    script = (
        "import json, sys; from base64 import urlsafe_b64decode\n"
        "from joserfc import jwe; from joserfc.jwk import ECKey\n"
        "from honnin.connect.digital_auth.keys import StoredKey\n"
        "from honnin.connect.digital_auth.token import P256_OID, _session, token_key\n"
        "bob, epk, token, held_in = json.load(sys.stdin)\n"
        "private = urlsafe_b64decode(bob.pop('d') + '=')\n"
        "with _session(held_in, writable=True) as (pkcs11, session):\n"
        "    of = pkcs11.Attribute\n"
        "    session.create_object({of.CLASS: pkcs11.ObjectClass.PRIVATE_KEY, of.KEY_TYPE: pkcs11.KeyType.EC,\n"
        "        of.EC_PARAMS: P256_OID, of.VALUE: private, of.LABEL: 'bob', of.TOKEN: True, of.DERIVE: True})\n"
        "key = token_key(StoredKey('bob', 'ECDH-ES+A256KW', 'current', '', bob, held_in))\n"
        "print(key.exchange_derive_key(ECKey.import_key(epk)).hex())\n"
        "print(jwe.decrypt_compact(token, key, algorithms=['ECDH-ES', 'A128GCM']).plaintext)\n"
    )
    given = json.dumps([example["bob"], example["header"]["epk"], agreed_by_rfc_7518(), held_in])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=softhsm(tmp_path),
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )
    assert done.stdout.split("\n")[:2] == [example["z"], "b'a result'"], done.stderr


def softhsm(folder: Path) -> dict[str, str]:
    """Make a token `honnin` whose PIN lies in `pin`; return the environment in which it is found."""
    tokens = folder / "tokens"
    tokens.mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\n")
    (folder / "pin").write_text("2468\n")
    environment = {**os.environ, "SOFTHSM2_CONF": str(folder / "softhsm2.conf")}
    util = shutil.which("softhsm2-util") or ""
    made = [util, "--init-token", "--free", "--label", "honnin", "--pin", "2468", "--so-pin", "1357"]
    subprocess.run(made, env=environment, check=True, capture_output=True, timeout=LONG)
    return environment
