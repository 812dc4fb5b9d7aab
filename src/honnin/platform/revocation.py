"""The revocation lists of one mode, kept where every process of the platform finds them: `DATA/revocation/MODE`.

A list is fetched when a check needs it and none at hand is fresh, taken into a `RevocationIndex` (signature, scope,
time and number checked, swapped in atomically, mapped by every process) and kept as it came, for evidence:
`lists/SHA-256.crl`, whose file time is when it came by the clock of the mode.

A kept list serves until its nextUpdate; after `ask_again` seconds it is asked for anew, and stays in use when that
fails. What the index refuses replaces nothing. A list older than the one at hand is not given on at all; any other is
left to `honnin.pki`, which says why it may not be used.
"""

import hashlib
import os
import threading
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from weakref import WeakValueDictionary

from honnin.connect.jlis import RevocationData, RevocationSource
from honnin.errors import FormatError, HonninError, InputError, ServiceError
from honnin.pki.index import RevocationIndex
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.extensions import CRL_DISTRIBUTION_POINTS, authority_key_identifier

__all__ = ["IndexedCrls", "open_index"]

ASK_AGAIN = 900.0  # seconds; J-LIS publishes once a day (my-number-card.md §6.1), at an hour that is not public
MOST_OCTETS = 64 << 20  # of lists kept in memory


def open_index(folder: Path) -> RevocationIndex:
    """Return the index of a mode as it stands, made empty where there is none."""
    with suppress(InputError):
        return RevocationIndex.open(folder)
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    RevocationIndex.build(folder, (), (), at=datetime.now(UTC))
    return RevocationIndex.open(folder)


class IndexedCrls:
    """CRLs from a source, kept in an index; safe between threads and processes. ask_again: seconds."""

    def __init__(self, folder: Path, source: RevocationSource, *, ask_again: float = ASK_AGAIN) -> None:
        self._folder = folder
        self._source = source
        self._ask_again = timedelta(seconds=ask_again)
        self._opened: RevocationIndex | None = None
        self._lock = threading.Lock()
        # held by whoever waits or fetches, and gone with the last
        self._turns: WeakValueDictionary[bytes, threading.Lock] = WeakValueDictionary()
        self._octets: OrderedDict[str, bytes] = OrderedDict()

    @property
    def index(self) -> RevocationIndex:
        """The index as it stands now."""
        opened = self._opened
        self._opened = open_index(self._folder) if opened is None else opened.refreshed()
        return self._opened

    def at_hand(self, certificate: bytes, issuer: bytes, *, at: datetime) -> RevocationData | None:  # noqa: ARG002
        """Return the kept list that is about a certificate (DER) where it is not yet to be asked for anew."""
        kept = self._kept(parse_certificate(certificate), at)
        return kept if kept is not None and self._serves(kept, at) else None

    def fetch(self, certificate: bytes, issuer: bytes, *, at: datetime) -> RevocationData:
        """Return the list that is about a certificate (DER), a kept one or one fetched now.

        Raises what the source raises, ServiceError `jlis.list_rolled_back`.
        """
        target = parse_certificate(certificate)
        kept = self._kept(target, at)
        if kept is not None and self._serves(kept, at):
            return kept
        points = target.extensions.get(CRL_DISTRIBUTION_POINTS)
        with self._turn(target.issuer + (points.value if points else b"")):
            again = self._kept(target, at)
            if again is not None and (kept is None or again.fetched_at > kept.fetched_at):
                return again  # another thread was quicker
            try:
                return self._fetched(certificate, issuer, at, again)
            except ServiceError:
                if again is None:
                    raise
                return again

    def _serves(self, kept: RevocationData, at: datetime) -> bool:
        return kept.fetched_at + self._ask_again > at >= kept.fetched_at

    def _fetched(self, certificate: bytes, issuer: bytes, at: datetime, kept: RevocationData | None) -> RevocationData:
        found = self._source.fetch(certificate, issuer, at=at)
        try:
            report = RevocationIndex.build(self._folder, found.crls, (issuer,), at=at)
        except HonninError:  # no room, a damaged index: the check goes on with what came
            return found
        if report.refused and kept is not None:
            return kept
        if any(line["code"] == "index.rolled_back" for line in report.refused):
            raise ServiceError(
                "jlis.list_rolled_back",
                "The list that came is older than the one at hand.",
                next="Ask again; tell J-LIS if it stays so.",
                retryable=True,
            )
        if not report.refused:
            for crl in found.crls:
                self._keep(crl, at)
        return found

    def _kept(self, certificate: Certificate, at: datetime) -> RevocationData | None:
        """Return the kept list that covers a certificate at a moment, or None."""
        identifier = authority_key_identifier(certificate)
        if identifier is None or identifier.key_identifier is None:
            return None
        points = certificate.extensions.get(CRL_DISTRIBUTION_POINTS)
        try:
            status = self.index.lookup(
                identifier.key_identifier,
                certificate.serial_number,
                distribution_points=points.value if points else None,
                at=at,
            )
        except FormatError:  # a damaged index says nothing
            return None
        if status.state == "unknown" or status.proof is None:
            return None
        path = self._path(status.proof["crl_sha256"])
        try:
            came = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            octets = self._read(path)
        except OSError:
            return None
        return RevocationData(crls=(octets,), source="crl_http", fetched_at=came)

    def _read(self, path: Path) -> bytes:
        """Return a list's octets: the same object every time, so that what was made of it is found again."""
        with self._lock:
            known = self._octets.get(path.name)
        if known is None:
            known = path.read_bytes()
            with self._lock:
                self._octets[path.name] = known
                while len(self._octets) > 1 and sum(map(len, self._octets.values())) > MOST_OCTETS:
                    self._octets.popitem(last=False)
        return known

    def _keep(self, crl: bytes, at: datetime) -> None:
        path = self._path(hashlib.sha256(crl).hexdigest())
        with suppress(OSError):  # it is fetched again when it is not there
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                fresh = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.new")
                fresh.write_bytes(crl)
                fresh.replace(path)
                self._sweep(at)
            os.utime(path, (at.timestamp(), at.timestamp()))

    def _sweep(self, at: datetime) -> None:
        """Delete lists that no scope of the index has come from for two days."""
        index = self.index
        used = {source.scope.crl for key_id in index.issuers() for source in index.sources(key_id)}
        for path in (self._folder / "lists").glob("*.crl"):
            if path.stem not in used and path.stat().st_mtime < at.timestamp() - 2 * 86_400:
                path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._folder / "lists" / f"{digest}.crl"

    def _turn(self, key: bytes) -> threading.Lock:
        with self._lock:
            return self._turns.setdefault(key, threading.Lock())
