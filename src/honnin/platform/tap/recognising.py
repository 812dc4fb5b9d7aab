"""The certificate of a tapped card: its path, its revocation, and which registered person it belongs to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from honnin.pki import validate_path
from honnin.pki.rfc5280.certificate import Certificate, parse_certificate
from honnin.pki.rfc5280.extensions import authority_key_identifier
from honnin.platform import linking
from honnin.platform.checking import seen_check
from honnin.platform.clock import moment
from honnin.platform.erasing import hold_people
from honnin.platform.keys import Keyring
from honnin.platform.models import RevocationSeen, Tenant
from honnin.platform.services import Mode, RevocationLearned
from honnin.platform.store import Store
from honnin.platform.tap.judging import Recognised
from honnin.platform.tap.registering import registered

__all__ = ["Recogniser"]


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Finds out about certificates at one tenant's terminals."""

    store: Store
    keys: Keyring
    mode: Mode
    tenant: Tenant

    def recognise(self, certificate: bytes, at: datetime) -> Recognised:
        """Return what is known of a user authentication certificate (DER).

        Raises FormatError `certificate.malformed`.
        """
        parsed = parse_certificate(certificate)
        learned = self.mode.learn_revocation(parsed, at=at)
        verdict = validate_path(
            certificate,
            anchors=self.mode.anchors("user_authentication"),
            crls=learned.crls,
            ocsp=learned.ocsp,
            at=at,
            purpose="user_authentication",
        )
        seen = Recognised(
            indication=verdict.indication,
            sub_indication=verdict.sub_indication,
            checks=tuple(seen_check(check) for check in verdict.checks),
            revocation=_revocation(verdict.indication, verdict.sub_indication, learned),
        )
        return seen if verdict.indication != "PASSED" else self._whose(parsed, seen, at)

    def _whose(self, certificate: Certificate, seen: Recognised, at: datetime) -> Recognised:
        """Find the person: by the certificate itself at once, else by its counterpart and predecessors at J-LIS."""
        issuer = authority_key_identifier(certificate)
        if issuer is None or issuer.key_identifier is None:
            return seen
        tenant_id, key = self.tenant.id, (issuer.key_identifier, certificate.serial_number)
        with self.store.read() as db:
            person = linking.known_person(db, tenant_id, linking.link_tag(self.keys, tenant_id, *key))
        settled = True
        if person is None:
            kin = linking.learn_kin(self.mode.services.links, *key, at=at)
            tags = [linking.link_tag(self.keys, tenant_id, *one) for one in kin.certificates]
            settled = kin.settled
            person = self._joined(tags, moment(at)) if settled else None
        if person is None:
            return msgspec.structs.replace(seen, settled=settled)
        with self.store.read() as db:
            may = registered(db, tenant_id, person) is not None
        return msgspec.structs.replace(seen, person=person, registered=may)

    def _joined(self, tags: list[str], now: str) -> str | None:
        """Return the person that one of these certificates belongs to, and remember all of them; nobody new is made."""
        tenant_id = self.tenant.id

        def known(db: Connection) -> bool:
            return any(linking.known_person(db, tenant_id, tag) is not None for tag in tags)

        def join(db: Connection) -> str | None:
            hold_people(db, tenant_id)
            return linking.join_person(db, tenant_id, tags, now) if known(db) else None

        with self.store.read() as db:
            if not known(db):
                return None
        return self.store.write(join, tenant=tenant_id)


def _revocation(indication: str, sub_indication: str | None, learned: RevocationLearned) -> RevocationSeen:
    told = indication == "PASSED" or sub_indication == "REVOKED"
    status: Any = "good" if indication == "PASSED" else "revoked" if sub_indication == "REVOKED" else "unknown"
    source: Any = learned.source if told else None
    return RevocationSeen(status=status, source=source, checked_at=learned.fetched_at if told else None)
