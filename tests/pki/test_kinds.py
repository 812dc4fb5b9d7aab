"""The lane for one more certificate of a kind gives what judging it in full gives."""

from collections.abc import Callable

import pytest
from cryptography import x509
from tests.pki.signing import DAY, NOW, PERSON, USER_POLICY, Authority, ec_key, key_usage, rsa_key

from honnin.pki import kinds
from honnin.pki.kinds import path_by_kind
from honnin.pki.revocation_sources import read_revocation
from honnin.pki.rfc5280.building import PathContext, build_and_check
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.store import store_of

CA = Authority.make()
KEY = rsa_key().public_key()
STRANGER = Authority.make("stranger")
MOVED = x509.ReasonFlags.affiliation_changed


def context(*, crls: list[bytes] | None = None, at: object = NOW, anchors: list[bytes] | None = None) -> PathContext:
    revocation = read_revocation([CA.crl()] if crls is None else crls, ())
    return PathContext(store=store_of(anchors or [CA.der]), revocation=revocation, mode="require", at=at)  # type: ignore[arg-type]


def states(certificate: bytes, given: PathContext, judge: Callable[..., object]) -> tuple[object, ...]:
    """What judging reads of an outcome; a revocation is told by the findings alone."""
    result = judge(parse_certificate(certificate), given)
    assert hasattr(result, "fault")
    fault = None if result.fault is None or result.fault.check == "revocation" else result.fault
    path = tuple(part.raw for part in result.path)
    return fault, path, result.policies, tuple(finding.status for finding in result.findings)


def both(certificate: bytes, given: PathContext) -> None:
    assert states(certificate, given, path_by_kind) == states(certificate, given, build_and_check)


@pytest.fixture
def warm() -> PathContext:
    """A context in which the usual kind has been judged."""
    given = context()
    path_by_kind(parse_certificate(CA.issue(KEY, serial=1, person=PERSON)), given)
    return given


def test_the_lane_is_taken(warm: PathContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(target: Certificate, given: PathContext) -> None:
        raise AssertionError("judged in full")

    monkeypatch.setattr(kinds, "build_and_check", never)
    result = path_by_kind(parse_certificate(CA.issue(KEY, serial=2, person={**PERSON, 1: "試験　太郎"})), warm)
    assert (result.fault, result.findings[0].status.state) == (None, "good")


def variants() -> dict[str, bytes]:
    other = rsa_key("other").public_key()
    good = CA.issue(KEY, serial=3, person=PERSON)
    at = good.index("見本".encode())
    no_utf8 = x509.SubjectAlternativeName([x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x0c\x01\xff")])
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    return {
        "usual": good,
        "other key": CA.issue(other, serial=4, person=PERSON),
        "no person": CA.issue(KEY, serial=5),
        "short key": CA.issue(rsa_key("small", 1024).public_key(), serial=6, person=PERSON),
        "long key": CA.issue(rsa_key("cube", 3072).public_key(), serial=7, person=PERSON),
        "curve": CA.issue(ec_key().public_key(), serial=8, person=PERSON),
        "user authentication": CA.issue(KEY, serial=9, policy=USER_POLICY, usage=key_usage(commit=False)),
        "expired": CA.issue(KEY, serial=10, person=PERSON, not_before=NOW - 9 * DAY, not_after=NOW - DAY),
        "future": CA.issue(KEY, serial=11, person=PERSON, not_before=NOW + DAY),
        "forged name": good[:at] + "偽本".encode() + good[at + 6 :],
        "forged signature": good[:-1] + bytes([good[-1] ^ 1]),
        "of a stranger with the same name": STRANGER.issue(KEY, serial=12, person=PERSON),
        "critical unknown": CA.issue(KEY, serial=13, person=PERSON, extra=[(unknown, True)]),
        "unknown": CA.issue(KEY, serial=14, person=PERSON, extra=[(unknown, False)]),
        "odd names": CA.issue(KEY, serial=15, extra=[(no_utf8, False)]),
        "the anchor itself": CA.der,
    }


@pytest.mark.parametrize("name", variants())
def test_every_variant_is_judged_alike(name: str, warm: PathContext) -> None:
    certificate = variants()[name]
    both(certificate, warm)
    both(certificate, warm)  # now remembered, if it passed


@pytest.mark.parametrize(
    "crls",
    [
        [],
        [CA.crl((3, NOW - DAY, MOVED))],
        [STRANGER.crl((3, NOW - DAY, MOVED))],
        [CA.crl(), STRANGER.crl((3, NOW - DAY, MOVED))],
        [CA.crl(), CA.crl((3, NOW - DAY, MOVED))],
        [CA.crl(at=NOW - 5 * DAY)],
    ],
    ids=["none", "revoked", "of a stranger", "two authorities", "two lists", "stale"],
)
def test_revocation_is_told_alike(crls: list[bytes], warm: PathContext) -> None:
    given = context(crls=crls)
    for serial in (2, 3):
        certificate = CA.issue(KEY, serial=serial, person=PERSON)
        both(certificate, given)
        both(certificate, given)


@pytest.mark.parametrize("anchors", [[CA, STRANGER], [STRANGER, CA]], ids=["first", "second"])
def test_generations_of_one_name_are_told_apart(anchors: list[Authority]) -> None:
    given = context(anchors=[authority.der for authority in anchors], crls=[CA.crl(), STRANGER.crl()])
    for authority in (CA, STRANGER, CA):
        for serial in (20, 21):
            both(authority.issue(KEY, serial=serial, person=PERSON), given)


def test_other_moments_are_judged_alike(warm: PathContext) -> None:
    certificate = CA.issue(KEY, serial=2, person=PERSON)
    for at in (NOW - 40 * DAY, NOW - 30 * DAY, NOW + 1000 * DAY, NOW + 4000 * DAY):
        both(certificate, context(at=at, crls=[CA.crl(at=at)]))
