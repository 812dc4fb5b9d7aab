"""What every request and resource is built on: unknown members are refused, and a repr shows no content."""

from msgspec import Struct

__all__ = [
    "Quiet",
]


class Quiet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request or resource whose repr names its type and id only."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self, 'id', '…')})"
