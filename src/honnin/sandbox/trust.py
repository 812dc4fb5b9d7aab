"""Whom an operator trusts for the documents of this sandbox: certificates, or bare keys known by an identifier.

`my_number_card`: key id of a card-face CA, 16 bytes, and its key. `drivers_licence`: 32-byte 主体者鍵識別子, key of
a public safety commission. `residence_card`, `passport`: subject key identifier and CA certificate of a generation.
`residence_card_delivery`: the key to which a session key of a 特定在留カード is encrypted, and its SHA-256.
"""

from collections.abc import Mapping

from honnin.sandbox.world import World

__all__ = ["document_trust"]


def document_trust(world: World) -> Mapping[str, tuple[tuple[bytes, bytes], ...]]:
    """Return key identifier and DER of every authority, by document; keys are made when missing."""
    from honnin.sandbox.foreign_ministry.authorities import csca_keys
    from honnin.sandbox.immigration.authorities import ca_certificates, delivery_key
    from honnin.sandbox.jlis.card_signing import ca_keys
    from honnin.sandbox.police.signing import public_keys

    return {
        "my_number_card": ca_keys(world),
        "drivers_licence": public_keys(world),
        "residence_card": ca_certificates(world),
        "residence_card_delivery": delivery_key(world),
        "passport": csca_keys(world),
    }
