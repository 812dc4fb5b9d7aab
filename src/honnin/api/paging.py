"""Lists: `{"object": "list", "data": […], "has_more", "next"}` with a cursor.

The cursor is the id of the last object that was seen; `next` gives it ready to be sent as `after`.
"""

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["PageQuery"]


class PageQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Query of a list: `after` the object with this id, at most `limit` objects."""

    after: Annotated[str, Meta(pattern=r"^[a-z]{2,4}_[0-9A-Za-z_-]{1,64}\Z")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
