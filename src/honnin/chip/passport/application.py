"""The passport application (LDS1, ICAO Doc 9303-10) in the one shape of a document: detect, unlock, read, prove.

Fingerprints and irises (DG3, DG4) are never asked for. There is nothing that can lock, so `tries` is empty.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from honnin.chip.channel import Channel
from honnin.chip.document import Challenge, Detection, Progress, Proof, RawFile, Reading, Tries, Trust, Unlocking
from honnin.chip.files import read_object
from honnin.chip.icao9303 import lds
from honnin.chip.icao9303.chip_agreement import chip_authentication, chip_authentication_choices
from honnin.chip.icao9303.domains import random_private
from honnin.chip.icao9303.mrz import Mrz
from honnin.chip.icao9303.passive import PassiveAuthentication
from honnin.chip.icao9303.secure_messaging import SecureMessagingError
from honnin.chip.icao9303.security_infos import SecurityInfos, parse_security_infos, read_public_key
from honnin.chip.icao9303.security_object import parse_security_object
from honnin.chip.iso7816 import Command, RefusalError
from honnin.chip.passport import proving
from honnin.chip.passport.access import Mapped, Opened, open_chip, select_passport
from honnin.chip.passport.keys import PassportKey
from honnin.chip.passport.reading import FileReading
from honnin.chip.passport.session import PassportSession
from honnin.chip.protected_reader import ProtectedReader
from honnin.errors import CardError, FormatError, InputError, ReaderError

__all__ = ["PassportApplication", "PassportValues"]

DOCUMENT: Final = "passport"
APPLICATION: Final = "lds1"
NEVER_READ: Final = frozenset({"dg3", "dg4"})
PARTS: Final = tuple(name for name in lds.FILES if name not in NEVER_READ)
CARD_SECURITY: Final = 0x011D
CARD_SECURITY_LIMIT: Final = 32768
HIDDEN: Final = frozenset({0x6982, 0x6985})  # the application is there, and wants PACE first
LONGEST_SHORT_SIGNATURE: Final = 223


@dataclass(frozen=True, slots=True)
class PassportValues:
    """What was read, parsed. None or empty: not asked for, not on the chip or not parsable; the files have the bytes.

    zone: DG1. faces: DG2. signatures: images of DG7. person, details: DG11 and DG12. unreadable: parts whose bytes have
    another form than theirs.
    """

    common: lds.Common | None = None
    zone: Mrz | None = None
    faces: tuple[lds.Face, ...] = ()
    signatures: tuple[bytes, ...] = ()
    person: lds.PersonDetails | None = None
    details: lds.DocumentDetails | None = None
    unreadable: tuple[str, ...] = ()


class PassportApplication:
    """The passport application of the chip behind a channel and its wire."""

    def __init__(
        self,
        channel: Channel,
        wire: ProtectedReader,
        *,
        extended: bool = True,
        progress: Progress | None = None,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._channel = channel
        self._wire = wire
        self._randomness = randomness
        self._key: PassportKey | None = None
        self._opened: Opened | None = None
        self._card_security: bytes | None = None
        self._kept: dict[str, bytes] = {}
        self._reading = FileReading(channel, self._reopen, extended=extended, progress=progress)

    @property
    def opened(self) -> Opened | None:
        """How the chip was opened; None while it is not."""
        return self._opened

    def detect(self) -> Detection:
        """Tell whether the chip has the passport application, by its AID."""
        try:
            present = self._wire.protected or self._channel.select(lds.AID)
        except RefusalError as refusal:
            if refusal.sw not in HIDDEN:
                raise
            present = True
        return Detection(DOCUMENT, APPLICATION, present, 1 if present else None)

    def tries(self) -> tuple[Tries, ...]:
        """Return nothing: a wrong key costs no try."""
        return ()

    def unlock(self, key: PassportKey, *, allow_last_try: bool = False) -> Unlocking:  # noqa: ARG002 - the one shape
        """Open the chip by PACE, or by Basic Access Control where it offers none.

        After lost contact, unlocking the same passport with the same key keeps what was read: `read` goes on from
        there. Raises CardError `passport.key_wrong`, `passport.access_refused`, `passport.application_missing`.
        """
        if self._key is not None:
            self._wire.reset()
        before, known = self._key, self._kept
        self._key, self._kept, self._card_security = key, {}, None
        self._open()
        if before == key and known:
            content = self._file("sod")
            if content is not None and content == known.get("sod"):
                self._kept = known
        return Unlocking(key.name, PARTS)

    def read(self, *parts: str) -> Reading[PassportValues]:
        """Return the named parts (`com`, `sod`, `dg1` …); without a name EF.COM, EF.SOD and every data group it lists.

        A part that the chip does not have is left out. Raises CardError `passport.locked`, `passport.session_broken`.
        """
        unknown = set(parts) - set(PARTS)
        if unknown:
            raise InputError(
                "passport.part_unknown", "A passport has no such part.", next=f"Use one of {', '.join(PARTS)}."
            )
        self._require_open()
        for part in parts or self._listed():
            self._file(part)
        wanted = parts or tuple(name for name in PARTS if name in self._kept)
        found = {part: self._kept[part] for part in wanted if part in self._kept}
        files = tuple(RawFile(APPLICATION, part, lds.FILES[part], content) for part, content in found.items())
        return Reading(DOCUMENT, APPLICATION, _values(found), files)

    def prove(
        self, challenge: Challenge, *, trust: Trust | None = None, crls: Sequence[bytes] = ()
    ) -> tuple[Proof, ...]:
        """Prove what was read, and the chip: passive, then active, then chip authentication where the chip has them.

        The chip signs the first 8 bytes of the SHA-256 of the challenge's message. trust: CSCA certificates or master
        lists; without the issuer's, passive authentication is `not_checked`. crls: of the CSCAs.
        Raises CardError `passport.locked`, FormatError `passport.master_list_malformed`.
        """
        self._require_open()
        anchors = proving.anchors_of(trust)
        at = trust.at if trust else None
        for part in ("sod", "dg14", "dg15"):
            if part == "sod" or part in self._listed():
                self._file(part)
        judged = proving.judge_passive(self._kept, anchors, at, crls)
        infos = self._security_infos()
        proofs = [*proving.passive_proofs(judged, self._kept, crls)]
        if "dg15" in self._kept:
            proofs.append(self._active(self._kept["dg15"], challenge, judged, infos))
        if self._opened is not None and self._opened.mapped is not None:
            proofs.append(proving.judge_mapping(self._opened.mapped, self._card_security, anchors, at))
        elif infos.chip_keys:
            proofs.append(self._agree(judged, infos))
        return tuple(proofs)

    def _open(self) -> None:
        """Open the chip with the key at hand; the application is selected afterwards."""
        if self._key is None:
            raise _locked()
        self._opened = None
        self._opened = open_chip(self._channel, self._wire, self._key, self._randomness)
        if self._opened.by == "pace":
            if isinstance(self._opened.mapped, Mapped) and self._card_security is None:
                self._card_security = self._read_card_security()
            select_passport(self._channel)

    def _reopen(self) -> None:
        self._wire.reset()
        self._open()

    def _read_card_security(self) -> bytes | None:
        try:
            return read_object(self._channel, CARD_SECURITY, limit=CARD_SECURITY_LIMIT)
        except RefusalError:
            return None

    def _require_open(self) -> None:
        if self._opened is None:
            raise _locked()

    def _listed(self) -> tuple[str, ...]:
        """Return the parts that there are: what EF.SOD signs; where it cannot be read, what EF.COM says."""
        signed, common = self._file("sod"), self._file("com")
        names: set[str] = set()
        try:
            names = {f"dg{number}" for number in parse_security_object(signed or b"").digests}
        except FormatError:
            try:
                names = set(lds.parse_common(common or b"").present)
            except FormatError:
                names = {"dg1", "dg2"}
        return tuple(name for name in PARTS if name in names | {"com", "sod"})

    def _file(self, name: str) -> bytes | None:
        if name not in self._kept:
            content = self._reading.read(name, lds.FILES[name], lds.TAGS[name])
            if content is None:
                return None
            self._kept[name] = content
        return self._kept[name]

    def _security_infos(self) -> SecurityInfos:
        try:
            return parse_security_infos(lds.parse_dg14(self._kept["dg14"])) if "dg14" in self._kept else SecurityInfos()
        except FormatError:
            return SecurityInfos()

    def _active(self, group: bytes, challenge: Challenge, judged: PassiveAuthentication, infos: SecurityInfos) -> Proof:
        nonce = sha256(challenge.message()).digest()[:8]
        hash_name = infos.active_authentication[0].hash if infos.active_authentication else None
        expected = 512 if len(group) > LONGEST_SHORT_SIGNATURE else 256
        try:
            answer = self._channel.ask(Command(0x00, 0x88, 0x00, 0x00, nonce, expected))
        except RefusalError:
            return Proof("active_authentication", "failed", "proof.active_refused", ("dg15",))
        except (SecureMessagingError, ReaderError):
            # An answer as long as an RSA key needs extended lengths, which some readers and chips do not carry.
            self._reopen()
            return Proof("active_authentication", "not_checked", "proof.active_unanswered", ("dg15",))
        return proving.judge_active(group, nonce, answer, judged, hash_name)

    def _agree(self, judged: PassiveAuthentication, infos: SecurityInfos) -> Proof:
        """Run Chip Authentication with the strongest protocol; a chip that then cannot be understood failed it."""
        for info, key in chip_authentication_choices(infos):
            try:
                domain, _ = read_public_key(key.spki)
                made = chip_authentication(info, key, random_private(domain, self._randomness))
            except FormatError:
                continue
            try:
                for command in made.commands:
                    self._channel.ask(command)
                self._wire.open_session(PassportSession(made.keys, made.ssc))
                self._channel.ask(Command(0x00, 0xA4, 0x02, 0x0C, lds.FILES["com"].to_bytes(2, "big")))
            except CardError:
                self._opened = None
                return proving.judge_chip(judged, agreed=False, algorithm=info.cipher)
            return proving.judge_chip(judged, agreed=True, algorithm=info.cipher)
        return Proof("chip_authentication", "not_checked", "proof.agreement_unsupported", ("dg14",))


def _values(found: dict[str, bytes]) -> PassportValues:
    """Parse what was read; a part of another form is named and left out."""
    readers: dict[str, tuple[str, Callable[[bytes], object]]] = {
        "com": ("common", lds.parse_common),
        "dg1": ("zone", lds.parse_dg1),
        "dg2": ("faces", lds.parse_dg2),
        "dg7": ("signatures", lds.parse_dg7),
        "dg11": ("person", lds.parse_dg11),
        "dg12": ("details", lds.parse_dg12),
    }
    values: dict[str, object] = {}
    unreadable = []
    for part, (field, parse) in readers.items():
        if part in found:
            try:
                values[field] = parse(found[part])
            except FormatError:
                unreadable.append(part)
    return PassportValues(**values, unreadable=tuple(unreadable))  # type: ignore[arg-type]


def _locked() -> CardError:
    return CardError(
        "passport.locked",
        "The chip was not opened.",
        next="Unlock it with the machine-readable zone or the access number first.",
    )
