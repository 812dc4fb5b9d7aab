"""Revocation by CRL and OCSP: what says good, what says revoked, and all that must stay unknown."""

from datetime import timedelta
from typing import Any

import pytest
from tests.pki import making as m
from tests.pki.making import AT, CA_NAME, DAY, PERSON_NAME, authority, person, root

from honnin.errors import FormatError, InputError
from honnin.pki import Status, check_revocation, ocsp_request, validate_path
from honnin.pki.ocsp_status import certified_responders
from honnin.pki.rfc6960 import parse_ocsp_response

POINT = m.directory(m.name("Points", "City"))
OTHER_POINT = m.directory(m.name("Points", "Town"))


def full(name: bytes) -> bytes:
    return m.tlv(0xA0, m.tlv(0xA0, name))


def ask(target: m.Certificate | None = None, **options: Any) -> Status:
    return check_revocation((target or person()).der(), authority().der(), **({"at": AT} | options))


def test_a_list_without_the_certificate_says_good() -> None:
    status = ask(crls=[m.crl(CA_NAME, "ca", [m.entry(1)], extensions=[m.number(7)])])
    assert (status.state, status.revoked_at) == ("good", None)
    assert status.proof is not None
    assert (status.proof["kind"], status.proof["number"], status.proof["this_update"]) == ("crl", "7", AT - DAY)


def test_a_list_with_the_certificate_says_revoked_when_and_why() -> None:
    status = ask(crls=[m.crl(CA_NAME, "ca", [m.entry(1), m.entry(4711, m.reason(4)), m.entry(5)])])
    assert (status.state, status.reason, status.revoked_at) == ("revoked", "superseded", AT - 2 * DAY)


def test_nothing_at_hand_is_unknown() -> None:
    assert ask().state == "unknown"


@pytest.mark.parametrize("serial", [-1, -129, 1, 127, 128, 255, 256, 1 << 63, (1 << 159) - 1])
@pytest.mark.parametrize("extensions", [(), (m.reason(1),), (m.extension("2.5.29.24", m.generalized(AT)),)])
def test_serial_numbers_of_every_shape_are_found(serial: int, extensions: tuple[bytes, ...]) -> None:
    target = person(serial=m.num(serial))
    listed = [m.entry(n) for n in (5, 300, -5)]
    assert ask(target, crls=[m.crl(CA_NAME, "ca", [*listed, m.entry(serial, *extensions)])]).state == "revoked"
    assert ask(target, crls=[m.crl(CA_NAME, "ca", [*listed, m.entry(serial + 1, *extensions)])]).state == "good"


BAD_LISTS = {
    "stale": m.crl(CA_NAME, "ca", next_update=m.when(AT - timedelta(seconds=1))),
    "from the future": m.crl(CA_NAME, "ca", this_update=m.when(AT + DAY)),
    "without next update": m.crl(CA_NAME, "ca", next_update=b""),
    "signed by another": m.crl(CA_NAME, "person"),
    "of another issuer": m.crl(m.name("Other"), "ca"),
    "with an unknown critical extension": m.crl(
        CA_NAME, "ca", extensions=[m.extension("1.2.3", b"\x05\x00", critical=True)]
    ),
    "with a critical number": m.crl(CA_NAME, "ca", extensions=[m.extension("2.5.29.20", m.num(1), critical=True)]),
    "with an unknown critical entry extension": m.crl(
        CA_NAME, "ca", [m.entry(1), m.entry(2, m.extension("1.2.3", b"\x05\x00", critical=True)), m.entry(3)]
    ),
    "with a broken entry": m.crl(CA_NAME, "ca", [m.entry(1), m.seq(m.num(2)), m.entry(3)]),
    "with an entry of impossible time": m.crl(CA_NAME, "ca", [m.seq(m.num(2), m.tlv(0x17, b"26112103000Z"))]),
    "with an unknown reason": m.crl(CA_NAME, "ca", [m.entry(2, m.reason(7))]),
    "with a padded serial": m.crl(CA_NAME, "ca", [m.seq(b"\x02\x02\x00\x05", m.when(AT))]),
    "of version 1 with extensions": m.crl(CA_NAME, "ca", extensions=[m.number(1)], version=b""),
    "of version 1 with entry extensions": m.crl(CA_NAME, "ca", [m.entry(1, m.reason(1))], version=b""),
    "of version 3": m.crl(CA_NAME, "ca", version=m.num(2)),
    "that is a delta": m.crl(CA_NAME, "ca", extensions=[m.number(9), m.base_number(1)]),
    "for authorities": m.crl(CA_NAME, "ca", extensions=[m.scope(m.tlv(0x82, b"\xff"))]),
    "for attributes": m.crl(CA_NAME, "ca", extensions=[m.scope(m.tlv(0x85, b"\xff"))]),
    "for users and authorities": m.crl(CA_NAME, "ca", extensions=[m.scope(m.tlv(0x81, b"\xff"), m.tlv(0x82, b"\xff"))]),
    "for one reason": m.crl(CA_NAME, "ca", extensions=[m.scope(m.tlv(0x83, b"\x06\x40"))]),
    "for another point": m.crl(CA_NAME, "ca", extensions=[m.scope(full(OTHER_POINT))]),
    "with a false flag written out": m.crl(CA_NAME, "ca", extensions=[m.scope(m.tlv(0x84, b"\x00"))]),
    "naming an issuer though direct": m.crl(
        CA_NAME, "ca", [m.entry(1, m.extension("2.5.29.29", m.seq(m.directory(CA_NAME)), critical=True))]
    ),
    "over SHA-1": b"",
    "cut off": m.crl(CA_NAME, "ca")[:-1],
    "followed by something": m.crl(CA_NAME, "ca") + b"\0",
}


@pytest.mark.parametrize("what", BAD_LISTS)
def test_a_list_that_cannot_tell_is_unknown(what: str) -> None:
    assert ask(crls=[BAD_LISTS[what]]).state == "unknown"
    verdict = validate_path(
        person().der(), anchors=[authority().der()], crls=[BAD_LISTS[what]], at=AT, revocation="require"
    )
    assert (verdict.indication, verdict.sub_indication, verdict.exit_code) == ("INDETERMINATE", "TRY_LATER", 2)


@pytest.mark.parametrize("what", BAD_LISTS)
def test_beside_one_that_can_tell_it_changes_nothing(what: str) -> None:
    good = m.crl(CA_NAME, "ca", [m.entry(1)])
    bad = m.crl(CA_NAME, "ca", [m.entry(4711)])
    for order in (1, -1):
        assert ask(crls=[BAD_LISTS[what], good][::order]).state == "good"
        assert ask(crls=[BAD_LISTS[what], bad][::order]).state == "revoked"


def test_if_present_asks_only_where_data_should_have_told() -> None:
    def judged(*crls: bytes) -> str:
        return validate_path(
            person().der(), anchors=[authority().der()], crls=crls, at=AT, revocation="if_present"
        ).indication

    assert judged() == "PASSED"
    assert judged(m.crl(m.name("Other"), "other")) == "PASSED"
    assert judged(BAD_LISTS["for authorities"]) == "PASSED"
    for what in ("stale", "signed by another", "cut off", "with a broken entry"):
        assert judged(BAD_LISTS[what]) == "INDETERMINATE"
    assert judged(m.crl(CA_NAME, "ca", [m.entry(4711)])) == "FAILED"


def test_age_is_bounded_by_the_caller() -> None:
    crls = [m.crl(CA_NAME, "ca")]
    assert ask(crls=crls, max_age=timedelta(days=1)).state == "good"
    assert ask(crls=crls, max_age=timedelta(hours=23)).state == "unknown"
    assert ask(crls=crls, max_age=3600.0).state == "unknown"


def test_points_and_scopes_meet_by_any_name() -> None:
    target = person(m.points(POINT, m.uri("http://crl.test/1")))
    for name in (POINT, m.directory(m.name("points", "CITY ")), m.uri("http://crl.test/1")):
        assert ask(target, crls=[m.crl(CA_NAME, "ca", extensions=[m.scope(full(name))])]).state == "good"
    for name in (OTHER_POINT, m.uri("http://crl.test/2")):
        assert ask(target, crls=[m.crl(CA_NAME, "ca", extensions=[m.scope(full(name))])]).state == "unknown"
    assert ask(target, crls=[m.crl(CA_NAME, "ca")]).state == "good"


def test_a_scope_that_is_not_critical_still_counts() -> None:
    listed = m.crl(CA_NAME, "ca", extensions=[m.scope(full(OTHER_POINT), critical=False)])
    assert ask(person(m.points(POINT)), crls=[listed]).state == "unknown"


def test_reasons_add_up_over_lists() -> None:
    def some(flags: bytes, *entries: bytes) -> bytes:
        return m.crl(CA_NAME, "ca", entries, extensions=[m.scope(m.tlv(0x83, flags))])

    first, second = some(b"\x06\x40"), some(b"\x07\x3f\x80")
    assert ask(crls=[first]).state == "unknown"
    assert ask(crls=[first, second]).state == "good"
    assert ask(crls=[first, some(b"\x00\x3f")]).state == "unknown"
    assert ask(crls=[some(b"\x06\x40", m.entry(4711, m.reason(1)))]).state == "revoked"


def test_deltas() -> None:
    held = [m.entry(4711, m.reason(6))]
    complete = m.crl(CA_NAME, "ca", extensions=[m.number(5)])
    holding = m.crl(CA_NAME, "ca", held, extensions=[m.number(5)])

    def delta(*entries: bytes, number: int = 6, base: int = 5, signer: str = "ca", **more: Any) -> bytes:
        return m.crl(CA_NAME, signer, entries, extensions=[m.number(number), m.base_number(base)], **more)

    release = m.entry(4711, m.reason(8))
    assert ask(crls=[complete, delta(*held)]).state == "revoked"
    assert ask(crls=[holding, delta(release)]).state == "good"
    assert ask(crls=[holding, delta()]).state == "revoked"
    assert ask(crls=[holding, delta(release, number=5)]).state == "revoked"
    assert ask(crls=[holding, delta(release, base=6, number=7)]).state == "revoked"
    assert ask(crls=[holding, delta(release, signer="person")]).state == "revoked"
    assert ask(crls=[holding, delta(release, next_update=m.when(AT - DAY))]).state == "revoked"
    assert ask(crls=[delta(release)]).state == "unknown"
    for lost in (m.entry(4711, m.reason(1)), m.entry(4711)):
        assert ask(crls=[m.crl(CA_NAME, "ca", [lost], extensions=[m.number(5)]), delta(release)]).state == "revoked"
    assert ask(crls=[complete, delta(release)]).state == "good"


LOST_AT = m.extension("2.5.29.24", m.generalized(AT - 9 * DAY))


def test_of_several_revocations_the_earliest_counts_in_any_order() -> None:
    held = m.crl(CA_NAME, "ca", [m.entry(4711, m.reason(6), at=AT - 10 * DAY)], extensions=[m.number(1)])
    lost = m.crl(CA_NAME, "ca", [m.entry(4711, m.reason(1))], extensions=[m.number(2)])
    which = m.cert_id(CA_NAME, "ca")
    told = [m.answer(CA_NAME, "ca", [m.single(which, m.revoked(AT - days * DAY))]) for days in (3, 5)]
    for order in (1, -1):
        status = ask(crls=[held, lost][::order])
        assert (status.reason, status.revoked_at) == ("certificateHold", AT - 10 * DAY)
        assert ask(ocsp=told[::order]).revoked_at == AT - 5 * DAY
    assert ask(crls=[held], ocsp=told).revoked_at == AT - 10 * DAY
    assert ask(crls=[lost], ocsp=told).revoked_at == AT - 5 * DAY


@pytest.mark.parametrize(("code", "days"), [(1, 9), (2, 9), (4, 2), (6, 2)])
def test_a_lost_key_counts_from_its_invalidity_date(code: int, days: int) -> None:
    listed = m.crl(CA_NAME, "ca", [m.entry(4711, m.reason(code), LOST_AT)])
    assert ask(crls=[listed]).revoked_at == AT - days * DAY
    single = m.single(m.cert_id(CA_NAME, "ca"), m.revoked(code=code), extensions=[LOST_AT])
    assert ask(ocsp=[m.answer(CA_NAME, "ca", [single])]).revoked_at == AT - days * DAY


def test_an_invalidity_date_after_the_revocation_moves_nothing() -> None:
    later = m.extension("2.5.29.24", m.generalized(AT))
    assert ask(crls=[m.crl(CA_NAME, "ca", [m.entry(4711, m.reason(1), later)])]).revoked_at == AT - 2 * DAY


def test_a_malformed_invalidity_date_says_nothing() -> None:
    broken = m.extension("2.5.29.24", m.when(AT))
    assert ask(crls=[m.crl(CA_NAME, "ca", [m.entry(1, m.reason(1), broken)])]).state == "unknown"


SIGNER_NAME = m.name("Root", "Lists")
INDIRECT = m.scope(full(POINT), m.tlv(0x84, b"\xff"))


def indirect(*entries: bytes, signer: str = "lists", extensions: tuple[bytes, ...] = (INDIRECT,)) -> bytes:
    return m.crl(SIGNER_NAME, signer, entries, extensions=extensions)


def owner(issuer: bytes) -> bytes:
    return m.extension("2.5.29.29", m.seq(m.directory(issuer)), critical=True)


def judged_indirectly(crl: bytes, *, signer: m.Certificate | None = None, target: m.Certificate | None = None) -> str:
    lists = signer or m.Certificate(SIGNER_NAME, m.ROOT_NAME, "lists", "root", (m.usage(6),))
    target = target or person(m.points(POINT, issuer=SIGNER_NAME))
    verdict = validate_path(
        target.der(),
        anchors=[root().der()],
        intermediates=[authority().der(), lists.der()],
        crls=[crl, m.crl(m.ROOT_NAME, "root")],
        at=AT,
    )
    return verdict.sub_indication or verdict.indication


def test_indirect_lists() -> None:
    assert judged_indirectly(indirect()) == "PASSED"
    assert judged_indirectly(indirect(m.entry(4711, owner(CA_NAME)))) == "REVOKED"
    assert judged_indirectly(indirect(m.entry(1, owner(CA_NAME)), m.entry(4711))) == "REVOKED"
    assert judged_indirectly(indirect(m.entry(4711))) == "PASSED"
    assert judged_indirectly(indirect(m.entry(4711, owner(m.name("Other"))))) == "PASSED"
    assert judged_indirectly(indirect(m.entry(1, owner(CA_NAME)), m.entry(4711, owner(PERSON_NAME)))) == "PASSED"


def test_indirect_lists_need_their_flag_their_appointment_and_a_signer_with_a_path() -> None:
    assert judged_indirectly(indirect(extensions=(m.scope(full(POINT)),))) == "TRY_LATER"
    assert judged_indirectly(indirect(), target=person(m.points(POINT))) == "TRY_LATER"
    assert judged_indirectly(indirect(signer="person")) == "TRY_LATER"
    lists = m.Certificate(SIGNER_NAME, m.ROOT_NAME, "lists", "root", (m.usage(6),))
    for change in (
        {"extensions": (m.usage(0),)},
        {"signer": "lists", "issuer": SIGNER_NAME},
        {"not_after": m.when(AT - DAY)},
        {"issuer": PERSON_NAME, "signer": "person"},
    ):
        assert judged_indirectly(indirect(), signer=lists.but(**change)) == "TRY_LATER"
    revoking = m.crl(m.ROOT_NAME, "root", [m.entry(4711)])
    verdict = validate_path(
        person(m.points(POINT, issuer=SIGNER_NAME)).der(),
        anchors=[root().der()],
        intermediates=[authority(serial=m.num(9)).der(), lists.der()],
        crls=[indirect(), revoking],
        at=AT,
    )
    assert verdict.sub_indication == "TRY_LATER"


def test_a_signer_cannot_vouch_for_itself() -> None:
    """A second key of the CA's name signs lists, and only its own list says that it is not revoked."""
    second = m.Certificate(CA_NAME, CA_NAME, "second", "ca", (m.usage(6),), serial=m.num(77))

    def judged(*crls: bytes) -> str:
        verdict = validate_path(
            person().der(), anchors=[authority().der()], intermediates=[second.der()], crls=crls, at=AT
        )
        return verdict.sub_indication or verdict.indication

    assert judged(m.crl(CA_NAME, "second")) == "TRY_LATER"
    assert judged(m.crl(CA_NAME, "second", extensions=[m.scope(m.tlv(0x81, b"\xff"))])) == "TRY_LATER"


def test_an_authority_that_may_not_sign_lists() -> None:
    issuer = authority(extensions=(m.basic(), m.usage(5)))
    assert check_revocation(person().der(), issuer.der(), crls=[m.crl(CA_NAME, "ca")], at=AT).state == "unknown"


def test_the_issuer_must_have_issued_it() -> None:
    crls = [m.crl(CA_NAME, "ca")]
    for issuer in (root(), authority(key="other")):
        assert check_revocation(person().der(), issuer.der(), crls=crls, at=AT).state == "unknown"


def test_bad_arguments_have_codes() -> None:
    with pytest.raises(FormatError):
        check_revocation(b"\x30\x00", authority().der(), at=AT)
    with pytest.raises(FormatError):
        ask(person(m.extension("2.5.29.31", b"\x30\x00")))
    with pytest.raises(InputError):
        ask(at=AT.replace(tzinfo=None))


# --- OCSP -----------------------------------------------------------------------------------------------------------

WHICH = m.cert_id(CA_NAME, "ca")
RESPONDER_NAME = m.name("Responder")
SIGNING = m.purposes("1.3.6.1.5.5.7.3.9")


def responder(*extensions: bytes, **changes: Any) -> m.Certificate:
    base = m.Certificate(RESPONDER_NAME, CA_NAME, "responder", "ca", (m.usage(0), SIGNING, m.NO_CHECK, *extensions))
    return base.but(serial=m.num(99), **changes)


@pytest.mark.parametrize("hash_name", ["sha1", "sha256"])
@pytest.mark.parametrize("who", [CA_NAME, m.key_id("ca")], ids=["name", "key"])
def test_the_issuer_answers(hash_name: str, who: bytes) -> None:
    which = m.cert_id(CA_NAME, "ca", hash_name=hash_name)
    status = ask(ocsp=[m.answer(who, "ca", [m.single(which)])])
    assert status.state == "good"
    assert status.proof is not None
    assert status.proof["kind"] == "ocsp"
    status = ask(ocsp=[m.answer(who, "ca", [m.single(which, m.revoked())])])
    assert (status.state, status.reason, status.revoked_at) == ("revoked", "keyCompromise", AT - 2 * DAY)


@pytest.mark.parametrize("who", [RESPONDER_NAME, m.key_id("responder")], ids=["name", "key"])
def test_a_certified_responder_answers(who: bytes) -> None:
    sent = [responder().der()]
    assert ask(ocsp=[m.answer(who, "responder", [m.single(WHICH)], certificates=sent)]).state == "good"
    assert ask(ocsp=[m.answer(who, "responder", [m.single(WHICH)])]).state == "unknown"


CRL_POINT = m.points(m.uri("http://crl.test/"))


@pytest.mark.parametrize(
    "broken",
    [
        responder(extensions=(m.usage(0), m.NO_CHECK)),
        responder(extensions=(m.usage(0), m.purposes("2.5.29.37.0"), m.NO_CHECK)),
        responder(extensions=(m.usage(5, 6), SIGNING, m.NO_CHECK)),
        responder(extensions=(m.usage(6), SIGNING, m.NO_CHECK)),
        responder(m.extension("1.2.3", b"\x05\x00", critical=True)),
        responder(not_after=m.when(AT - DAY)),
        responder(not_before=m.when(AT + DAY)),
        responder(signer="responder"),
        responder(signer="root", issuer=m.ROOT_NAME),
        responder(issuer=m.ROOT_NAME),
        responder(extensions=(m.usage(0), SIGNING, CRL_POINT)),
    ],
)
def test_an_uncertified_responder_is_not_believed(broken: m.Certificate) -> None:
    given = m.answer(RESPONDER_NAME, "responder", [m.single(WHICH)], certificates=[broken.der()])
    assert ask(ocsp=[given]).state == "unknown"


def test_of_what_an_answer_brings_only_what_its_issuer_certified_for_answers_is_told() -> None:
    mine, strange = (
        responder().der(),
        [
            responder(extensions=(m.usage(0), m.NO_CHECK)),
            responder(signer="responder"),
            responder(signer="root", issuer=m.ROOT_NAME),
            responder(issuer=m.ROOT_NAME),
            person(),
            responder(trailer=b"\x05\x00"),
        ],
    )
    issuer = authority().der()

    def told(*sent: bytes) -> tuple[bytes, ...]:
        given = m.answer(RESPONDER_NAME, "responder", [m.single(WHICH)], certificates=[*sent])
        return certified_responders(given, issuer)

    for one in strange:
        assert told(one.der()) == ()
        assert told(one.der(), mine) == (mine,)
        assert told(mine, one.der()) == (mine,)
    later = responder(not_after=m.when(AT + 2 * DAY)).der()
    assert told(later) == (later,)
    assert told() == ()
    with pytest.raises(FormatError, match=r"ocsp\.malformed"):
        certified_responders(b"", issuer)


def test_a_responder_that_can_be_revoked_is_checked() -> None:
    checked = responder(extensions=(m.usage(0), SIGNING, CRL_POINT))
    given = m.answer(RESPONDER_NAME, "responder", [m.single(WHICH)], certificates=[checked.der()])
    assert ask(ocsp=[given], crls=[m.crl(CA_NAME, "ca", extensions=[m.scope(m.tlv(0x81, b"\xff"))])]).state == "good"
    assert ask(ocsp=[given], crls=[m.crl(CA_NAME, "ca", [m.entry(99), m.entry(4711)])]).state == "revoked"
    silent = responder(extensions=(m.usage(0), SIGNING))
    given = m.answer(RESPONDER_NAME, "responder", [m.single(WHICH)], certificates=[silent.der()])
    assert ask(ocsp=[given]).state == "good"
    only = m.crl(CA_NAME, "ca", [m.entry(99)], extensions=[m.scope(m.tlv(0x83, b"\x06\x40"))])
    assert ask(ocsp=[given], crls=[only]).state == "unknown"


CRITICAL = m.extension("1.2.3", b"\x05\x00", critical=True)
OK = m.answer(CA_NAME, "ca", [m.single(WHICH)])


@pytest.mark.parametrize(
    "given",
    [
        m.answer(CA_NAME, "ca", [m.single(WHICH, m.UNKNOWN)]),
        m.answer(CA_NAME, "ca", []),
        m.answer(CA_NAME, "person", [m.single(WHICH)]),
        m.answer(m.name("Other"), "ca", [m.single(WHICH)]),
        m.answer(m.key_id("person"), "ca", [m.single(WHICH)]),
        m.answer(CA_NAME, "ca", [m.single(m.cert_id(CA_NAME, "ca", 4712))]),
        m.answer(CA_NAME, "ca", [m.single(m.cert_id(m.ROOT_NAME, "ca"))]),
        m.answer(CA_NAME, "ca", [m.single(m.cert_id(CA_NAME, "root"))]),
        m.answer(CA_NAME, "ca", [m.single(WHICH, next_update=AT - timedelta(seconds=1))]),
        m.answer(CA_NAME, "ca", [m.single(WHICH, this_update=AT + timedelta(hours=1))]),
        m.answer(CA_NAME, "ca", [m.single(WHICH, this_update=AT - timedelta(hours=2), next_update=None)]),
        m.answer(CA_NAME, "ca", [m.single(WHICH)], extensions=[CRITICAL]),
        m.answer(CA_NAME, "ca", [m.single(WHICH, extensions=[CRITICAL])]),
        m.seq(m.tlv(0x0A, b"\x03")),
        m.seq(m.tlv(0x0A, b"\x00")),
        OK[:-1],
        OK + b"\0",
        b"",
    ],
)
def test_an_answer_that_cannot_tell_is_unknown(given: bytes) -> None:
    assert ask(ocsp=[given]).state == "unknown"
    assert ask(ocsp=[given, OK]).state == "good"
    verdict = validate_path(person().der(), anchors=[authority().der()], ocsp=[given], at=AT)
    assert verdict.sub_indication == "TRY_LATER"


def test_revoked_outweighs_good() -> None:
    bad = m.answer(CA_NAME, "ca", [m.single(WHICH, m.revoked())])
    for order in (1, -1):
        assert ask(ocsp=[OK, bad][::order]).state == "revoked"
    both = m.answer(CA_NAME, "ca", [m.single(WHICH), m.single(WHICH, m.revoked())])
    assert ask(ocsp=[both]).state == "revoked"
    assert ask(ocsp=[OK], crls=[m.crl(CA_NAME, "ca", [m.entry(4711)])]).state == "revoked"
    assert ask(ocsp=[bad], crls=[m.crl(CA_NAME, "ca")]).state == "revoked"


def test_answers_without_next_update_are_good_while_fresh() -> None:
    fresh = m.answer(CA_NAME, "ca", [m.single(WHICH, next_update=None)])
    assert ask(ocsp=[fresh]).state == "good"
    assert ask(ocsp=[fresh], max_age=60).state == "unknown"
    old = m.answer(CA_NAME, "ca", [m.single(WHICH, this_update=AT - 3 * DAY, next_update=None)])
    assert ask(ocsp=[old], max_age=timedelta(days=4)).state == "good"


def test_requests_are_read_by_the_library() -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509 import ocsp

    cert, issuer = person().der(), authority().der()
    sent = ocsp.load_der_ocsp_request(ocsp_request(cert, issuer, nonce=b"n" * 32))
    theirs = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(*map(x509.load_der_x509_certificate, (cert, issuer)), hashes.SHA1())  # noqa: S303
        .build()
    )
    for field in ("serial_number", "issuer_name_hash", "issuer_key_hash"):
        assert getattr(sent, field) == getattr(theirs, field)
    nonce = sent.extensions[0].value
    assert isinstance(nonce, x509.OCSPNonce)
    assert nonce.nonce == b"n" * 32
    with pytest.raises(InputError):
        ocsp_request(cert, issuer, nonce=b"")


def test_the_nonce_comes_back() -> None:
    sent = m.extension("1.3.6.1.5.5.7.48.1.2", m.tlv(0x04, b"n" * 32))
    assert parse_ocsp_response(m.answer(CA_NAME, "ca", [m.single(WHICH)], extensions=[sent])).nonce == b"n" * 32
    assert parse_ocsp_response(OK).nonce is None
