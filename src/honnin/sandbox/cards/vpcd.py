"""The virtual reader of the vsmartcard project: the card is the TCP client (My Number Card sheet, section 11.1).

Each message is a two-byte big-endian length and its payload. From the reader, a payload of one byte is control (off,
on, reset, ATR wished for); a longer one is a C-APDU.
"""

import logging
import socket
import threading

from honnin.sandbox.cards.held import HeldChip

__all__ = ["serve"]

_log = logging.getLogger(__name__)

POWER_OFF, POWER_ON, RESET, GIVE_ATR = 0x00, 0x01, 0x02, 0x04
RETRY_SECONDS = 0.2
CONNECT_SECONDS = 5.0
POLL_SECONDS = 0.3  # how long a stop may go unnoticed


def serve(card: HeldChip, host: str, port: int, *, stop: threading.Event | None = None) -> None:
    """Keep `card` in the virtual reader at host:port until `stop`: a reader that is away is tried again."""
    stop = stop or threading.Event()
    while not stop.is_set():
        try:
            with socket.create_connection((host, port), timeout=CONNECT_SECONDS) as connection:
                connection.settimeout(POLL_SECONDS)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _converse(card, connection, stop)
        except OSError as error:
            _log.debug("virtual reader at %s:%d: %s", host, port, error)
        card.reset()  # out of the reader is out of power
        stop.wait(RETRY_SECONDS)


def _converse(card: HeldChip, connection: socket.socket, stop: threading.Event) -> None:
    while (message := _receive(connection, stop)) is not None:
        answer = _answer(card, message)
        if answer is not None:
            connection.sendall(len(answer).to_bytes(2) + answer)


def _answer(card: HeldChip, message: bytes) -> bytes | None:
    """Return the payload to send back; None where the protocol expects nothing."""
    if len(message) > 1:
        return card.transmit(message)
    if message in {bytes([POWER_OFF]), bytes([POWER_ON]), bytes([RESET])}:
        card.reset()
    return card.atr if message == bytes([GIVE_ATR]) else None


def _receive(connection: socket.socket, stop: threading.Event) -> bytes | None:
    """Return one payload, or None at the end of the connection or of our service."""
    head = _exactly(connection, 2, stop)
    return None if head is None else _exactly(connection, int.from_bytes(head), stop)


def _exactly(connection: socket.socket, count: int, stop: threading.Event) -> bytes | None:
    received = bytearray()
    while len(received) < count:
        if stop.is_set():
            return None
        if hasattr(socket, "TCP_QUICKACK"):  # vpcd sends length and payload apart, and waits for the first to arrive
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        try:
            part = connection.recv(count - len(received))
        except TimeoutError:
            continue
        if not part:
            return None
        received += part
    return bytes(received)
