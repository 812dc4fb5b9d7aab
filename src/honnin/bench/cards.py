"""How many APDUs honnin needs for what a check does with a card, counted on the sandbox's emulated one."""

import hashlib
import tempfile
from pathlib import Path

from honnin.chip import CardNumber, Challenge, DriversLicence, MyNumberCard, NumberB, Pin, ResidenceCard, open_reader
from honnin.connect.worlds import installed, open_world

__all__ = ["apdu_counts", "document_reads"]

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


def document_reads() -> dict[str, dict[str, int]] | None:
    """Return APDUs and answer bytes of each document unlocked, read whole, proved and left; None without a sandbox."""
    if not installed():
        return None
    challenge = Challenge.fresh("bench", "honnin")
    found = {}
    with tempfile.TemporaryDirectory(prefix="honnin-bench-") as folder:
        data = Path(folder)
        keys = {person["id"]: person["document_keys"] for person in open_world(data).people()}
        with open_reader("emulated:hanako/drivers_licence", data=data) as reader, DriversLicence(reader) as licence:
            for name in ("pin_1", "pin_2"):
                licence.card.unlock(Pin(name, keys["hanako"]["drivers_licence"][name]))
            licence.card.read()
            licence.card.prove(challenge)
        found["driver's licence"] = licence.transcript
        with open_reader("emulated:hanako", data=data) as reader, MyNumberCard(reader) as card:
            card.card_face.unlock(NumberB(keys["hanako"]["my_number_card"]["number_b"]))
            card.card_face.read()
            card.card_face.prove(challenge)
        found["My Number Card, card face"] = card.transcript
        for kind in ("card-1", "card-2"):
            url = f"emulated:anna/residence_card:{kind}"
            with open_reader(url, data=data) as reader, ResidenceCard(reader) as residence:
                residence.residence.unlock(CardNumber(keys["anna"]["residence_card"]["card_number"]))
                residence.residence.read()
                residence.residence.prove(challenge)
            found[f"residence card, generation {kind[-1]}"] = residence.transcript
    return {
        name: {"apdus": len(told), "bytes": sum(exchange.received for exchange in told.exchanges)}
        for name, told in found.items()
    }
