"""One private key of the JPKI application: COMPUTE DIGITAL SIGNATURE (my-number-card sheet §1.2, §3.2, §9).

Today's keys are RSA and are given a DigestInfo. A card that refuses it is asked for its certificate; when that names a
curve, the key is of the next generation and is given the digest itself. So today's cards pay nothing for the next ones.
"""

from collections.abc import Callable

from honnin.chip.channel import Channel
from honnin.chip.iso7816 import RefusalError, compute_digital_signature
from honnin.chip.my_number_card.refusals import no_signature, not_issued, pin_required
from honnin.chip.my_number_card.signing import CardSignature, Purpose, customary_hash, digest_info, on_curve
from honnin.chip.pins import PinRule
from honnin.errors import CardError

__all__ = ["KeyFile"]

CURRENT_FILE = 0x80
PIN_NEEDED = 0x6982
ABSENT = frozenset({0x6A82, 0x6A83, 0x6A88})
# What a card may answer to a short key id that it does not know; a SELECT of the key file settles it.
NO_SHORT_ID = frozenset({0x6A81, 0x6A82, 0x6A86, 0x6A88, 0x6981, 0x6985, 0x6986, 0x6B00})
SHORTEST_ON_CURVE = 64  # bytes: r and s of P-256
LONGEST_ON_CURVE = 132  # bytes: r and s of P-521; an RSA signature is longer


class KeyFile:
    """A private key of the application that is current.

    rule: names the key's file and its PIN's. certificate: fetches the key's certificate from the card, None if none.
    """

    def __init__(
        self, channel: Channel, purpose: Purpose, rule: PinRule, certificate: Callable[[], bytes | None]
    ) -> None:
        self._channel = channel
        self._purpose = purpose
        self._rule = rule
        self._certificate = certificate

    def sign(
        self, digest_in: Callable[[str], bytes], algorithm: str | None = None, *, known: bytes | None = None
    ) -> CardSignature:
        """Sign what `digest_in` gives for the algorithm, or for the one customary for the key.

        known: the key's certificate where it was read before.
        Raises PinError `card.pin_required`, CardError `card.not_issued`, `card.answer_malformed`, RefusalError.
        """
        if not on_curve(known):
            named = algorithm or "sha256"
            refused = None
            try:
                value = self._compute(digest_info(named, digest_in(named)))
                if len(value) > LONGEST_ON_CURVE:
                    return CardSignature(self._purpose, named, "pkcs1_v15", value)
            except RefusalError as refusal:
                refused = refusal
            known = self._certificate()
            if not on_curve(known):
                raise refused or no_signature()
        named = algorithm or customary_hash(known)
        value = self._compute(digest_in(named))
        if len(value) < SHORTEST_ON_CURVE:
            raise no_signature()
        return CardSignature(self._purpose, named, "raw_rs", value)

    def _compute(self, signed: bytes) -> bytes:
        """Sign by the key's short file id; where the card knows none, SELECT the key file first."""
        if self._channel.short_ids:
            command = compute_digital_signature(CURRENT_FILE | self._rule.key_file, signed)
            response = self._channel.transmit(command)
            if response.done:
                return response.data
            if response.sw not in NO_SHORT_ID:
                raise self._meaning(RefusalError(command, response.sw))
        try:
            self._channel.select_file(self._rule.key_file)
            return self._channel.ask(compute_digital_signature(CURRENT_FILE, signed))
        except RefusalError as refusal:
            raise self._meaning(refusal) from None

    def _meaning(self, refusal: RefusalError) -> CardError:
        if refusal.sw == PIN_NEEDED:
            self._channel.note_unverified(self._rule.file)
            return pin_required(self._purpose)
        return not_issued(self._purpose) if refusal.sw in ABSENT else refusal
