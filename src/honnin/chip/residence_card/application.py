"""Residence card and special permanent resident certificate in the one shape: detect, unlock, read, prove (sheet §4).

The generation is told by the free file C1, never by trial. The number opens the chip and cannot lock. A card on a My
Number Card (特定在留カード) is recognised, and read only where the key is given to deliver its session key under: its
messaging is not public in full, and taken to be that of the input support application (sheet §4.4).
"""

import secrets
from collections.abc import Callable
from typing import Final

from honnin.chip.channel import MASTER_FILE, Channel
from honnin.chip.document import Challenge, Detection, Progress, Proof, RawFile, Reading, Tries, Trust, Unlocking
from honnin.chip.iso7816 import Command, RefusalError
from honnin.chip.keeping import Kept
from honnin.chip.protected_reader import ProtectedReader
from honnin.chip.residence_card.keys import CardNumber
from honnin.chip.residence_card.messaging import Authentication, Session
from honnin.chip.residence_card.profile import CardFile, Kind, Profile, profile
from honnin.chip.residence_card.proving import REVOCATION, prove_card
from honnin.chip.residence_card.reading import ResidenceReading
from honnin.chip.residence_card.record import ResidenceValues, values_of
from honnin.chip.session_key import SessionCipher, deliver
from honnin.errors import CardError, FormatError, InputError, ReaderError

__all__ = ["ResidenceApplication"]

DOCUMENT: Final = "residence_card"
APPLICATION: Final = "residence"
CHALLENGE: Final = 8
KEY: Final = 16
SEED: Final = 32
REFUSED: Final = frozenset({0x6300, 0x6982, 0x6988})
ABSENT: Final = frozenset({0x6A82, 0x6A83, 0x6A86, 0x6A88})
LONGEST_KIND: Final = 2
KIND_TAG: Final = b"\xc1"


class ResidenceApplication:
    """The card behind a channel. randomness: gives RND.IFD and K.IFD.

    wire, delivery_key (SubjectPublicKeyInfo): both for a card on a My Number Card, which is refused without them.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        progress: Progress | None = None,
        randomness: Callable[[int], bytes] = secrets.token_bytes,
        layout: Profile | None = None,
        wire: ProtectedReader | None = None,
        delivery_key: bytes | None = None,
    ) -> None:
        self._channel = channel
        self._wire = wire
        self._delivery_key = delivery_key
        self._specified = False
        self._layout = layout or profile()
        self._randomness = randomness
        self._reading = ResidenceReading(channel, progress)
        self._kept = Kept(channel, "signature")
        self._session: Session | None = None
        self._delivered = False
        self._contact = channel.contact
        self._code = ""

    def detect(self) -> Detection:
        """Tell whether the card is one of these, by AID; its generation by the free file C1."""
        aids = (self._layout.aids["df1"], self._layout.specified_aid)
        if not any(self._channel.select(bytes.fromhex(aid)) for aid in aids):
            return Detection(DOCUMENT, APPLICATION, present=False)
        return Detection(DOCUMENT, APPLICATION, present=True, generation=self.kind().generation)

    def tries(self) -> tuple[Tries, ...]:
        """Return nothing: a wrong number costs no try."""
        return ()

    def kind(self) -> Kind:
        """Return which kind of card this is. Raises CardError `residence.kind_unsupported`."""
        self._channel_state()
        if not self._code:
            self._to_master_file()
            self._code = self._read_kind()
            self._specified = self._code in self._layout.specified
        found = self._layout.kinds.get(self._layout.specified.get(self._code, self._code))
        if found is None or (self._specified and (self._wire is None or self._delivery_key is None)):
            raise CardError(
                "residence.kind_unsupported",
                "The card is of a kind that cannot be read here.",
                next="A residence card on a My Number Card is read by the agency's own application; here as a trial.",
            )
        return found

    def unlock(self, key: CardNumber, *, allow_last_try: bool = False) -> Unlocking:  # noqa: ARG002 - the one shape
        """Open the chip by mutual authentication with the card number, then show it the number itself.

        After lost contact, unlocking the same card keeps what was read. Raises CardError `residence.key_wrong`,
        `residence.chip_not_authentic`, `residence.application_missing`, `residence.kind_unsupported`.
        """
        kind = self.kind()
        self._session, self._delivered = None, False
        if self._specified:
            self._deliver_key(key)
        else:
            self._authenticate(kind, key)
        self._contact = self._channel.contact
        self._kept.resume(lambda: self._fetch("signature", kind.files["signature"]))
        return Unlocking(key.name, tuple(part for part, file in kind.files.items() if file.key))

    def _authenticate(self, kind: Kind, key: CardNumber) -> None:
        """Agree on a session key by mutual authentication with the number, and show it."""
        self._to_master_file()
        rnd_icc = self._channel.ask(Command(0x00, 0x84, 0x00, 0x00, le=CHALLENGE))
        if len(rnd_icc) != CHALLENGE:
            raise CardError("card.answer_malformed", "The card gave no challenge.", next="Put the card back.")
        exchange = Authentication(
            kind.cipher, key.octets(), rnd_icc, self._randomness(CHALLENGE), self._randomness(KEY)
        )
        answer = self._answered(Command(0x00, 0x82, 0x00, 0x00, exchange.command(), 256))
        session = exchange.session(answer)
        self._answered(Command(0x08, 0x20, 0x00, 0x86, session.number(key.octets())))
        self._session = session

    def _deliver_key(self, key: CardNumber) -> None:
        """Deliver a session key to a card on a My Number Card, and show the number under it."""
        assert self._wire is not None  # noqa: S101 - `kind` refused the card otherwise
        assert self._delivery_key is not None  # noqa: S101
        self._wire.plain()
        self._channel.select(bytes.fromhex(self._layout.specified_aid))
        seed = self._randomness(SEED)
        command = Command(0x80, 0xAE, 0x00, 0x00, deliver(self._delivery_key, seed))
        if not self._channel.transmit(command).done:
            raise CardError(
                "card.session_refused",
                "The card refused the session key.",
                next="Use the key that the card's issuer publishes for this generation.",
            )
        self._wire.open_session(SessionCipher(SessionCipher.key_of(seed), _broken, outlives_selection=True))
        try:
            self._answered(Command(0x00, 0x20, 0x00, 0x86, key.octets()))
        except CardError:
            self._wire.plain()
            raise
        self._delivered = True

    def read(self, *parts: str) -> Reading[ResidenceValues]:
        """Return the named parts (`profile.json`); without a name all that is open and on this kind of card.

        Raises CardError `residence.locked`, InputError `residence.part_unknown`.
        """
        kind = self.kind()
        if set(parts) - kind.files.keys():
            raise InputError(
                "residence.part_unknown", "Such a card has no such part.", next=f"Use one of {', '.join(kind.files)}."
            )
        wanted = parts or tuple(part for part, file in kind.files.items() if not file.key or self._is_open())
        read = {part: self._file(part, kind) for part in wanted}
        found = {part: content for part, content in read.items() if content is not None}
        files = tuple(RawFile(APPLICATION, part, kind.files[part].sfi, content) for part, content in found.items())
        return Reading(DOCUMENT, APPLICATION, values_of(found, kind.files), files)

    def prove(self, challenge: Challenge, *, trust: Trust | None = None) -> tuple[Proof, ...]:  # noqa: ARG002
        """Prove who wrote the printed data: the agency's certificate and signature. The chip itself proves nothing.

        trust: the agency's CA certificates among the anchors. Raises CardError `residence.locked`.
        """
        kind = self.kind()
        for part in (*dict.fromkeys(part for part, _, _ in kind.signed), "signature"):
            self._file(part, kind)
        return (*prove_card(kind, self._kept.files, trust), REVOCATION)

    def _is_open(self) -> bool:
        self._channel_state()
        return self._session is not None or (self._delivered and self._wire is not None and self._wire.protected)

    def _channel_state(self) -> None:
        if self._contact != self._channel.contact:
            self._contact = self._channel.contact
            self._session, self._delivered, self._code = None, False, ""

    def _to_master_file(self) -> None:
        """Make the master file current; a card that knows no such SELECT has it current after a reset."""
        try:
            if self._channel.select(MASTER_FILE):
                return
        except RefusalError:
            pass
        self._channel.reset()

    def _read_kind(self) -> str:
        """Read the free files at once, while the master file is current, and return the value of C1.

        Its length is read before it: the value grew from one character to two. Raises CardError
        `residence.application_missing` where the file is another document's.
        """
        content = self._free_files()
        if content[:1] != KIND_TAG and self._channel.select(bytes.fromhex(self._layout.specified_aid)):
            content = self._free_files()  # of a card on a My Number Card, whose master file is another's
        if content[:1] != KIND_TAG or not 0 < content[1] <= LONGEST_KIND:
            raise CardError(
                "residence.application_missing",
                "This is no residence card.",
                next="Use a residence card or a special permanent resident certificate.",
            )
        return content[2:].decode("ascii", "replace")

    def _free_files(self) -> bytes:
        """Read the free files where we are; return the one that says which kind of card this is, or nothing."""
        free = {part: file for part, file in next(iter(self._layout.kinds.values())).files.items() if not file.key}
        for part, file in free.items():
            try:
                content = self._reading.plain(part, file)
            except RefusalError:
                continue
            if len(content) > 1:
                self._kept.files[part] = content[: 2 + content[1]]
        return self._kept.files.get("kind", b"")

    def _answered(self, command: Command) -> bytes:
        response = self._channel.transmit(command)
        if response.sw in REFUSED:
            raise CardError(
                "residence.key_wrong",
                "The card does not open with this number.",
                next="Compare the number with the card, top right; a wrong one costs nothing.",
            )
        if not response.done:
            raise RefusalError(command, response.sw)
        return response.data

    def _file(self, part: str, kind: Kind) -> bytes | None:
        kept = self._kept.files
        if part not in kept:
            content = self._fetch(part, kind.files[part])
            if content is None:
                return None
            kept[part] = content
        return kept[part]

    def _fetch(self, part: str, file: CardFile) -> bytes | None:
        if file.key and not self._is_open():
            raise _locked()
        if not self._channel.select(bytes.fromhex(self._layout.aids[file.df])):
            return None
        try:
            if file.protected and self._session is not None:
                return self._reading.protected(part, file, self._session)
            return self._reading.plain(part, file)
        except RefusalError as refusal:
            if refusal.sw in ABSENT:
                return None
            if refusal.sw in REFUSED:
                raise _locked() from None
            raise
        except (CardError, ReaderError, FormatError):
            self._session, self._delivered = None, False
            raise


def _broken() -> CardError:
    return CardError(
        "residence.session_broken",
        "The protected session with the card is over.",
        next="Put the card back and give its number again.",
        retryable=True,
    )


def _locked() -> CardError:
    return CardError("residence.locked", "The chip was not opened.", next="Unlock it with the card number first.")
