"""Who stamps: a root and a certificate for time stamping alone (RFC 3161 §2.3), made when first needed.

Both carry the sandbox's mark. They are valid from a year before the world was born, for twenty and eleven years.
"""

from datetime import timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from honnin.sandbox.strongroom import kept, kept_rsa
from honnin.sandbox.world import World

__all__ = ["anchor", "certificate", "revocation_list", "stamping_key"]

YEAR = timedelta(days=365)


def anchor(world: World) -> bytes:
    """Return the root's certificate, DER."""
    return kept(world, "tsa/root.cer", lambda: _root(world).public_bytes(Encoding.DER))


def certificate(world: World) -> bytes:
    """Return the stamping certificate, DER."""
    return kept(world, "tsa/stamping.cer", lambda: _stamping(world).public_bytes(Encoding.DER))


def stamping_key(world: World) -> rsa.RSAPrivateKey:
    """Return the key that stamps."""
    return kept_rsa(world, "tsa/stamping.key")


def revocation_list(world: World) -> bytes:
    """Return the root's CRL as of the world's clock, DER: nobody is on it."""
    now = world.now().replace(microsecond=0)
    return _list(world, int(now.timestamp()) // 3600)


@lru_cache(maxsize=8)
def _list(world: World, hour: int) -> bytes:
    key = kept_rsa(world, "tsa/root.key")
    begin = x509.load_der_x509_certificate(anchor(world)).not_valid_before_utc
    made = begin + timedelta(hours=hour - int(begin.timestamp()) // 3600)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(_name("Root CA"))
        .last_update(made)
        .next_update(made + timedelta(days=2))
        .add_extension(x509.CRLNumber(hour), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _name(common: str) -> x509.Name:
    parts = (
        (NameOID.COUNTRY_NAME, "JP"),
        (NameOID.ORGANIZATION_NAME, "JPKI-TEST"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "honnin sandbox"),
        (NameOID.COMMON_NAME, f"Time-stamping {common}"),
    )
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def _builder(world: World, subject: str, key: rsa.RSAPrivateKey, serial: int, years: int) -> x509.CertificateBuilder:
    begin = world.born.replace(microsecond=0) - YEAR
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name("Root CA"))
        .serial_number(serial)
        .not_valid_before(begin)
        .not_valid_after(begin + years * YEAR)
        .public_key(key.public_key())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not sign,
        crl_sign=not sign,
        encipher_only=False,
        decipher_only=False,
    )


def _root(world: World) -> x509.Certificate:
    key = kept_rsa(world, "tsa/root.key")
    builder = (
        _builder(world, "Root CA", key, 1, 20)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign=False), critical=True)
    )
    return builder.sign(key, hashes.SHA256())


def _stamping(world: World) -> x509.Certificate:
    root = kept_rsa(world, "tsa/root.key")
    builder = (
        _builder(world, "Unit 1", stamping_key(world), 2, 11)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False)
        .add_extension(_usage(sign=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    )
    return builder.sign(root, hashes.SHA256())
