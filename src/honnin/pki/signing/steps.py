"""The two steps: `prepare` and `assemble` (docs/documents.md)."""

import hashlib
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from honnin.errors import InputError
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.pki.signing.cms import signed_attributes, signed_data
from honnin.pki.signing.prepared import Hash, Kept, Kind, Prepared, Shape, Stamp, StampDigest
from honnin.pki.signing.values import checked_value

__all__ = ["assemble", "prepare", "time_stamp_document"]

_NOTHING = Kept()


def prepare(
    octets: bytes,
    kind: Kind,
    *,
    at: datetime,
    certificate: bytes | None = None,
    hash: Hash | None = None,  # noqa: A002 - the name that facts and formats use
    shape: Shape | None = None,
    uri: str | None = None,
    stamp: Stamp | None = None,
    reason: str | None = None,
    location: str | None = None,
    field: str | None = None,
    words: str | None = None,
) -> Prepared:
    """Return a document with a place for one more signature, and the digest to be signed.

    kind: what comes out. octets: a PDF; an XML document; any bytes for CMS and for a detached XML signature.
    at: the time that the signer claims, aware. certificate: the signer's, DER; None where it comes with the signature,
        as from the Digital Authentication Service, and then it is not bound into what is signed.
    hash: by default SHA-256, SHA-384 for a P-384 key. shape: XML `enveloped` (default), `enveloping`, `detached`; CMS
        `attached` (default), `detached`. uri: what a detached XML signature names; nothing is fetched.
    stamp, reason, location, field: of a PDF. words: what the signer is shown of the document, bound into what is
        signed; of PDF and CMS.
    Raises FormatError for a document that cannot be signed, InputError `signing.no_zone`, `signing.shape`,
    `signing.words_kind`.
    """
    if at.tzinfo is None:
        raise InputError("signing.no_zone", "The signing time has no zone.", next="Give an aware datetime.")
    key = None if certificate is None else parse_certificate(certificate).public_key()
    on_curve = isinstance(key, ec.EllipticCurvePublicKey)
    name: Hash = hash or ("sha384" if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size == 384 else "sha256")
    allowed = {
        "pdf": (None,),
        "xml": (None, "enveloped", "enveloping", "detached"),
        "cms": (None, "attached", "detached"),
    }
    if shape not in allowed[kind] or (shape == "detached" and kind == "xml" and not uri):
        raise InputError(
            "signing.shape",
            "A signature of this kind has no such shape, or a detached XML signature has no URI.",
            next="XML: enveloped, enveloping, detached with a URI. CMS: attached, detached.",
        )
    if kind == "xml" and words is not None:
        raise InputError(
            "signing.words_kind", "An XML signature has no place for shown words.", next="Leave them, or sign as CMS."
        )
    if kind == "pdf":
        from honnin.pki.signing.pdf import prepare_pdf

        return prepare_pdf(
            octets,
            certificate,
            name=name,
            at=at,
            stamp=stamp,
            reason=reason,
            location=location,
            field=field,
            words=words,
        )
    if kind == "xml":
        from honnin.pki.signing.xml import prepare_xml

        return prepare_xml(
            octets,
            certificate,
            name=name,
            at=at,
            shape=shape or "enveloped",
            uri=uri,
            family="ecdsa" if on_curve else "rsa",
        )
    return Prepared(
        kind="cms",
        hash=name,
        to_be_signed=signed_attributes(hashlib.new(name, octets).digest(), name, certificate, at, words),
        document=octets if shape != "detached" else b"",
        shape=shape or "attached",
        certificate=certificate,
    )


def assemble(
    prepared: Prepared,
    value: bytes,
    certificate: bytes,
    *,
    kept: Kept | None = None,
    stamp: StampDigest | None = None,
) -> bytes:
    """Return the signed document.

    value: PKCS #1 v1.5, or ECDSA as DER or r‖s; certificate: of the key that made it, DER.
    kept: certificates and revocation data to carry along (level LT; without revocation data B). stamp: gives a token
        over the value (level T).
    Raises FormatError `signing.value_wrong`, `signing.bare_digest`, InputError `signing.certificate_differs`,
    `signing.no_room`; and what `stamp` raises.
    """
    if prepared.certificate is not None and prepared.certificate != certificate:
        raise InputError(
            "signing.certificate_differs",
            "The document was prepared for another certificate.",
            next="Give the certificate it was prepared for, or prepare it again.",
        )
    made = checked_value(value, certificate, prepared.to_be_signed, prepared.hash)
    kept = kept or _NOTHING
    if prepared.kind == "xml":
        from honnin.pki.signing import xml

        document = xml.fill_xml(prepared, made, certificate, Kept(certificates=kept.certificates))
        if stamp is not None:
            document = xml.stamp_xml(document, stamp(hashlib.sha256(xml.value_to_stamp(document)).digest()))
        return xml.keep_xml(document, kept) if kept.crls or kept.ocsp else document
    token = None if stamp is None else stamp(hashlib.sha256(made.der).digest())
    if prepared.kind == "pdf":
        from honnin.pki.signing import pdf

        cms = signed_data(
            prepared.to_be_signed,
            made,
            certificate,
            content=None,
            kept=Kept(certificates=kept.certificates),
            token=token,
        )
        document = pdf.fill(prepared.document, prepared.place, cms)
        return pdf.keep(document, kept) if kept.crls or kept.ocsp else document
    content = None if prepared.shape == "detached" else prepared.document
    return signed_data(prepared.to_be_signed, made, certificate, content=content, kept=kept, token=token)


def time_stamp_document(document: bytes, stamp: StampDigest) -> bytes:
    """Return a signed PDF with a time stamp over all of it (level LTA). Raises `signature.pdf_malformed`."""
    from honnin.pki.signing.pdf import stamp_document

    return stamp_document(document, stamp)
