"""What J-LIS is asked and what it says, whatever the transport: revocation data and links between certificates."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

__all__ = ["CertificateKey", "Link", "LinkSource", "RevocationData", "RevocationSource"]


@dataclass(frozen=True, slots=True)
class RevocationData:
    """Revocation data as they came, DER; whether to believe them is for `honnin.pki`."""

    crls: tuple[bytes, ...] = field(default=(), repr=False)
    ocsp: tuple[bytes, ...] = field(default=(), repr=False)
    source: Literal["ocsp", "crl_http", "crl_ldap"] = field(kw_only=True)
    fetched_at: datetime = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class CertificateKey:
    """One certificate by its issuer's subject key identifier and its serial number (発行番号)."""

    issuer_key_id: bytes
    serial: int


@dataclass(frozen=True, slots=True)
class Link:
    """What J-LIS links with a certificate.

    state: `linked`; `pending` while the data of a new certificate are not there yet; `unknown` for one never issued.
    previous: the certificate it follows, same kind. counterpart: the other kind's certificate of the same holder.
    """

    state: Literal["linked", "pending", "unknown"]
    previous: CertificateKey | None = None
    counterpart: CertificateKey | None = None


class RevocationSource(Protocol):
    """Where revocation data of a certificate come from."""

    def fetch(self, certificate: bytes, issuer: bytes, *, at: datetime) -> RevocationData:
        """Return revocation data for a certificate (DER), got at a moment. Raises ServiceError, FormatError."""


class LinkSource(Protocol):
    """Where serial succession and counterpart serial come from."""

    def link(self, issuer_key_id: bytes, serial: int, *, at: datetime) -> Link:
        """Return what is linked with a certificate. Raises ServiceError."""
