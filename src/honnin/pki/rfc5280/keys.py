"""Public keys and certificate signatures (RFC 3279, 4055, 5480, 8410): loading a key, checking a signature with it.

Whether an algorithm or a key length is still good enough is not said here but in `algorithms`. A key on an explicitly
written curve is accepted when every parameter equals a named curve's, the generator included (CVE-2020-0601); ECDSA
identifiers with NULL parameters are accepted because Japan's passport CAs write them (reference other-documents §5.4).
"""

import hashlib
import json
from functools import cache
from pkgutil import get_data
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from honnin.errors import FormatError
from honnin.pki import der
from honnin.pki.der import malformed, read, remembered

__all__ = ["PublicKey", "Scheme", "family_of", "inherited_parameters", "load_public_key", "scheme", "verify_signature"]

PublicKey = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | dsa.DSAPublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
)

RSA, RSA_PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
DSA, EC = "1.2.840.10040.4.1", "1.2.840.10045.2.1"
MGF1, PRIME_FIELD = "1.2.840.113549.1.1.8", "1.2.840.10045.1.1"

HASHES: dict[str, hashes.HashAlgorithm] = {
    "1.3.14.3.2.26": hashes.SHA1(),  # noqa: S303
    "2.16.840.1.101.3.4.2.4": hashes.SHA224(),
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
_SHA1, _SHA224, _SHA256, _SHA384, _SHA512 = HASHES.values()
# signature algorithm: key family, hash (None where the scheme has its own)
SIGNATURES: dict[str, tuple[str, hashes.HashAlgorithm | None]] = {
    "1.2.840.113549.1.1.4": ("rsa", hashes.MD5()),  # noqa: S303
    "1.2.840.113549.1.1.5": ("rsa", _SHA1),
    "1.2.840.113549.1.1.14": ("rsa", _SHA224),
    "1.2.840.113549.1.1.11": ("rsa", _SHA256),
    "1.2.840.113549.1.1.12": ("rsa", _SHA384),
    "1.2.840.113549.1.1.13": ("rsa", _SHA512),
    "1.2.840.10040.4.3": ("dsa", _SHA1),
    "2.16.840.1.101.3.4.3.1": ("dsa", _SHA224),
    "2.16.840.1.101.3.4.3.2": ("dsa", _SHA256),
    "1.2.840.10045.4.1": ("ec", _SHA1),
    "1.2.840.10045.4.3.1": ("ec", _SHA224),
    "1.2.840.10045.4.3.2": ("ec", _SHA256),
    "1.2.840.10045.4.3.3": ("ec", _SHA384),
    "1.2.840.10045.4.3.4": ("ec", _SHA512),
    "1.3.101.112": ("ed25519", None),
    "1.3.101.113": ("ed448", None),
}

CURVES: dict[str, ec.EllipticCurve] = {
    "1.3.132.0.33": ec.SECP224R1(),
    "1.2.840.10045.3.1.7": ec.SECP256R1(),
    "1.3.132.0.34": ec.SECP384R1(),
    "1.3.132.0.35": ec.SECP521R1(),
    "1.3.36.3.3.2.8.1.1.7": ec.BrainpoolP256R1(),
    "1.3.36.3.3.2.8.1.1.11": ec.BrainpoolP384R1(),
    "1.3.36.3.3.2.8.1.1.13": ec.BrainpoolP512R1(),
}


class Scheme(msgspec.Struct, frozen=True):
    """How a signature is to be checked: algorithm OID, key family, hash, and the RSA padding."""

    oid: str
    family: str
    hash: hashes.HashAlgorithm | None
    rsa_padding: padding.PKCS1v15 | padding.PSS | None = None


def _unsupported(what: str) -> FormatError:
    return FormatError("certificate.key_unsupported", what, next="Use a certificate with a key of a supported kind.")


def _algorithm(octets: bytes, at: int, end: int) -> tuple[str, bytes, int]:
    """Return an AlgorithmIdentifier's OID, its parameters as raw DER (empty when absent) and where it ends."""
    start, stop = der.enclosed(octets, at, end, der.SEQUENCE)
    first, parameters = der.enclosed(octets, start, stop, der.OID)
    if parameters < stop and read(octets, parameters, stop)[2] != stop:
        raise malformed("An algorithm identifier has more than parameters.")
    return der.oid(octets, first, parameters), octets[parameters:stop], stop


@remembered(256)
def scheme(algorithm: bytes) -> Scheme:
    """Return the signature scheme that an AlgorithmIdentifier (DER) names.

    Raises FormatError `certificate.algorithm_unsupported` for an unknown one or for parameters it must not have.
    """
    oid, parameters, end = _algorithm(algorithm, 0, len(algorithm))
    if end == len(algorithm):
        if oid == RSA_PSS:
            return _pss(parameters)
        family, hash_algorithm = SIGNATURES.get(oid, ("", None))
        if family == "rsa" and parameters in (b"", b"\x05\x00"):
            return Scheme(oid, family, hash_algorithm, padding.PKCS1v15())
        if (family and not parameters) or (family == "ec" and parameters == b"\x05\x00"):
            return Scheme(oid, family, hash_algorithm)
    raise FormatError(
        "certificate.algorithm_unsupported",
        f"Signature algorithm {oid} is not known here, or its parameters are not those of its standard.",
        next="Use a certificate signed with a supported algorithm.",
    )


def _pss(parameters: bytes) -> Scheme:
    """Read RSASSA-PSS-params (RFC 4055 §3.1); absent fields mean SHA-1 and 20 octets of salt."""
    start, stop = der.whole(parameters, der.SEQUENCE)
    digest: hashes.HashAlgorithm = _SHA1
    mask: hashes.HashAlgorithm = _SHA1
    salt, last = 20, 0x9F
    for tag, first, end in der.children(parameters, start, stop):
        if tag <= last:
            raise malformed("PSS parameters are out of order.")
        last = tag
        if tag == 0xA0:
            digest = _hash(parameters, first, end)
        elif tag == 0xA1:
            oid, inner, after = _algorithm(parameters, first, end)
            if oid != MGF1 or after != end:
                raise malformed("PSS parameters name another mask function than MGF1.")
            mask = _hash(inner, 0, len(inner))
        elif tag in (0xA2, 0xA3):
            number_start, number_stop = der.enclosed(parameters, first, end, der.INTEGER)
            number = der.integer(parameters, number_start, number_stop)
            if number_stop != end or not 0 <= number <= 512 or (tag == 0xA3 and number != 1):
                raise malformed("PSS parameters have an impossible salt length or trailer.")
            salt = number if tag == 0xA2 else salt
        else:
            raise malformed("PSS parameters have an unknown field.")
    return Scheme(RSA_PSS, "rsa", digest, padding.PSS(padding.MGF1(mask), salt))


def _hash(octets: bytes, at: int, end: int) -> hashes.HashAlgorithm:
    oid, parameters, after = _algorithm(octets, at, end)
    if oid not in HASHES or parameters not in (b"", b"\x05\x00") or after != end:
        raise malformed("PSS parameters name an unknown hash.")
    return HASHES[oid]


_KINDS = (
    (rsa.RSAPublicKey, "rsa"),
    (ec.EllipticCurvePublicKey, "ec"),
    (dsa.DSAPublicKey, "dsa"),
    (ed25519.Ed25519PublicKey, "ed25519"),
    (ed448.Ed448PublicKey, "ed448"),
)


_PKCS1 = padding.PKCS1v15()
_SHA256_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # DigestInfo before the digest

# The library's classes are abstract, so asking each key is slow: remembered by concrete class.
_FAMILIES: dict[type, str] = {}


def family_of(key: Any) -> str:
    """Return `rsa`, `ec`, `dsa`, `ed25519` or `ed448`; empty for a key that does not sign."""
    kind = type(key)
    family = _FAMILIES.get(kind)
    if family is None:
        family = _FAMILIES[kind] = next((name for known, name in _KINDS if isinstance(key, known)), "")
    return family


def verify_signature(public_key: PublicKey, signature_algorithm: bytes, signed: bytes, signature: bytes) -> bool:
    """Return whether `signature` over `signed` is by this key under this AlgorithmIdentifier (DER).

    An unknown algorithm, or one that does not fit the key, gives False.
    """
    try:
        key: Any = public_key
        if signature_algorithm == _SHA256_RSA and family_of(key) == "rsa":
            # The whole block under the padding is compared with the one that is right, as RFC 8017 §8.2.2 has it;
            # a little faster than having the library hash and compare.
            block = key.recover_data_from_signature(signature, _PKCS1, None)
            return bool(block == _SHA256_INFO + hashlib.sha256(signed).digest())
        how = scheme(signature_algorithm)
        if family_of(key) != how.family:
            return False
        if how.family == "rsa":
            key.verify(signature, signed, how.rsa_padding, how.hash)
        elif how.family == "ec":
            key.verify(signature, signed, ec.ECDSA(how.hash))  # type: ignore[arg-type]
        elif how.family == "dsa":
            key.verify(signature, signed, how.hash)
        else:
            key.verify(signature, signed)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, FormatError):
        return False
    return True


# SubjectPublicKeyInfo of an RSA key of 2048 bits with the exponent 65537, up to its modulus: nearly every card's key.
_RSA_2048 = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")
_RSA_2048_OCTETS = 294


def load_public_key(spki: bytes, *, inherited: bytes = b"") -> PublicKey:
    """Return the key in a SubjectPublicKeyInfo (DER).

    inherited: DSA parameters (DER) of the issuer's key, for a key without its own (RFC 5280 §6.1.4 (f)).
    Raises FormatError `certificate.key_unsupported`.
    """
    try:
        if len(spki) == _RSA_2048_OCTETS and spki.startswith(_RSA_2048):
            usual: Any = load_der_public_key(spki)
            return usual  # type: ignore[no-any-return]
        start, stop = der.whole(spki, der.SEQUENCE)
        oid, parameters, at = _algorithm(spki, start, stop)
        first, end = der.enclosed(spki, at, stop, der.BIT_STRING)
        if end != stop:
            raise malformed("Something follows a public key.")
        content = der.bits(spki, first, end)
        if oid == EC and parameters[:1] == b"\x30":
            return ec.EllipticCurvePublicKey.from_encoded_point(_named_curve(parameters), content)
        if oid == DSA and not parameters and inherited:
            return _dsa(content, inherited)
        if oid == RSA_PSS:
            return _rsa(content)
        key = load_der_public_key(spki)
    except (FormatError, ValueError, TypeError, OverflowError, UnsupportedAlgorithm) as error:
        raise _unsupported("The public key is malformed or of a kind that is not known here.") from error
    if not family_of(key):
        raise _unsupported("The public key is of a kind that does not sign.")
    found: Any = key
    return found  # type: ignore[no-any-return]


def inherited_parameters(spki: bytes, before: bytes) -> bytes:
    """Return the DSA parameters (DER) that a key hands down: its own, or those it inherited (`before`)."""
    start, stop = der.whole(spki, der.SEQUENCE)
    oid, parameters, _ = _algorithm(spki, start, stop)
    if oid != DSA:
        return b""
    return parameters or before


def _integers(octets: bytes, at: int, end: int, count: int) -> list[int]:
    start, stop = der.enclosed(octets, at, end, der.SEQUENCE)
    numbers = [der.integer(octets, first, last) for first, last in der.items(octets, start, stop, der.INTEGER)]
    if stop != end or len(numbers) != count:
        raise malformed("A key has another number of integers than its kind.")
    return numbers


def _rsa(content: bytes) -> rsa.RSAPublicKey:
    modulus, exponent = _integers(content, 0, len(content), 2)
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _dsa(content: bytes, parameters: bytes) -> dsa.DSAPublicKey:
    start, stop = der.whole(content, der.INTEGER)
    numbers = dsa.DSAParameterNumbers(*_integers(parameters, 0, len(parameters), 3))
    return dsa.DSAPublicNumbers(der.integer(content, start, stop), numbers).public_key()


@cache
def _curves() -> list[dict[str, Any]]:
    table = json.loads(get_data(__package__, "curves.json") or b"")
    return list(table["curves"].values())


@remembered(64)
def _named_curve(parameters: bytes) -> ec.EllipticCurve:
    """Return the named curve that written-out ECParameters (RFC 3279 §2.3.5) equal in every number."""
    start, stop = der.whole(parameters, der.SEQUENCE)
    version, field, curve, base, order, *cofactor = der.children(parameters, start, stop)
    if (version[0], field[0], curve[0], base[0], order[0]) != (0x02, 0x30, 0x30, 0x04, 0x02) or len(cofactor) > 1:
        raise malformed("Curve parameters are not those of RFC 3279.")
    kind, prime = der.children(parameters, field[1], field[2])
    a, b, *seed = der.children(parameters, curve[1], curve[2])
    if (kind[0], prime[0], a[0], b[0]) != (0x06, 0x02, 0x04, 0x04) or len(seed) > 1:
        raise malformed("Curve parameters are not those of RFC 3279.")
    if der.oid(parameters, kind[1], kind[2]) != PRIME_FIELD:
        raise malformed("The curve is not over a prime field.")
    numbers = {
        "p": der.integer(parameters, prime[1], prime[2]),
        "a": int.from_bytes(parameters[a[1] : a[2]], "big"),
        "b": int.from_bytes(parameters[b[1] : b[2]], "big"),
        "n": der.integer(parameters, order[1], order[2]),
    }
    point = parameters[base[1] : base[2]]
    for known in _curves():
        if (
            all(int(known[name], 16) == number for name, number in numbers.items())
            and point in _generators(known)
            and all(der.integer(parameters, first, last) == known["h"] for _, first, last in cofactor)
        ):
            return CURVES[known["oid"]]
    raise malformed("The curve is not one of the named ones.")


def _generators(curve: dict[str, Any]) -> tuple[bytes, bytes]:
    """Return a curve's base point uncompressed and compressed (SEC 1 §2.3.3)."""
    x, y = bytes.fromhex(curve["x"]), bytes.fromhex(curve["y"])
    return b"\x04" + x + y, bytes((2 + (y[-1] & 1),)) + x
