"""Opening the chip (ICAO Doc 9303-11 §4.2): PACE where EF.CardAccess offers it, else Basic Access Control.

PACE with ECDH or DH, generic, integrated or chip authentication mapping, on standardized domain parameters. A wrong key
costs no try; some chips answer more slowly after one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

from honnin.chip.channel import Channel
from honnin.chip.files import read_object
from honnin.chip.icao9303 import bac, pace
from honnin.chip.icao9303.ciphers import suite
from honnin.chip.icao9303.domains import Domain, domain_parameters, random_private
from honnin.chip.icao9303.keys import Keys, bac_keys, pace_password_key, session_keys
from honnin.chip.icao9303.lds import AID
from honnin.chip.icao9303.security_infos import PaceInfo, parse_security_infos
from honnin.chip.icao9303.tlv import child, encode, only
from honnin.chip.iso7816 import Command, RefusalError, select_application
from honnin.chip.passport.keys import CanKey, MrzKey, PassportKey
from honnin.chip.passport.session import PassportSession
from honnin.chip.protected_reader import ProtectedReader
from honnin.errors import CardError, FormatError, InputError
from honnin.pki import der

__all__ = ["Mapped", "Opened", "open_chip", "select_passport"]

CARD_ACCESS: Final = 0x011C
CARD_ACCESS_LIMIT: Final = 4096
PASSWORDS: Final = {"mrz": 1, "can": 2}
SELECT_MASTER_FILE: Final = (Command(0x00, 0xA4, 0x00, 0x0C), Command(0x00, 0xA4, 0x00, 0x0C, bytes.fromhex("3F00")))
WRONG_KEY: Final = frozenset({0x6300, 0x6982, 0x6988})
MAPPING_ORDER: Final = ("im", "gm", "cam")

Randomness = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a chip authentication mapping leaves to be proved: its mapping key and its encrypted data, opened."""

    domain: Domain
    mapping_public: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """How the chip was opened: `pace` with its protocol, or `bac`."""

    by: str
    pace: PaceInfo | None = None
    mapped: Mapped | None = None


def open_chip(channel: Channel, wire: ProtectedReader, key: PassportKey, randomness: Randomness) -> Opened:
    """Open the chip with a key; a session is open afterwards. With PACE no application is selected yet.

    Raises CardError `passport.key_wrong`, `passport.chip_not_authentic`, `passport.access_refused`.
    """
    info, ambiguous = _offered(channel)
    if info is not None:
        try:
            return _pace(channel, wire, key, info, randomness, ambiguous=ambiguous)
        except RefusalError as refusal:
            if refusal.sw >> 8 == 0x63 or isinstance(key, CanKey):
                raise _wrong_key() if refusal.sw >> 8 == 0x63 else _refused() from None
            wire.reset()
    if isinstance(key, CanKey):
        raise _refused()
    return _basic(channel, wire, key, randomness)


def select_passport(channel: Channel) -> None:
    """Select the passport application, whatever was selected before: looking for EF.CardAccess left it.

    Raises CardError `passport.application_missing`, RefusalError.
    """
    command = select_application(AID)
    response = channel.transmit(command)
    if response.sw not in {0x9000, 0x6A82}:
        raise RefusalError(command, response.sw)
    if not response.done:
        raise CardError(
            "passport.application_missing",
            "The chip has no passport application.",
            next="Place a passport.",
        )


def _offered(channel: Channel) -> tuple[PaceInfo | None, bool]:
    """Return the PACE protocol to use, from EF.CardAccess, and whether the chip must be told its domain parameters.

    None where the chip has no protocol that is known here.
    """
    for command in SELECT_MASTER_FILE:
        if channel.transmit(command).done:
            break
    try:
        content = read_object(channel, CARD_ACCESS, limit=CARD_ACCESS_LIMIT)
        infos = parse_security_infos(content)
    except (RefusalError, FormatError):
        return None, False
    usable = [info for info in infos.pace if _is_usable(info)]
    chosen = max(usable, key=_strength, default=None)
    return chosen, chosen is not None and sum(info.oid == chosen.oid for info in infos.pace) > 1


def _is_usable(info: PaceInfo) -> bool:
    try:
        domain = domain_parameters(-1 if info.parameter_id is None else info.parameter_id)
    except InputError:
        return False
    if info.mapping == "im" and domain.name == "P-224":
        return False
    return (info.agreement == "dh") == domain.name.startswith("modp")


def _strength(info: PaceInfo) -> tuple[int, int, int]:
    return MAPPING_ORDER.index(info.mapping), info.agreement == "ecdh", suite(info.cipher).key_length


def _pace(
    channel: Channel,
    wire: ProtectedReader,
    key: PassportKey,
    info: PaceInfo,
    randomness: Randomness,
    *,
    ambiguous: bool,
) -> Opened:
    """Run PACE (§4.4.4); each step's answer is judged before the next command goes out."""
    name = der.encode_oid(info.oid)[2:]
    parameter_id = info.parameter_id or 0
    reference = encode(0x80, name) + encode(0x83, bytes((PASSWORDS[key.name],)))
    if ambiguous:
        reference += encode(0x84, bytes((parameter_id,)))
    command = Command(0x00, 0x22, 0xC1, 0xA4, reference)
    response = channel.transmit(command)
    if not response.done and response.sw >> 8 != 0x63:  # 63Cx: tries left of a password that counts them
        raise RefusalError(command, response.sw)
    information, can = (key.information, None) if isinstance(key, MrzKey) else (None, key.number)
    nonce_key = pace_password_key(information, can=can, cipher=info.cipher)
    nonce = pace.pace_decrypt_nonce(nonce_key, _step(channel, b"", 0x80), info.cipher)
    domain = domain_parameters(parameter_id)
    mapped, their_mapping = _map(channel, info, domain, nonce, randomness)
    private = random_private(mapped, randomness)
    public = mapped.public_key(private)
    theirs = _step(channel, encode(0x83, public), 0x84)
    if compare_digest(theirs, public):
        raise _not_authentic()
    keys = session_keys(mapped.shared_secret(private, theirs), info.cipher)
    token = pace.pace_token(keys.k_mac, info.oid, theirs, info.cipher)
    answer = _general_authenticate(channel, encode(0x85, token), last=True)
    if not compare_digest(child(answer, 0x86) or b"", pace.pace_token(keys.k_mac, info.oid, public, info.cipher)):
        raise _not_authentic()
    wire.open_session(PassportSession(keys, bytes(suite(info.cipher).block)))
    return Opened("pace", info, _chip_mapping(info, domain, their_mapping, keys, answer))


def _map(
    channel: Channel, info: PaceInfo, domain: Domain, nonce: bytes, randomness: Randomness
) -> tuple[Domain, bytes]:
    """Return the mapped domain, and the chip's mapping key where there is one."""
    if info.mapping == "im":
        nonce_t = randomness(suite(info.cipher).key_length)
        _general_authenticate(channel, encode(0x81, nonce_t))
        return pace.pace_map_integrated(domain, nonce, nonce_t, info.cipher), b""
    private = random_private(domain, randomness)
    public = domain.public_key(private)
    theirs = _step(channel, encode(0x81, public), 0x82)
    if compare_digest(theirs, public):
        raise _not_authentic()
    return pace.pace_map_generic(domain, nonce, private, theirs), theirs


def _chip_mapping(info: PaceInfo, domain: Domain, mapping_public: bytes, keys: Keys, answer: bytes) -> Mapped | None:
    encrypted = child(answer, 0x8A)
    if info.mapping != "cam" or encrypted is None:
        return None
    return Mapped(domain, mapping_public, pace.pace_chip_authentication_data(keys.k_enc, encrypted, info.cipher))


def _step(channel: Channel, body: bytes, answered: int) -> bytes:
    """Send one step that is not the last, and return the data object that answers it."""
    value = child(_general_authenticate(channel, body), answered)
    if value is None:
        raise FormatError("chip.object_malformed", "The chip left out a part of the access procedure.")
    return value


def _general_authenticate(channel: Channel, body: bytes, *, last: bool = False) -> bytes:
    command = Command(0x00 if last else 0x10, 0x86, 0x00, 0x00, encode(0x7C, body), 256)
    return only(channel.ask(command), 0x7C)


def _basic(channel: Channel, wire: ProtectedReader, key: MrzKey, randomness: Randomness) -> Opened:
    """Run Basic Access Control (§4.3.4)."""
    select_passport(channel)
    keys = bac_keys(key.information)
    try:
        rnd_ic = channel.ask(Command(0x00, 0x84, 0x00, 0x00, le=8))
        rnd_ifd, k_ifd = randomness(8), randomness(16)
        if len(rnd_ic) != 8:
            raise _not_authentic()
        sent = bac.bac_command(keys, rnd_ic, rnd_ifd, k_ifd)
        answer = channel.ask(Command(0x00, 0x82, 0x00, 0x00, sent, 40))
    except RefusalError as refusal:
        wrong = refusal.header[1] == 0x82 and (refusal.sw in WRONG_KEY or refusal.sw >> 8 == 0x63)
        raise _wrong_key() if wrong else _refused() from None
    k_ic = bac.bac_response(keys, answer, rnd_ic, rnd_ifd)
    wire.open_session(PassportSession(*bac.bac_session(rnd_ic, rnd_ifd, k_ifd, k_ic)))
    return Opened("bac")


def _wrong_key() -> CardError:
    return CardError(
        "passport.key_wrong",
        "The chip does not accept this key.",
        next="Check document number, birth date and expiry date, or the access number; no try was spent.",
    )


def _refused() -> CardError:
    return CardError(
        "passport.access_refused",
        "The chip offers no access procedure that fits this key.",
        next="Take the document off, put it back and try with the machine-readable zone.",
    )


def _not_authentic() -> CardError:
    return CardError(
        "passport.chip_not_authentic",
        "The chip's answer to the access procedure does not fit the key.",
        next="Check the machine-readable zone or the access number, then place the document again.",
    )
