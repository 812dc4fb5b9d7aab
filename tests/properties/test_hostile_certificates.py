"""Certificates, CRLs and OCSP answers that were cut, stretched or changed: a verdict or a coded error, never good.

Mutations work on bytes and on the DER tree (drop, double, swap, retag, relength), so that many still parse.
"""

import random
from collections.abc import Callable
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.pki import making as m
from tests.pki.making import AT, CA_NAME, authority, person, root

from honnin.errors import HonninError
from honnin.pki import check_revocation, validate_path
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.pki.rfc5280.crl import entries_for, parse_crl
from honnin.pki.rfc6960 import parse_ocsp_response

POINT = m.directory(m.name("Points"))
TARGET = person(
    m.subject_alternative(m.dns("a.example.jp"), m.directory(m.name("x"))),
    m.policies("1.2.3.1"),
    m.points(POINT),
    m.purposes("1.3.6.1.5.5.7.3.2"),
    m.extension("2.5.29.35", m.seq(m.tlv(0x80, m.key_id("ca")))),
    m.extension("2.5.29.14", m.tlv(0x04, m.key_id("person"))),
).der()
CA = authority(
    m.policies("2.5.29.32.0"),
    m.name_constraints([m.dns("example.jp")], [m.directory(m.name("Nobody"))]),
    m.extension("2.5.29.36", m.seq(b"\x80\x01\x02"), critical=True),
    m.extension("2.5.29.14", m.tlv(0x04, m.key_id("ca"))),
).der()
ROOT = root().der()
LIST = m.crl(
    CA_NAME,
    "ca",
    [m.entry(n, m.reason(n % 7)) for n in range(1, 6)],
    extensions=[m.number(3), m.scope(m.tlv(0xA0, m.tlv(0xA0, POINT)))],
)
ROOT_LIST = m.crl(m.ROOT_NAME, "root", [m.entry(1)])
RESPONDER = m.Certificate(
    m.name("Responder"), CA_NAME, "responder", "ca", (m.usage(0), m.purposes("1.3.6.1.5.5.7.3.9"), m.NO_CHECK)
).der()
ANSWER = m.answer(m.name("Responder"), "responder", [m.single(m.cert_id(CA_NAME, "ca"))], certificates=[RESPONDER])
SAMPLES = (TARGET, CA, LIST, ANSWER)


def spans(octets: bytes, start: int = 0, stop: int | None = None) -> list[tuple[int, int, int]]:
    """`(start, content, stop)` of every value in the tree, as far as it reads."""
    found = []
    stop = len(octets) if stop is None else stop
    while start + 2 <= stop:
        content = start + 2
        length = octets[start + 1]
        if length > 0x80:
            count = length & 0x7F
            content += count
            length = int.from_bytes(octets[start + 2 : content], "big")
        if content + length > stop:
            break
        found.append((start, content, content + length))
        if octets[start] & 0x20 or octets[start] == 0x04:
            found += spans(octets, content, content + length)
        start = content + length
    return found


def rebuilt(octets: bytes, at: int, stop: int, new: bytes) -> bytes:
    """Replace one value and mend the lengths of all that enclose it."""
    result = new
    parents = [s for s in spans(octets) if s[1] <= at and stop <= s[2] and s[0] < at]
    inner = (at, stop)
    for start, content, end in sorted(parents, key=lambda s: -s[0]):
        result = m.tlv(octets[start], octets[content : inner[0]] + result + octets[inner[1] : end])
        inner = (start, end)
    return octets[: inner[0]] + result + octets[inner[1] :]


def changed(octets: bytes, rng: random.Random, value: bytes, body: bytes) -> bytes:
    """One value, changed in one of eight ways. `body` is its content."""
    match rng.randrange(8):
        case 0:
            return b""
        case 1:
            return value * 2
        case 2:
            return bytes((rng.randrange(256),)) + value[1:]
        case 3:
            return value[:1] + b"\x80" + value[2:] + b"\0\0"
        case 4:
            return value[:1] + b"\x81" + value[1:]
        case 5:
            return m.tlv(value[0], rng.randbytes(rng.choice((0, 1, 3, 40, 300))))
        case 6:
            return m.tlv(value[0], body * 50)
        case _:
            start, _, stop = rng.choice(spans(octets))
            return octets[start:stop]


def mutated(octets: bytes, seed: int) -> bytes:
    rng = random.Random(seed)  # noqa: S311  # mutations, not keys
    for _ in range(rng.randint(1, 3)):
        tree = spans(octets)
        if not tree:
            return octets
        at, content, stop = rng.choice(tree)
        new = changed(octets, rng, octets[at:stop], octets[content:stop])
        octets = rebuilt(octets, at, stop, new) if rng.random() < 0.8 else octets[:at] + new + octets[stop:]
        octets = octets[: 1 << 16]
    return octets


def attempt(call: Callable[[], Any], *subjects: str) -> Any:
    """What a call returns, None where it raises an error with a code of one of the subjects."""
    code = ""
    try:
        return call()
    except HonninError as error:
        code = error.code
    assert code.split(".")[0] in subjects
    return None


def exercise(octets: bytes) -> None:
    """Everything that takes bytes from outside, with `octets` in each place.

    As an anchor or an issuer, changed bytes are still trusted as given; an answer may change where it is not signed.
    """
    attempt(lambda: parse_certificate(octets), "certificate")
    answer = attempt(lambda: parse_ocsp_response(octets), "ocsp")
    attempt(lambda: entries_for(parse_crl(octets), 4711), "crl")
    lists = [LIST, ROOT_LIST]
    for target, anchor, below, crls in (
        (octets, ROOT, CA, lists),
        (TARGET, ROOT, octets, lists),
        (TARGET, ROOT, CA, [octets, ROOT_LIST]),
    ):
        verdict = validate_path(target, anchors=[anchor], intermediates=[below], crls=crls, at=AT)
        assert verdict.indication in {"FAILED", "INDETERMINATE"}
    validate_path(TARGET, anchors=[octets], intermediates=[CA], crls=lists, ocsp=[ANSWER], at=AT)
    attempt(lambda: check_revocation(TARGET, octets, crls=lists, ocsp=[ANSWER], at=AT), "certificate")
    status = attempt(lambda: check_revocation(octets, CA, crls=lists, ocsp=[ANSWER], at=AT), "certificate")
    assert status is None or status.state != "good"
    if check_revocation(TARGET, CA, ocsp=[octets], at=AT).state == "good":
        assert answer.tbs == parse_ocsp_response(ANSWER).tbs


def test_untouched_they_pass() -> None:
    assert (
        validate_path(TARGET, anchors=[ROOT], intermediates=[CA], crls=[LIST, ROOT_LIST], at=AT).indication == "PASSED"
    )
    assert check_revocation(TARGET, CA, ocsp=[ANSWER], at=AT).state == "good"


@settings(max_examples=300, deadline=2000)
@given(st.integers(0, len(SAMPLES) - 1), st.integers(0, 1 << 32))
def test_mutated_values_never_pass(which: int, seed: int) -> None:
    sample = SAMPLES[which]
    octets = mutated(sample, seed)
    if octets != sample:
        exercise(octets)


@settings(max_examples=200, deadline=2000)
@given(st.integers(0, len(SAMPLES) - 1), st.data())
def test_changed_octets_never_pass(which: int, data: st.DataObject) -> None:
    sample = SAMPLES[which]
    at = data.draw(st.integers(0, len(sample) - 1))
    new = data.draw(st.binary(max_size=3))
    stop = at + data.draw(st.integers(0, 3))
    octets = sample[:at] + new + sample[stop:]
    if octets != sample:
        exercise(octets)


@settings(max_examples=100, deadline=2000)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\x30\x80\x00\x00")
@example(b"\x30\x84\xff\xff\xff\xff")
@example(b"\x30\x82" * 2000)
def test_any_octets_are_refused(octets: bytes) -> None:
    exercise(octets)
