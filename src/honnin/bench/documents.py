"""Signed PDFs beside pyHanko called directly, and sign results beside the bare RSA operations that are in them.

Both sides sign the same page with the same loaded keys of pyca: PAdES B-B over SHA-256, no stamp, the same room for the
value. Both judge the same files with the same anchor and list at the same moment; every file is by a certificate that
was not seen before. honnin, which cannot know who signs elsewhere, also verifies each value that it puts into a file.
"""

import json
import tempfile
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc import jwe
from joserfc.jwk import RSAKey

from honnin.bench.figures import Figure
from honnin.bench.material import DOCUMENT, NOW, Holder, Office
from honnin.bench.printing import print_figures
from honnin.bench.pyhanko_peer import PyHankoSigner, PyHankoValidator
from honnin.bench.side_by_side import PKCS1, SHA256, figure
from honnin.bench.stamped import measure_stamped
from honnin.connect.digital_auth import KeyFile
from honnin.connect.digital_auth.opening import ResultOpener
from honnin.pki import verify
from honnin.pki.signing import assemble, prepare

__all__ = ["measure_documents"]

ALGORITHM, CONTENT = "RSA-OAEP-256", "A256GCM"
OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def measure_documents(*, rounds: int = 5, each: int = 10) -> list[Figure]:
    """Measure signing and validation of PDFs, and sign results. each: files a round."""
    office, page = Office(), _page()
    return [
        *_pdf(office, page, rounds, each),
        *measure_stamped(page, rounds=rounds, each=each),
        _results(office, rounds, each * 5),
    ]


def _pdf(office: Office, page: bytes, rounds: int, each: int) -> list[Figure]:
    def ours(holder: Holder) -> bytes:
        prepared = prepare(page, "pdf", at=NOW, certificate=holder.certificate)
        value = office.key_of(holder).sign(prepared.to_be_signed, PKCS1, SHA256)
        return assemble(prepared, value, holder.certificate)

    def judged(file: bytes) -> None:
        report = verify(file, anchors=[office.anchor], crls=[office.crl], at=NOW)
        if report.indication != "TOTAL-PASSED":
            raise AssertionError(f"what is measured must pass: {report.reason}")

    peer, validator = PyHankoSigner(office, page), PyHankoValidator(office)

    def files() -> list[bytes]:
        return [ours(holder) for holder in office.holders(each)]

    return [
        figure("PDF signed, PAdES B-B", ours, "pyHanko sign_pdf", peer.sign, lambda: office.holders(each), rounds),
        figure("PDF validated, one signature, CRL", judged, "pyHanko validate", validator.validate, files, rounds),
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

        return figure(
            "sign result (JWE) opened and judged, CRL", ours, "pyca: 1 decrypt, 2 verify", bare, sealed, rounds
        )


def _sealed(public: RSAKey, holder: Holder) -> str:
    body = {"signature": holder.signature, "certificate": holder.certificate}
    payload = json.dumps({name: b64encode(octets).decode() for name, octets in body.items()})
    header = {"alg": ALGORITHM, "enc": CONTENT, "kid": public.kid}
    return jwe.encrypt_compact(header, payload, public, algorithms=[ALGORITHM, CONTENT])


def _page() -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    held = BytesIO()
    canvas = Canvas(held, invariant=True)
    for number in range(30):
        canvas.drawString(72, 760 - 20 * number, f"Clause {number}: the tenant pays 100,000 yen a month.")
    canvas.showPage()
    canvas.save()
    return held.getvalue()


if __name__ == "__main__":
    print_figures(measure_documents())
