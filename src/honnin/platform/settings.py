"""How a platform is set up: where its data and keys lie, and which outside services it asks."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from honnin.connect.jlis import LinkSource, RevocationSource

if TYPE_CHECKING:
    from honnin.connect.digital_auth.registration import Registration

__all__ = ["Services", "Settings"]


@dataclass(frozen=True, slots=True)
class Services:
    """The outside services of one mode (test or live).

    revocation: None answers "unknown" for every certificate.
    links: None leaves every new person pending.
    anchors: trust anchors (DER) of the signature purpose; user_authentication_anchors: those of the other.
    stamp: gives a time-stamp token (DER) over a SHA-256 digest; None where no authority is configured.
    time_stamping_anchors: trust anchors (DER) of time-stamping authorities.
    card_keys: keys of the card issuer's CA (key id, SubjectPublicKeyInfo) that a chip's own proof rests on (tap use).
    licence_keys: the police's keys (key id, SubjectPublicKeyInfo) that sign drivers' licences.
    delivery_keys: for the sessions of residence cards on a My Number Card; a sandbox has them, for a trial.
    document_anchors: trust anchors (DER) of `residence_card` and `passport`, by document.
    digital_auth: this platform's registration with the Digital Authentication Service; None offers it to nobody.
    close: ends the connections of all.
    """

    revocation: RevocationSource | None = None
    links: LinkSource | None = None
    anchors: tuple[bytes, ...] = field(default=(), repr=False)
    user_authentication_anchors: tuple[bytes, ...] = field(default=(), repr=False)
    stamp: Callable[[bytes], bytes] | None = field(default=None, repr=False)
    time_stamping_anchors: tuple[bytes, ...] = field(default=(), repr=False)
    card_keys: Callable[[], tuple[tuple[bytes, bytes], ...]] = field(default=lambda: (), repr=False)
    licence_keys: Callable[[], tuple[tuple[bytes, bytes], ...]] = field(default=lambda: (), repr=False)
    delivery_keys: Callable[[], tuple[tuple[bytes, bytes], ...]] = field(default=lambda: (), repr=False)
    document_anchors: Callable[[], Mapping[str, tuple[bytes, ...]]] = field(default=dict, repr=False)
    digital_auth: "Registration | None" = None
    close: Callable[[], None] = field(default=lambda: None, repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one platform.

    data: folder of the world, the store and the keys, made with mode 0700.
    database_url: SQLAlchemy URL; absent, `honnin.sqlite3` in the data folder.
    gateway: where the sandbox's institutions answer (`http://127.0.0.1:8600`).
    test, live: outside services; absent, the sandbox's for test tenants and those of `live.json` for live ones.
    head_interval: seconds between signed heads while there is work, at most 1.
    revocation: which of the sandbox's sources is asked first; the other when it fails.
    local_addresses: whether webhooks and return addresses of test tenants may lead to this machine; absent, what
        `live.json` says, and where there is none they may. Those of live tenants never do.
    """

    data: Path
    database_url: str | None = field(default=None, repr=False)
    gateway: str = "http://127.0.0.1:8600"
    test: Services | None = None
    live: Services | None = None
    head_interval: float = 0.2
    revocation: Literal["ocsp_first", "crl_first"] = "ocsp_first"
    local_addresses: bool | None = None

    @classmethod
    def from_environment(cls, data: Path) -> "Settings":
        """Return the settings of a data folder with `HONNIN_DATABASE_URL` and `HONNIN_GATEWAY` heeded."""
        return cls(
            data=data,
            database_url=os.environ.get("HONNIN_DATABASE_URL") or None,
            gateway=os.environ.get("HONNIN_GATEWAY", "http://127.0.0.1:8600"),
        )
