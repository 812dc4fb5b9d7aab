"""What the JPKI application's refusals mean to the person who holds the card."""

from honnin.errors import CardError, PinError

__all__ = ["no_signature", "not_issued", "pin_required", "session_broken"]


def pin_required(part: str) -> PinError:
    """Return the error of a part or key whose PIN was not verified."""
    return PinError("card.pin_required", f"This needs the PIN of {part}.", next="Unlock the card with it first.")


def not_issued(purpose: str) -> CardError:
    """Return the error of a certificate or key that the card does not hold."""
    return CardError(
        "card.not_issued",
        f"The card holds no {purpose} certificate.",
        next="It is issued at the counter of the municipality.",
    )


def no_signature() -> CardError:
    """Return the error of an answer to a signing command that cannot be a signature."""
    return CardError(
        "card.answer_malformed",
        "The card gave no signature.",
        next="Take the card off, put it back and try again.",
    )


def session_broken() -> CardError:
    """Return the error of a protected session that was broken."""
    return CardError(
        "card.session_broken",
        "The protected session with the card is over.",
        next="Take the card off, put it back and unlock it anew.",
        retryable=True,
    )
