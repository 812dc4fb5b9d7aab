"""Certificate parsing over the original bytes (RFC 5280 §4.1; X.690 DER).

Reads the outer structure in one pass and leaves extension values to `extensions`. Judges form, never trust: signatures,
times and constraints are for `path`. Tolerant of one thing only: algorithm parameters of any kind are kept as they are,
because Japan's passport CAs write NULL ones for ECDSA and explicit ones for curves (reference other-documents §5.4).
"""

from datetime import datetime
from typing import Any

import msgspec

from honnin.errors import FormatError
from honnin.pki import der
from honnin.pki.der import OIDS, malformed, read, remembered
from honnin.pki.rfc5280 import alike
from honnin.pki.rfc5280.alike import Extension, Parts, Template
from honnin.pki.rfc5280.keys import PublicKey, load_public_key

__all__ = ["Certificate", "Extension", "parse_certificate"]


class Certificate(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """The fields of a certificate as they were issued; names, key and algorithm are raw DER.

    raw, tbs: the whole certificate, and the part that is signed.
    version: 1, 2 or 3. serial_number: as written, so it may be negative.
    issuer, subject: Name. not_before, not_after: aware UTC. spki: SubjectPublicKeyInfo.
    signature_algorithm: AlgorithmIdentifier. signature_value: the BIT STRING's octets. extensions: by dotted OID.
    memory: what was derived from these fields, remembered by whoever derived it.
    template: what it has in common with others, where it was read by that (`alike`).
    """

    raw: bytes
    tbs: bytes
    version: int
    serial_number: int
    issuer: bytes
    subject: bytes
    not_before: datetime
    not_after: datetime
    spki: bytes
    signature_algorithm: bytes
    signature_value: bytes
    extensions: dict[str, Extension]
    memory: dict[str, Any] = msgspec.field(default_factory=dict)
    template: Template | None = None

    def __repr__(self) -> str:
        return f"<Certificate of {len(self.raw)} bytes>"

    def public_key(self) -> PublicKey:
        """Return the key (pyca). Raises FormatError `certificate.key_unsupported` for a key that cannot be used."""
        key: PublicKey | None = self.memory.get("key")
        if key is None:
            key = self.memory["key"] = load_public_key(self.spki)
        return key


def parse_certificate(octets: bytes) -> Certificate:
    """Return the certificate in `octets` (DER). Raises FormatError `certificate.malformed`."""
    try:
        parts = alike.divide(octets)
        template = None if parts is None else alike.template_of(parts)
        return _certificate(octets) if template is None or parts is None else _by_template(octets, parts, template)
    except FormatError as error:
        raise FormatError(
            "certificate.malformed",
            f"Not a certificate of RFC 5280: {error.message}",
            next="Give one certificate in DER, as it was issued.",
        ) from None


def _by_template(octets: bytes, parts: Parts, template: Template) -> Certificate:
    """Return what `_certificate` does, for one that has all but its holder's fields in common with a known one."""
    validity, subject, key, identifier = parts.validity, parts.subject, parts.key, parts.identifier
    if not (octets.startswith(b"\x30\x1e\x17\x0d", validity) and octets.startswith(b"\x17\x0d", validity + 17)):
        return _certificate(octets)
    extensions = template.extensions.copy()
    if parts.names < parts.names_stop:
        extensions[alike.NAMES] = Extension(False, octets[parts.names : parts.names_stop])
    extensions[alike.KEY_IDENTIFIER] = Extension(False, octets[identifier : identifier + 22])
    return Certificate(
        raw=octets,
        tbs=octets[4 : parts.tbs_stop],
        version=3,
        serial_number=int.from_bytes(octets[alike.SERIAL : parts.serial_stop], "big"),
        issuer=parts.common[0],
        subject=octets[subject:key],
        not_before=der.time(octets, der.UTC_TIME, validity + 4, validity + 17),
        not_after=_last_moment(octets[validity + 19 : subject]),
        spki=octets[key : key + alike.KEY],
        signature_algorithm=alike.ALGORITHM,
        signature_value=octets[-256:],
        extensions=extensions,
        template=template,
    )


@remembered(4096)
def _last_moment(text: bytes) -> datetime:
    """Return a UTCTime by its content; certificates end with a day, so that there are few last moments."""
    return der.time(text, der.UTC_TIME, 0, len(text))


def _certificate(octets: bytes) -> Certificate:
    start, end = der.whole(octets, der.SEQUENCE)
    tag, tbs_start, tbs_stop = read(octets, start, end)
    algorithm_tag, _, algorithm_stop = read(octets, tbs_stop, end)
    signature_tag, signature_start, signature_stop = read(octets, algorithm_stop, end)
    if (tag, algorithm_tag, signature_tag) != (0x30, 0x30, 0x03) or signature_stop != end:
        raise malformed("The certificate is not of three parts.")
    algorithm = octets[tbs_stop:algorithm_stop]

    at = tbs_start
    version = 1
    if at < tbs_stop and octets[at] == 0xA0:
        first, at = der.enclosed(octets, at, tbs_stop, 0xA0)
        if octets[first:at] not in (b"\x02\x01\x01", b"\x02\x01\x02"):
            raise malformed("The version is not 2 or 3, or it is version 1 written out.")
        version = octets[at - 1] + 1
    serial_start, at = der.enclosed(octets, at, tbs_stop, der.INTEGER)
    serial_number = der.integer(octets, serial_start, at)

    inner = at
    tag, _, issuer = read(octets, inner, tbs_stop)
    issuer_tag, _, validity = read(octets, issuer, tbs_stop)
    validity_tag, validity_start, subject = read(octets, validity, tbs_stop)
    subject_tag, _, spki = read(octets, subject, tbs_stop)
    spki_tag, _, at = read(octets, spki, tbs_stop)
    if not tag == issuer_tag == validity_tag == subject_tag == spki_tag == der.SEQUENCE:
        raise malformed("One of algorithm, issuer, validity, subject and key is no SEQUENCE.")
    if octets[inner:issuer] != algorithm:
        raise malformed("The signed algorithm and the outer one differ.")
    not_before, not_after = _validity(octets, validity_start, subject)
    extensions = _rest(octets, at, tbs_stop, version)
    return Certificate(
        raw=octets,
        tbs=octets[start:tbs_stop],
        version=version,
        serial_number=serial_number,
        issuer=octets[issuer:validity],
        subject=octets[subject:spki],
        not_before=not_before,
        not_after=not_after,
        spki=octets[spki:at],
        signature_algorithm=algorithm,
        signature_value=der.bits(octets, signature_start, signature_stop),
        extensions=extensions,
    )


def _validity(octets: bytes, start: int, stop: int) -> tuple[datetime, datetime]:
    first = read(octets, start, stop)
    second = read(octets, first[2], stop)
    if second[2] != stop:
        raise malformed("The validity is not of two times.")
    return der.time(octets, *first), der.time(octets, *second)


def _rest(octets: bytes, at: int, end: int, version: int) -> dict[str, Extension]:
    """Read what may follow the key: unique identifiers (version 2 and 3) and extensions (version 3)."""
    for tag in (0x81, 0x82):
        if at < end and octets[at] == tag:
            if version == 1:
                raise malformed("A certificate of version 1 has a unique identifier.")
            _, at = der.enclosed(octets, at, end, tag)
    if at == end:
        return {}
    start, stop = der.enclosed(octets, at, end, 0xA3)
    if version != 3 or stop != end:
        raise malformed("Extensions stand in a certificate of version 1 or 2, or something follows them.")
    return read_extensions(octets, start, stop)


def read_extensions(octets: bytes, at: int, end: int) -> dict[str, Extension]:
    """Return the extensions (RFC 5280 §4.1: Extensions) that fill the bytes between two offsets, by dotted OID."""
    at, stop = der.enclosed(octets, at, end, der.SEQUENCE)
    if stop != end or at == stop:
        raise malformed("The list of extensions is empty, or something follows it.")
    found: dict[str, Extension] = {}
    count = 0
    while at < stop:
        begin = at
        tag, first, at = read(octets, begin, stop)
        whole = octets[begin:at]
        known = _remembered.get(whole)
        if known is None:
            if tag != 0x30:
                raise malformed("An extension is no SEQUENCE.")
            known = _extension(octets, first, at)
            if known[0] in _REPEATING and len(whole) <= 1024:
                if len(_remembered) >= 4096:
                    _remembered.clear()
                _remembered[whole] = known
        found[known[0]] = known[1]
        count += 1
    if count != len(found):
        raise malformed("An extension occurs twice.")
    return found


def _extension(octets: bytes, first: int, end: int) -> tuple[str, Extension]:
    """Return the OID and the extension whose content fills the bytes between two offsets."""
    oid_tag, oid_start, oid_stop = read(octets, first, end)
    critical = octets[oid_stop : oid_stop + 3] == b"\x01\x01\xff"
    value_tag, value_start, value_stop = read(octets, oid_stop + 3 if critical else oid_stop, end)
    # A flag that is not TRUE, or FALSE written out, is no OCTET STRING and fails here.
    if oid_tag != 0x06 or value_tag != 0x04 or value_stop != end:
        raise malformed("An extension is not of an identifier, a flag and a value in DER.")
    oid = OIDS.get(octets[oid_start:oid_stop]) or der.oid(octets, oid_start, oid_stop)
    return oid, Extension(critical, octets[value_start:value_stop])


# Extensions that a CA writes alike into thousands of certificates, remembered by their bytes; none is about a person.
_REPEATING = frozenset(f"2.5.29.{number}" for number in (15, 18, 19, 31, 32, 35, 37)) | {"1.3.6.1.5.5.7.1.1"}
_remembered: dict[bytes, tuple[str, Extension]] = {}
