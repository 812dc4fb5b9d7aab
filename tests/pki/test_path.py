"""Path validation, one broken thing at a time: each MUST of RFC 5280 has a path that is valid but for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.pki import making as m
from tests.pki.making import AT, DAY, authority, person, root

from honnin.errors import InputError
from honnin.pki import Verdict, validate_path

FORMAT, CONSTRAINTS = "FORMAT_FAILURE", "CHAIN_CONSTRAINTS_FAILURE"
NO_PATH, CRYPTO = "NO_CERTIFICATE_CHAIN_FOUND", "CRYPTO_CONSTRAINTS_FAILURE"


def judge(target: bytes, anchors: list[bytes], below: list[bytes] | tuple[bytes, ...] = (), **options: Any) -> Verdict:
    return validate_path(target, anchors=anchors, intermediates=below, **({"at": AT, "revocation": "off"} | options))


def chain(
    target: m.Certificate | None = None,
    ca: m.Certificate | None = None,
    top: m.Certificate | None = None,
    **options: Any,
) -> Verdict:
    found = [(given or default()).der() for given, default in ((target, person), (ca, authority), (top, root))]
    return judge(found[0], [found[2]], [found[1]], **options)


def test_an_ordinary_path_passes() -> None:
    verdict = chain()
    assert (verdict.indication, verdict.sub_indication, verdict.exit_code) == ("PASSED", None, 0)
    assert [len(verdict.path), verdict.path[0], verdict.path[2]] == [3, person().der(), root().der()]
    assert [c.id for c in verdict.checks if c.result == "passed"][:3] == ["format", "chain", "validity"]


EXPLICIT_FALSE = m.seq(m.oid("2.5.29.19"), b"\x01\x01\x00", m.tlv(0x04, m.seq()))
UNKNOWN = m.extension("1.2.3.4", b"\x05\x00", critical=True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"serial": m.num(0)}, FORMAT),
        ({"serial": m.num(1 << 160)}, FORMAT),
        ({"serial": b"\x02\x02\x00\x01"}, FORMAT),
        ({"serial": b"\x02\x00"}, FORMAT),
        ({"issuer": m.seq()}, FORMAT),
        ({"subject": m.seq()}, FORMAT),
        ({"version": b""}, FORMAT),
        ({"version": m.tlv(0xA0, m.num(1))}, FORMAT),
        ({"version": m.tlv(0xA0, m.num(0))}, FORMAT),
        ({"version": m.tlv(0xA0, m.num(3))}, FORMAT),
        ({"outer_algorithm": bytes.fromhex("300a06082a8648ce3d040303")}, FORMAT),
        ({"trailer": m.seq()}, FORMAT),
        ({"not_after": m.tlv(0x17, b"2712312359Z")}, FORMAT),
        ({"not_after": m.tlv(0x17, b"271231235959+0900")}, FORMAT),
        ({"not_after": m.tlv(0x18, b"20271231235959.5Z")}, FORMAT),
        ({"not_after": m.tlv(0x17, b"271331235959Z")}, FORMAT),
        ({"not_after": m.tlv(0x17, b"27123123595 Z")}, FORMAT),
        ({"extensions": (m.usage(0), m.usage(0))}, FORMAT),
        ({"extensions": (EXPLICIT_FALSE,)}, FORMAT),
        ({"extensions": (m.extension("2.5.29.15", b"\x03\x02\x07\x00"),)}, FORMAT),
        ({"extensions": (m.extension("2.5.29.15", b"\x03\x01\x00"),)}, FORMAT),
        ({"extensions": (m.extension("2.5.29.15", b"\x03\x02\x06\xc1"),)}, FORMAT),
        ({"extensions": (m.extension("2.5.29.17", m.seq()),)}, FORMAT),
        ({"extensions": (m.extension("2.5.29.17", b"garbage"),)}, FORMAT),
        ({"extensions": (m.subject_alternative(m.ip(b"123")),)}, FORMAT),
        ({"extensions": (m.subject_alternative(m.tlv(0x82, "例".encode())),)}, FORMAT),
        ({"extensions": (m.extension("2.5.29.37", m.seq()),)}, FORMAT),
        ({"extensions": (m.policies("1.2.3", "1.2.3"),)}, FORMAT),
        ({"extensions": (m.extension("2.5.29.31", m.seq(m.seq(m.tlv(0x81, b"\x01\x40")))),)}, FORMAT),
        ({"extensions": (m.extension("2.5.29.35", m.seq(m.tlv(0x82, b"\x01"))),)}, FORMAT),
        ({"extensions": (m.extension("2.5.29.19", m.seq(b"\x01\x01\x00")),)}, FORMAT),
        ({"extensions": (m.extension("2.5.29.19", m.seq(b"\x01\x01\x01")),)}, FORMAT),
        ({"extensions": (m.basic(ca=False, length=0),)}, CONSTRAINTS),
        ({"extensions": (m.usage(0, 5),)}, CONSTRAINTS),
        ({"extensions": (UNKNOWN,)}, CONSTRAINTS),
        ({"extensions": (m.extension("2.5.29.35", m.seq(m.tlv(0x80, b"k")), critical=True),)}, CONSTRAINTS),
        ({"extensions": (m.extension("2.5.29.14", m.tlv(0x04, b"k"), critical=True),)}, CONSTRAINTS),
        ({"extensions": (m.name_constraints([m.dns("a.test")]),)}, CONSTRAINTS),
        ({"not_after": m.when(AT - DAY)}, "EXPIRED"),
        ({"not_before": m.when(AT + DAY)}, "NOT_YET_VALID"),
        ({"signer": "person"}, NO_PATH),
        ({"issuer": m.name("Nobody")}, NO_PATH),
    ],
)
def test_a_broken_target_fails(changes: dict[str, Any], expected: str) -> None:
    verdict = chain(person(**changes))
    assert (verdict.indication, verdict.sub_indication) == ("FAILED", expected), verdict.reason
    assert sum(check.result == "failed" for check in verdict.checks) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"extensions": ()}, CONSTRAINTS),
        ({"extensions": (m.CA_USAGE,)}, CONSTRAINTS),
        ({"extensions": (m.basic(ca=False), m.CA_USAGE)}, CONSTRAINTS),
        ({"extensions": (m.basic(), m.usage(6))}, CONSTRAINTS),
        ({"extensions": (m.basic(), m.CA_USAGE, UNKNOWN)}, CONSTRAINTS),
        ({"extensions": (m.basic(), m.CA_USAGE, m.name_constraints([m.dns("a.test")], critical=False))}, CONSTRAINTS),
        ({"version": m.tlv(0xA0, m.num(1)), "extensions": ()}, CONSTRAINTS),
        ({"version": b"", "extensions": ()}, CONSTRAINTS),
        ({"not_after": m.when(AT - DAY)}, "EXPIRED"),
        ({"not_before": m.when(AT + DAY)}, "NOT_YET_VALID"),
        ({"signer": "ca"}, NO_PATH),
        ({"serial": m.num(0)}, FORMAT),
    ],
)
def test_a_broken_authority_fails(changes: dict[str, Any], expected: str) -> None:
    verdict = chain(ca=authority(**changes))
    assert (verdict.indication, verdict.sub_indication) == ("FAILED", expected), verdict.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"not_after": m.when(AT - DAY)},
        {"not_before": m.when(AT + DAY)},
        {"extensions": ()},
        {"extensions": (m.basic(ca=False), m.CA_USAGE)},
        {"extensions": (m.basic(), m.usage(6))},
        {"extensions": (m.basic(length=0), m.CA_USAGE)},
        {"extensions": (m.basic(), m.CA_USAGE, UNKNOWN)},
        {"extensions": (m.basic(), m.CA_USAGE, m.name_constraints(excluded=[m.directory(m.seq())]))},
        {"extensions": (m.basic(), m.CA_USAGE, m.extension("2.5.29.36", m.seq(b"\x80\x01\x00"), critical=True))},
    ],
)
def test_what_an_anchor_says_of_itself_narrows_it(changes: dict[str, Any]) -> None:
    assert chain(top=root(**changes)).indication == "FAILED"


@pytest.mark.parametrize(
    "changes",
    [
        {"serial": m.num(0)},
        {"signer": "person"},
        {"version": b"", "extensions": ()},
        {"issuer": m.name("Somebody else")},
        {"extensions": (m.basic(length=1), m.CA_USAGE)},
        {"extensions": (m.basic(critical=False),)},
    ],
)
def test_an_anchor_is_trusted_as_given(changes: dict[str, Any]) -> None:
    assert chain(top=root(**changes)).indication == "PASSED"


def test_an_intermediate_may_be_the_anchor() -> None:
    verdict = judge(person().der(), [authority().der()])
    assert (verdict.indication, len(verdict.path)) == ("PASSED", 2)


def test_a_certificate_equal_to_an_anchor_is_its_own_path() -> None:
    verdict = judge(authority().der(), [authority().der()], revocation="require")
    assert (verdict.indication, len(verdict.path)) == ("PASSED", 1)
    expired = authority(not_after=m.when(AT - DAY)).der()
    assert judge(expired, [expired]).sub_indication == "EXPIRED"


def test_a_self_signed_certificate_is_no_anchor_by_itself() -> None:
    assert judge(root().der(), [authority().der()], [root().der()]).sub_indication == NO_PATH


def test_the_same_name_with_another_key_is_another_authority() -> None:
    other = authority(key="other", extensions=(m.basic(), m.CA_USAGE)).der()
    verdict = judge(person().der(), [root().der()], [other, authority().der(), other])
    assert (verdict.indication, verdict.path[1]) == ("PASSED", authority().der())
    assert judge(person().der(), [root().der()], [other]).sub_indication == NO_PATH


def test_an_expired_twin_does_not_hide_the_good_one() -> None:
    twin = authority(not_after=m.when(AT - DAY), serial=m.num(5)).der()
    for below in ([twin, authority().der()], [authority().der(), twin]):
        assert judge(person().der(), [root().der()], below).indication == "PASSED"


def test_a_longer_way_is_found_when_the_short_one_is_constrained() -> None:
    forbidding = authority(m.name_constraints(excluded=[m.directory(m.PERSON_NAME)])).der()
    bridge = m.Certificate(m.name("Bridge"), m.ROOT_NAME, "bridge", "root", (m.basic(), m.CA_USAGE)).der()
    around = m.Certificate(m.CA_NAME, m.name("Bridge"), "ca", "bridge", (m.basic(), m.CA_USAGE)).der()
    assert judge(person().der(), [root().der()], [forbidding]).sub_indication == CONSTRAINTS
    verdict = judge(person().der(), [root().der()], [forbidding, bridge, around])
    assert (verdict.indication, len(verdict.path)) == ("PASSED", 4)


@pytest.mark.parametrize(("length", "passes"), [(None, True), (1, True), (0, False)])
def test_path_length(length: int | None, passes: bool) -> None:
    sub = m.Certificate(m.name("Sub"), m.CA_NAME, "sub", "ca", (m.basic(), m.CA_USAGE)).der()
    top = authority(extensions=(m.basic(length=length), m.CA_USAGE)).der()
    target = person(issuer=m.name("Sub"), signer="sub").der()
    assert (judge(target, [root().der()], [sub, top]).indication == "PASSED") is passes


def test_self_issued_certificates_do_not_count_against_the_path_length() -> None:
    roll = m.Certificate(m.CA_NAME, m.CA_NAME, "new", "ca", (m.basic(), m.CA_USAGE)).der()
    top = authority(extensions=(m.basic(length=0), m.CA_USAGE)).der()
    assert judge(person(signer="new").der(), [root().der()], [roll, top]).indication == "PASSED"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (m.name("Some CA"), m.name("some  ca "), True),
        (m.name("Some CA"), m.name("Some CA", tag=0x13), True),
        (m.name("Ｓｏｍｅ　ＣＡ"), m.name("some ca"), True),
        (m.name("STRASSE"), m.name("straße"), True),
        (m.name("Some CA"), m.name("SomeCA"), False),
        (m.name("a", "b"), m.name("b", "a"), False),
        (m.name("a"), m.name("a", "a"), False),
        (m.name("x\ue000y"), m.name("X\ue000y"), False),
    ],
)
def test_names_are_compared_as_rfc_4518_says(first: bytes, second: bytes, same: bool) -> None:
    verdict = judge(person(issuer=first).der(), [root().der()], [authority(subject=second).der()])
    assert (verdict.indication == "PASSED") is same


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        ("300906072a8648ce3d0401", "SHA1"),
        ("300d06092a864886f70d0101040500", "MD5"),
        ("300d06092a864886f70d0101020500", "SHA256"),
        ("300406022a03", "SHA256"),
    ],
)
def test_weak_or_unknown_signatures_are_not_trusted(algorithm: str, digest: str) -> None:
    target = person(algorithm=bytes.fromhex(algorithm), digest=digest)
    assert chain(target).sub_indication == CRYPTO


def test_short_keys_are_not_trusted() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()  # noqa: S505
    target = person(spki=short.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    assert chain(target).sub_indication == CRYPTO


OTHER = m.tlv(0xA0, m.oid("1.2.3"), m.tlv(0xA0, b"\x05\x00"))


@pytest.mark.parametrize(
    ("permitted", "excluded", "names", "passes"),
    [
        ([m.dns("example.jp")], [], [m.dns("example.jp")], True),
        ([m.dns("example.jp")], [], [m.dns("a.b.EXAMPLE.jp")], True),
        ([m.dns("example.jp")], [], [m.dns("*.example.jp")], True),
        ([m.dns("example.jp")], [], [m.dns("badexample.jp")], False),
        ([m.dns("example.jp")], [], [m.dns("example.jp"), m.dns("example.com")], False),
        ([m.dns("example.jp")], [], [m.dns("example.jp.")], False),
        ([m.dns("a.example.jp")], [], [m.dns("*.example.jp")], False),
        ([m.dns("example.jp")], [], [m.email("a@example.com")], True),
        ([m.dns("")], [], [m.dns("any.test")], True),
        ([m.dns(".example.jp")], [], [m.dns("a.example.jp")], False),
        ([m.dns("*.example.jp")], [], [m.dns("a.example.jp")], False),
        ([], [m.dns("example.jp")], [m.dns("a.example.jp")], False),
        ([], [m.dns("a.example.jp")], [m.dns("*.example.jp")], False),
        ([], [m.dns("example.jp")], [m.dns("example.com")], True),
        ([], [m.dns("")], [m.dns("example.com")], False),
        ([m.email("a@example.jp")], [], [m.email("a@EXAMPLE.jp")], True),
        ([m.email("a@example.jp")], [], [m.email("A@example.jp")], False),
        ([], [m.email("a@example.jp")], [m.email("A@example.jp")], False),
        ([m.email("example.jp")], [], [m.email("x@example.jp")], True),
        ([m.email("example.jp")], [], [m.email("x@mail.example.jp")], False),
        ([m.email(".example.jp")], [], [m.email("x@mail.example.jp")], True),
        ([m.email(".example.jp")], [], [m.email("x@example.jp")], False),
        ([m.email("example.jp")], [], [m.email("no-host")], False),
        ([], [m.email("example.jp")], [m.email('"@other"@example.jp')], False),
        ([m.uri("example.jp")], [], [m.uri("https://example.jp:8443/x?y#z")], True),
        ([m.uri("example.jp")], [], [m.uri("https://user@example.jp/")], True),
        ([m.uri("example.jp")], [], [m.uri("https://example.jp@evil.test/")], False),
        ([m.uri("example.jp")], [], [m.uri("https://a.example.jp/")], False),
        ([m.uri(".example.jp")], [], [m.uri("https://a.example.jp/")], True),
        ([m.uri("example.jp")], [], [m.uri("https://192.0.2.1/")], False),
        ([m.uri("example.jp")], [], [m.uri("urn:x")], False),
        ([m.ip(b"\xc0\x00\x02\x00\xff\xff\xff\x00")], [], [m.ip(b"\xc0\x00\x02\x07")], True),
        ([m.ip(b"\xc0\x00\x02\x00\xff\xff\xff\x00")], [], [m.ip(b"\xc0\x00\x03\x07")], False),
        ([m.ip(b"\xc0\x00\x02\x00\xff\xff\xff\x00")], [], [m.ip(bytes(16))], False),
        ([m.ip(b"\xc0\x00\x02\x00\xff\x00\xff\x00")], [], [m.ip(b"\xc0\x00\x02\x07")], False),
        ([], [m.ip(bytes(32))], [m.ip(bytes(16))], False),
        ([m.directory(m.PERSON_NAME)], [], [], True),
        ([m.directory(m.name("person"))], [], [], True),
        ([m.directory(m.name("Other"))], [], [], False),
        ([], [m.directory(m.PERSON_NAME)], [], False),
        ([], [m.directory(m.PERSON_NAME)], [m.directory(m.name("x"))], False),
        ([], [m.directory(m.name("PERSON  "))], [], False),
        ([], [m.directory(m.name("Person", "Deeper"))], [], True),
        ([m.tlv(0x88, b"\x2a\x03")], [], [m.tlv(0x88, b"\x2a\x03")], False),
        ([m.tlv(0x88, b"\x2a\x03")], [], [m.dns("a.test")], True),
        ([OTHER], [], [OTHER], False),
    ],
)  # fmt: skip
def test_name_constraints(permitted: list[bytes], excluded: list[bytes], names: list[bytes], passes: bool) -> None:
    constrained = authority(m.name_constraints(permitted, excluded))
    target = person(m.subject_alternative(*names)) if names else person()
    verdict = chain(target, constrained)
    assert (verdict.indication == "PASSED") is passes, verdict.reason
    assert passes or verdict.sub_indication == CONSTRAINTS


def test_a_subtree_with_a_minimum_or_maximum_fails_closed() -> None:
    for extra in (b"\x80\x01\x01", b"\x81\x01\x05"):
        value = m.seq(m.tlv(0xA0, m.seq(m.dns("example.jp"), extra)))
        constrained = authority(m.extension("2.5.29.30", value, critical=True))
        assert chain(person(), constrained).sub_indication == CONSTRAINTS


def test_permitted_names_of_two_authorities_must_both_hold() -> None:
    top = root(m.name_constraints([m.dns("example.jp")]))
    ca = authority(m.name_constraints([m.dns("a.example.jp"), m.dns("example.com")]))
    assert chain(person(m.subject_alternative(m.dns("x.a.example.jp"))), ca, top).indication == "PASSED"
    for text in ("b.example.jp", "example.com"):
        assert chain(person(m.subject_alternative(m.dns(text))), ca, top).sub_indication == CONSTRAINTS


def test_the_subjects_mail_address_is_constrained_without_an_alternative_name() -> None:
    address = m.tlv(0x31, m.seq(m.oid("1.2.840.113549.1.9.1"), m.tlv(0x16, b"a@evil.test")))
    ca = authority(m.name_constraints(excluded=[m.email("evil.test")]))
    assert chain(person(subject=m.seq(address)), ca).sub_indication == CONSTRAINTS


def test_too_many_names_fail_closed_and_soon() -> None:
    ca = authority(m.name_constraints(excluded=[m.dns(f"x{n}.test") for n in range(1024)]))
    target = person(m.subject_alternative(*(m.dns(f"y{n}.test") for n in range(1024))))
    assert chain(target, ca).sub_indication == CONSTRAINTS


P1, P2, ANY = "1.2.3.1", "1.2.3.2", "2.5.29.32.0"


STRICT = {"explicit_policy": True}


def mapping(issuer: str, subject: str) -> bytes:
    return m.extension("2.5.29.33", m.seq(m.seq(m.oid(issuer), m.oid(subject))), critical=True)


@pytest.mark.parametrize(
    ("above", "below", "options", "expected"),
    [
        ((m.policies(P1),), (m.policies(P1),), {"explicit_policy": True}, {P1}),
        ((m.policies(P1),), (m.policies(P2),), {"explicit_policy": True}, None),
        ((m.policies(P1),), (), {"explicit_policy": True}, None),
        ((m.policies(P1),), (), {}, set()),
        ((m.policies(ANY),), (m.policies(P2),), {"explicit_policy": True}, {P2}),
        ((m.policies(ANY),), (m.policies(ANY),), {"explicit_policy": True, "policies": {P2}}, {P2}),
        ((m.policies(ANY),), (m.policies(P2),), {"explicit_policy": True, "inhibit_any": True}, None),
        ((m.policies(P1), mapping(P1, P2)), (m.policies(P2),), {"explicit_policy": True}, {P1}),
        ((m.policies(P1), mapping(P1, P2)), (m.policies(P2),), {"explicit_policy": True, "policies": {P2}}, None),
        ((m.policies(P1), mapping(P1, P2)), (m.policies(P2),), STRICT | {"inhibit_mapping": True}, None),
        ((m.policies(P1), mapping(P1, ANY)), (m.policies(P1),), {}, None),
        ((m.policies(P1),), (m.policies(P1),), {"policies": {P2}}, set()),
        ((m.policies(P1), m.extension("2.5.29.36", m.seq(b"\x80\x01\x00"), critical=True)), (), {}, None),
    ],
)  # fmt: skip
def test_policies(
    above: tuple[bytes, ...], below: tuple[bytes, ...], options: dict[str, Any], expected: set[str] | None
) -> None:
    verdict = chain(person(*below), authority(*above), **options)
    if expected is None:
        assert verdict.sub_indication == CONSTRAINTS
    else:
        assert (verdict.indication, verdict.policies) == ("PASSED", expected)


SERVER, STAMPING, OCSP = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"


@pytest.mark.parametrize(
    ("extensions", "above", "purpose", "passes"),
    [
        ((m.usage(0, 1),), (), "signature", True),
        ((m.usage(0),), (), "signature", False),
        ((), (), "signature", False),
        ((m.usage(0),), (), "user_authentication", True),
        ((m.usage(0, 1),), (), "user_authentication", False),
        ((m.usage(0),), (), SERVER, True),
        ((m.usage(0), m.purposes(SERVER)), (), SERVER, True),
        ((m.usage(1), m.purposes(SERVER)), (), SERVER, False),
        ((m.usage(0), m.purposes(OCSP)), (), SERVER, False),
        ((m.usage(0), m.purposes(SERVER)), (m.purposes(OCSP),), SERVER, False),
        ((m.usage(0), m.purposes("2.5.29.37.0")), (), SERVER, True),
        ((m.usage(0), m.purposes("2.5.29.37.0")), (), OCSP, False),
        ((m.usage(0), m.purposes(STAMPING, critical=True)), (), STAMPING, True),
        ((m.usage(0), m.purposes(STAMPING)), (), STAMPING, False),
        ((m.usage(0), m.purposes(STAMPING, SERVER, critical=True)), (), STAMPING, False),
    ],
)
def test_purposes(extensions: tuple[bytes, ...], above: tuple[bytes, ...], purpose: str, passes: bool) -> None:
    verdict = chain(person(extensions=extensions), authority(*above), purpose=purpose)
    assert (verdict.indication == "PASSED") is passes
    assert passes or (verdict.sub_indication, verdict.checks[9].result) == (CONSTRAINTS, "failed")


def test_a_graph_of_cross_certificates_costs_a_bounded_search() -> None:
    size = 9
    names = [m.name(f"CA {n}") for n in range(size)]
    graph = [
        m.Certificate(names[a], names[b], f"mesh {a}", f"mesh {b}", (m.basic(), m.CA_USAGE)).der()
        for a in range(size)
        for b in range(size)
        if a != b
    ]
    never = m.name_constraints(excluded=[m.directory(m.PERSON_NAME)])
    entry = m.Certificate(names[0], m.ROOT_NAME, "mesh 0", "root", (m.basic(), m.CA_USAGE, never)).der()
    target = person(issuer=names[-1], signer=f"mesh {size - 1}").der()
    assert judge(target, [root().der()], [*graph, entry]).indication == "FAILED"
    assert judge(target, [root().der()], graph).sub_indication == NO_PATH
    door = m.Certificate(names[4], m.ROOT_NAME, "mesh 4", "root", (m.basic(), m.CA_USAGE)).der()
    assert judge(target, [root().der()], [*graph, entry, door]).indication == "PASSED"


NO_OIDS = ("", "1", "abc", "1.2.x", "1..2", "1.2.", "1.٢")


def test_arguments_are_checked() -> None:
    with pytest.raises(InputError) as caught:
        judge(person().der(), [root().der()], at=datetime(2026, 1, 1))  # noqa: DTZ001
    assert caught.value.code == "certificate.time_without_zone"
    for options in ({"revocation": "maybe"}, {"purpose": "anything"}, *({"policies": {oid}} for oid in NO_OIDS)):
        with pytest.raises(InputError):
            judge(person().der(), [root().der()], **options)
    for age in (float("nan"), float("inf"), -1, timedelta(seconds=-1), 1e300):
        with pytest.raises(InputError, match=r"certificate\.max_age"):
            judge(person().der(), [root().der()], max_age=age)
    assert judge(b"", [], at=datetime(2026, 1, 1, tzinfo=UTC)).sub_indication == FORMAT


def test_json_shape_of_contracts() -> None:
    body = chain().to_json()
    assert set(body) == {"indication", "sub_indication", "reason", "at", "checks"}
    assert body["at"] == "2026-11-21T03:00:00Z"
