"""Damaged PDFs, XML and time stamps: a verdict or a coded error; no altered file passes."""

import re
from contextlib import suppress
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.documents.files import CA, CERTIFICATE, HOUR, OTHER, signed_pdf, stamper
from tests.documents.xml import by_signxml
from tests.pki.signing import NOW

import honnin
from honnin.errors import FormatError, HonninError
from honnin.pki import Report
from honnin.pki.time_stamps import read_token


@cache
def material() -> dict[str, bytes]:
    two = signed_pdf(signed_pdf(stamped=NOW - HOUR), name="other", certificate=OTHER, field="Signature2")
    return {"pdf": signed_pdf(), "two": two, "xml": by_signxml(), "xades": by_signxml(xades=True), "token": _token()}


def _token() -> bytes:
    import asyncio

    given = asyncio.run(stamper().async_timestamp(b"\0" * 32, "sha256"))
    octets: bytes = given.dump()
    return octets


@st.composite
def damaged(draw: st.DrawFn, name: str) -> bytes:
    octets = bytearray(material()[name])
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(octets) - 1, 0)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "double", "drop", "token"]))
        if kind == "flip" and octets:
            octets[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del octets[at:]
        elif kind == "insert":
            octets[at:at] = draw(st.binary(min_size=1, max_size=8))
        elif kind == "double":
            octets[at:at] = octets[at : at + draw(st.integers(1, 400))]
        elif kind == "drop":
            del octets[at : at + draw(st.integers(1, 40))]
        else:
            octets[at:at] = draw(
                st.sampled_from(
                    [b"<a/>", b"<<", b">>", b"endobj", b" 1 0 R", b"<!--x-->", b"<![CDATA[x]]>", b"&amp;", b"xmlns='x'"]
                )
            )
    return bytes(octets)


def judged(octets: bytes) -> Report | None:
    with suppress(HonninError):
        return honnin.verify(octets, anchors=[CA.der], crls=[CA.crl()], at=NOW, certificate=CERTIFICATE, content=b"")
    return None


def same_pdf(octets: bytes, genuine: bytes) -> bool:
    """The same but for the spelling of hex digits inside signature values and white space at the end."""

    def plain(one: bytes) -> bytes:
        return re.sub(rb"<[0-9a-fA-F]{400,}>", lambda found: found[0].lower(), one).rstrip(b"\0\t\n\f\r ")

    return plain(octets) == plain(genuine)


@settings(max_examples=120)
@given(damaged("pdf"))
def test_pdf(octets: bytes) -> None:
    report = judged(octets)
    if report is not None and report.indication == "TOTAL-PASSED":
        assert same_pdf(octets, material()["pdf"])


@settings(max_examples=60)
@given(damaged("two"))
def test_pdf_of_two(octets: bytes) -> None:
    report = judged(octets)
    if report is not None and report.indication == "TOTAL-PASSED":
        # cut back to the first revision it is the first signer's file, which is genuine, too
        assert same_pdf(octets, material()["two"]) or len(report.signers) == 1


def meaning(octets: bytes) -> bytes:
    tree = etree.fromstring(octets)
    for signature in tree.findall("{http://www.w3.org/2000/09/xmldsig#}Signature"):
        tree.remove(signature)
    return etree.tostring(tree, method="c14n", with_comments=False)


@settings(max_examples=300)
@given(st.sampled_from(["xml", "xades"]).flatmap(damaged))
def test_xml(octets: bytes) -> None:
    report = judged(octets)
    if report is not None and report.indication == "TOTAL-PASSED":
        assert meaning(octets) == meaning(material()["xml"])


@settings(max_examples=300)
@given(damaged("token"))
def test_time_stamp(octets: bytes) -> None:
    with suppress(FormatError):
        read_token(octets)


@settings(max_examples=200)
@given(st.sampled_from([b"%PDF-1.7\n", b"<?xml version='1.0'?>", b"<a>", b"\xff\xfe<\0"]), st.binary(max_size=300))
def test_beginnings_of_documents(start: bytes, rest: bytes) -> None:
    report = judged(start + rest)
    assert report is None or report.indication == "TOTAL-FAILED"
