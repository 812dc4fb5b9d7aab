"""The platform's store: schema, engines, migrations."""

from honnin.platform.store.engine import Store

__all__ = ["Store"]
