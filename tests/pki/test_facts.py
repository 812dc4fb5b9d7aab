"""Facts are storable, whole, and without a person."""

import msgspec
import pytest
from tests.pki.signing import NOW, PERSON, Authority, rsa_key, sign_pkcs1

import honnin
from honnin.errors import FormatError
from honnin.pki import Facts, collect, judge

CA = Authority.make()
CERTIFICATE = CA.issue(rsa_key().public_key(), person=PERSON)
CONTENT = b"open an account"


@pytest.fixture(scope="module")
def facts() -> Facts:
    return collect(
        sign_pkcs1(CONTENT),
        content=CONTENT,
        certificate=CERTIFICATE,
        anchors=[CA.der],
        crls=[CA.crl()],
        at=NOW,
        existed_at=NOW,
    )


def test_facts_survive_storage_and_give_the_same_report(facts: Facts) -> None:
    again = Facts.decode(facts.encode())
    assert again == facts
    assert again.encode() == facts.encode()
    assert judge(again).to_json() == judge(facts).to_json()
    packed = msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=Facts)
    assert packed == facts


def test_facts_name_their_format_and_software(facts: Facts) -> None:
    stored = msgspec.json.decode(facts.encode())
    assert stored["format"] == "honnin-facts/1"
    assert stored["software"] == f"honnin {honnin.__version__}"


def test_ca_certificates_are_whole_and_the_persons_is_not(facts: Facts) -> None:
    (signer,) = facts.signers
    assert signer.path is not None
    assert signer.path.certificates == (CA.der,)
    assert signer.certificate is not None
    by_oid = {extension.oid: extension for extension in signer.certificate.extensions}
    assert by_oid["2.5.29.17"].value is None
    assert by_oid["2.5.29.32"].value is not None
    assert by_oid["2.5.29.32"].critical
    assert (signer.certificate.serial, signer.certificate.issuer_key_id) == ("132c4ab", CA._key_id())
    encoded = facts.encode()
    for secret in (PERSON[1].encode(), PERSON[5].encode(), PERSON[4].encode(), CONTENT, b'Chiyoda-ku"'):
        assert secret not in encoded


def test_neither_signature_nor_digest_is_kept(facts: Facts) -> None:
    import hashlib
    from base64 import b64encode

    encoded = facts.encode()
    for octets in (sign_pkcs1(CONTENT), hashlib.sha256(CONTENT).digest(), CERTIFICATE):
        assert b64encode(octets)[:40] not in encoded
        assert octets.hex().encode() not in encoded
    assert hashlib.sha256(CERTIFICATE).hexdigest().encode() not in encoded


def test_commitments_fill_their_slot(facts: Facts) -> None:
    committed = facts.with_commitments({0: "ab" * 32})
    assert committed.signers[0].certificate is not None
    assert committed.signers[0].certificate.commitment == "ab" * 32
    assert judge(committed).to_json() == judge(facts).to_json()
    assert facts.with_commitments({}) == facts


def test_same_facts_under_another_policy(facts: Facts) -> None:
    assert judge(facts).indication == "TOTAL-PASSED"
    assert judge(facts, "jpki_user_authentication").sub_indication == "CHAIN_CONSTRAINTS_FAILURE"
    later = msgspec.structs.replace(facts, at=NOW.replace(year=2030), existed_at=None)
    assert judge(later).sub_indication == "OUT_OF_BOUNDS_NO_POE"


@pytest.mark.parametrize(
    "stored", [b"", b"{}", b"[]", b"null", b'{"format":"honnin-facts/2"}', b"\xff", b"[" * 100_000]
)
def test_what_are_no_facts(stored: bytes) -> None:
    with pytest.raises(FormatError, match=r"facts\.malformed"):
        Facts.decode(stored)
