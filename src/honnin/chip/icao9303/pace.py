"""PACE (ICAO Doc 9303-11 §4.4): nonce, mappings, key agreement, tokens. Every random value is an argument.

    key    = pace_password_key(mrz_information, cipher="aes-128")      (`keys`)
    nonce  = pace_decrypt_nonce(key, z, "aes-128")
    mapped = pace_map_generic(domain, nonce, map_private, map_public_of_chip)
       or    pace_map_integrated(domain, nonce, nonce_t, "aes-128")
    public = pace_public_key(mapped, private);  secret = pace_shared_secret(mapped, private, public_of_chip)
    session = session_keys(secret, "aes-128")                          (`keys`)
    token  = pace_token(session.k_mac, oid, public_of_chip, "aes-128") # what the terminal sends; ours for the chip's

Chip Authentication Mapping is the generic mapping and, afterwards, `pace_chip_authentication_data`/`pace_cam_verified`.
"""

from hmac import compare_digest
from typing import Final

from honnin.chip.icao9303.ciphers import pad, suite, unpad
from honnin.chip.icao9303.domains import DhDomain, Domain, EcDomain, domain_parameters, with_generator
from honnin.chip.icao9303.tlv import encode
from honnin.errors import FormatError, InputError
from honnin.pki import der

__all__ = [
    "pace_cam_verified",
    "pace_chip_authentication_data",
    "pace_decrypt_nonce",
    "pace_map_generic",
    "pace_map_integrated",
    "pace_pseudo_random",
    "pace_public_key",
    "pace_shared_secret",
    "pace_token",
]

# Constants of the pseudo-random number mapping (§4.4.3.3.2), by the length of the nonce.
CONSTANTS: Final = {
    16: (bytes.fromhex("a668892a7c41e3ca739f40b057d85904"), bytes.fromhex("a4e136ac725f738b01c1f60217c188ad")),
    32: (
        bytes.fromhex("d463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676"),
        bytes.fromhex("54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517"),
    ),
}
EXTRA_BITS: Final = 64  # of pseudo-random bits above the prime's length


def pace_decrypt_nonce(key: bytes, encrypted: bytes, cipher: str = "aes-128") -> bytes:
    """Return the nonce s = D(Kπ, z), IV zero (§4.4.3.3). encrypted: z of 16 bytes, 32 for AES-192 and AES-256.

    Raises FormatError `passport.ciphertext_malformed`.
    """
    chosen = suite(cipher)
    nonce = chosen.decrypt(key, encrypted)
    if len(nonce) not in CONSTANTS:
        raise FormatError("passport.ciphertext_malformed", "The chip's nonce has another length than its cipher's.")
    return nonce


def pace_public_key(domain: Domain | int | str, private: int | bytes) -> bytes:
    """Return a public key: 04‖x‖y, or a residue at full length. domain: standardized by id or name, or mapped."""
    return _resolved(domain).public_key(private)


def pace_shared_secret(domain: Domain | int | str, private: int | bytes, public: bytes) -> bytes:
    """Return the shared secret: the x coordinate, or the residue (§9.6). Raises FormatError for a bad key."""
    return _resolved(domain).shared_secret(private, public)


def pace_map_generic(domain: Domain | int | str, nonce: bytes, private: int | bytes, public: bytes) -> Domain:
    """Return the domain with the generator s·G + H, or g^s·h (§4.4.3.3.1).

    private: this side's mapping key; public: the other side's. H, h: what they agree on.
    """
    start = _resolved(domain)
    s = int.from_bytes(nonce, "big")
    if isinstance(start, EcDomain):
        curve = start.curve
        generator = curve.add(curve.times(s, start.generator), start.shared_point(private, public))
        if generator is None:
            raise _unlucky()
        return _mapped(start, generator)
    mapped = pow(start.generator, s, start.p) * start.shared_number(private, public) % start.p
    if mapped == 1:
        raise _unlucky()
    return _mapped(start, mapped)


def pace_map_integrated(domain: Domain | int | str, nonce: bytes, nonce_t: bytes, cipher: str = "aes-128") -> Domain:
    """Return the domain with the generator that nonces s (chip, decrypted) and t (terminal) map to (§4.4.3.3.2).

    nonce_t: as long as the cipher's key. Curves need p ≡ 3 modulo 4, which P-224 is not.
    """
    start = _resolved(domain)
    if isinstance(start, DhDomain):
        if not start.q:
            raise InputError("passport.domain_unknown", "The integrated mapping needs the order of the group.")
        number = pace_pseudo_random(nonce, nonce_t, start.p, cipher)
        mapped = pow(number, (start.p - 1) // start.q, start.p)
        if mapped in {0, 1}:
            raise _unlucky()
        return _mapped(start, mapped)
    return _mapped(start, _point_of(start, pace_pseudo_random(nonce, nonce_t, start.curve.p, cipher)))


def pace_pseudo_random(nonce: bytes, nonce_t: bytes, prime: int, cipher: str = "aes-128") -> int:
    """Return R_p(s, t): a chain of encryptions, cut into enough blocks, modulo the prime (§4.4.3.3.2)."""
    chosen = suite(cipher)
    if len(nonce) != chosen.nonce_length or len(nonce_t) != chosen.key_length:
        raise InputError("passport.nonce_length", "The nonces do not have the lengths of their cipher.")
    c0, c1 = CONSTANTS[len(nonce)]
    key = chosen.encrypt(nonce_t, nonce)
    blocks = b""
    while 8 * len(blocks) < prime.bit_length() + EXTRA_BITS:
        key = key[: chosen.key_length]
        blocks += chosen.encrypt(key, c1)
        key = chosen.encrypt(key, c0)
    return int.from_bytes(blocks, "big") % prime


def pace_token(k_mac: bytes, oid: str | bytes, public: bytes, cipher: str = "aes-128") -> bytes:
    """Return the 8-byte authentication token over 7F49{06 OID, 86 point | 84 residue} (§4.4.3.4).

    oid: of the protocol, dotted or as content bytes. public: the other side's ephemeral key as it was sent.
    The terminal sends the token over the chip's key and checks the chip's over its own.
    """
    chosen = suite(cipher)
    name = der.encode_oid(oid)[2:] if isinstance(oid, str) else oid
    point = _is_elliptic(name)
    message = encode(0x7F49, encode(0x06, name), encode(0x86 if point else 0x84, public))
    return chosen.mac(k_mac, pad(message, 8) if chosen.name == "3des" else message)


def pace_chip_authentication_data(k_enc: bytes, encrypted: bytes, cipher: str = "aes-128") -> bytes:
    """Return CA_IC from data object 8A of a chip authentication mapping (§4.4.3.5): IV E(KSenc, FF…FF), padding off.

    Raises FormatError `passport.ciphertext_malformed`, `passport.padding_malformed`.
    """
    chosen = suite(cipher)
    return unpad(chosen.decrypt(k_enc, encrypted, chosen.iv(k_enc, b"\xff" * chosen.block)))


def pace_cam_verified(
    domain: Domain | int | str, mapping_public: bytes, chip_authentication_data: bytes, static_public: bytes
) -> bool:
    """Tell whether the chip's mapping key is CA_IC times its static key (§4.4.3.5).

    domain: before the mapping. mapping_public: the chip's mapping key; static_public: its key from EF.CardSecurity.
    Raises FormatError `passport.public_key_invalid`.
    """
    start = _resolved(domain)
    if not isinstance(start, EcDomain):
        raise InputError("passport.domain_unknown", "The chip authentication mapping exists on curves only.")
    factor = int.from_bytes(chip_authentication_data, "big")
    if not 0 < factor < start.order:
        return False
    expected = start.encode(start.shared_point(factor, static_public))
    return compare_digest(expected, mapping_public)


def _resolved(domain: Domain | int | str) -> Domain:
    return domain_parameters(domain) if isinstance(domain, int | str) else domain


def _mapped(domain: Domain, generator: tuple[int, int] | int) -> Domain:
    found: Domain = with_generator(domain, generator)
    return found


def _is_elliptic(oid: bytes) -> bool:
    """Tell whether a PACE protocol is on curves: mapping arc 2 (GM), 4 (IM) or 6 (CAM) of bsi-de 2.2.4."""
    return len(oid) < 2 or oid[-2] in {2, 4, 6}


def _point_of(domain: EcDomain, t: int) -> tuple[int, int]:
    """Return the point that a field element is encoded to (§4.4.3.3.2, implementation without inversion branches)."""
    p, a, b = domain.curve.p, domain.curve.a, domain.curve.b
    if p % 4 != 3:
        raise InputError("passport.domain_unknown", "The integrated mapping does not exist on this curve.")
    alpha = -t * t % p
    denominator = a * (alpha + alpha * alpha) % p
    if not denominator:
        raise _unlucky()
    x2 = -b * (1 + alpha + alpha * alpha) * pow(denominator, -1, p) % p
    h2 = (pow(x2, 3, p) + a * x2 + b) % p
    root = pow(h2, p - 1 - (p + 1) // 4, p)
    first = root * root * h2 % p == 1
    point = (x2, root * h2 % p) if first else (alpha * x2 % p, root * pow(t, 3, p) * h2 % p)
    if not domain.curve.contains(point):
        raise _unlucky()
    return point


def _unlucky() -> FormatError:
    return FormatError(
        "passport.public_key_invalid",
        "The mapping gave no generator.",
        next="Place the document again.",
    )
