"""CRLs made when asked for, as of the clock (My Number Card sheet, section 6.1; RFC 5280 section 5).

Published once a day: what is asked for during a day is the state at its publication time. Three scopes a CA: one
municipality (critical issuing distribution point as in the holders' certificates), the whole CA without one, and the
authority revocation list under the CA's own name. The same day always gives the same bytes.
"""

from datetime import datetime, time, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from honnin.identity.dates import JST
from honnin.sandbox.jlis import register
from honnin.sandbox.jlis.authorities import Authority
from honnin.sandbox.jlis.names import distribution_point
from honnin.sandbox.jlis.profile import profile
from honnin.sandbox.world import World

__all__ = ["Scope", "authority_list", "full", "municipal", "publication"]

Scope = Literal["full", "authority"]
REASONS = {reason.value: reason for reason in x509.ReasonFlags}


def publication(moment: datetime) -> datetime:
    """Return the latest publication time by a moment."""
    local = moment.astimezone(JST)
    today = datetime.combine(local.date(), time(profile().publication.hour_jst, tzinfo=JST))
    return today if today <= local else today - timedelta(days=1)


def municipal(world: World, issuer: Authority, municipality: str, moment: datetime) -> bytes:
    """Return one municipality's CRL as DER."""
    return _signed(world, issuer, moment, municipality, distribution_point(issuer.profile, municipality))


def full(world: World, issuer: Authority, moment: datetime) -> bytes:
    """Return one CA's CRL over every municipality as DER."""
    return _signed(world, issuer, moment, None, None)


def authority_list(world: World, issuer: Authority, moment: datetime) -> bytes:
    """Return the list of revoked CA certificates: empty, as a root is withdrawn by taking it out of the anchors."""
    return _signed(world, issuer, moment, None, issuer.certificate.subject, authorities_only=True)


def _signed(
    world: World,
    issuer: Authority,
    moment: datetime,
    municipality: str | None,
    point: x509.Name | None,
    *,
    authorities_only: bool = False,
) -> bytes:
    published = publication(moment)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(published)
        .next_update(published + timedelta(hours=profile().publication.valid_hours))
        .add_extension(x509.AuthorityKeyIdentifier(issuer.key_id, None, None), critical=False)
        .add_extension(x509.CRLNumber(published.date().toordinal()), critical=False)
    )
    if point is not None:
        scope = x509.IssuingDistributionPoint(
            full_name=[x509.DirectoryName(point)],
            relative_name=None,
            only_contains_user_certs=False,
            only_contains_ca_certs=authorities_only,
            only_some_reasons=None,
            indirect_crl=False,
            only_contains_attribute_certs=False,
        )
        builder = builder.add_extension(scope, critical=True)
    if not authorities_only:
        for found in register.revoked(
            world, issuer.kind, issuer.line, issuer.generation, by=published, municipality=municipality
        ):
            builder = builder.add_revoked_certificate(_entry(found))
    deterministic = True if issuer.line_profile.algorithm == "ec" else None
    return builder.sign(issuer.key, issuer.hash, ecdsa_deterministic=deterministic).public_bytes(Encoding.DER)


def _entry(found: register.Entry) -> x509.RevokedCertificate:
    assert found.revoked_at is not None  # noqa: S101
    builder = x509.RevokedCertificateBuilder().serial_number(found.serial).revocation_date(found.revoked_at)
    if found.reason is not None and found.reason != "unspecified":  # RFC 5280 section 5.3.1: then absent
        builder = builder.add_extension(x509.CRLReason(REASONS[found.reason]), critical=False)
    return builder.build()
