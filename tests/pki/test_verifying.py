"""`honnin.verify`: every row of the verdict table, the two moments, the formats, the errors of a wrong call."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from cryptography import x509
from tests.pki.signing import (
    DAY,
    EMAIL_PROTECTION,
    NOW,
    PERSON,
    USER_POLICY,
    Authority,
    ec_key,
    key_usage,
    rsa_key,
    sign_block,
    sign_pkcs1,
)

import honnin
from honnin.errors import FormatError, InputError
from honnin.pki import Policy, Report, judge

CA = Authority.make()
KEY = rsa_key().public_key()
CONTENT = "口座の開設を申し込みます".encode()
SIGNATURE = sign_pkcs1(CONTENT)
CERTIFICATE = CA.issue(KEY, person=PERSON)
SERIAL = 0x132C4AB
MOVED = x509.ReasonFlags.affiliation_changed
SERVER_AUTH = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.1")


def verify(**given: object) -> Report:
    arguments: dict[str, object] = {
        "content": CONTENT,
        "certificate": CERTIFICATE,
        "anchors": [CA.der],
        "crls": [CA.crl()],
        "at": NOW,
        "existed_at": NOW,
        **given,
    }
    return honnin.verify(arguments.pop("signed", SIGNATURE), **arguments)  # type: ignore[arg-type]


def outcome(report: Report) -> tuple[str, str | None]:
    return report.indication, report.sub_indication


def test_everything_passes_in_the_order_of_the_reference() -> None:
    report = verify()
    assert outcome(report) == ("TOTAL-PASSED", None)
    assert report.exit_code == 0
    assert [check.id for check in report.checks] == [
        "format",
        "algorithm",
        "path",
        "validity",
        "critical_extensions",
        "certificate_policy",
        "key_usage",
        "digest",
        "signature",
        "revocation",
        "attributes",
    ]
    assert {check.result for check in report.checks} == {"passed"}
    (signer,) = report.signers
    assert (signer.purpose, signer.carrier) == ("signature", "card")
    assert signer.revocation is not None
    assert (signer.revocation.state, signer.revocation.source) == ("good", "crl")
    assert signer.revocation.this_update == NOW - timedelta(hours=2)
    assert report.four_items is not None
    assert report.four_items.address == PERSON[5]
    assert report.four_items.name_substituted == (4,)


def test_ocsp_is_as_good_as_a_list() -> None:
    report = verify(crls=[], ocsp=[CA.ocsp(CERTIFICATE)])
    assert outcome(report) == ("TOTAL-PASSED", None)
    assert report.signers[0].revocation is not None
    assert report.signers[0].revocation.source == "ocsp"
    report = verify(crls=[], ocsp=[CA.ocsp(CERTIFICATE, revoked_at=NOW - DAY)])
    assert outcome(report) == ("TOTAL-FAILED", "REVOKED")


def test_digest_in_place_of_content() -> None:
    report = verify(content=None, digest=hashlib.sha256(CONTENT).hexdigest())
    assert outcome(report) == ("TOTAL-PASSED", None)
    assert report.facts.signers[0].signature.covers == "digest"


@pytest.mark.parametrize(
    ("signed", "expected"),
    [
        (SIGNATURE[:-1] + bytes([SIGNATURE[-1] ^ 1]), "SIG_CRYPTO_FAILURE"),
        (SIGNATURE[:-1], "SIG_CRYPTO_FAILURE"),
        (SIGNATURE + b"\0", "SIG_CRYPTO_FAILURE"),
        (sign_pkcs1(CONTENT, rsa_key("other")), "SIG_CRYPTO_FAILURE"),
        (sign_pkcs1(CONTENT + b"."), "HASH_FAILURE"),
        (sign_block(hashlib.sha256(CONTENT + b".").digest()), "HASH_FAILURE"),
        (b"", "SIG_CRYPTO_FAILURE"),
    ],
    ids=["changed", "cut", "longer", "other key", "other content", "other bare digest", "empty"],
)
def test_wrong_signature_and_wrong_digest_are_told_apart(signed: bytes, expected: str) -> None:
    report = verify(signed=signed)
    assert outcome(report) == ("TOTAL-FAILED", expected)
    assert report.exit_code == 1
    assert report.four_items is None


def test_bare_digest_passes_and_is_recorded() -> None:
    report = verify(signed=sign_block(hashlib.sha256(CONTENT).digest()))
    assert (outcome(report), report.signers[0].shape) == (("TOTAL-PASSED", None), "bare_digest")
    strict = Policy(purposes=("signature",), shapes=("digest_info",))
    report = verify(signed=sign_block(hashlib.sha256(CONTENT).digest()), policy=strict)
    assert outcome(report) == ("INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE")


@pytest.mark.parametrize(
    "certificate",
    [b"", b"\x30\x00", CERTIFICATE[:-1], CERTIFICATE + b"\0", b"no certificate"],
    ids=["empty", "empty sequence", "cut", "longer", "text"],
)
def test_malformed_certificate(certificate: bytes) -> None:
    report = verify(certificate=certificate)
    assert outcome(report) == ("TOTAL-FAILED", "FORMAT_FAILURE")
    assert report.signers == ()


# --- the two moments


def test_revoked_before_the_proof_is_final() -> None:
    report = verify(crls=[CA.crl((SERIAL, NOW - DAY, MOVED))])
    assert outcome(report) == ("TOTAL-FAILED", "REVOKED")
    assert report.signers[0].revocation is not None
    assert report.signers[0].revocation.reason == "affiliationChanged"
    assert report.signers[0].revocation.revoked_at == NOW - DAY


def test_revoked_without_proof_of_time_is_open() -> None:
    report = verify(crls=[CA.crl((SERIAL, NOW - DAY, MOVED))], existed_at=None)
    assert outcome(report) == ("INDETERMINATE", "REVOKED_NO_POE")
    assert report.exit_code == 2


def test_revoked_after_the_proof_passes() -> None:
    existed = NOW - 3 * DAY
    report = verify(crls=[CA.crl((SERIAL, NOW - DAY, MOVED))], existed_at=existed)
    assert outcome(report) == ("TOTAL-PASSED", None)
    (check,) = [check for check in report.checks if check.id == "revocation"]
    assert "afterwards" in check.reason
    exactly = verify(crls=[CA.crl((SERIAL, existed, MOVED))], existed_at=existed)
    assert outcome(exactly) == ("TOTAL-FAILED", "REVOKED")


def test_of_two_revocations_the_one_before_the_proof_decides() -> None:
    held = CA.crl((SERIAL, NOW - 10 * DAY, x509.ReasonFlags.certificate_hold))
    lost = CA.crl((SERIAL, NOW - 2 * DAY, x509.ReasonFlags.key_compromise), number=8)
    for crls in ([held, lost], [lost, held]):
        assert outcome(verify(crls=crls, existed_at=NOW - 5 * DAY)) == ("TOTAL-FAILED", "REVOKED")


def test_of_two_recorded_revocations_the_earlier_decides() -> None:
    facts = verify(crls=[CA.crl((SERIAL, NOW - 2 * DAY, MOVED))], existed_at=NOW - 5 * DAY).facts
    (signer,) = facts.signers
    late = signer.revocation[0]
    for earlier in (NOW - 10 * DAY, None):
        early = msgspec.structs.replace(late, revoked_at=earlier)
        for asked in ((early, late), (late, early)):
            heard = msgspec.structs.replace(signer, revocation=asked)
            report = judge(msgspec.structs.replace(facts, signers=(heard,)))
            assert outcome(report) == ("TOTAL-FAILED", "REVOKED")


def test_revocation_dated_in_the_future_counts_now() -> None:
    crls = [CA.crl((SERIAL, NOW + DAY, MOVED))]
    assert outcome(verify(crls=crls)) == ("TOTAL-FAILED", "REVOKED")
    assert outcome(verify(crls=crls, existed_at=None)) == ("INDETERMINATE", "REVOKED_NO_POE")
    assert outcome(verify(crls=crls, existed_at=NOW - DAY)) == ("TOTAL-PASSED", None)


def test_hold_is_an_end() -> None:
    report = verify(crls=[CA.crl((SERIAL, NOW - DAY, x509.ReasonFlags.certificate_hold))])
    assert outcome(report) == ("TOTAL-FAILED", "REVOKED")


EXPIRED = CA.issue(KEY, person=PERSON, not_before=NOW - 100 * DAY, not_after=NOW - 10 * DAY)
FUTURE = CA.issue(KEY, person=PERSON, not_before=NOW + DAY, not_after=NOW + 100 * DAY)


def test_expired() -> None:
    assert outcome(verify(certificate=EXPIRED)) == ("TOTAL-FAILED", "EXPIRED")
    assert outcome(verify(certificate=EXPIRED, existed_at=None)) == ("INDETERMINATE", "OUT_OF_BOUNDS_NO_POE")


def test_not_yet_valid() -> None:
    assert outcome(verify(certificate=FUTURE)) == ("TOTAL-FAILED", "NOT_YET_VALID")
    assert outcome(verify(certificate=FUTURE, existed_at=None)) == ("INDETERMINATE", "OUT_OF_BOUNDS_NO_POE")


def test_last_second_is_valid() -> None:
    last = NOW - 10 * DAY
    crls = [CA.crl(at=last - timedelta(hours=1))]
    report = verify(certificate=EXPIRED, at=last, existed_at=last, crls=crls)
    assert outcome(report) == ("TOTAL-PASSED", None)
    after = last + timedelta(seconds=1)
    assert outcome(verify(certificate=EXPIRED, at=after, existed_at=after, crls=crls)) == ("TOTAL-FAILED", "EXPIRED")


def test_expired_since_the_proof_needs_data_from_before_the_end() -> None:
    """An issuer may drop expired certificates from its lists: a newer list without the serial proves nothing."""
    existed = NOW - 20 * DAY
    newer = verify(certificate=EXPIRED, existed_at=existed, crls=[CA.crl()])
    assert outcome(newer) == ("INDETERMINATE", "TRY_LATER")
    of_that_day = verify(certificate=EXPIRED, existed_at=existed, crls=[CA.crl(at=existed - timedelta(hours=1))])
    assert outcome(of_that_day) == ("TOTAL-PASSED", None)
    last_list = verify(certificate=EXPIRED, existed_at=existed, crls=[CA.crl(at=NOW - 10 * DAY - timedelta(hours=1))])
    assert outcome(last_list) == ("TOTAL-PASSED", None)
    both = [CA.crl(at=existed - timedelta(hours=1)), CA.crl((SERIAL, existed - DAY, MOVED))]
    assert outcome(verify(certificate=EXPIRED, existed_at=existed, crls=both)) == ("TOTAL-FAILED", "REVOKED")


def test_later_revocation_data_outweigh_those_of_the_day() -> None:
    existed = NOW - 20 * DAY
    of_that_day = CA.crl(at=existed - timedelta(hours=1))
    backdated = CA.crl((SERIAL, existed - DAY, MOVED))
    assert outcome(verify(existed_at=existed, crls=[of_that_day])) == ("TOTAL-PASSED", None)
    assert outcome(verify(existed_at=existed, crls=[of_that_day, backdated])) == ("TOTAL-FAILED", "REVOKED")


def test_claimed_times_in_the_future_are_a_wrong_call() -> None:
    with pytest.raises(InputError, match=r"signature\.times_reversed"):
        verify(existed_at=NOW + timedelta(seconds=61))
    assert verify(existed_at=NOW + timedelta(seconds=1)).existed_at == NOW


def test_any_zone_is_the_same_moment() -> None:
    tokyo = timezone(timedelta(hours=9))
    report = verify(at=NOW.astimezone(tokyo), existed_at=NOW.astimezone(tokyo))
    assert report.at == NOW
    assert report.to_json()["at"] == "2026-11-21T03:00:00Z"
    with pytest.raises(InputError, match=r"signature\.no_zone"):
        verify(at=datetime(2026, 11, 21))  # noqa: DTZ001 - the missing zone is what is tested


def test_now_is_the_default_moment() -> None:
    before = datetime.now(UTC)
    assert before <= verify(at=None, existed_at=None).at <= datetime.now(UTC)


# --- path, purpose, revocation


def test_nothing_is_trusted_by_default() -> None:
    for anchors in (None, [], [Authority.make("stranger").der], [b"nonsense"]):
        report = verify(anchors=anchors)
        assert outcome(report) == ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND")
        assert report.four_items is None


def test_a_wrong_signature_outweighs_a_missing_path() -> None:
    report = verify(anchors=None, content=b"other")
    assert outcome(report) == ("TOTAL-FAILED", "HASH_FAILURE")


def test_forged_certificate_has_no_path() -> None:
    at = CERTIFICATE.index("見本".encode())
    forged = CERTIFICATE[:at] + "偽本".encode() + CERTIFICATE[at + 6 :]
    assert outcome(verify(certificate=forged)) == ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND")


@pytest.mark.parametrize("crls", [[], [b"nonsense"], [CA.crl(at=NOW - 3 * DAY)], [Authority.make("stranger").crl()]])
def test_missing_stale_or_foreign_revocation_data(crls: list[bytes]) -> None:
    report = verify(crls=crls)
    assert outcome(report) == ("INDETERMINATE", "TRY_LATER")
    assert report.exit_code == 2


def test_policy_may_bound_the_age_of_revocation_data() -> None:
    policy = Policy(purposes=("signature",), max_age=3600)
    assert outcome(verify(policy=policy)) == ("INDETERMINATE", "TRY_LATER")
    assert outcome(verify(policy=policy, crls=[CA.crl(at=NOW - timedelta(minutes=59))])) == ("TOTAL-PASSED", None)


def test_policy_may_do_without_revocation_data_but_never_overlooks_a_revocation() -> None:
    lenient = Policy(purposes=("signature",), revocation="if_present")
    report = verify(policy=lenient, crls=[])
    assert outcome(report) == ("TOTAL-PASSED", None)
    assert next(check for check in report.checks if check.id == "revocation").result == "not_checked"
    revoked = [CA.crl((SERIAL, NOW - DAY, MOVED))]
    assert outcome(verify(policy=lenient, crls=revoked)) == ("TOTAL-FAILED", "REVOKED")


USER = CA.issue(KEY, policy=USER_POLICY, usage=key_usage(commit=False))


def test_user_authentication_certificate_signs_no_document() -> None:
    assert outcome(verify(certificate=USER)) == ("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE")
    assert outcome(verify(certificate=USER, policy="jpki_user_authentication")) == ("TOTAL-PASSED", None)
    assert outcome(verify(policy="jpki_user_authentication")) == ("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE")


def test_unknown_jpki_policy_is_refused() -> None:
    certificate = CA.issue(KEY, policy="1.2.392.200149.8.5.1.1.60", person=PERSON)
    assert outcome(verify(certificate=certificate)) == ("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE")


def test_certificate_of_another_pki() -> None:
    certificate = CA.issue(KEY, policy=None)
    report = verify(certificate=certificate)
    assert (outcome(report), report.four_items) == (("TOTAL-PASSED", None), None)
    assert outcome(verify(certificate=certificate, policy="jpki_signature")) == (
        "INDETERMINATE",
        "CHAIN_CONSTRAINTS_FAILURE",
    )


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        (CA.issue(KEY, policy=None, usage=key_usage(sign=False, commit=True)), "TOTAL-PASSED"),
        (CA.issue(KEY, policy=None, extended=[EMAIL_PROTECTION]), "TOTAL-PASSED"),
        (CA.issue(KEY, policy=None, extended=[SERVER_AUTH]), "INDETERMINATE"),
        (CA.issue(KEY, usage=key_usage(commit=False), person=PERSON), "TOTAL-PASSED"),
    ],
    ids=["non-repudiation alone", "email protection", "server", "digital signature alone"],
)
def test_key_usage(certificate: bytes, expected: str) -> None:
    assert verify(certificate=certificate).indication == expected


def test_jpki_policy_asks_for_non_repudiation_and_readable_attributes() -> None:
    weak = CA.issue(KEY, usage=key_usage(commit=False), person=PERSON)
    assert outcome(verify(certificate=weak, policy="jpki_signature")) == ("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE")
    for person in (None, {**PERSON, 4: "nonsense!"}):
        certificate = CA.issue(KEY, person=person)
        report = verify(certificate=certificate, policy="jpki_signature")
        assert outcome(report) == ("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE")
        assert report.four_items is None
    assert outcome(verify(policy="jpki_signature")) == ("TOTAL-PASSED", None)


def test_unknown_critical_extension() -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    certificate = CA.issue(KEY, person=PERSON, extra=[(unknown, True)])
    assert outcome(verify(certificate=certificate)) == ("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE")


def test_short_keys_and_unknown_keys() -> None:
    small = rsa_key("small", 1024)
    report = verify(signed=sign_pkcs1(CONTENT, small), certificate=CA.issue(small.public_key(), person=PERSON))
    assert outcome(report) == ("INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    other = Ed25519PrivateKey.generate()
    report = verify(signed=other.sign(CONTENT), certificate=CA.issue(other.public_key(), person=PERSON))
    assert outcome(report) == ("INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE")


def test_next_generation_card() -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    authority = Authority.make("next", curve="P-384")
    certificate = authority.issue(ec_key().public_key(), person=PERSON)
    r, s = decode_dss_signature(ec_key().sign(CONTENT, ec.ECDSA(hashes.SHA384())))
    report = verify(
        signed=r.to_bytes(48, "big") + s.to_bytes(48, "big"),
        certificate=certificate,
        anchors=[authority.der],
        crls=[authority.crl()],
        policy="jpki_signature",
    )
    assert (outcome(report), report.signers[0].shape) == (("TOTAL-PASSED", None), "raw")


# --- formats and wrong calls


@pytest.mark.parametrize(
    "signed",
    [
        b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(40),
        b'{"payload":"eyJ","signatures":[]}',
        b"MIME-Version: 1.0\nContent-Type: application/pkcs7-mime",
    ],
)
def test_formats_that_are_not_understood_say_which_are(signed: bytes) -> None:
    with pytest.raises(FormatError, match="PDF, XML, raw signatures and CMS") as caught:
        verify(signed=signed)
    assert caught.value.code == "signature.format_unknown"


@pytest.mark.parametrize(
    "signed",
    [
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
        b'<?xml version="1.0" encoding="UTF-8"?><Signature/>',
        b"\xef\xbb\xbf<?xml version='1.0'?><a/>",
        b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">',
    ],
)
def test_broken_and_unsigned_documents_are_malformed(signed: bytes) -> None:
    assert outcome(verify(signed=signed)) == ("TOTAL-FAILED", "FORMAT_FAILURE")


@pytest.mark.parametrize("first", [0x25, 0x2D, 0x30, 0x3C, 0x4D, 0x50, 0x7B, 0xEF, 0x0A, 0x20])
def test_raw_signature_may_begin_with_any_octet(first: int) -> None:
    signed = bytes([first]) + SIGNATURE[1:-1] + bytes([SIGNATURE[-1] ^ 1])
    assert outcome(verify(signed=signed)) == ("TOTAL-FAILED", "SIG_CRYPTO_FAILURE")


def test_short_raw_signature_is_not_taken_for_a_cut_file() -> None:
    from honnin.pki.rfc5652 import looks_like_cms

    assert not looks_like_cms(b"\x30\xff" + bytes(94))
    assert not looks_like_cms(b"\x30\x82" + bytes(94))
    for cut in range(2, 15):
        assert looks_like_cms(bytes.fromhex("3082080806092a864886f70d010702")[:cut])


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"certificate": None}, "signature.certificate_missing"),
        ({"content": None}, "signature.content_missing"),
        ({"digest": "00" * 32}, "signature.content_and_digest"),
        ({"content": None, "digest": "zz"}, "signature.digest_malformed"),
        ({"content": None, "digest": "00" * 31}, "signature.digest_malformed"),
        ({"policy": "nonsense"}, "signature.policy_unknown"),
    ],
)
def test_wrong_calls(given: dict[str, object], code: str) -> None:
    with pytest.raises(InputError) as caught:
        verify(**given)
    assert caught.value.code == code


def test_nothing_of_the_person_is_shown() -> None:
    report = verify()
    for shown in (repr(report), repr(report.facts), str(report.to_json()), report.facts.encode().decode()):
        for secret in (PERSON[1], PERSON[5], "419900401", "1990-04-01", CERTIFICATE.hex()[:80]):
            assert secret not in shown
