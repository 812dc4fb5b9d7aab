"""XML signatures made by signxml, and by xmlsec1 from templates."""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from signxml import XMLSigner, methods
from signxml.xades import XAdESSigner
from tests.documents.files import CERTIFICATE
from tests.pki.signing import rsa_key
from tests.waiting import LONG

LEASE = '<Lease xmlns="urn:example:lease" Id="lease"><Rent>100000</Rent><Tenant>見本　花子</Tenant></Lease>'
ENVELOPED = '<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
WITHOUT_SIGNATURES = (
    '<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
    '<XPath xmlns:ds="http://www.w3.org/2000/09/xmldsig#">not(ancestor-or-self::ds:Signature)</XPath></Transform>'
)
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


def by_signxml(method: Any = methods.enveloped, *, xades: bool = False, text: str = LEASE) -> bytes:
    signer = (XAdESSigner if xades else XMLSigner)(method=method)
    certificate = x509.load_der_x509_certificate(CERTIFICATE)
    return etree.tostring(signer.sign(etree.fromstring(text), key=rsa_key("person"), cert=[certificate]))


def signature(
    uri: str, transforms: str = "", *, form: str = EXCLUSIVE, method: str = "rsa-sha256", objects: str = ""
) -> str:
    more = "http://www.w3.org/2001/04/xmldsig-more#"
    return (
        f'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>'
        f'<CanonicalizationMethod Algorithm="{form}"/>'
        f'<SignatureMethod Algorithm="{more}{method}"/><Reference URI="{uri}"><Transforms>{transforms}'
        f'<Transform Algorithm="{form}"/></Transforms>'
        '<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue/></Reference></SignedInfo>'
        f"<SignatureValue/><KeyInfo><X509Data/></KeyInfo>{objects}</Signature>"
    )


def by_xmlsec(template: str, *, ids: tuple[str, ...] = ("Body", "Lease", "Object")) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = rsa_key("person").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "key").write_bytes(key)
        (folder / "certificate").write_bytes(x509.load_der_x509_certificate(CERTIFICATE).public_bytes(Encoding.PEM))
        (folder / "template").write_text(template, encoding="utf-8")
        identifiers: list[str] = []
        for one in ids:
            identifiers += ["--id-attr:Id", one]
        subprocess.run(
            [
                "xmlsec1",
                "--sign",
                *identifiers,
                "--privkey-pem",
                f"{folder}/key,{folder}/certificate",
                "--output",
                f"{folder}/signed",
                f"{folder}/template",
            ],
            check=True,
            capture_output=True,
            timeout=LONG,
        )
        return (folder / "signed").read_bytes()
