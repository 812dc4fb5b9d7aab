"""Bad input gives a verdict or a coded error: certificates, signatures, CMS and facts, cut, stretched, mutated."""

from contextlib import suppress
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pki import cms
from tests.pki.signing import NOW, PERSON, Authority, rsa_key, sign_pkcs1

import honnin
from honnin.errors import FormatError, HonninError
from honnin.pki import Facts, Report, judge
from honnin.pki.ber import definite
from honnin.pki.jpki import JpkiCertificate, distinguished_name, parse_jpki_certificate
from honnin.pki.kinds import path_by_kind
from honnin.pki.revocation_sources import read_revocation
from honnin.pki.rfc5280.building import PathContext, build_and_check
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.pki.rfc5280.store import store_of
from honnin.pki.rfc5652 import SignedData, read_signed_data

CONTENT = b"open an account"


@cache
def material() -> tuple[Authority, bytes, bytes, bytes, bytes]:
    authority = Authority.make()
    certificate = authority.issue(rsa_key().public_key(), person=PERSON)
    info = cms.signer(certificate, cms.attributes(CONTENT), cms.pkcs1())
    signed = cms.signed_data(CONTENT, [info], [certificate])
    return authority, certificate, authority.crl(), signed, sign_pkcs1(CONTENT)


@st.composite
def damaged(draw: st.DrawFn, which: int) -> bytes:
    """Genuine bytes with up to four changes: a flip, a cut, an insertion, a doubled stretch."""
    octets = bytearray(material()[which])
    for _ in range(draw(st.integers(1, 4))):
        if not octets:
            break
        at = draw(st.integers(0, len(octets) - 1))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "double", "drop"]))
        if kind == "flip":
            octets[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del octets[at:]
        elif kind == "insert":
            octets[at:at] = draw(st.binary(min_size=1, max_size=8))
        elif kind == "double":
            octets[at:at] = octets[at : at + draw(st.integers(1, 64))]
        else:
            del octets[at : at + draw(st.integers(1, 16))]
    return bytes(octets)


def verify(signed: bytes, **arguments: object) -> Report | None:
    try:
        report = honnin.verify(signed, at=NOW, **arguments)  # type: ignore[arg-type]
    except HonninError:
        return None
    assert report.indication in {"TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE"}
    assert judge(Facts.decode(report.facts.encode())).to_json() == report.to_json()
    assert report.words()["en"]
    return report


@given(damaged(1) | st.binary(max_size=200))
def test_certificates(octets: bytes) -> None:
    with suppress(FormatError):
        assert isinstance(parse_jpki_certificate(octets), JpkiCertificate)
    authority, certificate, crl, _, signature = material()
    report = verify(signature, content=CONTENT, certificate=octets, anchors=[authority.der], crls=[crl])
    if report is not None and report.indication == "TOTAL-PASSED":
        assert octets == certificate


@given(damaged(1))
def test_the_lane_for_known_kinds_passes_nothing_more(octets: bytes) -> None:
    authority, certificate, crl, _, _ = material()
    context = PathContext(
        store=store_of([authority.der]), revocation=read_revocation([crl], ()), mode="require", at=NOW
    )
    path_by_kind(parse_certificate(certificate), context)
    with suppress(FormatError):
        by_kind, in_full = (judged(parse_certificate(octets), context) for judged in (path_by_kind, build_and_check))
        assert (by_kind.fault, by_kind.policies, by_kind.findings) == (
            in_full.fault,
            in_full.policies,
            in_full.findings,
        )


@given(damaged(4) | st.binary(max_size=300))
def test_raw_signatures(octets: bytes) -> None:
    authority, certificate, crl, _, signature = material()
    report = verify(octets, content=CONTENT, certificate=certificate, anchors=[authority.der], crls=[crl])
    if report is not None and report.indication == "TOTAL-PASSED":
        assert octets == signature


@given(damaged(3) | st.binary(max_size=200))
def test_cms(octets: bytes) -> None:
    authority, _, crl, _, _ = material()
    with suppress(FormatError):
        assert isinstance(read_signed_data(octets), SignedData)
    verify(octets, content=CONTENT, anchors=[authority.der], crls=[crl])


@given(damaged(2) | st.binary(max_size=200), st.booleans())
def test_revocation_data(octets: bytes, as_ocsp: bool) -> None:
    authority, certificate, crl, _, signature = material()
    given_data = {"ocsp": [octets]} if as_ocsp else {"crls": [octets]}
    report = verify(signature, content=CONTENT, certificate=certificate, anchors=[authority.der], **given_data)
    assert report is not None
    if report.indication == "TOTAL-PASSED":
        assert octets == crl


@given(st.binary(max_size=200))
def test_anchors(octets: bytes) -> None:
    _, certificate, crl, _, signature = material()
    report = verify(signature, content=CONTENT, certificate=certificate, anchors=[octets], crls=[crl])
    assert report is not None
    assert report.indication == "INDETERMINATE"


@given(st.recursive(st.binary(max_size=6), lambda inner: st.lists(inner, max_size=4)), st.data())
def test_definite_reads_what_streaming_writers_make(tree: object, data: st.DataObject) -> None:
    """Any mixture of definite and indefinite lengths comes out as the one definite encoding."""
    streamed, plain = _written(tree, data)
    assert definite(streamed) == plain


def _written(tree: object, data: st.DataObject) -> tuple[bytes, bytes]:
    if isinstance(tree, bytes):
        if data.draw(st.booleans()):
            cut = data.draw(st.integers(0, len(tree)))
            pieces = b"".join(cms.tlv(0x04, part) for part in (tree[:cut], tree[cut:]))
            return b"\x24\x80" + pieces + b"\x00\x00", cms.tlv(0x04, tree)
        return cms.tlv(0x04, tree), cms.tlv(0x04, tree)
    assert isinstance(tree, list)
    parts = [_written(part, data) for part in tree]
    streamed, plain = b"".join(a for a, _ in parts), b"".join(b for _, b in parts)
    if data.draw(st.booleans()):
        return b"\x30\x80" + streamed + b"\x00\x00", cms.tlv(0x30, plain)
    return cms.tlv(0x30, streamed), cms.tlv(0x30, plain)


@given(st.binary(max_size=400))
def test_any_bytes_made_definite_or_refused(octets: bytes) -> None:
    try:
        once = definite(octets)
    except FormatError:
        return
    assert definite(once) == once


@given(st.binary(max_size=100))
def test_names(octets: bytes) -> None:
    with suppress(FormatError):
        assert isinstance(distinguished_name(octets), str)


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.integers(0, 7))
def test_damaged_facts(seed: int, bit: int) -> None:
    authority, certificate, crl, _, signature = material()
    report = verify(signature, content=CONTENT, certificate=certificate, anchors=[authority.der], crls=[crl])
    assert report is not None
    octets = bytearray(report.facts.encode())
    octets[seed % len(octets)] ^= 1 << bit
    try:
        facts = Facts.decode(bytes(octets))
    except FormatError:
        return
    assert judge(facts).indication in {"TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE"}
