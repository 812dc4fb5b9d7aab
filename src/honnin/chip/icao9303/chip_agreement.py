"""Chip Authentication (ICAO Doc 9303-11 §6.2): a key agreement with the chip's static key from data group 14.

    command data and new session keys are pure computations; whoever reads on under the new keys has seen the proof.
3DES is started by MSE:Set KAT alone, AES by MSE:Set AT and GENERAL AUTHENTICATE.
"""

from typing import NamedTuple

from honnin.chip.icao9303.ciphers import suite
from honnin.chip.icao9303.domains import Domain
from honnin.chip.icao9303.keys import Keys, session_keys
from honnin.chip.icao9303.security_infos import (
    ChipAuthenticationInfo,
    ChipAuthenticationKey,
    SecurityInfos,
    read_public_key,
)
from honnin.chip.icao9303.tlv import encode
from honnin.chip.iso7816 import Command
from honnin.pki import der

__all__ = ["ChipAuthentication", "chip_authentication", "chip_authentication_choices"]


class ChipAuthentication(NamedTuple):
    """Commands to send, in order, under the present session; then the keys and counter that follow it."""

    commands: tuple[Command, ...]
    keys: Keys
    ssc: bytes

    def __repr__(self) -> str:
        return f"ChipAuthentication({len(self.commands)} commands)"


def chip_authentication_choices(
    infos: SecurityInfos,
) -> tuple[tuple[ChipAuthenticationInfo, ChipAuthenticationKey], ...]:
    """Return the protocols of data group 14 with their keys, strongest cipher first; a key without info is 3DES."""
    found = [
        (info, key)
        for info in infos.chip_authentication
        for key in infos.chip_keys
        if key.agreement == info.agreement and info.key_id in {None, key.key_id}
    ]
    if not infos.chip_authentication:
        found = [(_by_default(key), key) for key in infos.chip_keys]
    return tuple(sorted(found, key=lambda choice: -suite(choice[0].cipher).key_length - (choice[0].cipher != "3des")))


def chip_authentication(
    info: ChipAuthenticationInfo, key: ChipAuthenticationKey, private: int | bytes
) -> ChipAuthentication:
    """Return what is to be sent with an ephemeral private key, and the session that begins after it.

    private: a number below the order of the key's domain (`domains.random_private`).
    Raises FormatError `passport.public_key_invalid`.
    """
    domain, static = read_public_key(key.spki)
    session = session_keys(domain.shared_secret(private, static), info.cipher)
    commands = _commands(info, key, domain, private)
    return ChipAuthentication(commands, session, bytes(suite(info.cipher).block))


def _commands(
    info: ChipAuthenticationInfo, key: ChipAuthenticationKey, domain: Domain, private: int | bytes
) -> tuple[Command, ...]:
    ephemeral = domain.public_key(private)
    number = b"" if key.key_id is None else key.key_id.to_bytes((key.key_id.bit_length() + 7) // 8 or 1, "big")
    reference = encode(0x84, number) if number else b""
    if info.cipher == "3des":
        return (Command(0x00, 0x22, 0x41, 0xA6, encode(0x91, ephemeral) + reference),)
    protocol = encode(0x80, der.encode_oid(info.oid)[2:])
    return (
        Command(0x00, 0x22, 0x41, 0xA4, protocol + reference),
        Command(0x00, 0x86, 0x00, 0x00, encode(0x7C, encode(0x80, ephemeral)), 256),
    )


def _by_default(key: ChipAuthenticationKey) -> ChipAuthenticationInfo:
    """Return the protocol of a chip that lists a key alone: version 1 with 3DES (§6.2.5)."""
    arc = 1 if key.agreement == "dh" else 2
    return ChipAuthenticationInfo(f"0.4.0.127.0.7.2.2.3.{arc}.1", key.agreement, "3des", 1, key.key_id)
