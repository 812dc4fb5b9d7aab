"""Certificates and lists made to be expensive: the work stays bounded, and nothing costly is remembered."""

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from tests.pki import making as m

from honnin.pki import validate_path

SECONDS = 4.0  # generous: the machine may be busy; each case takes a fraction of it


def judged(target: m.Certificate, ca: m.Certificate, *below: bytes, **options: Any) -> str:
    given = {"at": m.AT, "revocation": "off"} | options
    verdict = validate_path(target.der(), anchors=[m.root().der()], intermediates=[ca.der(), *below], **given)
    return verdict.indication


def many_names() -> str:
    ca = m.authority(m.name_constraints(excluded=[m.dns(f"x{n}.test") for n in range(3000)]))
    return judged(m.person(m.subject_alternative(*(m.dns(f"y{n}.test") for n in range(3000)))), ca)


def many_policies() -> str:
    every = [f"1.2.3.{n}" for n in range(60)]
    pairs = m.seq(*(m.seq(m.oid(a), m.oid(b)) for a in every for b in every))
    step = (m.policies(*every), m.extension("2.5.29.33", pairs))
    names = [m.name(f"Step {n}") for n in range(12)]
    signers = ["ca", *(f"s{n}" for n in range(12))]
    chain = [
        m.Certificate(
            names[n], names[n - 1] if n else m.CA_NAME, signers[n + 1], signers[n], (m.basic(), m.CA_USAGE, *step)
        ).der()
        for n in range(12)
    ]
    target = m.person(m.policies(*every), issuer=names[-1], signer="s11")
    return judged(target, m.authority(*step), *chain, explicit_policy=True)


def wide_mesh() -> str:
    names = [m.name(f"Mesh {n}") for n in range(14)]
    mesh = [
        m.Certificate(names[a], names[b], f"w{a}", f"w{b}", (m.basic(), m.CA_USAGE)).der()
        for a in range(14)
        for b in range(14)
        if a != b
    ]
    door = m.Certificate(names[0], m.CA_NAME, "w0", "ca", (m.basic(), m.CA_USAGE)).der()
    closed = m.authority(m.name_constraints(excluded=[m.directory(m.PERSON_NAME)]))
    return judged(m.person(issuer=names[-1], signer="w13"), closed, door, *mesh)


def many_lists() -> str:
    crls = [m.crl(m.CA_NAME, "other", [m.entry(n)]) for n in range(300)]
    twins = [m.authority(key=f"t{n}", extensions=(m.basic(), m.CA_USAGE)).der() for n in range(20)]
    return judged(m.person(), m.authority(), *twins, crls=crls, revocation="require")


def long_values() -> str:
    huge = m.extension("2.5.29.15", m.tlv(0x03, b"\0", b"\xff" * 2_000_000))
    return judged(m.person(extensions=(huge,)), m.authority())


def long_serial() -> str:
    return judged(m.person(serial=m.num(1 << 8_000_000)), m.authority())


CASES = [
    (many_names, "FAILED"),
    (many_policies, "PASSED"),
    (wide_mesh, "FAILED"),
    (many_lists, "INDETERMINATE"),
    (long_values, "FAILED"),
    (long_serial, "FAILED"),
]


@pytest.mark.parametrize(("case", "expected"), CASES)
def test_costly_input_is_judged_soon(case: Callable[[], str], expected: str) -> None:
    case()  # makes the keys and signatures, and takes them from the measurement
    start = time.process_time()
    assert case() == expected
    assert time.process_time() - start < SECONDS


def test_long_values_are_not_remembered() -> None:
    def once(number: int) -> None:
        names = m.name_constraints([m.dns(f"{number}-{n}.test") for n in range(2000)])
        judged(m.person(), m.authority(names))

    once(0)
    tracemalloc.start()
    try:
        for number in range(1, 5):
            once(number)
        m.sign.cache_clear()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1 << 20
