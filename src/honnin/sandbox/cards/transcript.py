"""What went over the wire, with PINs blanked: for tests, and for `honnin sandbox card --log`."""

from dataclasses import dataclass

__all__ = ["Exchange", "blank", "lines"]

CARRIES_PIN = frozenset({0x20, 0x24, 0x32})  # VERIFY, CHANGE REFERENCE DATA, CHANGE KEY; whatever their class byte says
HEADER = 5  # CLA INS P1 P2 Lc


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and its answer; `hidden` counts the last bytes of the command that were a PIN and now are zero."""

    command: bytes
    response: bytes
    hidden: int = 0


def blank(command: bytes, response: bytes) -> Exchange:
    """Make an exchange fit to be kept: the data of a command that carries a PIN becomes zeros."""
    if len(command) > HEADER and command[1] in CARRIES_PIN:
        hidden = len(command) - HEADER
        return Exchange(command[:HEADER] + bytes(hidden), response, hidden)
    return Exchange(command, response)


def lines(exchange: Exchange) -> tuple[str, str]:
    """Return the two lines of a log: `> 00 20 00 80 04 ** ** ** **` and `< 63 C2`."""
    seen = len(exchange.command) - exchange.hidden
    octets = [f"{octet:02X}" for octet in exchange.command[:seen]] + ["**"] * exchange.hidden
    return "> " + " ".join(octets), "< " + exchange.response.hex(" ").upper()
