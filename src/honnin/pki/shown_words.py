"""The words that a person is shown of a document, bound into its signature: a signed attribute of CMS, honnin's own.

    ShownWords ::= OCTET STRING    -- SHA-256 of the words in UTF-8

A PDF is signed by a digest, which nobody can read. With this attribute among what is signed (RFC 5652 §5.3), whoever
shows the words beside the digest can hold the two together, and so can everybody who has the signed file. The OID needs
no register (ITU-T X.667, 2.25 and a UUID); readers that do not know it pass over it.
"""

import hashlib

from honnin.errors import FormatError
from honnin.pki import der

__all__ = ["SHOWN_WORDS", "signed_attributes_in", "words_digest", "words_digest_in"]

SHOWN_WORDS = "2.25.141198268323001658869671871303255035148"


def words_digest(words: str) -> bytes:
    """Return SHA-256 of the words in UTF-8."""
    return hashlib.sha256(words.encode("utf-8")).digest()


def words_digest_in(attributes: bytes) -> bytes | None:
    """Return the digest of the words that signed attributes (DER, SET OF) name; None where they name none."""
    try:
        for start, stop in der.items(attributes, *der.whole(attributes, der.SET), der.SEQUENCE):
            first, after = der.enclosed(attributes, start, stop, der.OID)
            if der.oid(attributes, first, after) == SHOWN_WORDS:
                first, after = der.enclosed(attributes, after, stop, der.SET)
                first, after = der.enclosed(attributes, first, after, der.OCTET_STRING)
                return attributes[first:after]
    except FormatError:  # no attributes at all, as of a format without them
        pass
    return None


def signed_attributes_in(octets: bytes) -> list[bytes]:
    """Return the signed attributes (DER, SET OF) of each signature of a PDF or CMS file; none of another file."""
    from honnin.pki.pdf_signers import pdf_values
    from honnin.pki.rfc5652 import looks_like_cms, read_signed_data

    found: list[bytes] = []
    try:
        values = pdf_values(octets) if octets.startswith(b"%PDF-") else [octets] * looks_like_cms(octets)
    except FormatError:
        return found
    for value in values:
        try:
            signers = read_signed_data(value).signers
        except FormatError:
            continue
        found += [one.signed_octets for one in signers if one.signed_octets is not None]
    return found
