"""The peers' own pcscd (`tests.virtual_reader`)."""

from tests.virtual_reader import pcsc

__all__ = ["pcsc"]
