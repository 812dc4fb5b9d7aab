"""The revocation index: tens of millions of CRL entries, asked in microseconds.

RFC 5280 §5; DESIGN, From a laptop to a nation.
"""

from honnin.pki.index.building import BuildReport
from honnin.pki.index.difference import Change, Diff
from honnin.pki.index.reading import RevocationIndex

__all__ = ["BuildReport", "Change", "Diff", "RevocationIndex"]
