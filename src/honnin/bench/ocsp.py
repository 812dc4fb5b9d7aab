"""OCSP answers validated beside pyca: the answer read, matched, and its signature checked, the delegate known to both.

The peer loads the answer and verifies its signature with the responder's key that it already has; it looks at neither
the certificate's identity nor the times. Every answer is another one (each has a nonce of its own).
"""

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from honnin.bench.figures import Figure
from honnin.bench.lists import NOW
from honnin.bench.printing import print_figures
from honnin.pki.ocsp_status import by_ocsp
from honnin.pki.revocation_sources import read_revocation
from honnin.pki.rfc5280.certificate import parse_certificate

__all__ = ["measure_ocsp"]

AIM = 1 / 0.6  # at least 0.6 of the peer's rate
SHA256 = hashes.SHA256()


def measure_ocsp(*, rounds: int = 9, each: int = 100) -> list[Figure]:
    """Measure answers of a delegated responder."""
    office = _Office()
    certificate, issuer = parse_certificate(office.holder), parse_certificate(office.anchor)

    def ours(answer: bytes) -> None:
        if by_ocsp(certificate, issuer, read_revocation((), (answer,)), NOW).status.state != "good":
            raise AssertionError("what is measured must be good")

    def peer(answer: bytes) -> None:
        loaded = ocsp.load_der_ocsp_response(answer)
        office.responder_key.verify(loaded.signature, loaded.tbs_response_bytes, padding.PKCS1v15(), SHA256)

    ours(office.answer())  # the delegate is met
    mine, theirs = [], []
    for _ in range(rounds):
        answers = [office.answer() for _ in range(each)]
        mine.append(_timed(ours, answers))
        theirs.append(_timed(peer, answers))
    return [
        Figure(
            "OCSP answer validated, delegate known",
            "µs",
            round(min(mine) * 1e6, 1),
            "pyca load + verify",
            round(min(theirs) * 1e6, 1),
            round(min(mine) / min(theirs), 2),
            round(AIM, 2),
            tuple(round(one * 1e6, 1) for one in mine),
        )
    ]


class _Office:
    """A CA, a responder that it certified, and one holder."""

    def __init__(self) -> None:
        self._ca, self._responder, holder = (rsa.generate_private_key(65537, 2048) for _ in range(3))
        self.responder_key = self._responder.public_key()
        self._root = self._certificate("CA", self._ca.public_key(), 1)
        nocheck, signing = x509.OCSPNoCheck(), x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
        self._delegate = self._certificate("OCSP", self.responder_key, 2, nocheck, signing)
        self._holder = self._certificate("holder", holder.public_key(), 3)
        self.anchor = self._root.public_bytes(serialization.Encoding.DER)
        self.holder = self._holder.public_bytes(serialization.Encoding.DER)

    def _certificate(
        self, name: str, key: rsa.RSAPublicKey, serial: int, *extensions: x509.ExtensionType
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name("CA"))
            .public_key(key)
            .serial_number(serial)
            .not_valid_before(NOW - timedelta(days=30))
            .not_valid_after(NOW + timedelta(days=300))
            .add_extension(x509.BasicConstraints(ca=name == "CA", path_length=None), critical=True)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self._ca, SHA256)

    def answer(self) -> bytes:
        """Return a new answer: good."""
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=self._holder,
            issuer=self._root,
            algorithm=hashes.SHA1(),  # noqa: S303 - names the issuer in a CertID
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=NOW,
            next_update=NOW + timedelta(minutes=10),
            revocation_time=None,
            revocation_reason=None,
        )
        answer = (
            builder.responder_id(ocsp.OCSPResponderEncoding.NAME, self._delegate)
            .certificates([self._delegate])
            .add_extension(x509.OCSPNonce(secrets.token_bytes(32)), critical=False)
            .sign(self._responder, SHA256)
        )
        return answer.public_bytes(serialization.Encoding.DER)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"JPKI-TEST bench {text}")])


def _timed(step: Callable[[bytes], None], answers: Sequence[bytes]) -> float:
    began = time.process_time()
    for answer in answers:
        step(answer)
    return (time.process_time() - began) / len(answers)


if __name__ == "__main__":
    print_figures(measure_ocsp())
