"""The JPKI application (公的個人認証AP): certificates, PINs and keys (my-number-card sheet §1.2, §2, §3.1, §3.2).

It reads and signs. It does not judge a certificate: path, time and revocation are `honnin.pki` and `honnin.connect`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from hashlib import new as new_hash
from typing import TYPE_CHECKING, Final, Literal, get_args

from honnin.chip.channel import Channel
from honnin.chip.document import Challenge, Detection, Pin, Proof, RawFile, Reading, Tries, Trust, Unlocking
from honnin.chip.files import is_blank, read_bytes, read_object
from honnin.chip.iso7816 import RefusalError
from honnin.chip.my_number_card.key_file import KeyFile
from honnin.chip.my_number_card.profile import JpkiProfile, profile
from honnin.chip.my_number_card.proving import judge_possession
from honnin.chip.my_number_card.refusals import not_issued, pin_required
from honnin.chip.my_number_card.signing import CardSignature, Purpose, check_algorithm, check_digest
from honnin.chip.my_number_card.token import TokenInfo, parse_token_info
from honnin.chip.pin_file import PinFile
from honnin.chip.pins import check_change, check_format, compared
from honnin.errors import CardError, FormatError, InputError, PinError

if TYPE_CHECKING:
    from honnin.pki.jpki import JpkiCertificate

__all__ = ["CertificateKind", "Issued", "JpkiApplication", "JpkiValues"]

CertificateKind = Literal["signature", "signature_ca", "user_authentication", "user_authentication_ca"]
Part = Literal["token", "issued", "signature", "signature_ca", "user_authentication", "user_authentication_ca"]

DOCUMENT: Final = "my_number_card"
APPLICATION: Final = "jpki"
PIN_NEEDED = 0x6982
# A file or PIN that is not there: "not issued" is an answer, not an error.
ABSENT = frozenset({0x6A82, 0x6A83, 0x6A88})
UNREADABLE = ABSENT | {0x6981, 0x6985, 0x6986, 0x6B00}


@dataclass(frozen=True, slots=True)
class Issued:
    """Which of the two certificates the card says it holds (EF 0008); a person under 15 has only the second."""

    signature: bool
    user_authentication: bool


@dataclass(frozen=True, slots=True)
class JpkiValues:
    """What was read of the JPKI application, parsed. None: not asked for, not issued, or (certificates) not parsable.

    The certificates' bytes are in the reading's files; the four items are in the signature certificate.
    """

    token: TokenInfo | None = None
    issued: Issued | None = None
    signature: "JpkiCertificate | None" = None
    user_authentication: "JpkiCertificate | None" = None


class JpkiApplication:
    """The JPKI application of the card behind a channel."""

    def __init__(self, channel: Channel, layout: JpkiProfile | None = None) -> None:
        self._channel = channel
        self._layout = layout or profile().jpki
        self._aid = bytes.fromhex(self._layout.aid)
        self._pins = {name: PinFile(channel, name, self._aid, rule) for name, rule in self._layout.pins.items()}
        self._kept: dict[str, bytes] = {}
        self._kept_in = channel.visit

    def detect(self) -> Detection:
        """Tell whether the card has this application: SELECT by AID, whatever the ATR."""
        present = self._channel.select(self._aid)
        return Detection(DOCUMENT, APPLICATION, present, self._layout.generation if present else None)

    def tries(self) -> tuple[Tries, ...]:
        """Return the tries left of both PINs, spending none; a PIN that the card does not have is left out.

        A person under 15 has no signature certificate, and the card answers for its PIN as for a locked one.
        """
        self._enter()
        found = []
        for name, pin in self._pins.items():
            try:
                tries = pin.tries()
            except RefusalError as refusal:
                if refusal.sw not in ABSENT:
                    raise
                continue
            found.append(replace(tries, unused=tries.left == 0 and self._is_absent(name)))
        return tuple(found)

    def unlock(self, key: Pin, *, allow_last_try: bool = False) -> Unlocking:
        """Verify a PIN: `signature` opens its certificate and key, `user_authentication` its key.

        Nothing is sent for a PIN of the wrong format, for a locked PIN, for the last try unless `allow_last_try`, and
        where the card does not tell the tries left. Raises PinError with `tries_left`, CardError `card.not_issued`.
        """
        value = check_format(key.name, self._layout.pins[self._named(key.name)], key.value)
        self._enter()
        try:
            self._pins[key.name].verify(value, allow_last_try=allow_last_try)
        except RefusalError as refusal:
            if refusal.sw in ABSENT:
                raise not_issued(key.name) from None
            raise
        except PinError as error:
            if error.code == "card.pin_locked" and self._is_absent(key.name):
                raise not_issued(key.name) from None
            raise
        return Unlocking(key.name, (key.name, f"{key.name}_key"))

    def change_pin(
        self,
        name: str,
        old: str,
        new: str,
        *,
        birth_date: date | None = None,
        security_code: str | None = None,
        allow_last_try: bool = False,
    ) -> frozenset[str]:
        """Set a new PIN. Both are judged before the card is asked; an improper new one is refused.

        birth_date, security_code: the person's, where the caller knows them; a PIN equal to them is improper.
        Returns which of the two the new PIN was compared with.
        Raises PinError as `unlock` does, and `card.pin_improper`.
        """
        rule = self._layout.pins[self._named(name)]
        checked = check_change(name, rule, old, new, birth_date=birth_date, security_code=security_code)
        self._enter()
        self._pins[name].change(*checked, allow_last_try=allow_last_try)
        return compared(birth_date, security_code)

    def token(self) -> TokenInfo:
        """Return what the chip says of itself (EF 0006): label, carrier, model, serial."""
        return parse_token_info(self._content("token") or b"", self._layout.carriers)

    def issued(self) -> Issued:
        """Return which certificates the card says it holds (EF 0008)."""
        return self._issued_in(self._content("issued") or b"")

    def certificate(self, kind: CertificateKind) -> bytes | None:
        """Return a certificate (DER) as it stands on the card, None when it is not issued.

        `signature` needs its PIN; `user_authentication` is free on the card and needs its PIN on phones.
        Raises PinError `card.pin_required`.
        """
        if kind not in get_args(CertificateKind):
            raise _unknown_part(kind)
        return self._content(kind)

    def read(self, *parts: str) -> Reading[JpkiValues]:
        """Return the named parts: `token`, `issued`, the four certificates by kind; without a name all that is open.

        Raises PinError `card.pin_required` for a part that was named and is not open.
        """
        found: dict[str, bytes] = {}
        for part in parts or get_args(Part):
            try:
                content = self._content(part)
            except PinError:
                if parts:
                    raise
                continue
            if content is not None:
                found[part] = content
        values = JpkiValues(
            token=parse_token_info(found["token"], self._layout.carriers) if "token" in found else None,
            issued=self._issued_in(found["issued"]) if "issued" in found else None,
            signature=_parsed(found.get("signature")),
            user_authentication=_parsed(found.get("user_authentication")),
        )
        files = tuple(
            RawFile(APPLICATION, part, getattr(self._layout.files, part), content) for part, content in found.items()
        )
        return Reading(DOCUMENT, APPLICATION, values, files)

    def sign(self, key: Purpose, digest: bytes, *, algorithm: str = "sha256") -> CardSignature:
        """Sign a digest with one of the two keys, whose PIN was verified before.

        digest: 32, 48 or 64 bytes for `sha256`, `sha384`, `sha512`.
        Raises PinError `card.pin_required`, InputError `chip.digest_length`, `chip.hash_unknown`.
        """
        check_digest(algorithm, digest)
        return self._sign(key, lambda _: digest, algorithm)

    def sign_message(self, key: Purpose, message: bytes, *, algorithm: str | None = None) -> CardSignature:
        """Sign a message: it is hashed here, by the digest customary for the key unless `algorithm` names one.

        Raises what `sign` raises.
        """
        if algorithm is not None:
            check_algorithm(algorithm)
        return self._sign(key, lambda named: new_hash(named, message).digest(), algorithm)

    def prove(self, challenge: Challenge, *, trust: Trust | None = None) -> tuple[Proof, ...]:
        """Prove that the person holds this card: the user authentication key signs the challenge, after its PIN.

        The signature is checked with the certificate on the card; with `trust` the certificate's path is judged as
        well, and revocation stays `not_checked`: it needs an outside service.
        Raises PinError `card.pin_required`, CardError `card.not_issued`.
        """
        if not self._pins["user_authentication"].verified:
            raise pin_required("user_authentication")
        certificate = self.certificate("user_authentication")
        if certificate is None:
            raise not_issued("user_authentication")
        message = challenge.message()
        made = self.sign_message("user_authentication", message)
        return judge_possession(certificate, message, made, trust)

    def _enter(self) -> None:
        if not self._channel.select(self._aid):
            raise CardError(
                "card.application_missing",
                "The card has no JPKI application.",
                next="Use a My Number Card; other cards and old resident register cards cannot do this.",
            )

    def _named(self, name: str) -> str:
        if name not in self._pins:
            raise InputError(
                "chip.pin_unknown",
                "The JPKI application has no PIN of that name.",
                next=f"Use {', '.join(self._pins)}.",
            )
        return name

    def _is_absent(self, name: str) -> bool:
        """Tell whether the card says that it holds no certificate of a kind; False when it does not say."""
        try:
            return not getattr(self.issued(), name)
        except (CardError, FormatError):
            return False

    def _issued_in(self, content: bytes) -> Issued:
        if len(content) < len(get_args(Purpose)):
            raise FormatError("chip.issued_malformed", "The card does not say which certificates it holds.")
        mark = self._layout.issued_mark
        return Issued(signature=content[0] == mark, user_authentication=content[1] == mark)

    def _content(self, part: str) -> bytes | None:
        """Return a part's bytes, None when the card has none; each is read once in a visit to the card."""
        if part not in get_args(Part):
            raise _unknown_part(part)
        if part == "signature" and not self._pins[part].verified:
            raise pin_required(part)
        self._enter()
        kept = self._still_kept()
        if part not in kept:
            try:
                content = self._fetch(part)
            except RefusalError as refusal:
                if refusal.sw == PIN_NEEDED:
                    raise pin_required(part) from None
                if refusal.sw in UNREADABLE:
                    return None
                raise
            if is_blank(content):
                return None
            kept[part] = content
        return kept[part]

    def _still_kept(self) -> dict[str, bytes]:
        """Return what was read in this visit; what another visit read may be another card's."""
        if self._kept_in != self._channel.visit:
            self._kept.clear()
            self._kept_in = self._channel.visit
        return self._kept

    def _fetch(self, part: str) -> bytes:
        file_id: int = getattr(self._layout.files, part)
        if part == "token":
            return read_bytes(self._channel, file_id, self._layout.token_length)
        if part == "issued":
            return read_bytes(self._channel, file_id, self._layout.issued_length)
        return read_object(self._channel, file_id, limit=self._layout.certificate_limit)

    def _sign(self, key: Purpose, digest_in: Callable[[str], bytes], algorithm: str | None) -> CardSignature:
        rule = self._layout.pins[self._named(key)]
        if not self._pins[key].verified:
            raise pin_required(key)
        file = KeyFile(self._channel, key, rule, lambda: self.certificate(key))
        return file.sign(digest_in, algorithm, known=self._still_kept().get(key))


def _parsed(certificate: bytes | None) -> "JpkiCertificate | None":
    if certificate is None:
        return None
    from honnin.pki.jpki import parse_jpki_certificate

    try:
        return parse_jpki_certificate(certificate)
    except FormatError:
        return None


def _unknown_part(part: str) -> InputError:
    return InputError(
        "chip.part_unknown", f"The JPKI application has no part {part!r}.", next=f"Use {', '.join(get_args(Part))}."
    )
