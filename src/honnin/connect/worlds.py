"""What the product may know of a sandbox world: its clock, its trust anchors, its people's names and its origins.

A world is found by the entry-point group `honnin.worlds` (docs/decisions/0002); nothing here imports `honnin.sandbox`,
and without one installed every test tenant is simply refused.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, Protocol

from honnin.errors import StateError

__all__ = ["World", "installed", "open_world"]

Purpose = Literal["signature", "user_authentication"]


class World(Protocol):
    """A sandbox world, shared by every process that opens the same data folder."""

    name: str

    def now(self) -> datetime:
        """Return the world's time, UTC. Test tenants judge by it, live tenants never."""

    def anchors(self) -> Mapping[Purpose, tuple[bytes, ...]]:
        """Return the trust anchors (DER), card and mobile, by purpose."""

    def time_stamping_anchors(self) -> tuple[bytes, ...]:
        """Return the trust anchors (DER) of the world's time-stamping authority."""

    def document_trust(self) -> Mapping[str, tuple[tuple[bytes, bytes], ...]]:
        """Return whom to trust for each document of the world, as (key identifier, DER) pairs.

        `passport`, `residence_card`: CA certificates by subject key identifier. `drivers_licence` (主体者鍵識別子 of 32
        bytes) and `my_number_card` (key id of 16 bytes): SubjectPublicKeyInfo. See docs/sandbox-documents.md.
        """

    def people(self) -> list[dict[str, Any]]:
        """Return the invented persons as `honnin sandbox people --json` lists them."""

    def document_keys(self, target: str) -> dict[str, str]:
        """Return what opens an emulated document (`emulated:TARGET`) now, by name: a changed PIN as it was changed."""

    def variants(self) -> Mapping[str, tuple[str, ...]]:
        """Return the kinds and forgeries that there are of each emulated document (behind the colon of a target)."""

    def origins(self) -> Mapping[str, Any]:
        """Return the institutions' ASGI applications by the first label of their host (`jlis`, …)."""

    def serve_at(self, port: int) -> None:
        """Make the institutions ready for a port: their demonstration parties return to addresses there."""

    def register(self, registration: bytes) -> None:
        """Register a relying party or a PF operator (JSON) with the world's Digital Authentication Service."""

    def hosts(self) -> Mapping[str, str]:
        """Return which label answers for a host named in a certificate (`ocspsign.jpki-test.invalid` → `jlis`)."""


def installed() -> bool:
    """Tell whether a sandbox world is installed beside the product."""
    return bool(entry_points(group="honnin.worlds"))


@cache
def open_world(data: Path) -> World:
    """Open the world of a data folder.

    Raises StateError `world.none` when no sandbox is installed.
    """
    for entry in entry_points(group="honnin.worlds"):
        opener: Callable[[Path], World] = entry.load()
        return opener(data)
    raise StateError(
        "world.none",
        "No sandbox world is installed.",
        next="Install honnin with its sandbox, or use a live tenant.",
    )
