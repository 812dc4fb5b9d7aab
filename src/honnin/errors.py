"""The one error family of honnin.

    HonninError
    ├── InputError        what was given cannot be used (exit 2)
    │   └── NotFoundError no such object for this caller
    ├── FormatError       bytes that are not what they claim to be (exit 1)
    ├── CardError         the card refused, or would be harmed (exit 1)
    │   └── PinError      wrong, locked, improper or withheld PIN (exit 1)
    ├── ReaderError       no reader, no card, lost contact (exit 2)
    ├── ServiceError      an outside service is down, slow or answers nonsense (exit 2)
    ├── AccessError       the caller may not do this (exit 2)
    │   └── KeyRefusedError  no key, or one that is not known
    └── StateError        not possible in the present state (exit 2)
        └── GoneError     was there, and is not any more

Every instance carries a stable `code`, a sentence for the developer, what to do `next`, and whether the same call may
succeed later. Words for the person stand in `honnin.words` under the same code (a test holds that none is missing).
A message never carries a secret, an individual number or one of the four items: callers pass codes, lengths and file
ids, not contents.
"""

from typing import ClassVar

__all__ = [
    "AccessError",
    "CardError",
    "FormatError",
    "GoneError",
    "HonninError",
    "InputError",
    "KeyRefusedError",
    "NotFoundError",
    "PinError",
    "ReaderError",
    "ServiceError",
    "StateError",
    "name_of",
]


class HonninError(Exception):
    """Base of all errors that honnin raises on purpose.

    code: stable, dotted lower-case words, e.g. `card.pin_wrong`.
    message: one sentence, English, no secrets.
    next: what the caller can do about it.
    retryable: the same call may succeed later without a change.
    """

    exit_code: ClassVar[int] = 2
    http_status: ClassVar[int] = 400

    def __init__(self, code: str, message: str, *, next: str = "", retryable: bool = False) -> None:  # noqa: A002
        super().__init__(message)
        self.code = code
        self.message = message
        self.next = next
        self.retryable = retryable

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" {self.next}" if self.next else "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r})"


class InputError(HonninError):
    """What was given cannot be used: a missing file, an unknown option value, an impossible date."""


class NotFoundError(InputError):
    """No such object, or not this caller's: the two are not told apart."""

    http_status = 404


class FormatError(HonninError):
    """Bytes that are not what they claim to be."""

    exit_code = 1


class CardError(HonninError):
    """The card refused a command, or honnin refused to send one that would harm the card."""

    exit_code = 1


class PinError(CardError):
    """A wrong, locked, improper or withheld PIN.

    tries_left: what the card said, or None. pin: which of the card's PINs it was, by name; None where none was asked.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        next: str = "",  # noqa: A002
        retryable: bool = False,
        tries_left: int | None = None,
        pin: str | None = None,
    ) -> None:
        super().__init__(code, message, next=next, retryable=retryable)
        self.tries_left = tries_left
        self.pin = pin


class ReaderError(HonninError):
    """No reader, no card in it, or contact with the card was lost."""


class ServiceError(HonninError):
    """An outside service is down, slow, refuses, or answers nonsense.

    where: who was asked, for the operator: on a command line and in the log, never in an answer to a client.
    """

    http_status = 503

    def __init__(
        self,
        code: str,
        message: str,
        *,
        next: str = "",  # noqa: A002
        retryable: bool = False,
        where: str = "",
    ) -> None:
        super().__init__(code, message, next=next, retryable=retryable)
        self.where = where

    def __str__(self) -> str:
        return super().__str__() + (f" (asked: {self.where})" if self.where else "")


class AccessError(HonninError):
    """The caller may not do this: no key, wrong key, or a test object in a live place."""

    http_status = 403


class KeyRefusedError(AccessError):
    """No API key, or one that is unknown, withdrawn or malformed."""

    http_status = 401


class StateError(HonninError):
    """Not possible in the present state of the object: expired, already used, conflicting."""

    http_status = 409


class GoneError(StateError):
    """It was there, and is not any more: deleted, or its time has passed."""

    http_status = 410


def name_of(error: BaseException) -> str:
    """Return what a log may say of an error: its code, else its type: the message of a foreign one may quote data."""
    return error.code if isinstance(error, HonninError) else type(error).__name__
