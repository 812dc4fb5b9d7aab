"""The platform's tables: one schema for SQLite and PostgreSQL, the tenant first in every key that a tenant owns.

`tenant_id` is the distribution key, so that a PostgreSQL-compatible engine can spread tenants over machines unchanged;
a log (`log_id`) belongs to one shard. Times are UTC as RFC 3339 text with microseconds: they sort, and read the same
on both engines. Personal data appears in `sealed` alone, and there only encrypted.

A change of a table needs a migration beside it (`migrations/versions`); a test compares the two.
"""

from honnin.platform.store.schema.checks import (
    counter_checks,
    documents,
    idempotency,
    logins,
    sessions,
    tap_registrations,
    tap_terminals,
    taps,
    verifications,
)
from honnin.platform.store.schema.columns import metadata
from honnin.platform.store.schema.people import (
    certificate_ends,
    customer_certificates,
    pending_links,
    person_certificates,
    persons,
    upkeep_cursors,
)
from honnin.platform.store.schema.proof import (
    data_keys,
    evidence,
    evidence_leaves,
    kept_once,
    log_heads,
    log_tiles,
    log_waiting,
    logs,
    record_entries,
    records,
    sealed,
)
from honnin.platform.store.schema.staffing import counter_terminals, staff, staff_sign_ins
from honnin.platform.store.schema.tenancy import api_keys, events, tenants, webhook_deliveries, webhook_endpoints

__all__ = [
    "api_keys",
    "certificate_ends",
    "counter_checks",
    "counter_terminals",
    "customer_certificates",
    "data_keys",
    "documents",
    "events",
    "evidence",
    "evidence_leaves",
    "idempotency",
    "kept_once",
    "log_heads",
    "log_tiles",
    "log_waiting",
    "logins",
    "logs",
    "metadata",
    "pending_links",
    "person_certificates",
    "persons",
    "record_entries",
    "records",
    "sealed",
    "sessions",
    "staff",
    "staff_sign_ins",
    "tap_registrations",
    "tap_terminals",
    "taps",
    "tenants",
    "upkeep_cursors",
    "verifications",
    "webhook_deliveries",
    "webhook_endpoints",
]
