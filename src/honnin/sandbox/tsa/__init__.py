"""The sandbox's time-stamping authority (RFC 3161), an institution of its own at `tsa.localhost`."""

from honnin.sandbox.tsa.authority import anchor

__all__ = ["anchor"]
