"""Signatures in a PDF (ISO 32000-2 §12.8, PAdES: ETSI EN 319 142-1): each against its revision, and what came after it.

    1. Every filled signature field counts. Its byte range must begin at 0 and leave out its own value and nothing else
       (signature wrapping moves content into a gap), and must cover a whole revision of the file.
    2. The value is CMS over the byte range; it is checked by our own rules (`cms_signers`), not by pyHanko.
    3. What follows the signed revision (incremental updates) may add signatures, time stamps and material for them. Any
       other change of what a reader shows is named: `changed_afterwards` (incremental saving and shadow attacks). A
       field may be filled in only where the signer said so (DocMDP), for it changes what was signed.
    4. Document time stamps prove the existence of what their own byte range covers.

pyHanko reads the file's structure and compares revisions. Where it cannot read a file, nobody relies on the rest of it.
"""

import logging
import re
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from honnin.errors import FormatError, HonninError
from honnin.pki.bounded_reading import BoundedReading
from honnin.pki.cms_signers import signers_of
from honnin.pki.facts import SignatureFacts, SignerFacts
from honnin.pki.holder import Trust
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5652 import MOST_SIGNERS, read_signed_data
from honnin.pki.signed_content import SignedContent
from honnin.pki.time_stamps import Stamped

__all__ = ["PDF_LIMIT", "pdf_signers", "pdf_values"]

PDF_LIMIT = 256 << 20  # bytes
MOST_KEPT = 256
MOST_DIGITS = 4 << 20  # in long hexadecimal strings: pyHanko reads them one by one, about a second for a million
_LONG_HEX = re.compile(rb"<[0-9A-Fa-f\x00\t\n\x0c\r ]{65536,}+")
_DETACHED = {"/adbe.pkcs7.detached", "/ETSI.CAdES.detached"}
_TIME_STAMP = "/ETSI.RFC3161"
_HASHED = "/adbe.pkcs7.sha1"

Coverage = Literal["whole_file", "revision"]


class _Field(msgspec.Struct, frozen=True, kw_only=True):
    """One filled signature field. end: where its byte range ends; changed: what was changed since, in a word."""

    sub_filter: str
    value: bytes
    content: bytes
    end: int
    coverage: Coverage | None
    changed: str | None


def pdf_signers(
    octets: bytes, certificate: bytes | None, trust: Trust, at: datetime, existed_at: datetime | None
) -> tuple[tuple[SignerFacts, ...], list[Certificate | None]]:
    """Return the facts and the certificate of each signature, in the order of revisions.

    certificate: of the signer, where the file does not carry it. Raises FormatError for a file that cannot be read.
    """
    if len(octets) > PDF_LIMIT:
        raise FormatError("signature.pdf_malformed", "The PDF is larger than what is verified at once.")
    if sum(found.end() - found.start() for found in _LONG_HEX.finditer(octets)) > MOST_DIGITS:
        raise FormatError("signature.pdf_malformed", "The PDF holds more hexadecimal strings than what is verified.")
    given = None if certificate is None else parse_certificate(certificate)
    fields, kept = _read(octets)
    trust = trust.joined(*kept)
    stamps = [
        (field.end, Stamped(field.value, SignedContent(field.content), document=True))
        for field in fields
        if field.sub_filter == _TIME_STAMP and field.changed is None
    ]
    signers: list[SignerFacts] = []
    certificates: list[Certificate | None] = []
    for field in fields:
        if field.sub_filter == _TIME_STAMP:
            continue
        around = tuple(stamp for end, stamp in stamps if end >= field.end)
        for facts, found in _signed(field, given, trust, at, existed_at, around):
            signers.append(facts)
            certificates.append(found)
    return tuple(signers), certificates


def pdf_values(octets: bytes) -> list[bytes]:
    """Return the CMS of each signature, in the order of revisions; nothing is judged.

    Raises FormatError for a file that cannot be read.
    """
    return [field.value for field in _read(octets)[0] if field.sub_filter in _DETACHED]


def _signed(
    field: _Field,
    given: Certificate | None,
    trust: Trust,
    at: datetime,
    existed_at: datetime | None,
    around: tuple[Stamped, ...],
) -> list[tuple[SignerFacts, Certificate | None]]:
    if field.sub_filter not in _DETACHED and field.sub_filter != _HASHED:
        return [(SignerFacts(signature=SignatureFacts(result="unsupported", problem="sub_filter")), None)]
    try:
        data = read_signed_data(field.value)
        hashed = field.sub_filter == _HASHED
        if len(data.signers) != 1 or (data.content is not None and not hashed):
            return [(SignerFacts(signature=SignatureFacts(result="malformed", problem="not_detached")), None)]
        content = SignedContent(field.content)
        agrees = True
        if hashed:
            agrees = data.content == content.digest("sha1")
            content = SignedContent(data.content)
        signers, certificates = signers_of(data, content, given, trust, at, existed_at, agrees=agrees, around=around)
    except FormatError as error:
        return [(SignerFacts(signature=SignatureFacts(result="malformed", problem=error.code)), None)]
    (facts,) = signers
    if facts.signature.result == "valid" and field.changed is not None:
        changed = replace(facts.signature, result="changed_afterwards", problem=field.changed)
        facts = replace(facts, signature=changed)
    return [(replace(facts, coverage=field.coverage), certificates[0])]


def _read(octets: bytes) -> tuple[list[_Field], tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]]:
    """Read fields and the document security store with pyHanko, whose every fault on hostile bytes is one of ours."""
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)  # its warnings quote the file
    try:
        try:
            return _parse(octets, strict=True)
        except HonninError:
            raise
        except Exception:  # noqa: BLE001 - a file that is not quite well formed may still be wholly signed
            return _parse(octets, strict=False)
    except HonninError:
        raise
    except Exception:  # noqa: BLE001 - pyHanko's own errors, and whatever else broken structures lead it to
        raise FormatError("signature.pdf_malformed", "The PDF cannot be read.") from None


def _parse(
    octets: bytes, *, strict: bool
) -> tuple[list[_Field], tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]]:
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.fields import enumerate_sig_fields

    reader = PdfFileReader(BoundedReading(octets), strict=strict)
    if reader.encrypted:
        from pyhanko.pdf_utils.crypt import AuthStatus

        if reader.decrypt("").status == AuthStatus.FAILED:
            raise FormatError("signature.pdf_encrypted", "The PDF is encrypted under a password.")
    found = list(enumerate_sig_fields(reader, filled_status=True))
    if len(found) > MOST_SIGNERS:
        raise FormatError("signature.pdf_malformed", "The PDF has more signatures than what is verified at once.")
    fields = [_field(octets, reader, name, field, strict=strict) for name, _, field in found]
    return sorted(fields, key=lambda one: one.end), _store(reader)


def _field(octets: bytes, reader: Any, name: str, field: Any, *, strict: bool) -> _Field:
    from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

    broken = _Field(sub_filter="", value=b"", content=b"", end=len(octets), coverage=None, changed=None)
    value = field.get_object()["/V"]
    sub_filter = str(value.get("/SubFilter", ""))
    if sub_filter not in _DETACHED | {_TIME_STAMP, _HASHED}:
        return replace(broken, sub_filter=sub_filter or "none")
    try:
        embedded = EmbeddedPdfSignature(reader, field, name)
        span = [int(number) for number in embedded.byte_range]
    except Exception:  # noqa: BLE001 - a value that is no CMS, a byte range that is none
        return replace(broken, sub_filter=sub_filter)
    if len(span) != 4 or min(span) < 0 or span[0] != 0 or span[2] < span[1] or span[2] + span[3] > len(octets):
        return replace(broken, sub_filter=sub_filter)
    content = octets[: span[1]] + octets[span[2] : span[2] + span[3]]
    coverage, changed = _compared(octets, reader, embedded, span, strict=strict)
    return _Field(
        sub_filter=sub_filter,
        value=_trimmed(bytes(embedded.pkcs7_content)),
        content=content,
        end=span[2] + span[3],
        coverage=coverage,
        changed=changed,
    )


def _compared(
    octets: bytes, reader: Any, embedded: Any, span: list[int], *, strict: bool
) -> tuple[Coverage | None, str | None]:
    """Return what the signature covers, and a word for what was changed since, None where nothing was."""
    from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, ModificationLevel
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    gap = octets[span[1] : span[2]]
    try:
        own = gap[:1] == b"<" and gap[-1:] == b">" and bytes.fromhex(gap[1:-1].decode("ascii"))
    except ValueError:
        own = b""
    if own != bytes(embedded.pkcs7_content):
        return None, "gap_holds_something_else"
    end = span[2] + span[3]
    if end == len(octets):
        return "whole_file", None
    embedded.coverage = embedded.evaluate_signature_coverage()
    if embedded.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        return None, "revision_not_covered"
    last = embedded.signed_revision == reader.xrefs.total_revisions - 1
    if octets[end if last else _last_end(octets, reader) :].strip(b"\0\t\n\f\r "):
        # Bytes that no cross-reference names are nothing to us, but other readers repair a file by looking for objects.
        return "revision", "bytes_appended"
    if last:
        return "revision", None
    if not strict or reader.xrefs.hybrid_xrefs_present:
        return "revision", "changes_cannot_be_compared"
    result = embedded.evaluate_modifications(DEFAULT_DIFF_POLICY)
    level = getattr(result, "modification_level", None)
    if level is None or level == ModificationLevel.OTHER:
        return "revision", "content_changed"
    if _drawn(reader) - _drawn(reader.get_historical_resolver(embedded.signed_revision)):
        return "revision", "unsigned_field_drawn"
    permission = embedded.docmdp_level
    if permission is not None and level.value > permission.value:
        return "revision", "change_not_permitted"
    if permission is None and level > ModificationLevel.LTA_UPDATES and _filled_in(reader, result):
        return "revision", "field_filled_in"
    return "revision", None


def _last_end(octets: bytes, reader: Any) -> int:
    """Return where the last revision ends: after the first %%EOF that closes its cross-reference, not the file's last.

    Whoever appends bytes can repeat that closing behind them. Without one nothing is taken for the revision's.
    """
    start = int(reader.last_startxref)
    closing = re.compile(rb"startxref[\0\t\n\f\r ]+0*%d[\0\t\n\f\r ]+%%%%EOF" % start).search(octets, start)
    return 0 if closing is None else closing.end()


def _drawn(revision: Any) -> set[tuple[str, str, bytes]]:
    """Return what signature fields that nobody signed draw, which could hide what a page says: name, place, content."""
    from pyhanko.sign.fields import enumerate_sig_fields

    found: set[tuple[str, str, bytes]] = set()
    for name, _, reference in enumerate_sig_fields(revision, filled_status=False):
        field = reference.get_object()
        for widget in (field, *(kid.get_object() for kid in field.get("/Kids", ()))):
            shown = widget.get("/AP", {}).get("/N")
            if shown is not None:
                shown = shown.get_object()
                drawn = bytes(getattr(shown, "data", b"of several states" if len(shown) else b""))
                if drawn.strip():
                    found.add((name, str(widget.get("/Rect")), drawn))
    return found


def _filled_in(reader: Any, result: Any) -> bool:
    """Tell whether a field other than a signature's was changed since the signature."""
    from pyhanko.sign.fields import enumerate_sig_fields

    signatures = {name for name, _, _ in enumerate_sig_fields(reader)}
    return bool(set(result.changed_form_fields) - signatures)


def _trimmed(value: bytes) -> bytes:
    """Return the CMS without the zeros that fill up its place; anything else behind it stays, and is refused later."""
    from asn1crypto import parser

    try:
        length = parser.peek(value)
    except ValueError:
        return value
    return value[:length] if not value[length:].strip(b"\0") else value


def _store(reader: Any) -> tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]:
    """Return certificates, CRLs and OCSP answers of the document security store (ETSI EN 319 142-1 §5.4.2)."""
    try:
        store = reader.root["/DSS"]
    except KeyError:
        return (), (), ()

    def streams(name: str) -> tuple[bytes, ...]:
        found = store.get(name, ())
        return tuple(bytes(one.get_object().data) for one in list(found)[:MOST_KEPT])

    return streams("/Certs"), streams("/CRLs"), streams("/OCSPs")
