"""Key derivation of ICAO Doc 9303-11 §9.7: document basic access keys, session keys, PACE password keys.

    Keys = bac_keys("L898902C<369080619406236")         # MRZ information, or number, birth date, expiry date
    Keys = session_keys(shared_secret, "aes-128")
    key  = pace_password_key(can="123456", cipher="aes-128")

Nothing random is made here.
"""

from datetime import date
from hashlib import sha1, sha256
from typing import Final, NamedTuple

from honnin.chip.icao9303.ciphers import suite
from honnin.chip.icao9303.mrz import mrz_information
from honnin.errors import InputError

__all__ = ["ENCRYPTION", "MESSAGE_AUTHENTICATION", "PASSWORD", "Keys", "bac_keys", "bac_seed", "derive_key"]
__all__ += ["pace_password_key", "session_keys"]

ENCRYPTION: Final = 1
MESSAGE_AUTHENTICATION: Final = 2
PASSWORD: Final = 3


class Keys(NamedTuple):
    """Two keys of one cipher: for encryption and for the MAC. As a tuple `(k_enc, k_mac)`; its repr shows neither."""

    k_enc: bytes
    k_mac: bytes

    def __repr__(self) -> str:
        return "Keys(…)"


def derive_key(secret: bytes, counter: int, cipher: str = "3des") -> bytes:
    """Return KDF(secret, counter): SHA-1 cut to 16 bytes for 3DES (parity set) and AES-128, else SHA-256 (§9.7.1).

    counter: 1 encryption, 2 MAC, 3 password.
    """
    chosen = suite(cipher)
    message = secret + counter.to_bytes(4, "big")
    if chosen.key_length > 16:
        return sha256(message).digest()[: chosen.key_length]
    key = sha1(message, usedforsecurity=False).digest()[:16]
    return _with_parity(key) if chosen.name == "3des" else key


def bac_seed(information: str | bytes) -> bytes:
    """Return Kseed, the first 16 bytes of SHA-1 over the MRZ information (§9.7.2)."""
    return sha1(_ascii(information), usedforsecurity=False).digest()[:16]


def bac_keys(
    document_number: str | bytes,
    birth_date: str | date | None = None,
    expiry_date: str | date | None = None,
) -> Keys:
    """Return the document basic access keys (3DES, 16 bytes each, parity set).

    document_number: with both dates the number as printed (fillers optional, without its check digit); alone it is the
        whole MRZ information: number, check digit, birth date, check digit, expiry date, check digit.
    birth_date, expiry_date: YYMMDD, or a date.
    Raises InputError `passport.mrz_information` for what cannot be in an MRZ.
    """
    if birth_date is None or expiry_date is None:
        information = _ascii(document_number).decode()
    else:
        information = mrz_information(_ascii(document_number).decode(), birth_date, expiry_date)
    return session_keys(bac_seed(information), "3des")


def session_keys(secret: bytes, cipher: str = "3des") -> Keys:
    """Return the keys of a session (§9.7.1).

    secret: Kseed of BAC (K.IFD xor K.IC), or the shared secret of PACE or Chip Authentication.
    """
    return Keys(derive_key(secret, ENCRYPTION, cipher), derive_key(secret, MESSAGE_AUTHENTICATION, cipher))


def pace_password_key(
    information: str | bytes | None = None, *, can: str | bytes | None = None, cipher: str = "aes-128"
) -> bytes:
    """Return Kπ, the key that decrypts the PACE nonce (§9.7.3).

    information: MRZ information (its whole SHA-1 is the password); can: the card access number. Exactly one of them.
    """
    if (information is None) == (can is None):
        raise InputError("passport.key_missing", "Give the MRZ information or the card access number, one of them.")
    password = _ascii(can) if can is not None else sha1(_ascii(information or ""), usedforsecurity=False).digest()
    return derive_key(password, PASSWORD, cipher)


def _with_parity(key: bytes) -> bytes:
    """Set the lowest bit of each byte so that its number of ones is odd."""
    return bytes(octet & 0xFE | (octet >> 1).bit_count() & 1 ^ 1 for octet in key)


def _ascii(text: str | bytes) -> bytes:
    try:
        return text.encode("ascii") if isinstance(text, str) else bytes(text).decode("ascii").encode()
    except UnicodeError:
        raise InputError(
            "passport.mrz_information",
            "A machine-readable zone and an access number have only letters, digits and fillers.",
            next="Read them again from the document.",
        ) from None
