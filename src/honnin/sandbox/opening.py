"""The whole sandbox of a data folder: the world, and what the product may know of it (`honnin.connect.worlds.World`).

Institutions are loaded when they are asked for: a command that reads a card does not pay for a web application.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from honnin.sandbox.world import World

__all__ = ["Sandbox", "open_world"]


class Sandbox(World):
    """A world with its people and institutions."""

    def anchors(self) -> Mapping[str, tuple[bytes, ...]]:
        """Return the trust anchors of the sandbox's J-LIS by purpose, DER."""
        from honnin.sandbox.jlis import anchors

        return anchors(self)

    def document_trust(self) -> Mapping[str, tuple[tuple[bytes, bytes], ...]]:
        """Return whom to trust for each document: key identifier and certificate or public key, DER."""
        from honnin.sandbox.trust import document_trust

        return document_trust(self)

    def time_stamping_anchors(self) -> tuple[bytes, ...]:
        """Return the trust anchors of the sandbox's time-stamping authority, DER."""
        from honnin.sandbox.tsa import anchor

        return (anchor(self),)

    def people(self) -> list[dict[str, Any]]:
        """Return the invented persons with story, documents, PINs and expected outcome."""
        from honnin.sandbox.people_listing import listing

        return listing(self)

    def document_keys(self, target: str) -> dict[str, str]:
        """Return what opens an emulated document now (`emulated:TARGET`), by name."""
        from honnin.sandbox.people_listing import document_keys

        return document_keys(self, target)

    def variants(self) -> Mapping[str, tuple[str, ...]]:
        """Return the kinds and forgeries of each emulated document."""
        from honnin.sandbox.variants import variants

        return variants()

    def origins(self) -> Mapping[str, Any]:
        """Return the institutions' ASGI applications by host label."""
        from honnin.sandbox.digital_auth.app import create_app as digital_auth
        from honnin.sandbox.jlis.app import create_app as jlis
        from honnin.sandbox.tsa.app import create_app as tsa

        return {"jlis": jlis(self), "digital-auth": digital_auth(self), "tsa": tsa(self)}

    def serve_at(self, port: int) -> None:
        """Register the demonstration's bank and PF with the Digital Authentication Service, for a port."""
        from honnin.sandbox.digital_auth.demonstration import register_demo
        from honnin.sandbox.digital_auth.store import prepare

        prepare(self)
        register_demo(self, port=port)

    def register(self, registration: bytes) -> None:
        """Register a relying party or a PF operator with the Digital Authentication Service, from JSON."""
        from honnin.sandbox.digital_auth.parties import register
        from honnin.sandbox.digital_auth.store import prepare

        prepare(self)
        register(self, registration)

    def hosts(self) -> Mapping[str, str]:
        """Return which origin answers for a host that a certificate names."""
        from honnin.sandbox.jlis import HOSTS

        return dict.fromkeys(HOSTS, "jlis")


@cache
def open_world(data: Path) -> Sandbox:
    """Open (or make) the world of a data folder; entry point of the group `honnin.worlds`."""
    return Sandbox(data)
