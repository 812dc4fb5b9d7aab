"""pyHanko as the peer of signed PDFs, called as its documentation calls it."""

from io import BytesIO
from typing import Any

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from asn1crypto.algos import SignedDigestAlgorithm

from honnin.bench.material import NOW, Holder, Office
from honnin.bench.side_by_side import PKCS1, SHA256
from honnin.pki.signing.pdf import RESERVED

__all__ = ["PyHankoSigner", "PyHankoValidator"]


class PyHankoSigner:
    """Signs one page with an office's holders."""

    def __init__(self, office: Office, page: bytes) -> None:
        from pyhanko_certvalidator.registry import SimpleCertificateStore

        self._office, self._page = office, page
        self._store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        self._store.register(asn1_x509.Certificate.load(office.anchor))

    def sign(self, holder: Holder, *, timestamper: Any = None, **meta: Any) -> BytesIO:
        """Sign the page. meta: further members of PdfSignatureMetadata."""
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign import fields, signers

        key = self._office.key_of(holder)

        class Signer(signers.Signer):
            """A key that is loaded already: pyHanko's own signer reads it for each signature, which takes longest."""

            async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: ARG002 - the library's signature
                return bytes(256) if dry_run else key.sign(data, PKCS1, SHA256)

        signer = Signer(
            signing_cert=asn1_x509.Certificate.load(holder.certificate),
            cert_registry=self._store,
            signature_mechanism=SignedDigestAlgorithm({"algorithm": "sha256_rsa"}),
        )
        described = signers.PdfSignatureMetadata(
            field_name="Signature1", subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256", **meta
        )
        writer = IncrementalPdfFileWriter(BytesIO(self._page))
        out: BytesIO = signers.sign_pdf(
            writer, described, signer, timestamper=timestamper, bytes_reserved=RESERVED, in_place=False
        )
        return out


class PyHankoValidator:
    """Validates files by an office's list."""

    def __init__(self, office: Office) -> None:
        self._anchor = asn1_x509.Certificate.load(office.anchor)
        self._crl = office.crl

    def validate(self, file: bytes) -> None:
        """Validate a file's one signature."""
        from pyhanko.pdf_utils.reader import PdfFileReader
        from pyhanko.sign.validation import validate_pdf_signature
        from pyhanko_certvalidator import ValidationContext

        context = ValidationContext(
            trust_roots=[self._anchor],
            crls=[asn1_crl.CertificateList.load(self._crl)],
            moment=NOW,
            revocation_mode="require",
            allow_fetching=False,
        )
        (embedded,) = PdfFileReader(BytesIO(file)).embedded_signatures
        status = validate_pdf_signature(embedded, context)
        if not status.bottom_line:
            raise AssertionError("what is measured must pass")
