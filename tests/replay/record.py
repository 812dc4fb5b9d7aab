"""Record facts with the verdicts they had: `python -m tests.replay.record NAME …` (all when none is named).

A recording is made once and kept: it says how facts of that day were judged. When a recorded verdict changes on
purpose, record it again in the same commit and say why there.
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from tests.pki import cms
from tests.pki.signing import DAY, NOW, PERSON, USER_POLICY, Authority, key_usage, rsa_key, sign_pkcs1

import honnin

FOLDER = Path(__file__).parent / "recorded"
CONTENT = b"open an account"
SERIAL = 0x132C4AB


def scenarios() -> dict[str, dict[str, Any]]:
    ca = Authority.make()
    key = rsa_key().public_key()
    certificate = ca.issue(key, person=PERSON)
    expired = ca.issue(key, person=PERSON, not_before=NOW - 100 * DAY, not_after=NOW - 10 * DAY)
    user = ca.issue(key, policy=USER_POLICY, usage=key_usage(commit=False))
    moved = ca.crl((SERIAL, NOW - DAY, x509.ReasonFlags.affiliation_changed))
    usual: dict[str, Any] = {
        "signed": sign_pkcs1(CONTENT),
        "content": CONTENT,
        "certificate": certificate,
        "anchors": [ca.der],
        "crls": [ca.crl()],
        "at": NOW,
        "existed_at": NOW,
    }
    info = cms.signer(certificate, cms.attributes(CONTENT), cms.pkcs1())
    attached = {"signed": cms.signed_data(CONTENT, [info], [certificate]), "content": None, "certificate": None}
    return {
        "passed": usual,
        "passed_ocsp": {**usual, "crls": [], "ocsp": [ca.ocsp(certificate)]},
        "passed_cms": {**usual, **attached},
        "passed_user_authentication": {**usual, "certificate": user, "policy": "jpki_user_authentication"},
        "wrong_signature": {**usual, "signed": sign_pkcs1(CONTENT, rsa_key("other"))},
        "wrong_digest": {**usual, "content": b"open two accounts"},
        "revoked": {**usual, "crls": [moved]},
        "revoked_unproven": {**usual, "crls": [moved], "existed_at": None},
        "revoked_afterwards": {**usual, "crls": [moved], "existed_at": NOW - 3 * DAY},
        "expired": {**usual, "certificate": expired},
        "expired_unproven": {**usual, "certificate": expired, "existed_at": None},
        "expired_since": {
            **usual,
            "certificate": expired,
            "existed_at": NOW - 20 * DAY,
            "crls": [ca.crl(at=NOW - 20 * DAY - timedelta(hours=1))],
        },
        "no_path": {**usual, "anchors": None},
        "no_revocation_data": {**usual, "crls": []},
        "user_authentication_for_a_document": {**usual, "certificate": user},
        "malformed_certificate": {**usual, "certificate": certificate[:-1]},
    }


def main(names: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, given in scenarios().items():
        if names and name not in names:
            continue
        arguments = dict(given)
        report = honnin.verify(arguments.pop("signed"), **arguments)
        recorded = {"policy": report.policy, "verdict": report.to_json(), "facts": report.facts}
        encoded = msgspec.json.format(msgspec.json.encode(recorded), indent=1)
        (FOLDER / f"{name}.json").write_bytes(encoded + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
