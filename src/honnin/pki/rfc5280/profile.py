"""What a certificate may not be whatever stands above it: the MUSTs of RFC 5280 §4 that concern one certificate alone.

Every known extension is read here once, so that a malformed value fails even where no later step would look at it.
What NIST's PKITS and the JPKI profile hold valid passes in spite of a MUST: negative serial numbers, times before 2050
as GeneralizedTime, policyConstraints and basicConstraints that are not critical, missing key identifiers.
"""

from collections.abc import Callable
from typing import NamedTuple

from honnin.errors import FormatError
from honnin.pki.rfc5280 import extensions as ext
from honnin.pki.rfc5280.certificate import Certificate
from honnin.pki.rfc5280.names import EMPTY, prepared

__all__ = ["Fault", "form_fault", "unknown_critical"]

# Critical extensions that path validation acts on (RFC 5280 §6.1 and §4.2 where it says so).
UNDERSTOOD = frozenset(
    {
        ext.KEY_USAGE,
        ext.SUBJECT_ALTERNATIVE_NAME,
        ext.BASIC_CONSTRAINTS,
        ext.NAME_CONSTRAINTS,
        ext.CRL_DISTRIBUTION_POINTS,
        ext.CERTIFICATE_POLICIES,
        ext.POLICY_MAPPINGS,
        ext.POLICY_CONSTRAINTS,
        ext.EXTENDED_KEY_USAGE,
        ext.INHIBIT_ANY_POLICY,
        ext.OCSP_NO_CHECK,
    }
)
MUST_BE_CRITICAL = frozenset({ext.NAME_CONSTRAINTS, ext.INHIBIT_ANY_POLICY})

_READERS: dict[str, Callable[[Certificate], object]] = {
    ext.KEY_USAGE: ext.key_usage,
    ext.BASIC_CONSTRAINTS: ext.basic_constraints,
    ext.AUTHORITY_KEY_IDENTIFIER: ext.authority_key_identifier,
    ext.SUBJECT_KEY_IDENTIFIER: ext.subject_key_identifier,
    ext.SUBJECT_ALTERNATIVE_NAME: ext.subject_alternative_names,
    ext.CERTIFICATE_POLICIES: ext.certificate_policies,
    ext.POLICY_MAPPINGS: ext.policy_mappings,
    ext.POLICY_CONSTRAINTS: ext.policy_constraints,
    ext.INHIBIT_ANY_POLICY: ext.inhibit_any_policy,
    ext.EXTENDED_KEY_USAGE: ext.extended_key_usage,
    ext.NAME_CONSTRAINTS: ext.name_constraints,
    ext.CRL_DISTRIBUTION_POINTS: ext.distribution_points,
    ext.FRESHEST_CRL: lambda certificate: ext.distribution_points(certificate, ext.FRESHEST_CRL),
    ext.AUTHORITY_INFORMATION_ACCESS: ext.access_descriptions,
    ext.SUBJECT_INFORMATION_ACCESS: lambda certificate: ext.access_descriptions(
        certificate, ext.SUBJECT_INFORMATION_ACCESS
    ),
}


class Fault(NamedTuple):
    """Why a judgement fails: the situation (a row of verdicts.json), the check that found it, and a sentence."""

    situation: str
    check: str
    reason: str


def form_fault(certificate: Certificate, *, anchor: bool = False) -> Fault | None:
    """Return the first MUST of §4 that a certificate breaks, None when it breaks none; remembered with it.

    anchor: leave out what stands outside the extensions (serial number, names), which an anchor is not judged by.
    """
    slot = "anchor_form" if anchor else "form"
    known: tuple[Fault | None] | None = certificate.memory.get(slot)
    if known is None:
        fault = _value_fault(certificate)
        if fault is None and not anchor:
            fault = _outer_fault(certificate)
        known = certificate.memory[slot] = (fault or _extension_fault(certificate),)
    return known[0]


def _value_fault(certificate: Certificate) -> Fault | None:
    try:
        prepared(certificate.issuer)
        prepared(certificate.subject)
        for oid in certificate.extensions:
            reader = _READERS.get(oid)
            if reader is not None:
                reader(certificate)
    except FormatError as error:
        return Fault("malformed", "format", error.message)
    return None


def _outer_fault(certificate: Certificate) -> Fault | None:
    serial = certificate.serial_number
    if serial == 0 or serial.bit_length() > 159:
        return Fault("malformed", "format", "The serial number is zero or longer than 20 octets (§4.1.2.2).")
    if certificate.issuer == EMPTY:
        return Fault("malformed", "format", "The issuer has no name (§4.1.2.4).")
    if certificate.subject == EMPTY:
        alternative = certificate.extensions.get(ext.SUBJECT_ALTERNATIVE_NAME)
        if alternative is None or not alternative.critical:
            return Fault("malformed", "format", "Without a subject, the alternative name must be critical (§4.1.2.6).")
    return None


def _extension_fault(certificate: Certificate) -> Fault | None:
    """Judge extensions whose values have been read."""
    stated = certificate.extensions
    for oid, extension in stated.items():
        if not extension.critical and oid in MUST_BE_CRITICAL:
            return Fault("constraints", "extensions", f"Extension {oid} is not critical, and must be (§4.2.1).")
    usage = ext.key_usage(certificate)
    basic = ext.basic_constraints(certificate)
    is_ca = basic is not None and basic.ca
    if basic is not None and basic.path_length is not None and not is_ca:
        return Fault("constraints", "basic_constraints", "A path length stands in a certificate of no CA (§4.2.1.9).")
    if certificate.version == 3 and not is_ca and usage is not None and usage & ext.KEY_CERT_SIGN:
        return Fault("constraints", "key_usage", "A certificate of no CA may sign certificates (§4.2.1.9).")
    if ext.NAME_CONSTRAINTS in stated and not is_ca:
        return Fault("constraints", "names", "Name constraints stand in a certificate of no CA (§4.2.1.10).")
    if is_ca and certificate.subject == EMPTY:
        return Fault("constraints", "names", "A CA has no name (§4.1.2.6).")
    return None


def unknown_critical(certificate: Certificate) -> str | None:
    """Return the OID of a critical extension that path validation does not act on, None without one."""
    for oid, extension in certificate.extensions.items():
        if extension.critical and oid not in UNDERSTOOD:
            return oid
    return None
