"""XML: a signature with an empty value, and the value, time stamp and kept data put in (XMLDSig 1.1, XAdES baseline).

Enveloped ones leave out every signature (the XPath of XML Signature §6.6.3), so that several signers sign one document
one after another. Digests and canonical forms are made by the code that verifies.
"""

import hashlib
from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from honnin.errors import FormatError
from honnin.pki.signing.prepared import Hash, Kept, Prepared, Shape
from honnin.pki.signing.values import Value
from honnin.pki.xml_signers import METHODS, XADES
from honnin.pki.xmldsig import DIGESTS, DS, NOT_SIGNATURES, canonical, octets_of, parse_xml, signatures_of

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["fill_xml", "keep_xml", "prepare_xml", "stamp_xml", "value_to_stamp"]

_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
_DIGEST_NAMES = {name: uri for uri, name in DIGESTS.items()}
_METHOD_NAMES = {value: uri for uri, value in METHODS.items()}


def prepare_xml(
    octets: bytes,
    certificate: bytes | None,
    *,
    name: Hash,
    at: datetime,
    shape: Shape,
    uri: str | None,
    family: str,
) -> Prepared:
    """Return the XML with a signature that lacks its value.

    shape: `enveloped` into the root, `enveloping` around the document, `detached` over octets of any kind named by uri.
    family: `rsa` or `ecdsa`, of the key that will sign. Raises FormatError `signature.xml_malformed`.
    """
    from lxml import etree

    identifier = f"signature-{hashlib.sha256(octets + at.isoformat().encode()).hexdigest()[:16]}"
    signature = etree.Element(DS + "Signature", {"Id": identifier}, {"ds": DS[1:-1]})
    info = etree.SubElement(signature, DS + "SignedInfo")
    etree.SubElement(info, DS + "CanonicalizationMethod", Algorithm=_EXCLUSIVE)
    kind = "pkcs1" if family == "rsa" else "ecdsa"
    etree.SubElement(info, DS + "SignatureMethod", Algorithm=_METHOD_NAMES[kind, name])
    target = {"enveloped": "", "enveloping": f"#{identifier}-object"}.get(shape, uri or "")
    reference = _reference(info, target, name)
    if shape != "detached":
        transforms = etree.Element(DS + "Transforms")
        reference.insert(0, transforms)
        if shape == "enveloped":
            xpath = etree.SubElement(transforms, DS + "Transform", Algorithm=_XPATH)
            etree.SubElement(xpath, DS + "XPath").text = NOT_SIGNATURES
        etree.SubElement(transforms, DS + "Transform", Algorithm=_EXCLUSIVE)
    etree.SubElement(signature, DS + "SignatureValue", Id=f"{identifier}-value")
    etree.SubElement(signature, DS + "KeyInfo")
    if shape == "enveloped":
        parse_xml(octets).append(signature)
    elif shape == "enveloping":
        held = etree.SubElement(signature, DS + "Object", Id=f"{identifier}-object")
        held.append(parse_xml(octets))
    properties = _properties(signature, identifier, certificate, name, at)
    described = _reference(info, f"#{identifier}-properties", name, _PROPERTIES)
    _transform(described)
    _digest(described, canonical(properties, _EXCLUSIVE), name)
    _digest(reference, octets if shape == "detached" else octets_of(reference, signature), name)
    return Prepared(
        kind="xml",
        hash=name,
        to_be_signed=canonical(info, _EXCLUSIVE),
        document=etree.tostring(signature.getroottree(), xml_declaration=True, encoding="UTF-8"),
        shape=shape,
        certificate=certificate,
    )


def fill_xml(prepared: Prepared, value: Value, certificate: bytes, kept: Kept) -> bytes:
    """Return the document with value and certificates in the signature that waits for them."""
    from lxml import etree

    root = parse_xml(prepared.document)
    signature = _open(root)
    _child(signature, "SignatureValue").text = b64encode(value.raw).decode()
    held = etree.SubElement(_child(signature, "KeyInfo"), DS + "X509Data")
    for one in dict.fromkeys((certificate, *kept.certificates)):
        etree.SubElement(held, DS + "X509Certificate").text = b64encode(one).decode()
    return _written(root)


def value_to_stamp(document: bytes) -> bytes:
    """Return what a time stamp is over: the canonical form of the last signature's value (EN 319 132-1 §5.3)."""
    return canonical(_child(signatures_of(parse_xml(document))[-1], "SignatureValue"), _EXCLUSIVE)


def stamp_xml(document: bytes, token: bytes) -> bytes:
    """Return the document with a token over the last signature's value."""
    from lxml import etree

    root = parse_xml(document)
    stamp = etree.SubElement(_unsigned(signatures_of(root)[-1]), XADES + "SignatureTimeStamp")
    etree.SubElement(stamp, DS + "CanonicalizationMethod", Algorithm=_EXCLUSIVE)
    etree.SubElement(stamp, XADES + "EncapsulatedTimeStamp").text = b64encode(token).decode()
    return _written(root)


def keep_xml(document: bytes, kept: Kept) -> bytes:
    """Return the document with certificates and revocation data among the last signature's unsigned properties."""
    from lxml import etree

    root = parse_xml(document)
    unsigned = _unsigned(signatures_of(root)[-1])
    values = etree.SubElement(unsigned, XADES + "CertificateValues")
    for one in kept.certificates:
        etree.SubElement(values, XADES + "EncapsulatedX509Certificate").text = b64encode(one).decode()
    revocation = etree.SubElement(unsigned, XADES + "RevocationValues")
    for tag, inner, found in (
        ("CRLValues", "EncapsulatedCRLValue", kept.crls),
        ("OCSPValues", "EncapsulatedOCSPValue", kept.ocsp),
    ):
        if found:
            held = etree.SubElement(revocation, XADES + tag)
            for one in found:
                etree.SubElement(held, XADES + inner).text = b64encode(one).decode()
    return _written(root)


def _reference(info: "_Element", uri: str, name: str, kind: str | None = None) -> "_Element":
    from lxml import etree

    reference = etree.SubElement(info, DS + "Reference", {"URI": uri, **({"Type": kind} if kind else {})})
    etree.SubElement(reference, DS + "DigestMethod", Algorithm=_DIGEST_NAMES[name])
    etree.SubElement(reference, DS + "DigestValue")
    return reference


def _transform(reference: "_Element") -> None:
    from lxml import etree

    transforms = etree.Element(DS + "Transforms")
    reference.insert(0, transforms)
    etree.SubElement(transforms, DS + "Transform", Algorithm=_EXCLUSIVE)


def _digest(reference: "_Element", octets: bytes, name: str) -> None:
    _child(reference, "DigestValue").text = b64encode(hashlib.new(name, octets).digest()).decode()


def _properties(
    signature: "_Element", identifier: str, certificate: bytes | None, name: str, at: datetime
) -> "_Element":
    """Add the signed properties: the time that is claimed and, where known, the certificate (EN 319 132-1 §5.2)."""
    from lxml import etree

    held = etree.SubElement(signature, DS + "Object")
    qualifying = etree.SubElement(
        held, XADES + "QualifyingProperties", {"Target": f"#{identifier}"}, {"xades": XADES[1:-1]}
    )
    signed = etree.SubElement(qualifying, XADES + "SignedProperties", Id=f"{identifier}-properties")
    own = etree.SubElement(signed, XADES + "SignedSignatureProperties")
    etree.SubElement(own, XADES + "SigningTime").text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if certificate is not None:
        named = etree.SubElement(etree.SubElement(own, XADES + "SigningCertificateV2"), XADES + "Cert")
        digest = etree.SubElement(named, XADES + "CertDigest")
        etree.SubElement(digest, DS + "DigestMethod", Algorithm=_DIGEST_NAMES[name])
        etree.SubElement(digest, DS + "DigestValue").text = b64encode(hashlib.new(name, certificate).digest()).decode()
    found: _Element = signed
    return found


def _unsigned(signature: "_Element") -> "_Element":
    from lxml import etree

    qualifying = signature.find(f"{DS}Object/{XADES}QualifyingProperties")
    if qualifying is None:
        raise _malformed()
    outer = qualifying.find(XADES + "UnsignedProperties")
    if outer is None:
        outer = etree.SubElement(qualifying, XADES + "UnsignedProperties")
    inner = outer.find(XADES + "UnsignedSignatureProperties")
    return etree.SubElement(outer, XADES + "UnsignedSignatureProperties") if inner is None else inner


def _open(root: "_Element") -> "_Element":
    """Return the signature whose value is still empty."""
    for signature in signatures_of(root):
        if not (_child(signature, "SignatureValue").text or "").strip():
            return signature
    raise _malformed()


def _child(parent: "_Element", name: str) -> "_Element":
    found = parent.find(DS + name)
    if found is None:
        raise _malformed()
    return found


def _written(root: "_Element") -> bytes:
    from lxml import etree

    octets: bytes = etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")
    return octets


def _malformed() -> FormatError:
    return FormatError("signature.xml_malformed", "The XML holds no signature that waits for its value.")
