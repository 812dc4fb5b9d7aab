"""HTTP: resources, problem documents, idempotency, paging, OpenAPI (CONTRACTS, HTTP).

`create_app(platform)` is the ASGI application; who serves it, and beside which pages, is `honnin.web.origins`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honnin.api.app import create_app as create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    if name == "create_app":
        return import_module("honnin.api.app").create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
