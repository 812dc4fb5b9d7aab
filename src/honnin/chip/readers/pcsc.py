"""PC/SC readers by pyscard's plain bindings (PC/SC Workgroup part 5; pcsc-lite and Windows name their errors alike).

The card is held exclusively: nobody can slip a command between a PIN and its use, and pcsc-lite resets an exclusively
held card when its holder dies. Letting go resets the card too.
"""

import time
from collections.abc import Callable
from types import ModuleType, TracebackType
from typing import Any, Self

from honnin.chip.readers.reader import ReaderStatus
from honnin.errors import ReaderError

__all__ = ["PcscReader", "statuses", "without_le"]

BUSY_WAITS = (0.1, 0.2, 0.4, 0.8)  # seconds to wait for another program, after each refusal
NOTICE_MILLISECONDS = 1000  # within which the PC/SC service sees that a card is gone (pcsc-lite looks every 400 ms)


class PcscReader:
    """A card on a PC/SC reader, held exclusively until `close`."""

    def __init__(self, name: str, atr: bytes, scard: ModuleType, context: Any, card: Any, protocol: int) -> None:
        self.name = name
        self.atr = atr
        self._scard = scard
        self._context = context
        self._card = card
        self._protocol = protocol
        # others' use that ended with ours is no news
        self._known = _states(scard, context, [name])[0][1] & ~scard.SCARD_STATE_INUSE
        self._lost = False
        self._closed = False

    @classmethod
    def open(cls, wanted: str) -> Self:
        """Connect to the card on a reader.

        wanted: the reader's exact name, or a part of exactly one name; empty for the first reader with a card.
        Raises ReaderError `reader.pcsc_missing`, `reader.no_service`, `reader.not_found` (listing the names),
        `reader.ambiguous`, `reader.no_card`, `reader.busy`.
        """
        scard = _bindings()
        context = _establish(scard)
        try:
            name = _choose(scard, context, wanted)
            card, protocol = _connect(scard, context, name)
            atr = bytes(_caller(scard)(scard.SCardStatus, card)[-1])
            return cls(name, atr, scard, context, card, protocol)
        except BaseException:
            scard.SCardReleaseContext(context)
            raise

    def transmit(self, apdu: bytes) -> bytes:
        """Send a command APDU and return data ‖ SW1 SW2. Raises ReaderError `reader.contact_lost`."""
        self._still_open()
        scard = self._scard
        by_bytes = self._protocol == scard.SCARD_PROTOCOL_T0
        pci = scard.SCARD_PCI_T0 if by_bytes else scard.SCARD_PCI_T1
        sent = without_le(apdu) if by_bytes else apdu
        try:
            answer = _caller(scard)(scard.SCardTransmit, self._card, pci, list(sent))[0]
            if not answer:  # drivers call it a success, but a card that is there says at least SW1 SW2
                raise _lost("the card gave no answer")
        except ReaderError:
            self._lost = True
            raise
        return bytes(octet & 0xFF for octet in answer)

    def reset(self) -> None:
        """Power the card off and on."""
        self._still_open()
        self._let_loss_be_seen()
        scard = self._scard
        try:
            (self._protocol,) = _caller(scard)(
                scard.SCardReconnect,
                self._card,
                scard.SCARD_SHARE_EXCLUSIVE,
                scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
                scard.SCARD_UNPOWER_CARD,
            )
        except ReaderError:
            self._lost = True
            raise

    def close(self) -> None:
        """Let go of the card, reset."""
        if self._closed:
            return
        self._closed = True
        self._let_loss_be_seen()
        self._scard.SCardDisconnect(self._card, self._scard.SCARD_RESET_CARD)
        self._scard.SCardReleaseContext(self._context)

    def _let_loss_be_seen(self) -> None:
        """Leave the service the time to see that the card was lost, before a reset.

        One that fails earlier makes pcsc-lite say that the reader is empty while its watch still knows the card, and a
        card put back at once is never seen again.
        """
        if self._lost:
            known = [(self.name, self._known)]
            self._scard.SCardGetStatusChange(self._context, NOTICE_MILLISECONDS, known)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _still_open(self) -> None:
        if self._closed:
            raise ReaderError("reader.closed", "This reader was closed.", next="Open it again.")


def without_le(apdu: bytes) -> bytes:
    """Return a short case 4 command without its Le, as T=0 carries it (ISO/IEC 7816-3 §12.2.2); others unchanged."""
    is_case_4 = len(apdu) > 6 and apdu[4] and len(apdu) == 6 + apdu[4]
    return apdu[:-1] if is_case_4 else apdu


def statuses() -> tuple[ReaderStatus, ...]:
    """Return the readers of this machine and whether a card lies on each."""
    scard = _bindings()
    context = _establish(scard)
    try:
        return _present(scard, context)
    finally:
        scard.SCardReleaseContext(context)


def _present(scard: ModuleType, context: Any) -> tuple[ReaderStatus, ...]:
    code, names = scard.SCardListReaders(context, [])
    if code == scard.SCARD_E_NO_READERS_AVAILABLE or (code == scard.SCARD_S_SUCCESS and not names):
        return ()
    if code != scard.SCARD_S_SUCCESS:
        raise _error(scard, code)
    return tuple(
        ReaderStatus(
            url=f"pcsc:{name}",
            name=name,
            card=bool(state & scard.SCARD_STATE_PRESENT),
            atr=bytes(atr).hex().upper() or None,
        )
        for name, state, atr in _states(scard, context, names)
    )


def _states(scard: ModuleType, context: Any, names: list[str]) -> list[tuple[str, int, list[int]]]:
    """Return (name, state, ATR) of readers; a state counts, in its upper half, how often cards came and went."""
    unaware = [(name, scard.SCARD_STATE_UNAWARE) for name in names]
    (states,) = _caller(scard)(scard.SCardGetStatusChange, context, 0, unaware)
    return list(states)


def _choose(scard: ModuleType, context: Any, wanted: str) -> str:
    there = _present(scard, context)
    if not there:
        raise ReaderError("reader.none", "This machine has no card reader.", next="Plug one in.", retryable=True)
    names = [status.name for status in there]
    if not wanted:
        if chosen := next((status.name for status in there if status.card), None):
            return chosen
        raise ReaderError("reader.no_card", "No reader has a card on it.", next="Put the card on it.", retryable=True)
    if wanted in names:
        return wanted
    fitting = [name for name in names if wanted.casefold() in name.casefold()]
    if len(fitting) == 1:
        return fitting[0]
    listed = "; ".join(fitting or names)
    if fitting:
        raise ReaderError("reader.ambiguous", "Several readers fit that name.", next=f"Name one exactly: {listed}.")
    raise ReaderError("reader.not_found", "No reader has that name.", next=f"There are: {listed}.")


def _connect(scard: ModuleType, context: Any, name: str) -> tuple[Any, int]:
    """Connect exclusively; systems look at a card for a moment when it is put down, so a busy one is asked again."""
    protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
    for wait in BUSY_WAITS:
        code, card, protocol = scard.SCardConnect(context, name, scard.SCARD_SHARE_EXCLUSIVE, protocols)
        if code == scard.SCARD_S_SUCCESS:
            return card, protocol
        if code != scard.SCARD_E_SHARING_VIOLATION:
            break
        time.sleep(wait)
    raise _error(scard, code)


def _bindings() -> ModuleType:
    try:
        from smartcard import scard
    except ImportError:
        raise ReaderError(
            "reader.pcsc_missing",
            "Reading by PC/SC needs pyscard, which is not installed.",
            next="Install it: pip install 'honnin[pcsc]'. On Linux it needs swig, libpcsclite-dev and pcscd.",
        ) from None
    module: ModuleType = scard
    return module


def _establish(scard: ModuleType) -> Any:
    (context,) = _caller(scard)(scard.SCardEstablishContext, scard.SCARD_SCOPE_USER)
    return context


def _caller(scard: ModuleType) -> Callable[..., Any]:
    """Return a function that makes one PC/SC call and raises a coded error for any result but success."""

    def call(function: Callable[..., Any], *arguments: Any) -> Any:
        code, *results = function(*arguments)
        if code != scard.SCARD_S_SUCCESS:
            raise _error(scard, code)
        return results

    return call


def _error(scard: ModuleType, code: int) -> ReaderError:
    no_service = {scard.SCARD_E_NO_SERVICE, scard.SCARD_E_SERVICE_STOPPED}
    no_card = {scard.SCARD_E_NO_SMARTCARD, scard.SCARD_W_UNRESPONSIVE_CARD, scard.SCARD_W_UNPOWERED_CARD}
    if code in no_service:
        return ReaderError(
            "reader.no_service", "No PC/SC service answers.", next="Start it (Linux: pcscd).", retryable=True
        )
    if code in no_card:
        return ReaderError(
            "reader.no_card", "The reader has no card that answers.", next="Put the card on it.", retryable=True
        )
    if code == scard.SCARD_E_SHARING_VIOLATION:
        return ReaderError(
            "reader.busy", "Another program is using the card.", next="Close it and try again.", retryable=True
        )
    return _lost(scard.SCardGetErrorMessage(code))


def _lost(how: str) -> ReaderError:
    return ReaderError(
        "reader.contact_lost",
        f"Contact with the card was lost ({how}).",
        next="Put the card back, keep it still and start again.",
        retryable=True,
    )
