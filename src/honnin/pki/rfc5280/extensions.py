"""The values of certificate extensions (RFC 5280 §4.2), typed, each read when first asked for.

Values repeat from certificate to certificate of one CA, so they are remembered by their bytes (bounded). What a MUST of
§4.2 forbids in a single value is malformed here; what concerns several fields is judged in `profile`.
"""

import msgspec

from honnin.pki import der
from honnin.pki.der import malformed, remembered
from honnin.pki.rfc5280.certificate import Certificate
from honnin.pki.rfc5280.names import GeneralName, general_names

__all__ = [
    "ANY_POLICY",
    "AuthorityKeyIdentifier",
    "BasicConstraints",
    "DistributionPoint",
    "NameConstraints",
    "PointName",
    "PolicyConstraints",
    "Subtree",
    "access_descriptions",
    "authority_key_identifier",
    "basic_constraints",
    "certificate_policies",
    "distribution_points",
    "extended_key_usage",
    "inhibit_any_policy",
    "key_usage",
    "name_constraints",
    "point_name",
    "policy_constraints",
    "policy_mappings",
    "read_distribution_points",
    "subject_alternative_names",
    "subject_key_identifier",
]

SUBJECT_DIRECTORY_ATTRIBUTES = "2.5.29.9"
SUBJECT_KEY_IDENTIFIER = "2.5.29.14"
KEY_USAGE = "2.5.29.15"
SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"
ISSUER_ALTERNATIVE_NAME = "2.5.29.18"
BASIC_CONSTRAINTS = "2.5.29.19"
NAME_CONSTRAINTS = "2.5.29.30"
CRL_DISTRIBUTION_POINTS = "2.5.29.31"
CERTIFICATE_POLICIES = "2.5.29.32"
POLICY_MAPPINGS = "2.5.29.33"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"
POLICY_CONSTRAINTS = "2.5.29.36"
EXTENDED_KEY_USAGE = "2.5.29.37"
FRESHEST_CRL = "2.5.29.46"
INHIBIT_ANY_POLICY = "2.5.29.54"
AUTHORITY_INFORMATION_ACCESS = "1.3.6.1.5.5.7.1.1"
SUBJECT_INFORMATION_ACCESS = "1.3.6.1.5.5.7.1.11"
OCSP_NO_CHECK = "1.3.6.1.5.5.7.48.1.5"

ANY_POLICY = "2.5.29.32.0"
ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0"

# named bits of keyUsage (RFC 5280 §4.2.1.3)
DIGITAL_SIGNATURE, NON_REPUDIATION, KEY_CERT_SIGN, CRL_SIGN = 1 << 0, 1 << 1, 1 << 5, 1 << 6


class BasicConstraints(msgspec.Struct, frozen=True):
    """§4.2.1.9."""

    ca: bool
    path_length: int | None


class AuthorityKeyIdentifier(msgspec.Struct, frozen=True):
    """§4.2.1.1. `issuer` are general names, given together with `serial_number` or not at all."""

    key_identifier: bytes | None
    issuer: tuple[GeneralName, ...]
    serial_number: int | None


class Subtree(msgspec.Struct, frozen=True):
    """§4.2.1.10: a base; `plain` tells that minimum is 0 and maximum absent, as they must be."""

    base: GeneralName
    plain: bool


class NameConstraints(msgspec.Struct, frozen=True):
    """§4.2.1.10."""

    permitted: tuple[Subtree, ...]
    excluded: tuple[Subtree, ...]


class PolicyConstraints(msgspec.Struct, frozen=True):
    """§4.2.1.11."""

    require_explicit_policy: int | None
    inhibit_policy_mapping: int | None


class PointName(msgspec.Struct, frozen=True):
    """A DistributionPointName: full names, or a relative name as the raw RDN's content."""

    full_names: tuple[GeneralName, ...]
    relative: bytes | None


class DistributionPoint(msgspec.Struct, frozen=True):
    """§4.2.1.13. `reasons` as named bits, None for all; `crl_issuer` is empty where the issuer signs its own CRLs."""

    name: PointName | None
    reasons: int | None
    crl_issuer: tuple[GeneralName, ...]


@remembered(1024)
def _key_usage(value: bytes) -> int:
    usage = der.named_bits(value, *der.whole(value, der.BIT_STRING))
    if not usage:
        raise malformed("A key usage asserts nothing.")
    return usage


@remembered(1024)
def _basic_constraints(value: bytes) -> BasicConstraints:
    at, stop = der.whole(value, der.SEQUENCE)
    ca, length = False, None
    if at < stop and value[at] == der.BOOLEAN:
        first, at = der.enclosed(value, at, stop, der.BOOLEAN)
        ca = der.boolean(value, first, at)
        if not ca:
            raise malformed("A default value is written out.")
    if at < stop:
        first, at = der.enclosed(value, at, stop, der.INTEGER)
        length = der.integer(value, first, at)
        if length < 0 or at != stop:
            raise malformed("A path length is negative, or something follows it.")
    return BasicConstraints(ca, length)


@remembered(1024)
def _authority_key_identifier(value: bytes) -> AuthorityKeyIdentifier:
    identifier: bytes | None = None
    names: tuple[GeneralName, ...] = ()
    serial: int | None = None
    last = 0
    for tag, first, stop in der.children(value, *der.whole(value, der.SEQUENCE)):
        if tag & 0x1F < last:
            raise malformed("An authority key identifier is out of order.")
        last = (tag & 0x1F) + 1
        if tag == 0x80:
            identifier = value[first:stop]
        elif tag == 0xA1:
            names = tuple(general_names(value, first, stop))
        elif tag == 0x82:
            serial = der.integer(value, first, stop)
        else:
            raise malformed("An authority key identifier has an unknown field.")
    if bool(names) != (serial is not None):
        raise malformed("An authority key identifier names an issuer without a serial number, or the reverse.")
    return AuthorityKeyIdentifier(identifier, names, serial)


@remembered(1024)
def _octet_string(value: bytes) -> bytes:
    start, stop = der.whole(value, der.OCTET_STRING)
    if start == stop:
        raise malformed("A key identifier is empty.")
    return value[start:stop]


def _names(value: bytes) -> tuple[GeneralName, ...]:
    names = tuple(general_names(value, *der.whole(value, der.SEQUENCE)))
    if not names:
        raise malformed("A list of names is empty.")
    return names


@remembered(1024)
def _policies(value: bytes) -> frozenset[str]:
    found: list[str] = []
    for start, stop in der.items(value, *der.whole(value, der.SEQUENCE), der.SEQUENCE):
        first, at = der.enclosed(value, start, stop, der.OID)
        found.append(der.oid(value, first, at))
        if at < stop:
            qualifiers, end = der.enclosed(value, at, stop, der.SEQUENCE)
            if end != stop or qualifiers == end:
                raise malformed("A policy has more than qualifiers, or none in the list of them.")
            for inner, last in der.items(value, qualifiers, end, der.SEQUENCE):
                der.read(value, der.enclosed(value, inner, last, der.OID)[1], last)
    if not found or len(found) != len(set(found)):
        raise malformed("A list of policies is empty or names one twice.")
    return frozenset(found)


@remembered(1024)
def _mappings(value: bytes) -> tuple[tuple[str, str], ...]:
    found = []
    for start, stop in der.items(value, *der.whole(value, der.SEQUENCE), der.SEQUENCE):
        first, at = der.enclosed(value, start, stop, der.OID)
        second, end = der.enclosed(value, at, stop, der.OID)
        if end != stop:
            raise malformed("A policy mapping is not of two policies.")
        found.append((der.oid(value, first, at), der.oid(value, second, end)))
    if not found:
        raise malformed("A list of policy mappings is empty.")
    return tuple(found)


@remembered(1024)
def _policy_constraints(value: bytes) -> PolicyConstraints:
    found: dict[int, int] = {}
    for tag, start, stop in der.children(value, *der.whole(value, der.SEQUENCE)):
        if tag not in {0x80, 0x81} or any(tag <= earlier for earlier in found):
            raise malformed("Policy constraints have an unknown field or are out of order.")
        found[tag] = der.integer(value, start, stop)
    if not found or min(found.values()) < 0:
        raise malformed("Policy constraints are empty or negative.")
    return PolicyConstraints(found.get(0x80), found.get(0x81))


@remembered(1024)
def _integer(value: bytes) -> int:
    number = der.integer(value, *der.whole(value, der.INTEGER))
    if number < 0:
        raise malformed("A number of certificates is negative.")
    return number


@remembered(1024)
def _usages(value: bytes) -> frozenset[str]:
    found = [der.oid(value, a, b) for a, b in der.items(value, *der.whole(value, der.SEQUENCE), der.OID)]
    if not found:
        raise malformed("A list of extended key usages is empty.")
    return frozenset(found)


@remembered(256)
def _name_constraints(value: bytes) -> NameConstraints:
    found: dict[int, tuple[Subtree, ...]] = {}
    for tag, start, stop in der.children(value, *der.whole(value, der.SEQUENCE)):
        if tag not in {0xA0, 0xA1} or any(tag <= earlier for earlier in found):
            raise malformed("Name constraints have an unknown field or are out of order.")
        found[tag] = tuple(_subtree(value, a, b) for a, b in der.items(value, start, stop, der.SEQUENCE))
        if not found[tag]:
            raise malformed("A list of subtrees is empty.")
    if not found:
        raise malformed("Name constraints are empty.")
    return NameConstraints(found.get(0xA0, ()), found.get(0xA1, ()))


def _subtree(value: bytes, start: int, stop: int) -> Subtree:
    _, _, base_stop = der.read(value, start, stop)
    tag, first, last = der.read(value, start, base_stop)
    if tag in {0x81, 0x82, 0x86} and first == last:
        base = GeneralName(tag, b"")  # an empty host or mail name constrains every one
    else:
        (base,) = tuple(general_names(value, start, base_stop, addresses=(8, 32)))
    return Subtree(base, base_stop == stop)


def point_name(octets: bytes, start: int, stop: int) -> PointName:
    """Return the DistributionPointName whose explicit tag encloses these offsets."""
    tag, first, last = der.read(octets, start, stop)
    if last == stop and tag == 0xA0:
        names = tuple(general_names(octets, first, last))
        if names:
            return PointName(names, None)
    if last == stop and tag == 0xA1 and first < last:
        return PointName((), octets[first:last])
    raise malformed("A distribution point's name is neither full nor relative.")


@remembered(1024)
def read_distribution_points(value: bytes) -> tuple[DistributionPoint, ...]:
    """Return the points of a cRLDistributionPoints value (DER). Raises FormatError `der.malformed`."""
    found = tuple(_point(value, a, b) for a, b in der.items(value, *der.whole(value, der.SEQUENCE), der.SEQUENCE))
    if not found:
        raise malformed("A list of distribution points is empty.")
    return found


def _point(value: bytes, start: int, stop: int) -> DistributionPoint:
    name: PointName | None = None
    reasons: int | None = None
    issuer: tuple[GeneralName, ...] = ()
    last = 0
    for tag, first, end in der.children(value, start, stop):
        if tag & 0x1F < last:
            raise malformed("A distribution point is out of order.")
        last = (tag & 0x1F) + 1
        if tag == 0xA0:
            name = point_name(value, first, end)
        elif tag == 0x81:
            reasons = der.named_bits(value, first, end)
        elif tag == 0xA2:
            issuer = tuple(general_names(value, first, end))
        else:
            raise malformed("A distribution point has an unknown field.")
    if name is None and not issuer:
        raise malformed("A distribution point has neither a name nor an issuer.")
    return DistributionPoint(name, reasons, issuer)


@remembered(1024)
def _access(value: bytes) -> tuple[tuple[str, GeneralName], ...]:
    found = []
    for start, stop in der.items(value, *der.whole(value, der.SEQUENCE), der.SEQUENCE):
        first, at = der.enclosed(value, start, stop, der.OID)
        locations = tuple(general_names(value, at, stop))
        if len(locations) != 1:
            raise malformed("An access description is not of a method and a location.")
        found.append((der.oid(value, first, at), locations[0]))
    if not found:
        raise malformed("A list of access descriptions is empty.")
    return tuple(found)


def key_usage(certificate: Certificate) -> int | None:
    """Return the named bits of keyUsage, None without the extension."""
    extension = certificate.extensions.get(KEY_USAGE)
    return None if extension is None else _key_usage(extension.value)


def basic_constraints(certificate: Certificate) -> BasicConstraints | None:
    """Return basicConstraints, None without the extension."""
    extension = certificate.extensions.get(BASIC_CONSTRAINTS)
    return None if extension is None else _basic_constraints(extension.value)


def authority_key_identifier(certificate: Certificate) -> AuthorityKeyIdentifier | None:
    """Return authorityKeyIdentifier, None without the extension."""
    extension = certificate.extensions.get(AUTHORITY_KEY_IDENTIFIER)
    return None if extension is None else _authority_key_identifier(extension.value)


def subject_key_identifier(certificate: Certificate) -> bytes | None:
    """Return subjectKeyIdentifier, None without the extension."""
    extension = certificate.extensions.get(SUBJECT_KEY_IDENTIFIER)
    return None if extension is None else _octet_string(extension.value)


def subject_alternative_names(certificate: Certificate) -> tuple[GeneralName, ...]:
    """Return subjectAltName's names, none without the extension; remembered with the certificate alone."""
    known: tuple[GeneralName, ...] | None = certificate.memory.get("names")
    if known is None:
        extension = certificate.extensions.get(SUBJECT_ALTERNATIVE_NAME)
        known = certificate.memory["names"] = () if extension is None else _names(extension.value)
    return known


def certificate_policies(certificate: Certificate) -> frozenset[str] | None:
    """Return the policies, None without the extension."""
    extension = certificate.extensions.get(CERTIFICATE_POLICIES)
    return None if extension is None else _policies(extension.value)


def policy_mappings(certificate: Certificate) -> tuple[tuple[str, str], ...]:
    """Return pairs of issuer's and subject's policy, none without the extension."""
    extension = certificate.extensions.get(POLICY_MAPPINGS)
    return () if extension is None else _mappings(extension.value)


def policy_constraints(certificate: Certificate) -> PolicyConstraints | None:
    """Return policyConstraints, None without the extension."""
    extension = certificate.extensions.get(POLICY_CONSTRAINTS)
    return None if extension is None else _policy_constraints(extension.value)


def inhibit_any_policy(certificate: Certificate) -> int | None:
    """Return inhibitAnyPolicy's number of certificates, None without the extension."""
    extension = certificate.extensions.get(INHIBIT_ANY_POLICY)
    return None if extension is None else _integer(extension.value)


def extended_key_usage(certificate: Certificate) -> frozenset[str] | None:
    """Return the purposes, None without the extension."""
    extension = certificate.extensions.get(EXTENDED_KEY_USAGE)
    return None if extension is None else _usages(extension.value)


def name_constraints(certificate: Certificate) -> NameConstraints | None:
    """Return nameConstraints, None without the extension."""
    extension = certificate.extensions.get(NAME_CONSTRAINTS)
    return None if extension is None else _name_constraints(extension.value)


def distribution_points(certificate: Certificate, oid: str = CRL_DISTRIBUTION_POINTS) -> tuple[DistributionPoint, ...]:
    """Return the CRL distribution points, or those of freshestCRL; none without the extension."""
    extension = certificate.extensions.get(oid)
    return () if extension is None else read_distribution_points(extension.value)


def access_descriptions(
    certificate: Certificate, oid: str = AUTHORITY_INFORMATION_ACCESS
) -> tuple[tuple[str, GeneralName], ...]:
    """Return pairs of access method and location, none without the extension."""
    extension = certificate.extensions.get(oid)
    return () if extension is None else _access(extension.value)
