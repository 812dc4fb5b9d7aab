"""Signed PDFs beside pyHanko called directly, and sign results beside the bare RSA operations that are in them.

Both sides sign the same page with the same loaded keys of pyca: PAdES B-B over SHA-256, no stamp, the same room for the
value. Both judge the same files with the same anchor and list at the same moment; every file is by a certificate that
was not seen before. honnin, which cannot know who signs elsewhere, also verifies each value that it puts into a file.
"""

import json
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any, TypeVar, cast

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from asn1crypto.algos import SignedDigestAlgorithm
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc import jwe
from joserfc.jwk import RSAKey

from honnin.bench.figures import Figure
from honnin.bench.material import DOCUMENT, NOW, Holder, Office
from honnin.bench.printing import print_figures
from honnin.connect.digital_auth import KeyFile
from honnin.connect.digital_auth.opening import ResultOpener
from honnin.pki import verify
from honnin.pki.signing import assemble, prepare
from honnin.pki.signing.pdf import RESERVED

__all__ = ["measure_documents"]

T = TypeVar("T")
ALGORITHM, CONTENT = "RSA-OAEP-256", "A256GCM"
PKCS1, SHA256 = padding.PKCS1v15(), hashes.SHA256()
OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
Step = Callable[[T], Any]


def measure_documents(*, rounds: int = 5, each: int = 10) -> list[Figure]:
    """Measure signing and validation of PDFs, and sign results. each: files a round."""
    office = Office()
    return [*_pdf(office, rounds, each), _results(office, rounds, each * 5)]


def _pdf(office: Office, rounds: int, each: int) -> list[Figure]:
    page = _page()

    def ours(holder: Holder) -> bytes:
        prepared = prepare(page, "pdf", at=NOW, certificate=holder.certificate)
        value = office.key_of(holder).sign(prepared.to_be_signed, PKCS1, SHA256)
        return assemble(prepared, value, holder.certificate)

    def judged(file: bytes) -> None:
        report = verify(file, anchors=[office.anchor], crls=[office.crl], at=NOW)
        if report.indication != "TOTAL-PASSED":
            raise AssertionError(f"what is measured must pass: {report.reason}")

    peer = _PyHanko(office, page)

    def files() -> list[bytes]:
        return [ours(holder) for holder in office.holders(each)]

    return [
        _figure("PDF signed, PAdES B-B", ours, "pyHanko sign_pdf", peer.sign, lambda: office.holders(each), rounds),
        _figure("PDF validated, one signature, CRL", judged, "pyHanko validate", peer.validate, files, rounds),
    ]


def _results(office: Office, rounds: int, each: int) -> Figure:
    """Measure a sign result opened and judged beside one decryption, two verifications and a certificate read."""
    with tempfile.TemporaryDirectory(prefix="honnin-bench-") as name:
        file = KeyFile(Path(name), "decrypt")
        private = cast("rsa.RSAPrivateKey", file.new(ALGORITHM, at=NOW).jose().private_key)
        opener = ResultOpener(Path(name))
        public = RSAKey.import_key(file.jwks()["keys"][0])

        def sealed() -> list[tuple[str, Holder]]:
            return [(_sealed(public, holder), holder) for holder in office.holders(each)]

        def ours(brought: tuple[str, Holder]) -> None:
            opened = opener.open(brought[0])
            report = verify(
                opened.signature,
                content=DOCUMENT,
                certificate=opened.certificate,
                anchors=[office.anchor],
                crls=[office.crl],
                at=NOW,
                existed_at=NOW,
                policy="jpki_signature",
            )
            if report.indication != "TOTAL-PASSED":
                raise AssertionError(f"what is measured must pass: {report.reason}")

        wrapped = private.public_key().encrypt(bytes(32), OAEP)

        def bare(brought: tuple[str, Holder]) -> None:
            private.decrypt(wrapped, OAEP)
            loaded = x509.load_der_x509_certificate(brought[1].certificate)
            office.key.verify(loaded.signature, loaded.tbs_certificate_bytes, PKCS1, SHA256)
            cast("rsa.RSAPublicKey", loaded.public_key()).verify(brought[1].signature, DOCUMENT, PKCS1, SHA256)

        return _figure(
            "sign result (JWE) opened and judged, CRL", ours, "pyca: 1 decrypt, 2 verify", bare, sealed, rounds
        )


def _sealed(public: RSAKey, holder: Holder) -> str:
    body = {"signature": holder.signature, "certificate": holder.certificate}
    payload = json.dumps({name: b64encode(octets).decode() for name, octets in body.items()})
    header = {"alg": ALGORITHM, "enc": CONTENT, "kid": public.kid}
    return jwe.encrypt_compact(header, payload, public, algorithms=[ALGORITHM, CONTENT])


class _PyHanko:
    """The peer, called as its documentation calls it."""

    def __init__(self, office: Office, page: bytes) -> None:
        from pyhanko_certvalidator.registry import SimpleCertificateStore

        self._office, self._page = office, page
        self._anchor = asn1_x509.Certificate.load(office.anchor)
        self._crl = office.crl
        self._store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        self._store.register(self._anchor)

    def sign(self, holder: Holder) -> bytes:
        """Sign the page."""
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
        meta = signers.PdfSignatureMetadata(
            field_name="Signature1", subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256"
        )
        out: BytesIO = signers.sign_pdf(
            IncrementalPdfFileWriter(BytesIO(self._page)), meta, signer, bytes_reserved=RESERVED, in_place=False
        )
        return out.getvalue()

    def validate(self, file: bytes) -> None:
        """Validate a file's one signature with the list."""
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


def _page() -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    held = BytesIO()
    canvas = Canvas(held, invariant=True)
    for number in range(30):
        canvas.drawString(72, 760 - 20 * number, f"Clause {number}: the tenant pays 100,000 yen a month.")
    canvas.showPage()
    canvas.save()
    return held.getvalue()


def _figure(
    name: str, ours: Step[T], peer_name: str, peer: Step[T], material: Callable[[], Sequence[T]], rounds: int
) -> Figure:
    """Measure both in every round, one after the other; the ratio is the median of the rounds' ratios."""
    for step in (ours, peer):  # libraries load, and the CA is met
        step(material()[0])
    mine, theirs = [], []
    for _ in range(rounds):
        things = material()
        mine.append(_timed(ours, things))
        theirs.append(_timed(peer, things))
    ratio = median(one / other for one, other in zip(mine, theirs, strict=True))
    best = [round(min(taken) * 1e3, 3) for taken in (mine, theirs)]
    return Figure(
        name, "ms", best[0], peer_name, best[1], round(ratio, 2), rounds=tuple(round(one * 1e3, 3) for one in mine)
    )


def _timed(step: Step[T], things: Sequence[T]) -> float:
    began = time.process_time()
    for thing in things:
        step(thing)
    return (time.process_time() - began) / len(things)


if __name__ == "__main__":
    print_figures(measure_documents())
