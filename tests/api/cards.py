"""An invented person's emulated card signs a text; what comes back are the members of a request."""

import hashlib
from base64 import b64encode
from pathlib import Path
from typing import Any

from honnin.chip import MyNumberCard, Pin, open_reader
from honnin.connect.worlds import open_world


def signed_by(data: Path, person: str, text: str) -> dict[str, Any]:
    pins = {row["id"]: row["pins"].get("signature") for row in open_world(data).people()}
    with open_reader(f"emulated:{person}", data=data) as reader, MyNumberCard(reader) as card:
        card.jpki.unlock(Pin("signature", pins[person]))
        certificate = card.jpki.certificate("signature") or b""
        signature = card.jpki.sign("signature", hashlib.sha256(text.encode()).digest()).value
    parts = {"document": text.encode(), "signature": signature, "certificate": certificate}
    return {"purpose": "account_opening", **{name: b64encode(part).decode() for name, part in parts.items()}}
