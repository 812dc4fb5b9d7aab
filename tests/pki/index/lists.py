"""CRLs written octet by octet, so that shapes no library writes can be tried; signed by pyca."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")


def tlv(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def integer(value: int) -> bytes:
    return tlv(0x02, value.to_bytes((value + (value < 0)).bit_length() // 8 + 1, "big", signed=True))


def utc(at: datetime) -> bytes:
    return tlv(0x17, at.strftime("%y%m%d%H%M%SZ").encode())


def generalized(at: datetime) -> bytes:
    return tlv(0x18, at.strftime("%Y%m%d%H%M%SZ").encode())


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    return tlv(0x30, x509_oid(oid), b"\x01\x01\xff" if critical else b"", tlv(0x04, value))


def x509_oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    content = bytearray()
    for arc in (40 * first + second, *rest):
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.append(0x80 | arc & 0x7F)
        content += bytes(reversed(octets))
    return tlv(0x06, bytes(content))


def reason(code: int) -> bytes:
    return extension("2.5.29.21", tlv(0x0A, bytes([code])))


def entry(serial: int, at: datetime = NOW - timedelta(days=3), *extensions: bytes, time: bytes | None = None) -> bytes:
    tail = tlv(0x30, *extensions) if extensions else b""
    return tlv(0x30, integer(serial), time or utc(at), tail)


@dataclass(frozen=True)
class Issuer:
    """A CA with a P-256 key (quick to make and to sign with)."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_id(self) -> bytes:
        return x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()).digest

    @property
    def name(self) -> bytes:
        return self.certificate.subject.public_bytes()

    def crl(
        self,
        *entries: bytes,
        number: int | None = 1,
        this_update: datetime = NOW - timedelta(hours=3),
        next_update: datetime | None = NOW + timedelta(days=1),
        extensions: tuple[bytes, ...] = (),
        listed: bytes | None = None,
    ) -> bytes:
        own = [extension("2.5.29.35", tlv(0x30, tlv(0x80, self.key_id)))]
        if number is not None:
            own.append(extension("2.5.29.20", integer(number)))
        return self.seal(
            self.tbs(
                b"".join(entries) if listed is None else listed,
                tlv(0xA0, tlv(0x30, *own, *extensions)),
                this_update=this_update,
                next_update=next_update,
            )
        )

    def tbs(
        self,
        listed: bytes,
        extensions: bytes = b"",
        *,
        version: bytes = b"\x02\x01\x01",
        name: bytes | None = None,
        algorithm: bytes = ECDSA_SHA256,
        this_update: datetime = NOW - timedelta(hours=3),
        next_update: datetime | None = NOW + timedelta(days=1),
    ) -> bytes:
        """A tBSCertList; `listed`: the entries, `extensions`: crlExtensions with their tag."""
        return tlv(
            0x30,
            version,
            algorithm,
            self.name if name is None else name,
            utc(this_update),
            utc(next_update) if next_update else b"",
            tlv(0x30, listed) if listed else b"",
            extensions,
        )

    def seal(self, tbs: bytes) -> bytes:
        signature = self.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
        return tlv(0x30, tbs, ECDSA_SHA256, tlv(0x03, b"\x00", signature))


def certificate_of(key: "PrivateKey", organization: str = "JPKI-TEST", *, crl_sign: bool = True) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
        ]
    )
    usage = x509.KeyUsage(*(False,) * 5, True, crl_sign, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .serial_number(1)
        .public_key(key.public_key())
        .not_valid_before(NOW - timedelta(days=400))
        .not_valid_after(NOW + timedelta(days=4000))
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )


PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | dsa.DSAPrivateKey | ed25519.Ed25519PrivateKey


def make_issuer(organization: str = "JPKI-TEST", *, crl_sign: bool = True) -> Issuer:
    key = ec.generate_private_key(ec.SECP256R1())
    return Issuer(key, certificate_of(key, organization, crl_sign=crl_sign))


def point(*uris: str, indirect: bool = False, only: int | None = None, reasons: bytes = b"") -> bytes:
    """A critical issuingDistributionPoint extension."""
    names = tlv(0xA0, tlv(0xA0, *(tlv(0x86, uri.encode()) for uri in uris))) if uris else b""
    kind = tlv(0x80 | only, b"\xff") if only in {1, 2} else b""
    some = tlv(0x83, reasons) if reasons else b""
    return extension("2.5.29.28", tlv(0x30, names, kind, some, tlv(0x84, b"\xff") if indirect else b""), critical=True)
