"""Whom an operator trusts for the documents of this sandbox: certificates, or bare keys known by an identifier.

| document | key identifier | DER |
|---|---|---|
| `my_number_card` | key id of a card-face CA, 16 bytes | SubjectPublicKeyInfo |
| `passport` | subject key identifier | CSCA certificate |
| `drivers_licence` | 主体者鍵識別子, 32 bytes | SubjectPublicKeyInfo of a public safety commission |
"""

from collections.abc import Mapping

from honnin.sandbox.world import World

__all__ = ["document_trust"]


def document_trust(world: World) -> Mapping[str, tuple[tuple[bytes, bytes], ...]]:
    """Return key identifier and DER of every authority, by document; keys are made when missing."""
    from honnin.sandbox.foreign_ministry.authorities import csca_keys
    from honnin.sandbox.jlis.card_signing import ca_keys
    from honnin.sandbox.police.signing import public_keys

    return {
        "my_number_card": ca_keys(world),
        "drivers_licence": public_keys(world),
        "passport": csca_keys(world),
    }
