"""XML signatures (W3C XML Signature Syntax and Processing 1.1): references, canonical forms and what they cover.

    1. The file is parsed without a DTD: entities, external subsets and default attributes do not exist here.
    2. A reference is to the whole document, to one element by its only ID, or to content that the caller gives; nothing
       is ever fetched.
    3. Transforms are the few below; XSLT, and XPath other than "without signatures", are refused.
    4. What the references cover is kept by element, so that a signature over one part is not taken for one over another
       (signature wrapping).

lxml canonicalises. Inclusive canonical form of a part inherits `xml:` attributes from its ancestors, which lxml leaves
out; such a part is refused rather than digested wrongly.
"""

import copy
import hmac
import re
from base64 import b64decode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any

import msgspec

from honnin.errors import FormatError
from honnin.pki.signed_content import SignedContent

if TYPE_CHECKING:
    from lxml.etree import XMLParser, _Element

__all__ = [
    "DS",
    "NOT_SIGNATURES",
    "XML_LIMIT",
    "Covered",
    "Refused",
    "base64_value",
    "canonical",
    "check_references",
    "octets_of",
    "parse_xml",
    "signatures_of",
]

DS = "{http://www.w3.org/2000/09/xmldsig#}"
XML = "{http://www.w3.org/XML/1998/namespace}"
XML_LIMIT = 64 << 20  # bytes
MOST_REFERENCES, MOST_TRANSFORMS = 64, 8
_IDS = ("Id", "ID", "id", XML + "id")
_DTD = re.compile(rb"<\x00*!\x00*D\x00*O\x00*C\x00*T\x00*Y\x00*P\x00*E", re.IGNORECASE)

_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_C14N_11 = "http://www.w3.org/2006/12/xml-c14n11"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
# algorithm: (exclusive, with comments)
CANONICAL_FORMS = {
    _C14N: (False, False),
    _C14N + "#WithComments": (False, True),
    _C14N_11: (False, False),
    _C14N_11 + "#WithComments": (False, True),
    _EXCLUSIVE: (True, False),
    _EXCLUSIVE + "WithComments": (True, True),
}
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_BASE64 = "http://www.w3.org/2000/09/xmldsig#base64"
_XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
NOT_SIGNATURES = "not(ancestor-or-self::ds:Signature)"
DIGESTS = {
    "http://www.w3.org/2000/09/xmldsig#sha1": "sha1",
    "http://www.w3.org/2001/04/xmldsig-more#sha224": "sha224",
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}


class Refused(Exception):  # noqa: N818 - leaves the steps early, never the room
    """A signature that cannot be judged good; `result` and `problem` as in `SignatureFacts`."""

    def __init__(self, result: Any, problem: str) -> None:
        super().__init__(problem)
        self.result = result
        self.problem = problem


class Covered(msgspec.Struct):
    """What one signature covers: elements with all below them, the whole document, content that the caller gave.

    without: `own` where only this signature was left out, `all` where every signature was.
    """

    elements: list[Any] = msgspec.field(default_factory=list)
    document: bool = False
    given: bool = False
    differs: bool = False


def parse_xml(octets: bytes) -> "_Element":
    """Return the root of a document. Raises FormatError `signature.xml_malformed`, `signature.xml_dtd`."""
    from lxml import etree

    if len(octets) > XML_LIMIT:
        raise FormatError("signature.xml_malformed", "The XML is larger than what is verified at once.")
    if _DTD.search(octets, 0, 1 << 16):
        raise _dtd()
    try:
        root = etree.fromstring(octets, _parser())
    except (etree.XMLSyntaxError, ValueError, LookupError):
        raise FormatError("signature.xml_malformed", "The XML is not well formed.") from None
    if root.getroottree().docinfo.doctype or root.getroottree().docinfo.internalDTD is not None:
        raise _dtd()
    if any(True for _ in root.iter(etree.Entity)):
        raise _dtd()
    return root


def _parser() -> "XMLParser":
    from lxml import etree

    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        collect_ids=False,
    )


def _dtd() -> FormatError:
    return FormatError(
        "signature.xml_dtd",
        "The XML has a document type definition, which could change what was signed.",
        next="Give the file without one.",
    )


def signatures_of(root: "_Element") -> "list[_Element]":
    """Return the signatures of a document in its order; those inside another signature's own parts are not counted."""
    found = list(root.iter(DS + "Signature"))
    return [one for one in found if not any(parent.tag == DS + "Signature" for parent in one.iterancestors())]


def canonical(element: "_Element", algorithm: str | None, prefixes: list[str] | None = None) -> bytes:
    """Return the canonical form of an element within its document. Raises Refused."""
    from lxml import etree

    form = CANONICAL_FORMS.get(algorithm or "")
    if form is None:
        raise Refused("unsupported", "canonical_form_unsupported")
    exclusive, comments = form
    inherits = any(name.startswith(XML) for parent in element.iterancestors() for name in parent.attrib)
    if not exclusive and inherits:
        raise Refused("unsupported", "inherited_attributes")
    written: bytes = etree.tostring(
        _alone(element),
        method="c14n",
        exclusive=exclusive,
        with_comments=comments,
        with_tail=False,
        inclusive_ns_prefixes=prefixes if exclusive else None,
    )
    return written


def _alone(element: "_Element") -> "_Element":
    """Return an element as the root of a document of its own, with all namespaces that are in scope.

    Where an ancestor has another default namespace, lxml would write the parts of a part without any.
    """
    from lxml import etree

    if element.getparent() is None:
        return element
    return etree.fromstring(etree.tostring(element, encoding="utf-8", with_tail=False), _parser())


def check_references(signature: "_Element", given: SignedContent | None) -> Covered:
    """Check every reference of a signature and return what they cover. Raises Refused.

    given: content of a detached signature. A digest that is another is told by `differs`.
    """
    references = signature.findall(f"{DS}SignedInfo/{DS}Reference")
    if not 0 < len(references) <= MOST_REFERENCES:
        raise Refused("malformed", "references")
    covered = Covered()
    for reference in references:
        octets = _octets(reference, signature, given, covered)
        name = DIGESTS.get(_algorithm(reference, "DigestMethod"))
        if name is None:
            raise Refused("unsupported", "digest_unsupported")
        digest = octets.digest(name)
        stated = base64_value(reference.find(DS + "DigestValue"))
        if digest is None or not hmac.compare_digest(digest, stated):
            covered.differs = True
    return covered


def octets_of(reference: "_Element", signature: "_Element") -> bytes:
    """Return what a reference into the document is over, by its transforms. Raises Refused."""
    found = _octets(reference, signature, None, Covered()).content
    return found or b""


def base64_value(element: "_Element | None") -> bytes:
    """Return an element's base64 content. Raises Refused."""
    if element is None or len(element):
        raise Refused("malformed", "base64")
    try:
        return b64decode("".join((element.text or "").split()), validate=True)
    except (Base64Error, ValueError):
        raise Refused("malformed", "base64") from None


def _algorithm(parent: "_Element", name: str) -> str:
    found = parent.findall(DS + name)
    if len(found) != 1:
        raise Refused("malformed", "algorithm_missing")
    return str(found[0].get("Algorithm", ""))


def _octets(
    reference: "_Element", signature: "_Element", given: SignedContent | None, covered: Covered
) -> SignedContent:
    """Return what a reference's digest is over."""
    uri = reference.get("URI")
    transforms = reference.findall(f"{DS}Transforms/{DS}Transform")
    if len(transforms) > MOST_TRANSFORMS:
        raise Refused("malformed", "transforms")
    if uri is None or (uri and not uri.startswith("#")):
        if given is None:
            raise Refused("malformed", "external_reference")
        if transforms or covered.given:
            raise Refused("unsupported", "external_transforms")
        covered.given = True
        return given
    target, comments = _target(uri, signature)
    if target is None:
        covered.document = True
    else:
        covered.elements.append(target)
    return SignedContent(_transformed(target, comments, signature, transforms))


def _target(uri: str, signature: "_Element") -> "tuple[_Element | None, bool]":
    """Return the element that a reference names, None for the whole document, and whether comments belong to it."""
    if uri in {"", "#xpointer(/)"}:
        return None, uri != ""
    name, comments = uri[1:], False
    if pointer := re.fullmatch(r"xpointer\(id\((['\"])([^'\"]+)\1\)\)", name):
        name, comments = pointer[2], True
    root = signature.getroottree().getroot()
    found = [one for one in root.iter("*") if any(one.get(attribute) == name for attribute in _IDS)]
    if len(found) != 1:
        raise Refused("malformed", "reference_ambiguous" if found else "reference_missing")
    return found[0], comments


def _transformed(
    target: "_Element | None", comments: bool, signature: "_Element", transforms: "list[_Element]"
) -> bytes:
    from lxml import etree

    tree, remove = signature.getroottree(), []
    form, prefixes = _C14N + ("#WithComments" if comments else ""), None
    decoded = written = False
    for transform in transforms:
        algorithm = str(transform.get("Algorithm", ""))
        if written or decoded:
            raise Refused("unsupported", "transform_after_octets")
        if algorithm == _ENVELOPED:
            remove.append(signature)
        elif algorithm == _XPATH and _leaves_signatures_out(transform):
            remove += signatures_of(tree.getroot())
        elif algorithm in CANONICAL_FORMS:
            form, written = algorithm, True
            inclusive = transform.find(f"{{{_EXCLUSIVE}}}InclusiveNamespaces")
            prefixes = None if inclusive is None else (inclusive.get("PrefixList") or "").split()
            if not comments and form.endswith("WithComments"):  # XML Signature §4.4.3.3: comments are not selected
                form = _EXCLUSIVE if form.startswith(_EXCLUSIVE) else form.removesuffix("#WithComments")
        elif algorithm == _BASE64:
            decoded = True
        else:
            raise Refused("unsupported", "transform_unsupported")
    whole = tree.getroot() if target is None else target
    if decoded:
        try:
            return b64decode("".join("".join(whole.itertext()).split()), validate=True)
        except (Base64Error, ValueError):
            raise Refused("malformed", "base64") from None
    if remove:
        whole = _copied_without(tree, whole, remove)
    if target is not None:
        return canonical(whole, form, prefixes)
    exclusive, with_comments = CANONICAL_FORMS[form]
    octets: bytes = etree.tostring(
        whole.getroottree(),
        method="c14n",
        exclusive=exclusive,
        with_comments=with_comments,
        inclusive_ns_prefixes=prefixes if exclusive else None,
    )
    return octets


def _leaves_signatures_out(transform: "_Element") -> bool:
    """Tell whether an XPath transform is the one that leaves out every signature, whatever its prefix."""
    xpath = transform.find(DS + "XPath")
    if xpath is None or len(transform) != 1:
        return False
    prefix = re.fullmatch(r"not\(\s*ancestor-or-self::([\w-]+):Signature\s*\)", (xpath.text or "").strip())
    return prefix is not None and xpath.nsmap.get(prefix[1]) == DS[1:-1]


def _copied_without(tree: Any, whole: "_Element", remove: "list[_Element]") -> "_Element":
    """Return `whole` in a copy of the document from which some elements, but not the text behind them, are gone."""
    here, gone = _place(whole), [_place(one) for one in dict.fromkeys(remove)]
    copied = copy.deepcopy(tree)
    target = _at(copied.getroot(), here)
    for element in [_at(copied.getroot(), place) for place in gone]:
        parent, tail = element.getparent(), element.tail or ""
        if parent is None or element is target:
            raise Refused("malformed", "signature_signs_itself")
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + tail
        else:
            before.tail = (before.tail or "") + tail
        parent.remove(element)
    return target


def _place(element: "_Element") -> list[int]:
    """Return where an element stands: the position at every level below the root."""
    place: list[int] = []
    while (parent := element.getparent()) is not None:
        place.append(parent.index(element))
        element = parent
    return place[::-1]


def _at(root: "_Element", place: list[int]) -> "_Element":
    for position in place:
        root = root[position]
    return root
