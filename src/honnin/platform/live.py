"""The live services of a platform operator, from `live.json` in the data folder (docs/live.md).

    {"anchors": {"signature": ["anchors/sign3.cer"], "user_authentication": ["anchors/auth3.cer"]},
     "revocation": ["ocsp", "ldap"],
     "hosts": {"ocspsign.example": "https://ocsp.operator.example"},
     "ldap": {"url": "ldaps://directory.example:636", "user": "cn=pf", "password_file": "keys/ldap"},
     "card_keys": {"31303030303131080530303100000000": "anchors/card-face.pem"},
     "documents": {"drivers_licence": {"<64 digits>": "anchors/police-13.pem"},
                   "residence_card": ["anchors/zairyu.cer"], "passport": ["anchors/csca-jp.pem"]},
     "time_stamping": {"url": "https://tsa.example/", "anchors": ["anchors/tsa.cer"]},
     "digital_auth": {"service": "production", "client_id": "RP00000123",
                      "redirect_uri": "https://check.operator.example/digital-auth/return"}}

Paths are relative to the data folder; anchors are PEM or DER. The link service has no entry: its official format is
under NDA and comes as a plug-in (`Settings.live`). Nor have CRLs over HTTP: which URLs J-LIS gives its contract parties
is not public, and the only layout known here is the sandbox's. Without the file there are no live services, and every
live check says that it could not be told.
"""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from honnin.chip.icao9303 import master_list
from honnin.connect.addresses import is_here
from honnin.connect.jlis import Fallback, RevocationSource
from honnin.errors import HonninError, StateError
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.pki.rfc5652 import looks_like_cms
from honnin.platform.settings import Services

if TYPE_CHECKING:
    from honnin.connect.digital_auth.registration import Registration
    from honnin.connect.gateway import Gateway

__all__ = ["FILE", "allows_local_addresses", "read_live"]

FILE = "live.json"
Kind = Literal["ocsp", "ldap"]


class Anchors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files of the trust anchors by purpose."""

    signature: tuple[str, ...] = ()
    user_authentication: tuple[str, ...] = ()


class Directory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The directory of CRLs; the password lies in a file of its own."""

    url: str
    user: str | None = None
    password_file: str | None = None


class TimeStamping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The time-stamping authority (RFC 3161 over HTTP), and files of the anchors that its stamps are judged by."""

    url: str
    anchors: tuple[str, ...]


class SigningService(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This platform as a relying party of the Digital Authentication Service.

    service: name of an environment (`production`, `sandbox`: the agency's), or a base address.
    clients: client ids of tenants that are registered for themselves, by tenant id; for all others `client_id`.
    """

    service: str
    client_id: str
    redirect_uri: str
    clients: dict[str, str] = {}


class Documents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom documents read at the counter rest on: the police's keys (PEM) by key id (hexadecimal), CA certificates."""

    drivers_licence: dict[str, str] = {}
    residence_card: tuple[str, ...] = ()
    passport: tuple[str, ...] = ()


class Live(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file: anchors, the revocation sources in the order in which they are asked, and where they answer.

    card_keys: files of the card issuer's CA keys (PEM) by key id (hexadecimal).
    local_addresses: whether webhooks and return addresses of test tenants may lead to this machine.
    """

    anchors: Anchors = Anchors()
    revocation: tuple[Kind, ...] = ()
    hosts: dict[str, str] = {}
    ldap: Directory | None = None
    time_stamping: TimeStamping | None = None
    card_keys: dict[str, str] = {}
    documents: Documents = Documents()
    digital_auth: SigningService | None = None
    local_addresses: bool = False


def allows_local_addresses(data: Path) -> bool:
    """Tell whether test tenants may name this machine: where nothing live is served, or `live.json` says so.

    Raises StateError `live.configuration`.
    """
    live = _read(data)
    return live is None or live.local_addresses


def read_live(data: Path) -> Services | None:
    """Return the live services of a data folder; None where it has no `live.json`.

    Raises StateError `live.configuration` for a file, an anchor or a source that cannot be used, naming it.
    """
    live = _read(data)
    if live is None:
        return None
    gateway, sources = _sources(data, live)
    revocation: RevocationSource | None = None
    for source in reversed(sources):
        revocation = source if revocation is None else Fallback(source, revocation)
    registered = _registration(data, live.digital_auth, local=live.local_addresses)

    def end() -> None:
        if registered is not None:
            registered.close()
        gateway.close()

    return Services(
        revocation=revocation,
        anchors=_certificates(data, live.anchors.signature),
        user_authentication_anchors=_certificates(data, live.anchors.user_authentication),
        stamp=_stamp(gateway, live.time_stamping),
        time_stamping_anchors=_certificates(data, live.time_stamping.anchors if live.time_stamping else ()),
        card_keys=_bare_keys(data, live.card_keys),
        licence_keys=_bare_keys(data, live.documents.drivers_licence),
        document_anchors=_document_anchors(data, live.documents),
        digital_auth=registered,
        close=end,
    )


def _read(data: Path) -> Live | None:
    path = data / FILE
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Live)
    except (OSError, msgspec.MsgspecError) as error:
        raise _unusable(f"{FILE} cannot be read: {error}") from error


def _registration(data: Path, asked: SigningService | None, *, local: bool) -> "Registration | None":
    from honnin.connect.digital_auth.registration import Registration
    from honnin.connect.digital_auth.service import Service

    if asked is None:
        return None
    try:
        if is_here(urlsplit(asked.redirect_uri).hostname or "") and not local:
            raise _unusable("The redirect URI leads to this machine, which live services do not serve.")
        known = asked.service.startswith(("https://", "http://"))
        service = Service.at(asked.service) if known else Service.of_environment(asked.service)
        return Registration(
            service, asked.client_id, asked.redirect_uri, data / "keys" / "digital-auth" / "live", clients=asked.clients
        )
    except (HonninError, ValueError) as error:
        why = error.message if isinstance(error, HonninError) else "the redirect URI is none."
        raise _unusable(f"The Digital Authentication Service cannot be used: {why}") from error


def _unusable(what: str) -> StateError:
    return StateError("live.configuration", what, next=f"Correct {FILE} (docs/live.md) and start again.")


def _certificates(data: Path, names: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(certificate for name in names for certificate in _certificates_in(data / name, name))


def _certificates_in(path: Path, name: str) -> list[bytes]:
    try:
        content = path.read_bytes()
        blocks = re.findall(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", content, re.DOTALL)
        found = [b64decode(block) for block in blocks] or [content]
        for certificate in found:
            parse_certificate(certificate)
    except (OSError, Error, HonninError) as error:
        raise _unusable(f"The anchor {name} is not a readable certificate.") from error
    return found


def _stamp(gateway: "Gateway", authority: TimeStamping | None) -> Callable[[bytes], bytes] | None:
    if authority is None:
        return None
    from honnin.connect.gateway import Address
    from honnin.connect.timestamping import TimeStampClient

    return TimeStampClient(gateway, Address(authority.url)).stamp


def _document_anchors(data: Path, named: Documents) -> Callable[[], Mapping[str, tuple[bytes, ...]]]:
    found = {
        "residence_card": _certificates(data, named.residence_card),
        "passport": tuple(csca for name in named.passport for csca in _csca(data / name, name)),
    }
    return lambda: found


def _csca(path: Path, name: str) -> tuple[bytes, ...]:
    """Return the certificates of a file, or those of a CSCA master list (CMS, DER) that can be read.

    Some States' certificates are of forms that nobody here can use; the others are no worse for it.
    """
    try:
        content = path.read_bytes()
        listed = master_list(content) if looks_like_cms(content) else None
    except (OSError, HonninError) as error:
        raise _unusable(f"The anchor {name} is not a readable master list.") from error
    if listed is None:
        return tuple(_certificates_in(path, name))
    return tuple(certificate for certificate in listed if _is_certificate(certificate))


def _is_certificate(octets: bytes) -> bool:
    try:
        parse_certificate(octets)
    except HonninError:
        return False
    return True


def _bare_keys(data: Path, names: dict[str, str]) -> Callable[[], tuple[tuple[bytes, bytes], ...]]:
    """Read an authority's bare keys now, so that one that cannot be used stops the start."""
    found: list[tuple[bytes, bytes]] = []
    for key_id, name in names.items():
        try:
            key = load_pem_public_key((data / name).read_bytes())
            spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            found.append((bytes.fromhex(key_id), spki))
        except (OSError, ValueError) as error:
            raise _unusable(f"The key {name} is no public key, or its id no hexadecimal.") from error
    return lambda: tuple(found)


def _sources(data: Path, live: Live) -> "tuple[Gateway, list[RevocationSource]]":
    """Open the named sources in their order, and the gateway that they share."""
    from honnin.connect import jlis
    from honnin.connect.gateway import Gateway

    gateway = Gateway(hosts=live.hosts)
    sources: list[RevocationSource] = []
    for kind in dict.fromkeys(live.revocation):
        if kind == "ldap":
            if live.ldap is None:
                raise _unusable("The source ldap is named, but there is no ldap entry.")
            sources.append(jlis.LdapCrlSource(live.ldap.url, user=live.ldap.user, password=_password(data, live.ldap)))
        else:
            if not live.hosts:
                raise _unusable("The source ocsp is named, but no hosts are mapped.")
            sources.append(jlis.OcspClient(gateway, "evidence"))
    return gateway, sources


def _password(data: Path, directory: Directory) -> str | None:
    if directory.password_file is None:
        return None
    try:
        return (data / directory.password_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise _unusable("The directory's password file cannot be read.") from error
