"""A small CA of JPKI's shape for these tests, made with pyca alone; keys are made once a process."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SIGNATURE_POLICY = "1.2.392.200149.8.5.1.1.20"
USER_POLICY = "1.2.392.200149.8.5.1.3.30"
ATTRIBUTES = "1.2.392.200149.8.5.5"
PERSON = {1: "見本　花子", 2: "00001", 3: "2", 4: "419900401", 5: "東京都千代田区霞が関一丁目一番一号", 6: "0" * 17}


@cache
def rsa_key(name: str = "person", bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str = "person", curve: str = "P-384") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key({"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}[curve])


def der(value: Any) -> bytes:
    encoded: bytes = value.public_bytes(serialization.Encoding.DER)
    return encoded


def distinguished(*pairs: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in pairs])


def utf8(text: str) -> bytes:
    content = text.encode()
    length = len(content)
    octets = bytes([length]) if length < 128 else b"\x82" + length.to_bytes(2, "big")
    if 128 <= length < 256:
        octets = bytes([0x81, length])
    return b"\x0c" + octets + content


CA_NAME = distinguished(
    (NameOID.COUNTRY_NAME, "JP"),
    (NameOID.ORGANIZATION_NAME, "JPKI-TEST"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "JPKI for digital signature"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "Japan Agency for Local Authority Information Systems"),
)
POINT = distinguished(
    (NameOID.COUNTRY_NAME, "JP"),
    (NameOID.ORGANIZATION_NAME, "JPKI-TEST"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "CRL Distribution Points"),
    (NameOID.COMMON_NAME, "Chiyoda-ku CRLDP"),
)


def key_usage(*, sign: bool = True, commit: bool = True) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=commit,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass
class Authority:
    """A self-signed root like a JPKI card CA (no AKI, no policies)."""

    key: CertificateIssuerPrivateKeyTypes
    certificate: x509.Certificate
    hash: hashes.HashAlgorithm

    @classmethod
    def make(cls, name: str = "authority", *, curve: str | None = None) -> "Authority":
        return _authority(name, curve)

    @property
    def der(self) -> bytes:
        return der(self.certificate)

    def issue(
        self,
        public_key: Any,
        *,
        serial: int = 0x132C4AB,
        policy: str | None = SIGNATURE_POLICY,
        person: dict[int, str] | None = None,
        usage: x509.KeyUsage | None = None,
        not_before: datetime = NOW - 30 * DAY,
        not_after: datetime = NOW + 1000 * DAY,
        extended: list[x509.ObjectIdentifier] | None = None,
        extra: list[tuple[x509.ExtensionType, bool]] | None = None,
    ) -> bytes:
        """Return a holder's certificate (DER); `person` are the otherNames by last arc, none for None."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(
                distinguished(
                    (NameOID.COUNTRY_NAME, "JP"),
                    (NameOID.LOCALITY_NAME, "Tokyo-to"),
                    (NameOID.LOCALITY_NAME, "Chiyoda-ku"),
                    (NameOID.COMMON_NAME, "20261101ABCDEF13101001A"),
                )
            )
            .issuer_name(self.certificate.subject)
            .public_key(public_key)
            .serial_number(serial)
            .not_valid_before(not_before)
            .not_valid_after(not_after)
            .add_extension(usage or key_usage(), critical=True)
        )
        if policy is not None:
            qualifiers = ["http://www.jpki-test.invalid/cps.html"]
            policies = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(policy), qualifiers)])  # type: ignore[arg-type]
            builder = builder.add_extension(policies, critical=True)
        if person is not None:
            names = [
                x509.OtherName(x509.ObjectIdentifier(f"{ATTRIBUTES}.{arc}"), utf8(person[arc]))
                for arc in (1, 4, 3, 5, 2, 6)
                if arc in person
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if extended:
            builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
        for value, critical in extra or []:
            builder = builder.add_extension(value, critical=critical)
        point = x509.DistributionPoint([x509.DirectoryName(POINT)], None, None, None)
        ocsp = x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocspsign.jpki-test.invalid/")
        )
        identifier = x509.AuthorityKeyIdentifier(self._key_id(), None, None)
        builder = (
            builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
            .add_extension(identifier, critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityInformationAccess([ocsp]), critical=False)
        )
        return der(builder.sign(self.key, self.hash))

    def crl(
        self,
        *revoked: tuple[int, datetime, x509.ReasonFlags],
        at: datetime = NOW - timedelta(hours=2),
        lasts: timedelta = DAY,
        number: int = 7,
    ) -> bytes:
        """Return the municipality's CRL (DER) made at a moment."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(at)
            .next_update(at + lasts)
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier(self._key_id(), None, None), critical=False)
            .add_extension(
                x509.IssuingDistributionPoint(
                    full_name=[x509.DirectoryName(POINT)],
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
        for serial, when, reason in revoked:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(when)
                .add_extension(x509.CRLReason(reason), critical=False)
                .build()
            )
            builder = builder.add_revoked_certificate(entry)
        return der(builder.sign(self.key, self.hash))

    def ocsp(
        self,
        certificate: bytes,
        *,
        revoked_at: datetime | None = None,
        at: datetime = NOW - timedelta(minutes=1),
    ) -> bytes:
        """Return an OCSP answer (DER) that the CA itself signed."""
        from cryptography.x509 import ocsp

        status = ocsp.OCSPCertStatus.REVOKED if revoked_at else ocsp.OCSPCertStatus.GOOD
        reason = x509.ReasonFlags.affiliation_changed if revoked_at else None
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=x509.load_der_x509_certificate(certificate),
            issuer=self.certificate,
            algorithm=hashes.SHA1(),  # noqa: S303 - names the issuer, proves nothing
            cert_status=status,
            this_update=at,
            next_update=at + timedelta(minutes=10),
            revocation_time=revoked_at,
            revocation_reason=reason,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.certificate)
        return builder.sign(self.key, self.hash).public_bytes(serialization.Encoding.DER)  # type: ignore[arg-type]

    def _key_id(self) -> bytes:
        return x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()).digest  # type: ignore[arg-type]


@cache
def _authority(name: str, curve: str | None) -> Authority:
    key: Any = ec_key(name, curve) if curve else rsa_key(name)
    algorithm = hashes.SHA384() if curve else hashes.SHA256()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(CA_NAME)
        .issuer_name(CA_NAME)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2023, 7, 16, tzinfo=UTC))
        .not_valid_after(datetime(2033, 7, 15, 14, 59, 59, tzinfo=UTC))
        .add_extension(
            x509.KeyUsage(
                digital_signature=False,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, algorithm)
    )
    return Authority(key, certificate, algorithm)


def sign_pkcs1(content: bytes, key: rsa.RSAPrivateKey | None = None, algorithm: Any = None) -> bytes:
    return (key or rsa_key()).sign(content, padding.PKCS1v15(), algorithm or hashes.SHA256())


def sign_block(block: bytes, key: rsa.RSAPrivateKey | None = None, *, fill: bytes | None = None) -> bytes:
    """Sign as a card does with P1=00: pad whatever it is given. `fill` replaces the FF octets."""
    key = key or rsa_key()
    size = key.key_size // 8
    padded = fill if fill is not None else b"\x00\x01" + b"\xff" * (size - 3 - len(block)) + b"\x00" + block
    numbers = key.private_numbers()
    value = pow(int.from_bytes(padded, "big"), numbers.d, numbers.public_numbers.n)
    return value.to_bytes(size, "big")


EMAIL_PROTECTION = ExtendedKeyUsageOID.EMAIL_PROTECTION
