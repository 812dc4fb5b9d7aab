"""Certificates, signatures and revocation data of JPKI's shape for measuring, made with pyca alone.

The holders are invented; the profile is my-number-card.md §5. Nothing here leaves the process.
"""

from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

__all__ = ["NOW", "Holder", "Office"]

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
DOCUMENT = "口座の開設を申し込みます。\n".encode() * 40

_ARC = "1.2.392.200149.8.5"
_SHA256 = hashes.SHA256()


class Holder(msgspec.Struct, frozen=True):
    """A certificate that nobody has seen, a signature over `DOCUMENT` by its key, and an OCSP answer for it."""

    certificate: bytes
    signature: bytes
    answer: bytes


class Office:
    """A CA of JPKI's shape that issues certificates over a few keys (making keys would take most of the time).

    now: the moment around which what it issues is valid.
    """

    def __init__(self, keys: int = 4, *, now: datetime = NOW) -> None:
        self._now = now
        self._key = _key()
        self._serials = count(20_000_000)
        self._keys = [_key() for _ in range(keys)]
        self._signatures = [key.sign(DOCUMENT, padding.PKCS1v15(), _SHA256) for key in self._keys]
        self._name = _name(("O", "JPKI-TEST"), ("OU", "JPKI for digital signature"), ("OU", "honnin bench"))
        self._point = _name(("O", "JPKI-TEST"), ("OU", "CRL Distribution Points"), ("CN", "Chiyoda-ku CRLDP"))
        self._identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        self._certificate = self._root()
        self.anchor = self._certificate.public_bytes(serialization.Encoding.DER)
        self.crl = self._list()

    @property
    def key(self) -> rsa.RSAPublicKey:
        """The CA's key, for the peers that verify with it."""
        return self._key.public_key()

    def holders(self, number: int, *, answers: bool = False) -> list[Holder]:
        """Issue that many new certificates; `answers` adds an OCSP answer to each."""
        return [self._holder(answers=answers) for _ in range(number)]

    def key_of(self, holder: Holder) -> rsa.RSAPrivateKey:
        """Return the private key of a holder, for peers and documents that are signed while measured."""
        return self._keys[self._signatures.index(holder.signature)]

    def _holder(self, *, answers: bool) -> Holder:
        serial = next(self._serials)
        which = serial % len(self._keys)
        public = self._keys[which].public_key()
        number = f"{serial:08d}"
        subject = _name(("L", "Tokyo-to"), ("L", "Chiyoda-ku"), ("CN", f"20261101{number[:6]}13101{number[-3:]}A"))
        attributes = {1: f"見本　{number}", 4: "419900401", 3: "2", 5: f"東京都千代田区見本町{number}", 2: "0", 6: "0"}
        names = [x509.OtherName(x509.ObjectIdentifier(f"{_ARC}.5.{arc}"), _utf8(v)) for arc, v in attributes.items()]
        issuer_names = [x509.DirectoryName(_name(("O", "公的個人認証サービス"), ("OU", "署名用")))]
        policy = x509.PolicyInformation(x509.ObjectIdentifier(f"{_ARC}.1.1.20"), None)
        responder = x509.UniformResourceIdentifier("http://ocspsign.jpki-test.invalid/")
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(serial)
            .not_valid_before(self._now - timedelta(days=20, seconds=serial % 86_400))
            .not_valid_after(self._now + timedelta(days=1000))
            .add_extension(_usage(sign=True), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.CertificatePolicies([policy]), critical=True)
            .add_extension(x509.IssuerAlternativeName(issuer_names), critical=False)
            .add_extension(
                x509.CRLDistributionPoints(
                    [x509.DistributionPoint([x509.DirectoryName(self._point)], None, None, None)]
                ),
                critical=False,
            )
            .add_extension(
                x509.AuthorityInformationAccess(
                    [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, responder)]
                ),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._identifier), critical=False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._key, _SHA256)
        )
        answer = self._answer(certificate) if answers else b""
        return Holder(certificate.public_bytes(serialization.Encoding.DER), self._signatures[which], answer)

    def _answer(self, certificate: x509.Certificate) -> bytes:
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=certificate,
            issuer=self._certificate,
            algorithm=_SHA256,
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=self._now - timedelta(minutes=1),
            next_update=self._now + timedelta(hours=1),
            revocation_time=None,
            revocation_reason=None,
        )
        answer = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self._certificate).sign(self._key, _SHA256)
        return answer.public_bytes(serialization.Encoding.DER)

    def _root(self) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(self._now - timedelta(days=1000))
            .not_valid_after(self._now + timedelta(days=2000))
            .add_extension(_usage(sign=False), critical=True)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(self._identifier, critical=False)
            .sign(self._key, _SHA256)
        )

    def _list(self) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(self._now - timedelta(hours=3))
            .next_update(self._now + timedelta(hours=21))
            .add_extension(x509.CRLNumber(42), critical=False)
            .add_extension(
                x509.IssuingDistributionPoint(
                    full_name=[x509.DirectoryName(self._point)],
                    relative_name=None,
                    only_contains_user_certs=False,
                    only_contains_ca_certs=False,
                    only_some_reasons=None,
                    indirect_crl=False,
                    only_contains_attribute_certs=False,
                ),
                critical=True,
            )
        )
        for serial in range(1000):
            entry = x509.RevokedCertificateBuilder().serial_number(10_000 + serial)
            builder = builder.add_revoked_certificate(entry.revocation_date(self._now - timedelta(days=30)).build())
        return builder.sign(self._key, _SHA256).public_bytes(serialization.Encoding.DER)


_ATTRIBUTES = {
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
}


def _name(*parts: tuple[str, str]) -> x509.Name:
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "JP")
    return x509.Name([country, *(x509.NameAttribute(_ATTRIBUTES[kind], text) for kind, text in parts)])


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=sign,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not sign,
        crl_sign=not sign,
        encipher_only=False,
        decipher_only=False,
    )


def _utf8(text: str) -> bytes:
    content = text.encode()
    return b"\x0c" + bytes((len(content),)) + content


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
