"""Looking for a secret in what was written: a secret is found, and digits that stand there by chance are not."""

import re

__all__ = ["LEAST", "tells"]

LEAST = 7  # characters from which on a secret is looked for inside longer words: fewer stand by chance in random digits
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # its groups are words of their own, and random


def tells(output: str, secret: str) -> bool:
    """Tell whether an output names a secret; a short one counts where it stands as a word of its own."""
    if len(secret) >= LEAST:
        return secret in output or secret.replace("\u3000", " ") in output
    return re.search(rf"(?<![0-9A-Za-z]){re.escape(secret)}(?![0-9A-Za-z])", UUID.sub("", output)) is not None
