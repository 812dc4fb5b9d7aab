"""Documents, a CA, a time-stamping authority and signers for these tests; signed by pyHanko, signxml and openssl alone.

Nothing of the product signs here, so that what it verifies is somebody else's work.
"""

from datetime import datetime, timedelta
from functools import cache
from io import BytesIO
from typing import Any

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers, timestamps
from pyhanko_certvalidator.registry import SimpleCertificateStore
from reportlab.pdfgen.canvas import Canvas
from tests.pki.signing import NOW, PERSON, Authority, rsa_key

CA = Authority.make()
CERTIFICATE = CA.issue(rsa_key("person").public_key(), person=PERSON)
OTHER = CA.issue(rsa_key("other").public_key(), serial=77, person=PERSON)
STAMPER = CA.issue(
    rsa_key("stamper").public_key(),
    serial=99,
    policy=None,
    extra=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)],
)


@cache
def pdf(*lines: str) -> bytes:
    held = BytesIO()
    canvas = Canvas(held, invariant=True)
    for number, line in enumerate(lines or ("Rent: 100,000 yen",)):
        canvas.drawString(72, 720 - 20 * number, line)
    canvas.showPage()
    canvas.save()
    return held.getvalue()


def pair(name: str, certificate: bytes) -> dict[str, Any]:
    octets = rsa_key(name).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    store = SimpleCertificateStore()
    store.register(asn1_x509.Certificate.load(CA.der))
    return {
        "signing_cert": asn1_x509.Certificate.load(certificate),
        "signing_key": keys.PrivateKeyInfo.load(octets),
        "cert_registry": store,
    }


def stamper(at: datetime = NOW) -> Any:
    given = pair("stamper", STAMPER)
    return timestamps.DummyTimeStamper(given["signing_cert"], given["signing_key"], given["cert_registry"], fixed_dt=at)


def signed_pdf(
    octets: bytes | None = None,
    *,
    name: str = "person",
    certificate: bytes = CERTIFICATE,
    field: str = "Signature1",
    stamped: datetime | None = None,
    bytes_reserved: int | None = None,
    **meta: Any,
) -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(octets or pdf()))
    given = {"field_name": field, "subfilter": fields.SigSeedSubFilter.PADES, "md_algorithm": "sha256", **meta}
    out: BytesIO = signers.sign_pdf(
        writer,
        signers.PdfSignatureMetadata(**given),
        signers.SimpleSigner(**pair(name, certificate)),
        timestamper=stamper(stamped) if stamped else None,
        bytes_reserved=bytes_reserved,
        in_place=False,
    )
    return out.getvalue()


def document_stamped(octets: bytes, at: datetime) -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(octets))
    out: BytesIO = signers.PdfTimeStamper(stamper(at)).timestamp_pdf(writer, "sha256", None)
    return out.getvalue()


HOUR = timedelta(hours=1)
