"""`honnin-card-keys/1`: the public keys that an operator was handed for cards whose issuers publish none.

    {"format": "honnin-card-keys/1",
     "keys": [{"use": "drivers_licence", "key_id": HEX, "public_key": BASE64}]}

use: `drivers_licence` (a public safety commission's, by 主体者鍵識別子) or `my_number_card` (a card-face CA's, by its
key id of 16 bytes). public_key: SubjectPublicKeyInfo in DER.
"""

from base64 import b64decode
from typing import Literal

import msgspec

from honnin.chip.document import TrustedKey
from honnin.errors import FormatError
from honnin.pki.rfc5280.keys import load_public_key

__all__ = ["read_card_keys"]


class _Key(msgspec.Struct, forbid_unknown_fields=True):
    use: Literal["drivers_licence", "my_number_card"]
    key_id: str
    public_key: str


class _Keys(msgspec.Struct):
    format: Literal["honnin-card-keys/1"]
    keys: list[_Key]


def read_card_keys(content: bytes) -> tuple[TrustedKey, ...]:
    """Read a file of keys. Raises FormatError `card.keys_malformed`."""
    try:
        found = msgspec.json.decode(content, type=_Keys)
        keys = tuple(
            TrustedKey(k.use, bytes.fromhex(k.key_id), b64decode(k.public_key, validate=True)) for k in found.keys
        )
        for key in keys:
            load_public_key(key.spki)
    except (msgspec.MsgspecError, ValueError, FormatError):
        raise FormatError(
            "card.keys_malformed",
            "The file of trusted keys is none.",
            next="It is JSON of the form honnin-card-keys/1 (docs/cards.md).",
        ) from None
    return keys
