"""Tenants (service providers) and their API keys. Only a keyed hash of a key is stored; the key is shown once."""

import hmac
import json
import re
from datetime import date
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, bindparam, insert, select, update

from honnin.connect.addresses import is_here, literal, permitted
from honnin.errors import InputError, KeyRefusedError
from honnin.identity import DERIVED
from honnin.law import TenantStanding
from honnin.platform.clock import from_text
from honnin.platform.ids import keyed_hash, new_api_key, new_id, read_api_key
from honnin.platform.keys import Keyring
from honnin.platform.models import Attribute, Tenant, TenantCreated, VerifierStatus
from honnin.platform.store import Store, schema
from honnin.platform.store.prepared import Prepared

__all__ = [
    "OTHER_PURPOSES",
    "TAP_DAYS",
    "add_tenant",
    "allowed_attributes",
    "change_tenant",
    "find_by_key",
    "get_tenant",
    "list_tenants",
    "log_of",
    "new_key",
    "standing",
]

FOUR_ITEMS: tuple[Attribute, ...] = ("name", "address", "birth_date", "sex")
ATTRIBUTES: tuple[str, ...] = (*FOUR_ITEMS, *DERIVED)
_COLUMNS = schema.tenants.c
_SHOWN = (
    _COLUMNS.tenant_id,
    _COLUMNS.name,
    _COLUMNS.livemode,
    _COLUMNS.created_at,
    _COLUMNS.verifier_status,
    _COLUMNS.verifier_from,
    _COLUMNS.verifier_to,
    _COLUMNS.attributes,
    _COLUMNS.certificate_ground,
    _COLUMNS.number_handler,
    _COLUMNS.obliged_entity,
    _COLUMNS.apply_2027_rules,
    _COLUMNS.tap_use,
    _COLUMNS.tap_days,
    _COLUMNS.return_urls,
)
_OF_KEY = Prepared(
    select(schema.api_keys.c.key_hash, *_SHOWN)
    .join(schema.tenants, _COLUMNS.tenant_id == schema.api_keys.c.tenant_id)
    .where(
        schema.api_keys.c.tenant_id == bindparam("tenant"),
        schema.api_keys.c.key_hash == bindparam("given"),
        schema.api_keys.c.withdrawn_at.is_(None),
    )
)
_TENANT = select(*_SHOWN).where(schema.tenants.c.tenant_id == bindparam("tenant"))
_LOG = Prepared(select(schema.tenants.c.log_id).where(schema.tenants.c.tenant_id == bindparam("tenant")))
SAID_AS_THEY_ARE = {
    "verifier_status",
    "certificate_ground",
    "number_handler",
    "obliged_entity",
    "apply_2027_rules",
    "tap_use",
}
TAP_DAYS = 90  # for which a tap is kept where nobody has said otherwise; no law asks that it is kept at all
MOST_TAP_DAYS = 3650
OTHER_PURPOSES = "*"  # in `Tenant.tap_days`: every purpose that is not named
PURPOSE = re.compile(r"\A(?:[a-z0-9_.:-]{1,64}|\*)\Z")
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


def add_tenant(
    db: Connection,
    keys: Keyring,
    name: str,
    *,
    livemode: bool,
    log_id: str,
    now: str,
    verifier_status: VerifierStatus | None = None,
    verifier_from: date | None = None,
    tenant_id: str | None = None,
) -> TenantCreated:
    """Make a tenant and its first key.

    A test tenant is deemed a verifier unless said otherwise (the sandbox's operator has filed for it); a live tenant is
    none until its status and date are given. Raises InputError `tenant.name` for a name that is empty or too long.
    """
    name = name.strip()
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise InputError("tenant.name", "A tenant's name has 1 to 200 printable characters.")
    tenant_id = tenant_id or new_id("ten")
    db.execute(
        insert(schema.tenants).values(
            tenant_id=tenant_id,
            name=name,
            livemode=livemode,
            created_at=now,
            log_id=log_id,
            verifier_status=verifier_status or ("none" if livemode else "deemed"),
            verifier_from=verifier_from.isoformat() if verifier_from else None,
            attributes=json.dumps(FOUR_ITEMS),
            number_handler=False,
            return_urls="[]",
            last_event=0,
        )
    )
    return TenantCreated(tenant=tenant_id, api_key=new_key(db, keys, tenant_id, livemode=livemode, now=now))


def new_key(db: Connection, keys: Keyring, tenant_id: str, *, livemode: bool, now: str) -> str:
    """Give a tenant one more API key and return it; it cannot be read again."""
    key = new_api_key(tenant_id, livemode=livemode)
    db.execute(insert(schema.api_keys).values(tenant_id=tenant_id, key_hash=_hash(keys, key), created_at=now))
    return key


def find_by_key(store: Store, keys: Keyring, text: str) -> Tenant:
    """Return the tenant that an API key belongs to. Raises KeyRefusedError `tenant.key`."""
    key = read_api_key(text)
    if key is not None:
        given = _hash(keys, key.text)
        for stored, *row in store.look(_OF_KEY, tenant=key.tenant_id, given=given):
            tenant = _tenant(tuple(row))
            if hmac.compare_digest(stored, given) and tenant.livemode == key.livemode:
                return tenant
    raise KeyRefusedError("tenant.key", "The API key is not known here.", next="Make one with `honnin tenant create`.")


def get_tenant(db: Connection, tenant_id: str) -> Tenant:
    """Return a tenant. Raises InputError `tenant.unknown`."""
    row = db.execute(_TENANT, {"tenant": tenant_id}).one_or_none()
    if row is None:
        raise InputError("tenant.unknown", "There is no such tenant.", next="See `honnin tenant list`.")
    return _tenant(tuple(row))


def log_of(db: Connection, tenant_id: str) -> str:
    """Return the id of the log that holds a tenant's records."""
    log_id: str = _LOG.scalar(db, tenant=tenant_id)
    return log_id


def list_tenants(db: Connection) -> list[Tenant]:
    """Return all tenants, oldest first."""
    rows = db.execute(select(*_SHOWN).order_by(_COLUMNS.created_at))
    return [_tenant(tuple(row)) for row in rows]


def change_tenant(db: Connection, tenant_id: str, *, local: bool, **changes: Any) -> Tenant:
    """Change a tenant's settings; members as in `Tenant`, those absent or None stay.

    local: whether test tenants may name this machine.
    Raises InputError `tenant.return_url` for an address that a person could not safely be sent to, `tenant.ground` for
    a certificate exception without a certified verifier behind it, `tenant.attribute`, `tenant.tap_days`,
    `tenant.unknown`.
    """
    present = get_tenant(db, tenant_id)
    changed: dict[str, Any] = {}
    for name, value in changes.items():
        if value is None:
            continue
        if name == "return_urls":
            for url in value:
                check_return_url(url, local=local and not present.livemode)
            changed[name] = json.dumps(list(value))
        elif name == "attributes":
            if not set(value) <= set(ATTRIBUTES):
                raise InputError("tenant.attribute", f"Attributes are {', '.join(ATTRIBUTES)}.")
            changed[name] = json.dumps([a for a in ATTRIBUTES if a in value])
        elif name in {"verifier_from", "verifier_to"}:
            changed[name] = value.isoformat()
        elif name == "tap_days":
            changed[name] = json.dumps(present.tap_days | _checked_days(value))
        elif name in SAID_AS_THEY_ARE:
            changed[name] = value
        else:
            raise TypeError(name)
    status = changed.get("verifier_status", present.verifier_status)
    if changed.get("certificate_ground", present.certificate_ground) and status != "certified":
        raise InputError(
            "tenant.ground",
            "Only a certified verifier may receive certificates (公的個人認証法17条).",
            next="Set --verifier certified first.",
        )
    if changed:
        db.execute(update(schema.tenants).where(schema.tenants.c.tenant_id == tenant_id).values(**changed))
    return get_tenant(db, tenant_id)


def _checked_days(given: dict[str, int]) -> dict[str, int]:
    for purpose, days in given.items():
        if not PURPOSE.match(purpose) or not 0 <= days <= MOST_TAP_DAYS:
            raise InputError(
                "tenant.tap_days",
                f"Taps are kept for 0 to {MOST_TAP_DAYS} days, by purpose ({OTHER_PURPOSES} for all others).",
            )
    return given


def check_return_url(url: str, *, local: bool) -> None:
    """Refuse an address that a person must not be sent to: not https, with a user, a fragment, or characters that
    readers take differently.

    local: whether it may be of this machine (then also with http) or inside a network.
    """
    refusal = InputError(
        "tenant.return_url",
        "A return URL is https to a public host (for a test tenant, where the operator allows it, also http to"
        " localhost, 127.0.0.1, [::1] or *.localhost), in ASCII, of at most 2000 characters, without user and"
        " fragment.",
    )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise refusal from error
    here = host in LOCAL_HOSTS or host.endswith(".localhost")
    scheme_right = parts.scheme == "https" or (parts.scheme == "http" and here and local)
    address = literal(host)
    inside = is_here(host) or (address is not None and not permitted(address, local=False))
    clean = url.isascii() and url.isprintable() and " " not in url and "\\" not in url and len(url) <= 2000
    if (inside and not local) or not (scheme_right and host and clean) or parts.username is not None or "#" in url:
        raise refusal


def allowed_attributes(tenant: Tenant, asked: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
    """Return those attributes that a tenant may have: its own, and the answers that follow from them, in order."""
    may = set(tenant.attributes)
    return tuple(attribute for attribute in asked if attribute in may or DERIVED.get(attribute) in may)


def standing(tenant: Tenant) -> TenantStanding:
    """Return what a law may ask of a tenant."""
    return TenantStanding(
        verifier_status=tenant.verifier_status,
        verifier_from=tenant.verifier_from,
        verifier_to=tenant.verifier_to,
        number_handler=tenant.number_handler,
        obliged_entity=tenant.obliged_entity,
        apply_2027_rules=tenant.apply_2027_rules,
    )


def _hash(keys: Keyring, key: str) -> str:
    return keyed_hash(keys.derived("api-key"), "api-key", key)


@lru_cache(maxsize=1024)
def _tenant(row: tuple[Any, ...]) -> Tenant:
    """Return what a row says; kept by all its values, so that a row that changed is read anew."""
    given: dict[str, Any] = {column.name: value for column, value in zip(_SHOWN, row, strict=True)}
    return Tenant(
        id=given["tenant_id"],
        name=given["name"],
        livemode=bool(given["livemode"]),
        created_at=from_text(given["created_at"]),
        verifier_status=given["verifier_status"],
        verifier_from=date.fromisoformat(given["verifier_from"]) if given["verifier_from"] else None,
        verifier_to=date.fromisoformat(given["verifier_to"]) if given["verifier_to"] else None,
        attributes=tuple(json.loads(given["attributes"])),
        certificate_ground=given["certificate_ground"],
        number_handler=bool(given["number_handler"]),
        obliged_entity=None if given["obliged_entity"] is None else bool(given["obliged_entity"]),
        apply_2027_rules=bool(given["apply_2027_rules"]),
        tap_use=not given["livemode"] if given["tap_use"] is None else bool(given["tap_use"]),
        tap_days=json.loads(given["tap_days"] or "{}"),
        return_urls=tuple(json.loads(given["return_urls"])),
    )
