"""The sandbox's certification authorities: self-signed roots, several generations a kind under one shared name.

My Number Card sheet, section 5.1: no authority key identifier and no policies on a root, so a path is built by trying
keys, not names. Generations are counted from the world's birth. Not here: holders' certificates (`holder`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from honnin.identity.dates import end_of_day, jst_day
from honnin.sandbox.jlis.keys import PrivateKey, kept_key, read_key
from honnin.sandbox.jlis.names import authority_name, authority_name_ja
from honnin.sandbox.jlis.profile import KINDS, Kind, KindProfile, Line, LineProfile, profile
from honnin.sandbox.world import World

__all__ = ["Authority", "authorities", "authority", "by_key_id", "generation_at", "key_usage"]

P384_KINDS: tuple[Kind, ...] = ("signature", "user_authentication")


@dataclass(frozen=True, slots=True)
class Authority:
    """One CA: a kind, a line of keys and a generation, with its key and certificate."""

    kind: Kind
    line: Line
    generation: int
    certificate: x509.Certificate
    der: bytes
    key: PrivateKey

    @property
    def profile(self) -> KindProfile:
        """What this CA's kind of certificate looks like."""
        return profile().kinds[self.kind]

    @property
    def line_profile(self) -> LineProfile:
        """Algorithm and periods of this CA's line."""
        return profile().lines[self.line]

    @property
    def hash(self) -> hashes.SHA256 | hashes.SHA384:
        """The hash this CA signs with."""
        return hashes.SHA256() if self.line_profile.hash == "sha256" else hashes.SHA384()

    @property
    def name(self) -> str:
        """A short name for pages and files: `signature-rsa-2`."""
        return f"{self.kind}-{self.line}-{self.generation}".replace("_", "-")

    @property
    def key_id(self) -> bytes:
        """The subject key identifier: SHA-1 of the public key."""
        return self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def begins(world: World, line: Line, generation: int) -> datetime:
    """Return when a generation's certificate begins: some minutes into its first Japanese day."""
    rule = profile().lines[line]
    born = jst_day(world.born)
    year = born.year - rule.first_years_before_birth + rule.every_years * (generation - 1)
    first = born.replace(year=year, day=min(born.day, 28))
    return end_of_day(first - timedelta(days=1)) + timedelta(minutes=50, seconds=29)


def generation_at(world: World, line: Line, moment: datetime) -> int:
    """Return the generation that issues at a moment: the last one begun, or the first."""
    generation = 1
    while begins(world, line, generation + 1) <= moment:
        generation += 1
    return generation


@lru_cache(maxsize=256)
def authority(world: World, kind: Kind, line: Line, generation: int) -> Authority:
    """Return one CA, making its key when nobody has yet."""
    key = read_key(kept_key(world, f"ca/{kind}/{line}/{generation}", profile().lines[line]))
    certificate = _self_signed(world, kind, line, generation, key)
    return Authority(kind, line, generation, certificate, certificate.public_bytes(Encoding.DER), key)


def authorities(world: World) -> tuple[Authority, ...]:
    """Return every CA begun by the world's time or its birth, expired ones too: old signatures need them."""
    until = max(world.now(), world.born)
    return tuple(
        authority(world, kind, line, generation)
        for kind in KINDS
        for line in profile().lines
        if line == "rsa" or kind in P384_KINDS
        for generation in range(1, generation_at(world, line, until) + 1)
    )


def by_key_id(world: World, key_id: bytes) -> Authority | None:
    """Return the CA with a subject key identifier, or None."""
    return next((ca for ca in authorities(world) if ca.key_id == key_id), None)


def key_usage(**allowed: bool) -> x509.KeyUsage:
    """Return a key usage of which only the named bits are set."""
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{bit: allowed.get(bit, False) for bit in every})


def _self_signed(world: World, kind: Kind, line: Line, generation: int, key: PrivateKey) -> x509.Certificate:
    """Build the root, extensions in the order of the real files."""
    rule, shape = profile().lines[line], profile().kinds[kind]
    name = authority_name(shape)
    begin = begins(world, line, generation)
    last = jst_day(begin).replace(year=jst_day(begin).year + rule.ca_years) - timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .serial_number(rule.first_ca_serial + generation - 1)
        .issuer_name(name)
        .subject_name(name)
        .not_valid_before(begin)
        .not_valid_after(end_of_day(last))
        .public_key(key.public_key())
        .add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DirectoryName(authority_name_ja(shape))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.CRLDistributionPoints([x509.DistributionPoint([x509.DirectoryName(name)], None, None, None)]),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return sign_certificate(builder, key, rule)


def sign_certificate(builder: x509.CertificateBuilder, key: PrivateKey, rule: LineProfile) -> x509.Certificate:
    """Sign with the line's hash; the same content always gives the same bytes (RFC 6979 for ECDSA)."""
    algorithm = hashes.SHA256() if rule.hash == "sha256" else hashes.SHA384()
    return builder.sign(key, algorithm, ecdsa_deterministic=True if rule.algorithm == "ec" else None)
