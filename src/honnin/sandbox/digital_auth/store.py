"""The service's tables in the world's file, shared by every process (`store.sql`)."""

from hashlib import sha256
from importlib.resources import files
from secrets import token_urlsafe

from honnin.sandbox.world import World

__all__ = ["digest", "new_secret", "prepare"]


def prepare(world: World) -> None:
    """Make the tables that are not there yet."""
    world.ensure(files(__package__).joinpath("store.sql").read_text(encoding="utf-8"))


def new_secret() -> str:
    """Return a fresh secret of 256 bits, base64url."""
    return token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what the world keeps of a secret: its SHA-256, hex."""
    return sha256(secret.encode()).hexdigest()
