"""Where honnin keeps its data when nobody says otherwise."""

import os
from pathlib import Path

__all__ = ["default_data"]


def default_data() -> Path:
    """Return `$HONNIN_DATA`, or the user's data folder for honnin."""
    if given := os.environ.get("HONNIN_DATA"):
        return Path(given)
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "honnin"
