"""Basic Access Control (ICAO Doc 9303-11 §4.3): the computations of mutual authentication.

    sent = bac_command(keys, rnd_ic, rnd_ifd, k_ifd)                 # 40 bytes for EXTERNAL AUTHENTICATE
    k_ic = bac_response(keys, answer, rnd_ic, rnd_ifd)               # the chip's 40 bytes
    session, ssc = bac_session(rnd_ic, rnd_ifd, k_ifd, k_ic)

Random numbers are arguments: 8 bytes RND.IC from the chip, 8 bytes RND.IFD and 16 bytes K.IFD chosen afresh.
"""

from hmac import compare_digest

from honnin.chip.icao9303.ciphers import pad, suite
from honnin.chip.icao9303.keys import Keys, session_keys
from honnin.errors import CardError, InputError

__all__ = ["bac_command", "bac_response", "bac_session"]

_TDES = suite("3des")


def bac_command(keys: tuple[bytes, bytes], rnd_ic: bytes, rnd_ifd: bytes, k_ifd: bytes) -> bytes:
    """Return E_IFD ‖ M_IFD, 40 bytes. keys: those of `bac_keys`."""
    if (len(rnd_ic), len(rnd_ifd), len(k_ifd)) != (8, 8, 16):
        raise InputError("passport.nonce_length", "RND.IC and RND.IFD have 8 bytes, K.IFD has 16.")
    k_enc, k_mac = keys
    encrypted = _TDES.encrypt(k_enc, rnd_ifd + rnd_ic + k_ifd)
    return encrypted + _TDES.mac(k_mac, pad(encrypted, 8))


def bac_response(keys: tuple[bytes, bytes], answer: bytes, rnd_ic: bytes, rnd_ifd: bytes) -> bytes:
    """Check E_IC ‖ M_IC and return K.IC. Raises CardError `passport.chip_not_authentic`."""
    k_enc, k_mac = keys
    encrypted, mac = answer[:-8], answer[-8:]
    if len(answer) != 40 or not compare_digest(_TDES.mac(k_mac, pad(encrypted, 8)), mac):
        raise _not_authentic()
    plain = _TDES.decrypt(k_enc, encrypted)
    if not compare_digest(plain[:16], rnd_ic + rnd_ifd):
        raise _not_authentic()
    return plain[16:]


def bac_session(rnd_ic: bytes, rnd_ifd: bytes, k_ifd: bytes, k_ic: bytes) -> tuple[Keys, bytes]:
    """Return the session keys and the first send sequence counter (8 bytes)."""
    seed = bytes(a ^ b for a, b in zip(k_ifd, k_ic, strict=True))
    return session_keys(seed, "3des"), rnd_ic[-4:] + rnd_ifd[-4:]


def _not_authentic() -> CardError:
    return CardError(
        "passport.chip_not_authentic",
        "The chip's answer to the access procedure does not fit the key.",
        next="Check the machine-readable zone or the access number, then place the document again.",
    )
