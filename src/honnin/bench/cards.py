"""How many APDUs honnin needs for what a check does with a card, counted on the sandbox's emulated one."""

import hashlib
import tempfile
from pathlib import Path

from honnin.chip import MyNumberCard, Pin, open_reader
from honnin.connect.worlds import installed, open_world

__all__ = ["apdu_counts"]

PERSON = "hanako"


def apdu_counts() -> dict[str, int] | None:
    """Return the number of APDUs by task, the PIN and leaving the card included; None without a sandbox."""
    if not installed():
        return None
    with tempfile.TemporaryDirectory(prefix="honnin-bench-") as folder:
        data = Path(folder)
        pins = next(person["pins"] for person in open_world(data).people() if person["id"] == PERSON)
        return {
            "read signature certificate + sign": _count(data, "signature", pins["signature"]),
            "read user authentication certificate + sign": _count(
                data, "user_authentication", pins["user_authentication"]
            ),
        }


def _count(data: Path, kind: str, pin: str) -> int:
    with open_reader(f"emulated:{PERSON}", data=data) as reader:
        card = MyNumberCard(reader)
        with card:
            if kind == "signature":
                card.jpki.unlock(Pin("signature", pin))
                card.jpki.certificate("signature")
                card.jpki.sign("signature", hashlib.sha256(b"bench").digest())
            else:
                card.jpki.certificate("user_authentication")
                card.jpki.unlock(Pin("user_authentication", pin))
                card.jpki.sign("user_authentication", hashlib.sha256(b"bench").digest())
        return len(card.transcript)
