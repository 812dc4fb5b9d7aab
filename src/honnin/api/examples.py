"""Examples of the OpenAPI document: bodies that run as they stand against the server that shows them.

Where a sandbox is installed, one is signed by an invented person's card, so that it passes here; the other certificate
is nobody's and shows what an unknown issuer gives. The tests send each of them.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from honnin.connect.worlds import open_world
from honnin.errors import HonninError

__all__ = ["examples"]

PERSON = "hanako"
TEXT = "見本銀行に普通預金口座の開設を申し込みます。"


@cache
def _foreign() -> Mapping[str, str]:
    stored = json.loads(files(__package__).joinpath("examples.json").read_text(encoding="utf-8"))
    parts: Mapping[str, str] = stored["foreign_certificate"]
    return parts


def examples(data: Path | None, *, return_url: str) -> dict[str, dict[str, Any]]:
    """Return request bodies by operationId and name.

    data: folder of the sandbox world whose card signs; None where there is no sandbox.
    return_url: one that the demo tenant has registered.
    """
    verifications = {
        "foreign_certificate": {
            "summary": "A certificate of an unknown issuer: 201, INDETERMINATE, NO_CERTIFICATE_CHAIN_FOUND",
            "value": {"purpose": "account_opening", **_foreign()},
        }
    }
    if data is not None and (signed := _signed_by_card(data)) is not None:
        verifications = {
            "signed_text": {
                "summary": "A text signed by the sandbox's My Number Card of 見本 花子: 201, TOTAL-PASSED",
                "value": {"purpose": "account_opening", "law": "aml", **signed},
            },
            "digest_only": {
                "summary": "The same without the text, where no law asks for it",
                "value": {
                    "purpose": "age_check",
                    "digest": {"alg": "sha256", "value": hashlib.sha256(TEXT.encode()).hexdigest()},
                    **{name: signed[name] for name in ("signature", "certificate")},
                },
            },
            **verifications,
        }
    session = {
        "account_opening": {
            "summary": "Ask a person to sign an application",
            "value": {
                "purpose": "account_opening",
                "law": "aml",
                "text": TEXT,
                "return_url": return_url,
                "state": "9f3c1e5a",
            },
        },
        "age_by_template": {
            "summary": "Ask whether a person is 20 or over, by a template",
            "value": {"template": "event_alcohol_age", "return_url": return_url},
        },
    }
    document = {
        "text": {
            "summary": "Prepare a text for a signature through the Digital Authentication Service (CAdES)",
            "value": {"purpose": "application", "file": b64encode(TEXT.encode()).decode("ascii"), "kind": "cms"},
        }
    }
    return {"createVerification": verifications, "createSession": session, "prepareDocument": document}


def _signed_by_card(data: Path) -> dict[str, str] | None:
    """Return the text, signed by the person's card; None when that card no longer signs."""
    from honnin.chip import MyNumberCard, Pin, open_reader

    pins = {person["id"]: person["pins"] for person in open_world(data).people() if person["id"] == PERSON}
    try:
        with open_reader(f"emulated:{PERSON}", data=data) as reader, MyNumberCard(reader) as card:
            card.jpki.unlock(Pin("signature", pins[PERSON]["signature"]))
            certificate = card.jpki.certificate("signature")
            signature = card.jpki.sign("signature", hashlib.sha256(TEXT.encode()).digest()).value
    except (HonninError, KeyError):
        return None
    if certificate is None:
        return None
    parts = {"document": TEXT.encode(), "signature": signature, "certificate": certificate}
    return {name: b64encode(value).decode("ascii") for name, value in parts.items()}
