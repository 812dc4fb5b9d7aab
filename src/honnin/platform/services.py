"""The outside services and the clock of a mode: the sandbox's for test tenants, configured ones for live tenants.

A live platform never holds a sandbox anchor, whatever its configuration says: the marks are in the anchors' names.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path

import msgspec

from honnin.chip.document import Trust, TrustedKey
from honnin.connect.digital_auth.opening import ResultOpener
from honnin.connect.jlis import RevocationAtHand
from honnin.connect.worlds import World, installed, open_world
from honnin.errors import FormatError, ServiceError, StateError
from honnin.pki.jpki import Purpose
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.extensions import authority_key_identifier, subject_key_identifier
from honnin.pki.rfc5280.keys import verify_signature
from honnin.platform.clock import Clock, machine_clock
from honnin.platform.live import allows_local_addresses, read_live
from honnin.platform.settings import Services, Settings

__all__ = ["Mode", "RevocationLearned", "is_sandbox", "open_modes", "own_keys", "revocation_folder"]

SANDBOX_MARKS = (b"JPKI-TEST", b"honnin sandbox")
DELIVERY = "residence_card_delivery"


class RevocationLearned(msgspec.Struct, frozen=True):
    """Revocation data for one certificate; empty where no source answered, which judges to "unknown"."""

    crls: tuple[bytes, ...] = ()
    ocsp: tuple[bytes, ...] = ()
    source: str | None = None
    fetched_at: datetime | None = None


class Mode:
    """Everything that differs between test and live."""

    def __init__(
        self,
        *,
        livemode: bool,
        clock: Clock,
        services: Callable[[], Services],
        results: ResultOpener | None = None,
        local_addresses: bool = False,
    ) -> None:
        self.livemode = livemode
        self.clock = clock
        self.results = results
        self.local_addresses = local_addresses  # whether tenants may name addresses of this machine
        self._services = services

    @cached_property
    def services(self) -> Services:
        """The outside services; the sandbox makes its keys when they are first asked for."""
        return self._services()

    @cached_property
    def _issuers(self) -> tuple[Certificate, ...]:
        anchors = (*self.anchors("signature"), *self.anchors("user_authentication"))
        return tuple(parse_certificate(anchor) for anchor in anchors)

    def close(self) -> None:
        """Close the connections to the outside services, if there were any."""
        if "services" in self.__dict__:
            self.services.close()

    def anchors(self, purpose: Purpose) -> tuple[bytes, ...]:
        """Return the trust anchors (DER) of one purpose; those of the other never vouch for it."""
        return self.services.anchors if purpose == "signature" else self.services.user_authentication_anchors

    def issuer_of(self, certificate: Certificate) -> Certificate | None:
        """Return the trusted CA that signed a certificate; None where there is none.

        Name and key id only narrow the choice: anybody can write them into a certificate.
        """
        named = [issuer for issuer in self._issuers if issuer.subject == certificate.issuer]
        identifier = _authority_key(certificate)
        if identifier is not None:
            named = [issuer for issuer in named if subject_key_identifier(issuer) in {identifier, None}]
        return next((issuer for issuer in named if _signed(issuer, certificate)), None)

    def issuers(self) -> Mapping[bytes, bytes]:
        """Return the trusted CAs (DER) by subject key identifier."""
        return {key: issuer.raw for issuer in self._issuers if (key := subject_key_identifier(issuer)) is not None}

    def kinds(self) -> Mapping[bytes, Purpose]:
        """Return the purpose of the certificates of each trusted CA, by its subject key identifier."""
        purposes: tuple[Purpose, ...] = ("user_authentication", "signature")
        return {
            key: purpose
            for purpose in purposes
            for anchor in self.anchors(purpose)
            if (key := subject_key_identifier(parse_certificate(anchor))) is not None
        }

    @cached_property
    def card_keys(self) -> tuple[TrustedKey, ...]:
        """The keys of the card issuer's CA, on which a My Number Card's own proof rests; they are published nowhere."""
        return tuple(TrustedKey("my_number_card", key_id, spki) for key_id, spki in self.services.card_keys())

    def document_trust(self, document: str) -> Trust:
        """Return whom the proofs of a document rest on now; nobody where the operator gave nothing.

        The police and the card issuer hand out bare keys in place of certificates.
        """
        services = self.services
        police = tuple(TrustedKey("drivers_licence", key_id, spki) for key_id, spki in services.licence_keys())
        keys = {
            "my_number_card": (*self.card_keys, *police),  # a licence may lie on it
            "drivers_licence": police,
            "residence_card": tuple(TrustedKey(DELIVERY, key_id, spki) for key_id, spki in services.delivery_keys()),
        }
        return Trust(services.document_anchors().get(document, ()), self.clock(), keys.get(document, ()))

    def learn_revocation(self, certificate: Certificate, *, at: datetime, waits: bool = True) -> RevocationLearned:
        """Ask the revocation source; a source that fails is "could not tell", not an error.

        waits: whether the source may be waited for; else NotAtHandError where it would be.
        Nothing is asked about a certificate that no trusted CA signed: it would choose what is asked.
        """
        issuer = self.issuer_of(certificate)
        source = self.services.revocation
        if issuer is None or source is None:
            return RevocationLearned()
        try:
            asked = source if waits else RevocationAtHand(source)
            found = asked.fetch(certificate.raw, issuer.raw, at=at)
        except (ServiceError, FormatError):
            return RevocationLearned()
        return RevocationLearned(tuple(found.crls), tuple(found.ocsp), found.source, found.fetched_at)


def is_sandbox(name: bytes) -> bool:
    """Tell whether a distinguished name (DER) carries the sandbox's marks."""
    return any(mark in name for mark in SANDBOX_MARKS)


def open_modes(settings: Settings) -> Mapping[bool, Mode]:
    """Return the two modes by `livemode`.

    Raises StateError `tenant.sandbox_anchor` when live trust holds an authority of a sandbox.
    """
    live = settings.live or read_live(settings.data) or Services()
    world = open_world(settings.data) if installed() else None
    if _trusts_sandbox(live, world):
        raise StateError(
            "tenant.sandbox_anchor",
            "The live configuration trusts a sandbox's authority.",
            next="Give the anchors and keys that the authorities themselves handed over.",
        )
    test = settings.test
    return {
        True: Mode(
            livemode=True, clock=machine_clock, services=lambda: live, results=_results(settings, livemode=True)
        ),
        False: Mode(
            livemode=False,
            clock=world.now if world else machine_clock,
            services=lambda: test or (_sandbox_services(settings, world) if world else Services()),
            results=_results(settings, livemode=False),
            local_addresses=_local_addresses(settings),
        ),
    }


def _local_addresses(settings: Settings) -> bool:
    """Tell whether test tenants may name this machine; not beside live services unless the operator says so."""
    if settings.local_addresses is not None:
        return settings.local_addresses
    return settings.live is None and allows_local_addresses(settings.data)


def _trusts_sandbox(live: Services, world: World | None) -> bool:
    """Tell whether live trust holds a sandbox's certificate, or a bare key (it has no mark) of this folder's world."""
    documents = (anchor for anchors in live.document_anchors().values() for anchor in anchors)
    anchors = (*live.anchors, *live.user_authentication_anchors, *live.time_stamping_anchors, *documents)
    if any(is_sandbox(parse_certificate(anchor).subject) for anchor in anchors):
        return True
    bare = {spki for _, spki in (*live.card_keys(), *live.licence_keys())}
    if not bare or world is None:
        return False
    known = world.document_trust()
    return any(spki in bare for name in ("my_number_card", "drivers_licence") for _, spki in known[name])


def _results(settings: Settings, *, livemode: bool) -> ResultOpener:
    return ResultOpener(own_keys(settings, livemode=livemode))


def own_keys(settings: Settings, *, livemode: bool) -> Path:
    """Return the folder of the platform's keys for the Digital Authentication Service (`honnin digital-auth keys`)."""
    return settings.data / "keys" / "digital-auth" / ("live" if livemode else "test")


def revocation_folder(settings: Settings, *, livemode: bool) -> Path:
    """Return where the revocation lists of a mode are kept."""
    return settings.data / "revocation" / ("live" if livemode else "test")


def _sandbox_services(settings: Settings, world: World) -> Services:
    from honnin.connect import jlis
    from honnin.connect.digital_auth.registration import sandbox_registration
    from honnin.connect.gateway import Gateway
    from honnin.connect.timestamping import TimeStampClient
    from honnin.platform.revocation import IndexedCrls

    gateway = Gateway(settings.gateway, hosts=world.hosts())
    ocsp = jlis.OcspClient(gateway, "evidence")
    lists = IndexedCrls(revocation_folder(settings, livemode=False), jlis.HttpCrlSource(gateway))
    revocation = jlis.Fallback(ocsp, lists) if settings.revocation == "ocsp_first" else jlis.Fallback(lists, ocsp)
    anchors = world.anchors()
    keys = own_keys(settings, livemode=False)
    registered = sandbox_registration(settings.gateway, keys, world.now, world.register)

    def close() -> None:
        registered.close()
        gateway.close()

    return Services(
        revocation=revocation,
        links=jlis.HttpLinkSource(gateway),
        anchors=anchors["signature"],
        user_authentication_anchors=anchors["user_authentication"],
        stamp=TimeStampClient(gateway, gateway.at("tsa", "/"), clock=world.now).stamp,
        time_stamping_anchors=world.time_stamping_anchors(),
        card_keys=lambda: tuple(world.document_trust()["my_number_card"]),
        licence_keys=lambda: tuple(world.document_trust()["drivers_licence"]),
        document_anchors=lambda: _document_anchors(world),
        delivery_keys=lambda: tuple(world.document_trust()[DELIVERY]),
        digital_auth=registered,
        close=close,
    )


def _document_anchors(world: World) -> Mapping[str, tuple[bytes, ...]]:
    known = world.document_trust()
    return {name: tuple(der for _, der in known[name]) for name in ("residence_card", "passport")}


def _signed(issuer: Certificate, certificate: Certificate) -> bool:
    try:
        key = issuer.public_key()
    except FormatError:
        return False
    signed = verify_signature(key, certificate.signature_algorithm, certificate.tbs, certificate.signature_value)
    if signed:  # so that path validation need not find out again
        certificate.memory["signed_by"] = issuer.spki
    return signed


def _authority_key(certificate: Certificate) -> bytes | None:
    try:
        identifier = authority_key_identifier(certificate)
    except FormatError:
        return None
    return identifier.key_identifier if identifier else None
