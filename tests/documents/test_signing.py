"""Documents made in two steps: every kind, shape and level; what does not fit together is refused."""

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo
from tests.documents.files import CA, CERTIFICATE, HOUR, OTHER, pdf
from tests.documents.making import KEPT, LEASE, ON_CURVE, sign, sign_on_curve, stamp
from tests.pki.signing import DAY, NOW, rsa_key

import honnin
from honnin.errors import FormatError, InputError
from honnin.pki import Report
from honnin.pki.signing import Prepared, Stamp, assemble, prepare, time_stamp_document

SOURCES = {"pdf": pdf(), "xml": LEASE, "cms": b"a lease"}
SHAPES = [
    ("pdf", None),
    ("xml", "enveloped"),
    ("xml", "enveloping"),
    ("xml", "detached"),
    ("cms", "attached"),
    ("cms", "detached"),
]


def verify(signed: bytes, **given: object) -> Report:
    return honnin.verify(signed, **{"anchors": [CA.der], "crls": [CA.crl()], "at": NOW, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "shape"), SHAPES)
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("level", ["B", "T", "LT"])
def test_every_shape_and_level(kind: str, shape: str | None, known: bool, level: str) -> None:
    certificate = CERTIFICATE if known else None
    prepared = prepare(SOURCES[kind], kind, at=NOW, certificate=certificate, shape=shape, uri="lease.xml")  # type: ignore[arg-type]
    prepared = Prepared.decode(prepared.encode())  # the signature comes another day
    signed = assemble(
        prepared,
        sign(prepared.digest),
        CERTIFICATE,
        stamp=stamp if level != "B" else None,
        kept=KEPT if level == "LT" else None,
    )
    given: dict[str, object] = {"content": SOURCES[kind]} if shape == "detached" else {}
    report = verify(signed, **given, **({"crls": []} if level == "LT" else {}))
    assert report.indication == "TOTAL-PASSED", report.reason
    assert report.existed_at == (None if level == "B" else NOW - HOUR)
    if level == "LT":  # the signer's certificate ended long ago; stamp and kept data still prove it
        late = verify(signed, **given, crls=[], at=NOW + 400 * DAY)
        assert late.indication == "TOTAL-PASSED", late.reason


@pytest.mark.parametrize(("kind", "shape"), SHAPES)
def test_next_cards_key_on_a_curve(kind: str, shape: str | None) -> None:
    prepared = prepare(SOURCES[kind], kind, at=NOW, certificate=ON_CURVE, shape=shape, uri="lease.xml")  # type: ignore[arg-type]
    assert prepared.hash == "sha384"
    signed = assemble(prepared, sign_on_curve(prepared.digest), ON_CURVE)
    report = verify(signed, **({"content": SOURCES[kind]} if shape == "detached" else {}))
    assert report.indication == "TOTAL-PASSED", report.reason


@pytest.mark.parametrize("kind", ["pdf", "xml"])
def test_two_signers_one_after_another(kind: str) -> None:
    stamped = Stamp(lines=("電子署名", "見本　花子")) if kind == "pdf" else None
    first = prepare(SOURCES[kind], kind, at=NOW, certificate=CERTIFICATE, stamp=stamped)  # type: ignore[arg-type]
    once = assemble(first, sign(first.digest), CERTIFICATE, stamp=stamp, kept=KEPT)
    second = prepare(once, kind, at=NOW, certificate=OTHER, stamp=stamped)  # type: ignore[arg-type]
    twice = assemble(second, sign(second.digest, "other"), OTHER, stamp=stamp)
    report = verify(twice)
    assert [signer.indication for signer in report.signers] == ["TOTAL-PASSED"] * 2
    assert all(signer.existed_at == NOW - HOUR for signer in report.signers)


def test_lta_proves_after_the_first_stamp() -> None:
    prepared = prepare(pdf(), "pdf", at=NOW, certificate=CERTIFICATE)
    signed = assemble(prepared, sign(prepared.digest), CERTIFICATE, stamp=stamp, kept=KEPT)
    report = verify(time_stamp_document(signed, stamp), crls=[])
    assert report.indication == "TOTAL-PASSED"
    assert {one.over for one in report.signers[0].time_stamps} == {"signature", "document"}


@pytest.mark.parametrize("level", ["LT", "LTA"])
def test_bytes_after_the_kept_data_are_a_change(level: str) -> None:
    """The kept data are a later revision than the signed one; what no revision holds is named all the same."""
    prepared = prepare(pdf(), "pdf", at=NOW, certificate=CERTIFICATE)
    signed = assemble(prepared, sign(prepared.digest), CERTIFICATE, stamp=stamp, kept=KEPT)
    whole = time_stamp_document(signed, stamp) if level == "LTA" else signed
    start = whole[whole.rfind(b"startxref") :]
    for more in (b"%% the rent is 200000 yen", b"\n4 0 obj <<>> endobj\n", b"%% 200000 yen\n" + start, start):
        report = verify(whole + more, crls=[])
        assert (report.indication, report.sub_indication) == ("TOTAL-FAILED", "HASH_FAILURE"), more
        assert report.facts.signers[0].signature.problem == "bytes_appended"
    for blank in (b"", b"\n", b"\r\n \n"):
        assert verify(whole + blank, crls=[]).indication == "TOTAL-PASSED"


def test_spoilt_beside_the_signature_proves_nothing_and_padding_stays_zero() -> None:
    """What docs/documents.md says of bytes that no signature covers: a stamp, and the zeros behind the value."""
    prepared = prepare(pdf(), "pdf", at=NOW, certificate=CERTIFICATE)
    signed = assemble(prepared, sign(prepared.digest), CERTIFICATE, stamp=stamp, kept=KEPT)
    held = signed.find(b"/Contents <") + len(b"/Contents <")
    digits = signed[held : signed.find(b">", held)]
    # The last octet of the value is the end of the time stamp's own signature.
    length = 2 * (4 + int(digits[4:8], 16))
    for at, expected, existed in ((length - 1, "TOTAL-PASSED", None), (length + 101, "TOTAL-FAILED", None)):
        other = b"1" if digits[at : at + 1] == b"0" else b"0"
        report = verify(signed[: held + at] + other + signed[held + at + 1 :], crls=[])
        assert (report.indication, report.existed_at) == (expected, existed)
        if expected == "TOTAL-PASSED":
            assert report.signers[0].time_stamps[0].indication != "TOTAL-PASSED"


def test_what_does_not_fit_is_refused() -> None:
    prepared = prepare(b"a lease", "cms", at=NOW, certificate=CERTIFICATE)
    with pytest.raises(FormatError, match=r"signing\.value_wrong"):
        assemble(prepared, sign(bytes(32)), CERTIFICATE)
    with pytest.raises(FormatError, match=r"signing\.value_wrong"):
        assemble(prepared, b"", CERTIFICATE)
    with pytest.raises(InputError, match=r"signing\.certificate_differs"):
        assemble(prepared, sign(prepared.digest, "other"), OTHER)
    bare = rsa_key("person").sign(prepared.digest, padding.PKCS1v15(), NoDigestInfo())
    with pytest.raises(FormatError, match=r"signing\.bare_digest"):
        assemble(prepared, bare, CERTIFICATE)
    info = rsa_key("person").sign(prepared.digest_info, padding.PKCS1v15(), NoDigestInfo())
    assert verify(assemble(prepared, info, CERTIFICATE)).indication == "TOTAL-PASSED"
    with pytest.raises(InputError, match=r"signing\.no_zone"):
        prepare(b"", "cms", at=NOW.replace(tzinfo=None))
    with pytest.raises(InputError, match=r"signing\.shape"):
        prepare(LEASE, "xml", at=NOW, shape="detached")
    with pytest.raises(InputError, match=r"signing\.shape"):
        prepare(pdf(), "pdf", at=NOW, shape="attached")
    with pytest.raises(FormatError, match=r"signing\.prepared_malformed"):
        Prepared.decode(b"nothing")
    for broken in (b"%PDF-1.7", b"", pdf()[:300]):
        with pytest.raises(FormatError, match=r"signature\.pdf_malformed"):
            prepare(broken, "pdf", at=NOW)
    with pytest.raises(FormatError, match=r"signature\.xml_dtd"):
        prepare(b"<!DOCTYPE a><a/>", "xml", at=NOW)


def test_too_much_for_its_place() -> None:
    prepared = prepare(pdf(), "pdf", at=NOW, certificate=CERTIFICATE)
    with pytest.raises(InputError, match=r"signing\.no_room"):
        assemble(prepared, sign(prepared.digest), CERTIFICATE, stamp=lambda _: bytes(64 << 10))


def test_repr_shows_nothing() -> None:
    assert repr(prepare(b"a lease", "cms", at=NOW)) == "Prepared(cms, sha256)"
