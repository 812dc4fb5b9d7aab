"""The certificates a path may be built from: anchors and intermediates, found by subject name.

CA certificates come again with every judgement, so parsed ones are remembered by their bytes (bounded); certificates of
persons never are. Nothing here says that a certificate is good.
"""

from collections.abc import Iterable
from functools import lru_cache

from honnin.errors import FormatError
from honnin.pki.rfc5280 import extensions as ext
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.names import Rdn, prepared

__all__ = ["Store", "store_of"]

FAR = 1 << 20
_REMEMBERED = 512
_authorities: dict[bytes, Certificate] = {}


def _read(octets: bytes) -> Certificate | None:
    """Return a CA candidate, None for bytes that cannot be one; remembers CA certificates."""
    known = _authorities.get(octets)
    if known is not None:
        return known
    try:
        certificate = parse_certificate(bytes(octets))
        prepared(certificate.subject)
        prepared(certificate.issuer)
        basic = ext.basic_constraints(certificate)
    except FormatError:
        return None
    if basic is not None and basic.ca and len(octets) <= 8192:
        while len(_authorities) >= _REMEMBERED:
            _authorities.pop(next(iter(_authorities)), None)
        _authorities[certificate.raw] = certificate
    return certificate


class Store:
    """Anchors and intermediates by prepared subject name; `unreadable` counts what was left out."""

    __slots__ = ("_by_subject", "_distance", "_issuers", "anchor_ids", "anchors", "unreadable")

    def __init__(
        self, anchors: Iterable[Certificate], intermediates: Iterable[Certificate], unreadable: int = 0
    ) -> None:
        self.anchors = tuple({c.raw: c for c in anchors}.values())
        self.anchor_ids = {id(c) for c in self.anchors}
        self.unreadable = unreadable
        self._issuers: dict[bytes, tuple[Certificate, ...]] = {}
        self._by_subject: dict[tuple[Rdn, ...], list[Certificate]] = {}
        trusted = {c.raw for c in self.anchors}
        others = {c.raw: c for c in intermediates if c.raw not in trusted}
        for certificate in (*self.anchors, *others.values()):
            self._by_subject.setdefault(prepared(certificate.subject), []).append(certificate)
        self._distance = self._distances(tuple(others.values()))

    def _distances(self, intermediates: tuple[Certificate, ...]) -> dict[int, int]:
        """Return how far each certificate is from an anchor by names alone; absent when it cannot be reached."""
        found = dict.fromkeys(self.anchor_ids, 0)
        children: dict[tuple[Rdn, ...], list[Certificate]] = {}
        for certificate in intermediates:
            children.setdefault(prepared(certificate.issuer), []).append(certificate)
        level = list(self.anchors)
        while level:
            below = []
            for issuer in level:
                for child in children.pop(prepared(issuer.subject), ()):
                    if id(child) not in found:
                        found[id(child)] = found[id(issuer)] + 1
                        below.append(child)
            level = below
        return found

    def is_anchor(self, certificate: Certificate) -> bool:
        """Return whether this very object is an anchor."""
        return id(certificate) in self.anchor_ids

    def anchor_equal_to(self, certificate: Certificate) -> Certificate | None:
        """Return the anchor with the same bytes, None without one."""
        raw = certificate.raw
        for anchor in self.anchors:
            if anchor.raw == raw:
                return anchor
        return None

    def named(self, name: bytes) -> tuple[Certificate, ...]:
        """Return the certificates with a subject (raw Name) that may have a path, those nearest to an anchor first."""
        found = self._issuers.get(name)
        if found is None:
            try:
                candidates = self._by_subject.get(prepared(name), [])
            except FormatError:
                return ()
            reachable = [c for c in candidates if id(c) in self._distance]
            found = tuple(sorted(reachable, key=lambda c: self._distance[id(c)]))
            if len(self._issuers) < 1024:
                self._issuers[name] = found
        return found

    def issuers_of(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """Return who may have issued a certificate, by name; likely ones (key identifier, nearness) first."""
        found = self.named(certificate.issuer)
        if len(found) < 2:
            return found
        try:
            identifier = ext.authority_key_identifier(certificate)
        except FormatError:
            return found
        wanted = identifier.key_identifier if identifier is not None else None
        return tuple(sorted(found, key=lambda c: (self._distance[id(c)], _unlike(c, wanted))))


def _unlike(certificate: Certificate, key_identifier: bytes | None) -> bool:
    try:
        stated = ext.subject_key_identifier(certificate)
    except FormatError:
        return True
    return key_identifier is not None and stated is not None and stated != key_identifier


@lru_cache(maxsize=32)
def _anchors_alone(anchors: tuple[bytes, ...]) -> Store:
    found = [_read(octets) for octets in anchors]
    return Store([c for c in found if c is not None], (), found.count(None))


def store_of(anchors: Iterable[bytes], intermediates: Iterable[bytes] = ()) -> Store:
    """Return the store of these certificates (DER); what cannot be read is left out and counted."""
    alone = _anchors_alone(tuple(anchors))
    given = tuple(intermediates)
    if not given:
        return alone
    below = [_read(octets) for octets in given]
    return Store(alone.anchors, [c for c in below if c is not None], alone.unreadable + below.count(None))
