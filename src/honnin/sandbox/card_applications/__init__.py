"""The service providers of the sandbox that put applications into cards' free area (docs/free-area.md)."""

from honnin.sandbox.card_applications.installing import Uses, installed, keys_of, uses

__all__ = ["Uses", "installed", "keys_of", "uses"]
