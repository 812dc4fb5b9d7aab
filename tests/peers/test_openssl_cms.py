"""openssl cms on both sides: we verify what it signs, it verifies what we made, both refuse what was changed."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from tests.pki import cms
from tests.pki.signing import NOW, PERSON, Authority, ec_key, rsa_key
from tests.waiting import LONG

import honnin

pytestmark = pytest.mark.peer("openssl")

CONTENT = b"\x00\x01binary, not text\r\n" * 200
RSA = Authority.make()
EC = Authority.make("next", curve="P-384")
AT = str(int(NOW.timestamp()))


def holder(kind: str) -> tuple[Authority, bytes, bytes]:
    """An authority, a holder's certificate, and the holder's key as PEM."""
    key = rsa_key() if kind == "rsa" else ec_key()
    authority = RSA if kind == "rsa" else EC
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return authority, authority.issue(key.public_key(), person=PERSON), pem


def files(folder: Path, kind: str) -> tuple[Authority, bytes]:
    authority, certificate, key = holder(kind)
    (folder / "content").write_bytes(CONTENT)
    (folder / "key.pem").write_bytes(key)
    for name, octets in (("cert", certificate), ("ca", authority.der)):
        pem = subprocess.run(
            ["openssl", "x509", "-inform", "DER"], input=octets, capture_output=True, check=True, timeout=LONG
        )
        (folder / f"{name}.pem").write_bytes(pem.stdout)
    return authority, certificate


def openssl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=False, timeout=LONG)


def outcome(signed: bytes, authority: Authority, content: bytes | None) -> tuple[str, str | None]:
    report = honnin.verify(
        signed, content=content, anchors=[authority.der], crls=[authority.crl()], at=NOW, existed_at=NOW
    )
    return report.indication, report.sub_indication


MODES = {
    "attached": ["-nodetach"],
    "detached": [],
    "streamed": ["-nodetach", "-stream"],
    "no attributes": ["-nodetach", "-noattr"],
    "key identifier": ["-nodetach", "-keyid"],
    "cades": ["-nodetach", "-cades"],
    "sha512": ["-nodetach", "-md", "sha512"],
    "no certificate": ["-nodetach", "-nocerts"],
    "with the ca": ["-nodetach", "-certfile", "ca.pem"],
    "pem": ["-nodetach", "-outform", "PEM"],
}


@pytest.mark.parametrize("kind", ["rsa", "ec"])
@pytest.mark.parametrize("mode", MODES)
def test_what_openssl_signs_verifies_here(tmp_path: Path, kind: str, mode: str) -> None:
    authority, certificate = files(tmp_path, kind)
    extra = [] if "-outform" in MODES[mode] else ["-outform", "DER"]
    made = openssl(
        tmp_path, "cms", "-sign", "-binary", "-in", "content", "-signer", "cert.pem", "-inkey", "key.pem",
        "-out", "signed", *extra, *MODES[mode],
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    signed = (tmp_path / "signed").read_bytes()
    content = CONTENT if mode == "detached" else None
    if mode == "no certificate":
        assert outcome(signed, authority, content)[1] == "NO_SIGNING_CERTIFICATE_FOUND"
        report = honnin.verify(
            signed, certificate=certificate, anchors=[authority.der], crls=[authority.crl()], at=NOW, existed_at=NOW
        )
        assert report.indication == "TOTAL-PASSED"
        return
    assert outcome(signed, authority, content) == ("TOTAL-PASSED", None)
    assert outcome(signed, authority, CONTENT[:-1]) == ("TOTAL-FAILED", "HASH_FAILURE")


def test_openssl_pss_verifies_here(tmp_path: Path) -> None:
    authority, _ = files(tmp_path, "rsa")
    for salt in ("digest", "max"):
        made = openssl(
            tmp_path, "cms", "-sign", "-binary", "-nodetach", "-in", "content", "-signer", "cert.pem",
            "-inkey", "key.pem", "-keyopt", "rsa_padding_mode:pss", "-keyopt", f"rsa_pss_saltlen:{salt}",
            "-outform", "DER", "-out", "signed",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        report = honnin.verify(
            (tmp_path / "signed").read_bytes(), anchors=[authority.der], crls=[authority.crl()], at=NOW, existed_at=NOW
        )
        assert (report.indication, report.signers[0].shape) == ("TOTAL-PASSED", "pss")


def verified_by_openssl(folder: Path, signed: bytes, *extra: str) -> bool:
    (folder / "signed").write_bytes(signed)
    done = openssl(
        folder, "cms", "-verify", "-binary", "-inform", "DER", "-in", "signed", "-CAfile", "ca.pem",
        "-attime", AT, "-purpose", "any", "-ignore_critical", "-out", "/dev/null", *extra,
    )  # fmt: skip
    return done.returncode == 0


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_what_is_made_here_verifies_in_openssl_too(tmp_path: Path, kind: str) -> None:
    authority, certificate = files(tmp_path, kind)
    name, algorithm, sign = (
        ("sha256", "rsassa_pkcs1v15", cms.pkcs1())
        if kind == "rsa"
        else ("sha384", "sha384_ecdsa", cms.ecdsa(ec_key(), hashes.SHA384()))
    )
    listed = cms.attributes(CONTENT, digest=name, extra=[cms.signing_certificate_v2(certificate)])
    info = cms.signer(certificate, listed, sign, digest=name, algorithm=algorithm)
    attached = cms.signed_data(CONTENT, [info], [certificate])
    detached = cms.signed_data(None, [info], [certificate])
    assert outcome(attached, authority, None) == ("TOTAL-PASSED", None)
    assert outcome(detached, authority, CONTENT) == ("TOTAL-PASSED", None)
    assert verified_by_openssl(tmp_path, attached)
    assert verified_by_openssl(tmp_path, detached, "-content", "content")


def test_both_refuse_what_was_changed(tmp_path: Path) -> None:
    """Wherever openssl refuses a changed file, so do we; a change that both let pass touched nothing that is signed."""
    authority, certificate = files(tmp_path, "rsa")
    content = b"short content"
    info = cms.signer(certificate, cms.attributes(content), cms.pkcs1())
    signed = cms.signed_data(content, [info], [certificate])
    only_we_pass = []
    for at in range(0, len(signed), 41):
        changed = signed[:at] + bytes([signed[at] ^ 0x01]) + signed[at + 1 :]
        ours = outcome(changed, authority, content)[0] == "TOTAL-PASSED"
        if ours and not verified_by_openssl(tmp_path, changed):
            only_we_pass.append(at)
    assert only_we_pass == []
