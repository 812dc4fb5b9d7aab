"""The short ways of the engine say what the long way says: for changed, re-signed, foreign, badly timed certificates.

The long way is the same engine with no template and no kind known. Changed certificates are signed again by their CA,
so that what decides is how they are read and judged, not that a signature breaks.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pki import making as m
from tests.pki.signing import DAY, NOW, PERSON, USER_POLICY, Authority, key_usage, rsa_key
from tests.properties.test_hostile_certificates import mutated

from honnin.errors import HonninError
from honnin.pki import Report, holder, verify
from honnin.pki.rfc5280 import alike, building, certificate
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate

CA, STRANGER = Authority.make(), Authority.make("stranger")
KEY, OTHER = rsa_key(), rsa_key("other")
CONTENT = "口座の開設を申し込みます。".encode()
SIGNATURE = KEY.sign(CONTENT, padding.PKCS1v15(), hashes.SHA256())
ALGORITHM = bytes.fromhex("300d06092a864886f70d01010b0500")
MOVED = x509.ReasonFlags.affiliation_changed
LISTS = {
    "good": [CA.crl()],
    "revoked": [CA.crl((7, NOW - DAY, MOVED))],
    "revoked later": [CA.crl((7, NOW - timedelta(minutes=30), MOVED))],
    "stale": [CA.crl(at=NOW - 9 * DAY)],
    "stranger's": [STRANGER.crl()],
    "both": [STRANGER.crl(), CA.crl()],
    "none": [],
}
BASES = (
    CA.issue(KEY.public_key(), serial=7, person=PERSON),
    CA.issue(KEY.public_key(), serial=7, policy=USER_POLICY, usage=key_usage(commit=False)),
    CA.issue(KEY.public_key(), serial=7, person={**PERSON, 5: "東京都千代田区霞が関" * 9}),
)
TBS = tuple(parse_certificate(base).tbs for base in BASES)


def signed(tbs: bytes, authority: Authority = CA) -> bytes:
    value = authority.key.sign(tbs, padding.PKCS1v15(), hashes.SHA256())  # type: ignore[call-arg,arg-type]
    return m.tlv(0x30, tbs + ALGORITHM + m.tlv(0x03, b"\0" + value))


@contextmanager
def long_way() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alike, "template_of", lambda _: None)
        patch.setattr(holder, "path_by_kind", building.build_and_check)
        yield


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    for base in BASES:
        assert judged(base).facts.signers
        assert parse_certificate(base).template is not None


def judged(
    octets: bytes, crls: str = "good", at: Any = NOW, existed_at: Any = NOW, policy: str = "documents"
) -> Report:
    return verify(
        SIGNATURE,
        content=CONTENT,
        certificate=octets,
        anchors=[CA.der],
        crls=LISTS[crls],
        at=at,
        existed_at=existed_at,
        policy=policy,
    )


def outcome(*arguments: Any, **more: Any) -> Any:
    try:
        return judged(*arguments, **more)
    except HonninError as error:
        return error.code


def both_ways(*arguments: Any, **more: Any) -> None:
    with long_way():
        expected = outcome(*arguments, **more)
    assert outcome(*arguments, **more) == expected


def fields(read: Certificate) -> tuple[Any, ...]:
    return (
        *(getattr(read, name) for name in read.__struct_fields__ if name not in {"extensions", "memory", "template"}),
        list(read.extensions.items()),
    )


def both_readers(octets: bytes) -> None:
    try:
        expected: Any = fields(certificate._certificate(octets))
    except HonninError as error:
        expected = error.message
    try:
        found: Any = fields(parse_certificate(octets))
    except HonninError as error:
        found = error.message.removeprefix("Not a certificate of RFC 5280: ")
    assert found == expected


@given(st.integers(0), st.sampled_from(range(len(BASES))), st.booleans())
@settings(max_examples=300, deadline=None)
def test_changed_values_are_read_and_judged_alike(seed: int, which: int, again: bool) -> None:
    octets = signed(mutated(TBS[which], seed)) if again else mutated(BASES[which], seed)
    both_readers(octets)
    both_ways(octets)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_changed_octets_are_read_and_judged_alike(data: st.DataObject) -> None:
    base = data.draw(st.sampled_from(TBS))
    octets = bytearray(base)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(octets) - 1))
        octets[at] = data.draw(st.one_of(st.integers(0, 255), st.sampled_from((octets[at] ^ 1, octets[at] ^ 0x80))))
    again = signed(bytes(octets))
    both_readers(again)
    both_ways(again)


EDGES = [
    CA_TIME + step
    for CA_TIME in (NOW - 30 * DAY, NOW, NOW + 1000 * DAY)
    for step in (-DAY / 86_400, 0 * DAY, DAY / 86_400)
]


@given(st.sampled_from(EDGES), st.sampled_from([None, *EDGES]), st.sampled_from(sorted(LISTS)), st.sampled_from(BASES))
@settings(max_examples=150, deadline=None)
def test_moments_and_lists_are_judged_alike(at: Any, existed_at: Any, crls: str, octets: bytes) -> None:
    both_ways(octets, crls, at=at, existed_at=existed_at)


@pytest.mark.parametrize("policy", ["documents", "jpki_signature", "jpki_user_authentication"])
def test_strangers_and_other_keys_are_judged_alike(policy: str) -> None:
    for octets in (
        *BASES,
        STRANGER.issue(KEY.public_key(), serial=7, person=PERSON),
        CA.issue(OTHER.public_key(), serial=7, person=PERSON),
        signed(TBS[0], STRANGER),
        CA.der,
        CA.issue(KEY.public_key(), serial=(1 << 159) - 1, person=PERSON),
        CA.issue(KEY.public_key(), serial=0xFF, person=PERSON),
    ):
        both_readers(octets)
        both_ways(octets, policy=policy)


def test_names_hidden_in_another_extension_are_not_taken_for_names() -> None:
    hidden = bytes.fromhex("3009 0603551d1104 02 3000".replace(" ", ""))
    identifier = bytes.fromhex("301d0603551d0e04160414") + bytes(20)
    for value in (hidden, identifier, hidden + identifier, identifier * 3):
        issued = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.18"), m.tlv(0x30, value))
        for person in (None, PERSON):
            octets = CA.issue(KEY.public_key(), serial=7, person=person, extra=[(issued, False)])
            for _ in range(2):
                both_readers(octets)
                both_ways(octets)


@pytest.mark.parametrize("length", [b"\x82\xff\xff", b"\x82\xff\xf0", b"\x83\x01\x00", b"\xff\xff\xff"])
def test_names_that_claim_more_than_a_certificate_holds_are_read_alike(length: bytes) -> None:
    at = BASES[0].index(bytes.fromhex("0603551d1104")) + 6
    both_readers(BASES[0][:at] + length + BASES[0][at + len(length) :])


def test_nobody_fills_the_memory_with_what_no_anchor_signed() -> None:
    before = len(alike._templates)
    for number in range(5):
        point = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.18"), m.tlv(0x30, bytes([5, 0] * number)))
        octets = STRANGER.issue(KEY.public_key(), serial=7, person=PERSON, extra=[(point, False)])
        outcome(octets)
        parse_certificate(octets)
    assert len(alike._templates) == before


def test_the_memory_is_bounded_and_holds_nothing_of_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "_MOST", 3)
    monkeypatch.setattr(alike, "_templates", {})
    for number in range(8):
        other = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.18"), m.tlv(0x30, bytes([5, 0] * number)))
        assert judged(CA.issue(KEY.public_key(), serial=20 + number, person=PERSON, extra=[(other, False)]))
        assert 1 <= len(alike._templates) <= 3
    kept = b"".join(part for common in alike._templates for part in common)
    assert "見本".encode() not in kept
    assert KEY.public_key().public_numbers().n.to_bytes(256, "big") not in kept
