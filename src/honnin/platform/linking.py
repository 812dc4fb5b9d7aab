"""Which person of a tenant a certificate belongs to: stable over renewals, different for every tenant.

A certificate is known by a keyed hash of its issuer key id and serial, under a key of the tenant's own, so that no two
tenants' rows can be joined. J-LIS tells a certificate's predecessor and its counterpart (新旧シリアル番号の紐付け,
対応証明書の発行番号; my-number-card.md §6.4); while it does not yet (a fresh certificate), the person is *pending*,
and a second person is never invented.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update

from honnin.connect.jlis import LinkSource
from honnin.errors import HonninError
from honnin.platform import outbox
from honnin.platform.ids import keyed_hash, new_id
from honnin.platform.keys import Keyring
from honnin.platform.store import Store, schema
from honnin.platform.store.prepared import Prepared

__all__ = [
    "Kin",
    "is_known",
    "join_person",
    "join_subject",
    "know_by",
    "known_person",
    "learn_kin",
    "link_tag",
    "person_rows",
    "same_people",
    "subject_tag",
    "wait_for_link",
]

_PERSON = Prepared(
    select(schema.person_certificates.c.person_id).where(
        schema.person_certificates.c.tenant_id == bindparam("tenant"),
        schema.person_certificates.c.link_tag == bindparam("tag"),
    )
)
_PENDING = Prepared(
    select(schema.pending_links.c.verification_id).where(
        schema.pending_links.c.tenant_id == bindparam("tenant"), schema.pending_links.c.link_tag == bindparam("tag")
    )
)
_ADD_PERSON = Prepared(
    insert(schema.persons).values({name: bindparam(name) for name in ("tenant_id", "person_id", "created_at")})
)
_ADD_CERTIFICATE = Prepared(insert(schema.person_certificates))

MOST_STEPS = 24  # successions followed: more certificates than one person had since 2016


class Kin(msgspec.Struct, frozen=True):
    """A certificate's keys (issuer key id, serial) as J-LIS links them, the certificate itself first.

    settled: J-LIS knows the certificate; without that, nobody new may be made of it.
    """

    certificates: tuple[tuple[bytes, int], ...]
    settled: bool
    reason: str = ""

    def __repr__(self) -> str:
        return f"Kin(settled={self.settled})"


def link_tag(keys: Keyring, tenant_id: str, issuer_key_id: bytes, serial: int) -> str:
    """Return the tenant's name for a certificate."""
    width = max(1, (serial.bit_length() + 7) // 8)
    return keyed_hash(keys.derived(f"person:{tenant_id}"), "certificate", issuer_key_id, serial.to_bytes(width, "big"))


def subject_tag(keys: Keyring, tenant_id: str, issuer: str, subject: str) -> str:
    """Return the tenant's name for somebody whom another issuer knows by a subject (OIDC Core §2, `iss` and `sub`)."""
    return keyed_hash(keys.derived(f"person:{tenant_id}"), "subject", issuer, subject)


def learn_kin(links: LinkSource | None, issuer_key_id: bytes, serial: int, *, at: datetime) -> Kin:
    """Ask J-LIS for the certificate's predecessors and counterparts; a service that fails leaves the person pending."""
    first = (issuer_key_id, serial)
    if links is None:
        return Kin((first,), settled=False, reason="no source of linking data")
    found: dict[tuple[bytes, int], None] = {first: None}
    asked: set[tuple[bytes, int]] = set()
    settled = False
    while (ahead := [key for key in found if key not in asked]) and len(asked) < MOST_STEPS:
        key = ahead[0]
        asked.add(key)
        try:
            link = links.link(key[0], key[1], at=at)
        except HonninError as error:
            if key == first:
                return Kin((first,), settled=False, reason=error.code)
            continue
        if key == first and link.state != "linked":
            return Kin((first,), settled=False, reason=link.state)
        settled = True
        for kin in (link.previous, link.counterpart):
            if kin is not None:
                found.setdefault((kin.issuer_key_id, kin.serial))
    return Kin(tuple(found), settled=settled)


def known_person(db: Connection, tenant_id: str, tag: str) -> str | None:
    """Return the person that a certificate already belongs to."""
    person: str | None = _PERSON.scalar(db, tenant=tenant_id, tag=tag)
    return person


def is_known(store: Store, tenant_id: str, tag: str) -> bool:
    """Tell whether a certificate belongs to a person already."""
    return bool(store.look(_PERSON, tenant=tenant_id, tag=tag))


def join_person(db: Connection, tenant_id: str, tags: Iterable[str], now: str) -> str:
    """Return the person of these certificates, making one when none is known.

    Two persons that turn out to be one (their certificates were met before the link between them) become the older.
    A concurrent writer that got there first makes an IntegrityError, on which `Store.write` starts over.
    """
    table, wanted = schema.person_certificates, list(dict.fromkeys(tags))
    if len(wanted) == 1:
        found = known_person(db, tenant_id, wanted[0])
        known = {} if found is None else {wanted[0]: found}
    else:
        known = {
            row.link_tag: row.person_id
            for row in db.execute(
                select(table.c.link_tag, table.c.person_id).where(
                    table.c.tenant_id == tenant_id, table.c.link_tag.in_(wanted)
                )
            )
        }
    people = set(known.values())
    if not people:
        person = new_id("per")
        _ADD_PERSON.run(db, tenant_id=tenant_id, person_id=person, created_at=now)
    elif len(people) == 1:
        (person,) = people
    else:
        person = _oldest(db, tenant_id, people)
        _become(db, tenant_id, people - {person}, person)
    fresh = [tag for tag in wanted if tag not in known]
    for tag in fresh:
        _ADD_CERTIFICATE.run(db, tenant_id=tenant_id, link_tag=tag, person_id=person)
    return _settle_pending(db, tenant_id, wanted, person, now)


def join_subject(db: Connection, tenant_id: str, tag: str, now: str) -> str:
    """Return the person of a subject, making one when none is known.

    Checks whose certificate's person is pending, and that waited for this subject too, are this person's: their
    certificates are known from now on, so that J-LIS's answer comes to nobody else. They stay pending until then.
    """
    person = known_person(db, tenant_id, tag)
    if person is not None:
        return person
    person = new_id("per")
    _ADD_PERSON.run(db, tenant_id=tenant_id, person_id=person, created_at=now)
    _ADD_CERTIFICATE.run(db, tenant_id=tenant_id, link_tag=tag, person_id=person)
    waiting = [row[0] for row in _PENDING.rows(db, tenant=tenant_id, tag=tag)]
    _wait_no_more(db, tenant_id, schema.pending_links.c.link_tag == tag)
    for other in _waited_for(db, tenant_id, waiting):
        person = know_by(db, tenant_id, person, other)
    return person


def know_by(db: Connection, tenant_id: str, person: str, tag: str) -> str:
    """Know a person by one more tag and return them; whoever was known by it is the same, and both become the older."""
    known = known_person(db, tenant_id, tag)
    if known is None:
        _ADD_CERTIFICATE.run(db, tenant_id=tenant_id, link_tag=tag, person_id=person)
    elif known != person:
        both, person = {known, person}, _oldest(db, tenant_id, {known, person})
        _become(db, tenant_id, both - {person}, person)
    return person


def know_later(db: Connection, tenant_id: str, tag: str, verification_id: str) -> None:
    """Know the person for whom a check waits by one more tag, once they are known; or at once, where the tag is."""
    person = known_person(db, tenant_id, tag)
    if person is None:
        wait_for_link(db, tenant_id, tag, verification_id)
        return
    for other in _waited_for(db, tenant_id, [verification_id]):
        person = know_by(db, tenant_id, person, other)


def person_rows(tenant_id: str, person: str, tag: str, now: str) -> list[tuple[Prepared, dict[str, Any]]]:
    """Return the rows of a new person with one certificate."""
    return [
        (_ADD_PERSON, {"tenant_id": tenant_id, "person_id": person, "created_at": now}),
        (_ADD_CERTIFICATE, {"tenant_id": tenant_id, "link_tag": tag, "person_id": person}),
    ]


def wait_for_link(db: Connection, tenant_id: str, tag: str, verification_id: str) -> None:
    """Note that a check waits for its certificate's person."""
    db.execute(insert(schema.pending_links).values(tenant_id=tenant_id, link_tag=tag, verification_id=verification_id))


def same_people(db: Connection, tenant_id: str, person_id: str) -> list[str]:
    """Return all ids of a person, over any number of merges and whichever of them is given; none where unknown."""
    persons = schema.persons
    mine = persons.c.tenant_id == tenant_id
    same: list[str] = []
    ahead = list(db.execute(select(persons.c.person_id).where(mine, persons.c.person_id == person_id)).scalars())
    while ahead:
        same += ahead
        older = select(persons.c.became).where(mine, persons.c.person_id.in_(ahead), persons.c.became.is_not(None))
        met = select(persons.c.person_id).where(mine, persons.c.became.in_(ahead) | persons.c.person_id.in_(older))
        ahead = [person for person in db.execute(met).scalars() if person not in same]
    return same


def _settle_pending(db: Connection, tenant_id: str, tags: list[str], person: str, now: str) -> str:
    """Link the checks that waited for these tags, know their person by what else they waited for, and return them."""
    pending, checks = schema.pending_links, schema.verifications
    mine = (pending.c.tenant_id == tenant_id) & pending.c.link_tag.in_(tags)
    if len(tags) == 1:
        ids = [row[0] for row in _PENDING.rows(db, tenant=tenant_id, tag=tags[0])]
    else:
        ids = list(db.execute(select(pending.c.verification_id).where(mine)).scalars())
    if ids:
        db.execute(
            update(checks)
            .where(checks.c.tenant_id == tenant_id, checks.c.verification_id.in_(ids))
            .values(person_id=person, person_status="linked")
        )
        _wait_no_more(db, tenant_id, pending.c.link_tag.in_(tags))
        for other in _waited_for(db, tenant_id, ids):
            person = know_by(db, tenant_id, person, other)
        _wait_no_more(db, tenant_id, pending.c.verification_id.in_(ids))
    for verification_id in ids:
        body = {"verification": verification_id, "person": person}
        outbox.append(db, tenant_id, "verification.person_linked", body, now)
    return person


def _waited_for(db: Connection, tenant_id: str, ids: list[str]) -> list[str]:
    """Return the tags for which checks wait, in the order in which every writer takes them."""
    pending = schema.pending_links
    mine = (pending.c.tenant_id == tenant_id) & pending.c.verification_id.in_(ids)
    return list(db.execute(select(pending.c.link_tag).where(mine).distinct().order_by(pending.c.link_tag)).scalars())


def _wait_no_more(db: Connection, tenant_id: str, which: ColumnElement[bool]) -> None:
    db.execute(delete(schema.pending_links).where(schema.pending_links.c.tenant_id == tenant_id, which))


def _oldest(db: Connection, tenant_id: str, people: set[str]) -> str:
    table = schema.persons
    oldest: str = db.execute(
        select(table.c.person_id)
        .where(table.c.tenant_id == tenant_id, table.c.person_id.in_(people))
        .order_by(table.c.created_at, table.c.person_id)
        .limit(1)
    ).scalar_one()
    return oldest


def _become(db: Connection, tenant_id: str, others: set[str], person: str) -> None:
    persons = schema.persons
    db.execute(
        update(persons).where(persons.c.tenant_id == tenant_id, persons.c.person_id.in_(others)).values(became=person)
    )
    for table in (schema.person_certificates, schema.customer_certificates, schema.verifications, schema.taps):
        db.execute(
            update(table).where(table.c.tenant_id == tenant_id, table.c.person_id.in_(others)).values(person_id=person)
        )
