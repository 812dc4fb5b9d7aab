"""A reader of the outbox, page by page."""

from typing import Any

import httpx


def drain(
    client: httpx.Client, after: str | None = None, *, limit: int = 100
) -> tuple[list[dict[str, Any]], str | None]:
    """Return every event behind a cursor, and the cursor behind the last of them."""
    found: list[dict[str, Any]] = []
    while True:
        page = client.get("/v1/events", params={"limit": limit, **({"after": after} if after else {})}).json()
        found += page["data"]
        before, after = after, page["next"] or after
        if not page["has_more"]:
            return found, after
        assert after != before, "the outbox has no end"
