"""Signatures in XML: XMLDSig, and XAdES (ETSI EN 319 132-1) up to kept revocation data, judged like any other.

    1. Each signature of the document is found, its references are checked (`xmldsig`), then its value over SignedInfo.
    2. All that the document holds must be covered by it, other signatures and the tags around them apart. What is not
       covered could have been put there by anybody (signature wrapping): `not_all_signed`.
    3. XAdES properties count only where a reference covers them; a certificate that they name must be the signer's.
    4. Time stamps over the value, certificates and revocation data among unsigned properties are material.

Keys come from certificates: a bare KeyValue says nothing about who signed.
"""

import hashlib
import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from msgspec.structs import replace

from honnin.errors import FormatError, InputError
from honnin.pki.cms_signers import readable
from honnin.pki.ecdsa import check_ecdsa
from honnin.pki.facts import SignatureFacts, SignerFacts
from honnin.pki.holder import Trust, signer_facts
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5652 import MOST_CERTIFICATES, MOST_SIGNERS
from honnin.pki.rfc8017 import check_pkcs1, check_pss
from honnin.pki.signed_content import SignedContent
from honnin.pki.time_stamps import Stamped, stamp_facts
from honnin.pki.xmldsig import DIGESTS, DS, Covered, Refused, base64_value, canonical, check_references, parse_xml
from honnin.pki.xmldsig import signatures_of as signatures_in

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["XADES", "xml_signers"]

_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
_IDS = frozenset({"Id", "ID", "id"})
_PARTS = frozenset(DS + name for name in ("SignedInfo", "SignatureValue", "KeyInfo", "Object"))
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"
# RFC 9231 §2.3: (family, hash)
METHODS = {
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1": ("pkcs1", "sha1"),
    **{f"{_MORE}rsa-{name}": ("pkcs1", name) for name in ("sha224", "sha256", "sha384", "sha512")},
    **{f"{_MORE}ecdsa-{name}": ("ecdsa", name) for name in ("sha1", "sha224", "sha256", "sha384", "sha512")},
    **{f"{_MORE_2007}{name}-rsa-MGF1": ("pss", name) for name in ("sha224", "sha256", "sha384", "sha512")},
}


def xml_signers(
    octets: bytes,
    content: bytes | None,
    digest: bytes | None,
    certificate: bytes | None,
    trust: Trust,
    at: datetime,
    existed_at: datetime | None,
) -> tuple[tuple[SignerFacts, ...], list[Certificate | None]]:
    """Return the facts and the certificate of each signature, in document order.

    content, digest: of what a detached signature is over. Raises FormatError for a document that cannot be read,
    InputError `signature.content_missing` where all signatures are detached and nothing was given.
    """
    root = parse_xml(octets)
    found = signatures_in(root)
    if len(found) > MOST_SIGNERS:
        raise FormatError("signature.xml_malformed", "The XML has more signatures than what is verified at once.")
    given = None if content is None and digest is None else SignedContent(content, digest)
    if given is None and found and all(_is_detached(signature) for signature in found):
        raise InputError(
            "signature.content_missing",
            "The signature is detached: the file does not hold what was signed, and nothing is fetched.",
            next="Give the signed content, or its digest.",
        )
    own = None if certificate is None else parse_certificate(certificate)
    signers: list[SignerFacts] = []
    certificates: list[Certificate | None] = []
    for signature in found:
        try:
            facts, signer = _signer(signature, given, own, trust, at, existed_at)
        except Refused as refused:
            facts = SignerFacts(signature=SignatureFacts(result=refused.result, problem=refused.problem))
            signer = None
        except FormatError as error:
            facts, signer = SignerFacts(signature=SignatureFacts(result="malformed", problem=error.code)), None
        signers.append(facts)
        certificates.append(signer)
    return tuple(signers), certificates


def _is_detached(signature: "_Element") -> bool:
    uris = [one.get("URI") for one in signature.findall(f"{DS}SignedInfo/{DS}Reference")]
    return any(uri is None or (uri != "" and not uri.startswith("#")) for uri in uris)


def _signer(
    signature: "_Element",
    given: SignedContent | None,
    own: Certificate | None,
    trust: Trust,
    at: datetime,
    existed_at: datetime | None,
) -> tuple[SignerFacts, Certificate | None]:
    carried = readable(_base64_all(signature.iterfind(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate")))
    candidates = ([] if own is None else [own]) + carried
    properties = signature.find(f"{DS}Object/{XADES}QualifyingProperties")
    signing_time = _signing_time(properties)
    value = base64_value(signature.find(DS + "SignatureValue"))
    certificate, facts = _checked(signature, value, candidates, properties, given)
    if certificate is None:
        return SignerFacts(signature=facts, signing_time=signing_time), None
    certificates, crls, ocsp = _kept(properties)
    extra = tuple(one.raw for one in carried if one.raw != certificate.raw)
    trust = trust.joined((*extra, *certificates), crls, ocsp)
    stamps, proof = stamp_facts(_stamps(signature, properties), trust, at, existed_at)
    return replace(signer_facts(certificate, facts, trust, at, proof, signing_time), time_stamps=stamps), certificate


def _checked(
    signature: "_Element",
    value: bytes,
    candidates: list[Certificate],
    properties: "_Element | None",
    given: SignedContent | None,
) -> tuple[Certificate | None, SignatureFacts]:
    """Return the certificate whose key made the value, or the first, with what the cryptography says."""
    info = signature.find(DS + "SignedInfo")
    if info is None:
        raise Refused("malformed", "signed_info")
    form = info.find(DS + "CanonicalizationMethod")
    if form is None:
        raise Refused("malformed", "canonical_form")
    inclusive = form.find("{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces")
    prefixes = None if inclusive is None else (inclusive.get("PrefixList") or "").split()
    signed = SignedContent(canonical(info, form.get("Algorithm"), prefixes))
    method = info.find(DS + "SignatureMethod")
    kind, name = METHODS.get("" if method is None else method.get("Algorithm", ""), ("", ""))
    if not kind:
        raise Refused("unsupported", "algorithm_unsupported")
    covered = check_references(signature, given)
    certificate, facts = None, SignatureFacts(result="no_certificate")
    for candidate in candidates:
        tried = _value(candidate, kind, name, value, signed)
        if certificate is None or tried.result == "valid":
            certificate, facts = candidate, tried
        if tried.result == "valid":
            break
    if certificate is None:
        return None, facts
    if facts.result == "digest_differs":
        # The value is over another SignedInfo: the signature was changed, not what it refers to.
        facts = replace(facts, result="wrong")
    facts = replace(facts, covers="digest" if given is not None and given.covers == "digest" else "content")
    if covered.differs and facts.result == "valid":
        return certificate, replace(facts, result="digest_differs")
    if facts.result == "valid":
        facts = _bound(facts, signature, certificate, properties, covered)
    return certificate, facts


def _value(certificate: Certificate, kind: str, name: str, value: bytes, signed: SignedContent) -> SignatureFacts:
    try:
        key = certificate.public_key()
    except FormatError:
        return SignatureFacts(result="unsupported", problem="key_unsupported")
    if isinstance(key, rsa.RSAPublicKey) and kind == "pkcs1":
        return check_pkcs1(key, value, signed, name)
    if isinstance(key, rsa.RSAPublicKey) and kind == "pss":
        return check_pss(key, value, signed, name)
    if isinstance(key, ec.EllipticCurvePublicKey) and kind == "ecdsa":
        if len(value) != 2 * ((key.curve.key_size + 7) // 8):  # RFC 9231 §2.3.6: r and s side by side, never DER
            return SignatureFacts(result="wrong", algorithm="ecdsa", hash=name, problem="encoding")
        return check_ecdsa(key, value, signed, name)
    return SignatureFacts(result="unsupported", problem="algorithm_contradicts")


def _bound(
    facts: SignatureFacts,
    signature: "_Element",
    certificate: Certificate,
    properties: "_Element | None",
    covered: Covered,
) -> SignatureFacts:
    """Check what binds a right value to this document and to this signer."""
    if signature.find(f".//{DS}Manifest") is not None:
        return replace(facts, result="unsupported", problem="manifest")
    if properties is not None:
        signed = properties.find(XADES + "SignedProperties")
        own = [one for one in covered.elements if signature in one.iterancestors()]  # others are without the signature
        if signed is None or not any(signed is one or one in signed.iterancestors() for one in own):
            return replace(facts, result="malformed", problem="properties_not_signed")
        if not _names(signed, certificate):
            return replace(facts, result="certificate_differs", problem="signing_certificate_differs")
    contents = [one for one in covered.elements if not _is_within(one, signature, but_objects=True)]
    if not (contents or covered.document or covered.given):
        return replace(facts, result="not_all_signed", problem="nothing_signed")
    if _own_part_uncovered(signature, covered) or (not covered.document and _uncovered(signature, covered)):
        return replace(facts, result="not_all_signed", problem="part_not_signed")
    return facts


def _is_within(element: "_Element", signature: "_Element", *, but_objects: bool) -> bool:
    """Tell whether an element is one of the signature's own parts; an object that holds content is none."""
    chain = [element, *element.iterancestors()]
    if signature not in chain:
        return False
    holders = chain[: chain.index(signature)]
    in_object = any(one.tag == DS + "Object" for one in holders)
    in_properties = any(one.tag == XADES + "QualifyingProperties" for one in holders) or (
        element.tag == DS + "Object" and element.find(XADES + "QualifyingProperties") is not None
    )
    return not (but_objects and in_object and not in_properties)


def _uncovered(signature: "_Element", covered: Covered) -> bool:
    """Tell whether the document holds anything that the references do not cover.

    Not asked of: other signatures, tags around covered parts with no more than an ID, white space; with content given
    from outside (detached) also nothing of the file around the signature is taken for signed.
    """
    root = signature.getroottree().getroot()
    inside = set(covered.elements)
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if element in inside or not isinstance(element.tag, str):
            continue
        if element.tag == DS + "Signature":
            continue
        if any(name not in _IDS and not name.startswith(_INSTANCE) for name in element.attrib):
            return True
        if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
            return True
        if not len(element) and element is not root:
            return True
        waiting.extend(element)
    return False


def _own_part_uncovered(signature: "_Element", covered: Covered) -> bool:
    """Tell whether the signature itself holds an object, or anything unknown, that its references do not cover."""
    inside = set(covered.elements)
    return any(
        child.tag not in _PARTS or (child.tag == DS + "Object" and _holds_content(child) and not _wholly(child, inside))
        for child in signature.iterchildren("*")
    )


def _holds_content(held: "_Element") -> bool:
    return [child.tag for child in held.iterchildren("*")] != [XADES + "QualifyingProperties"]


def _wholly(held: "_Element", inside: "set[_Element]") -> bool:
    loose = (held.text or "").strip() or any((child.tail or "").strip() for child in held)
    return held in inside or (not loose and all(child in inside for child in held))


def _names(signed: "_Element", certificate: Certificate) -> bool:
    """Tell whether the signing certificate that XAdES names, where it does, is this one."""
    for tag in ("SigningCertificate", "SigningCertificateV2"):
        for found in signed.iterfind(f"{XADES}SignedSignatureProperties/{XADES}{tag}"):
            stated = found.find(f"{XADES}Cert/{XADES}CertDigest")
            method = None if stated is None else stated.find(DS + "DigestMethod")
            if stated is None or method is None:
                return False
            name = DIGESTS.get(method.get("Algorithm", ""))
            if name is None:
                return False
            digest = hashlib.new(name, certificate.raw, usedforsecurity=False).digest()
            if not hmac.compare_digest(digest, base64_value(stated.find(DS + "DigestValue"))):
                return False
    return True


def _signing_time(properties: "_Element | None") -> datetime | None:
    path = f"{XADES}SignedProperties/{XADES}SignedSignatureProperties/{XADES}SigningTime"
    found = None if properties is None else properties.findtext(path)
    try:
        moment = datetime.fromisoformat((found or "").strip())
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _unsigned(properties: "_Element | None", path: str) -> "list[_Element]":
    if properties is None:
        return []
    return list(properties.findall(f"{XADES}UnsignedProperties/{XADES}UnsignedSignatureProperties/{path}"))


def _stamps(signature: "_Element", properties: "_Element | None") -> list[Stamped]:
    """Return the time stamps over the value (EN 319 132-1 §5.3): over the element's canonical form."""
    stamps: list[Stamped] = []
    for stamp in _unsigned(properties, XADES + "SignatureTimeStamp"):
        form = stamp.find(DS + "CanonicalizationMethod")
        algorithm = None if form is None else form.get("Algorithm")
        value = cast("_Element", signature.find(DS + "SignatureValue"))
        try:
            over = canonical(value, algorithm or "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")
        except Refused:
            continue
        tokens = _base64_all(stamp.iterfind(XADES + "EncapsulatedTimeStamp"))
        stamps += [Stamped(token, SignedContent(over)) for token in tokens]
    return stamps


def _kept(properties: "_Element | None") -> tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]]:
    certificates: list[bytes] = []
    crls: list[bytes] = []
    ocsp: list[bytes] = []
    for path, found in (
        (f"{XADES}CertificateValues/{XADES}EncapsulatedX509Certificate", certificates),
        (f"{XADES}TimeStampValidationData/{XADES}CertificateValues/{XADES}EncapsulatedX509Certificate", certificates),
        (f"{XADES}RevocationValues/{XADES}CRLValues/{XADES}EncapsulatedCRLValue", crls),
        (f"{XADES}RevocationValues/{XADES}OCSPValues/{XADES}EncapsulatedOCSPValue", ocsp),
    ):
        found.extend(_base64_all(_unsigned(properties, path)))
    return tuple(certificates), tuple(crls), tuple(ocsp)


def _base64_all(elements: "Iterable[_Element]") -> list[bytes]:
    """Return what elements hold in base64; one that cannot be read may still stand beside one that can."""
    found: list[bytes] = []
    for element in elements:
        try:
            found.append(b64decode("".join((element.text or "").split()), validate=True))
        except (Base64Error, ValueError):
            continue
        if len(found) == MOST_CERTIFICATES:
            break
    return found
