"""What `honnin sign` asks others for: time stamps, and in the sandbox the revocation data that level LT keeps."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from honnin.connect.gateway import Address, Gateway
from honnin.connect.timestamping import TimeStampClient
from honnin.errors import InputError
from honnin.pki.signing import Kept

__all__ = ["Services"]

LOCAL = ".localhost"
LARGEST = 4 << 20


class Services:
    """A time-stamping authority by its URL; one of the sandbox stands beside a J-LIS that can be asked, too."""

    def __init__(self, url: str, data: Path, clock: Callable[[], datetime]) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        if not host or parts.scheme not in {"http", "https"}:
            raise InputError("signing.level", "--tsa is no HTTP address.", next="Give http://HOST:PORT/.")
        self._label = host.removesuffix(LOCAL) if host.endswith(LOCAL) else None
        self._data = data
        self._clock = clock
        if self._label is None:
            self._gateway = Gateway()
            self._address = Address(url)
        else:
            from honnin.connect.worlds import open_world

            base = f"{parts.scheme}://127.0.0.1:{port}" if port else f"{parts.scheme}://127.0.0.1"
            self._gateway = Gateway(base, hosts=open_world(data).hosts())
            self._address = self._gateway.at(self._label, parts.path or "/")
        self._client = TimeStampClient(self._gateway, self._address, clock=clock)

    def stamp(self, digest: bytes) -> bytes:
        """Return a token over a digest; raises what `TimeStampClient.stamp` raises."""
        return self._client.stamp(digest)

    def kept(self, certificate: bytes) -> Kept | None:
        """Return issuer, OCSP answer and the authority's own list, from the sandbox; None outside of it."""
        if self._label is None:
            return None
        from honnin.connect.jlis import OcspSource
        from honnin.connect.worlds import open_world
        from honnin.pki.rfc5280.certificate import parse_certificate
        from honnin.pki.rfc5280.store import store_of

        world = open_world(self._data)
        issuers = store_of(world.anchors()["signature"], ()).issuers_of(parse_certificate(certificate))
        if not issuers:
            return None
        issuer = issuers[0].raw
        told = OcspSource(self._gateway).fetch(certificate, issuer, at=self._clock())
        listed = self._gateway.get(
            self._gateway.at(self._label, "/ca.crl"), limit=LARGEST, accept="application/pkix-crl"
        )
        anchors = world.time_stamping_anchors()
        return Kept(certificates=(issuer, *anchors), crls=(listed.content, *told.crls), ocsp=told.ocsp)
