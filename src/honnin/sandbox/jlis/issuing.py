"""Issuing: rows first, keys and DER when somebody needs the certificate itself (My Number Card sheet, section 7.1)."""

from datetime import date, datetime

from honnin.identity.dates import PartialDate, end_of_day, from_certificate, jst_day
from honnin.identity.expiry import card_expiry, certificate_expiry
from honnin.sandbox.jlis import register
from honnin.sandbox.jlis.authorities import Authority, authority, generation_at
from honnin.sandbox.jlis.holder import Holder, build
from honnin.sandbox.jlis.keys import kept_key, read_key
from honnin.sandbox.jlis.profile import Kind, Line, profile
from honnin.sandbox.jlis.register import Entry
from honnin.sandbox.world import World

__all__ = ["authority_of", "certificate", "enter", "holder_key", "whole_day"]


def whole_day(birth: PartialDate) -> date:
    """Return the birth date that periods count from: unknown parts count as the first (the sandbox's own rule)."""
    return date(birth.year or 1900, birth.month or 1, birth.day or 1)


def enter(
    world: World,
    *,
    kind: Kind,
    line: Line,
    person: str,
    card: str,
    holder: Holder,
    at: datetime,
    card_issued: datetime,
    replaces: Entry | None = None,
    not_beyond: datetime | None = None,
) -> int:
    """Enter a new certificate from a moment on, with the end that the birthday rules give it; return its serial number.

    replaces: the still valid certificate that this one renews.
    not_beyond: end of the card certificate that a phone's one is derived from.
    """
    born = whole_day(from_certificate(holder.birth))
    card_end = card_expiry(born, card_issued)
    last = card_end
    if profile().lines[line].certificate_birthdays == "five":
        replaced = None if replaces is None else jst_day(replaces.not_after)
        last = certificate_expiry(born, at, card_expires=card_end, replaces_expiring=replaced)
    end = end_of_day(last)
    return register.add(
        world,
        kind=kind,
        line=line,
        generation=generation_at(world, line, at),
        person=person,
        card=card,
        holder=holder,
        not_before=at,
        not_after=end if not_beyond is None else min(end, not_beyond),
    )


def authority_of(world: World, entry: Entry) -> Authority:
    """Return the CA that issued a certificate."""
    return authority(world, entry.kind, entry.line, entry.generation)


def holder_key(world: World, entry: Entry) -> bytes:
    """Return the holder's private key, PKCS#8 DER."""
    return kept_key(world, f"holder/{entry.kind}/{entry.serial}", profile().lines[entry.line])


def certificate(world: World, entry: Entry) -> bytes:
    """Return a certificate as DER, made when first asked for."""
    if entry.der is not None:
        return entry.der
    issuer, key = authority_of(world, entry), read_key(holder_key(world, entry))
    der = build(issuer, entry.serial, entry.holder, key, entry.not_before, entry.not_after)
    with world.transaction() as db:
        db.execute(
            "UPDATE jlis_certificates SET der = ? WHERE kind = ? AND serial = ?", (der, entry.kind, entry.serial)
        )
    return der
