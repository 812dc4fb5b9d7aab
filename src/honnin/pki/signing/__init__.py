"""Making signed documents in two steps: prepare, have the digest signed somewhere, assemble.

The signature may be made by a card at hand, or elsewhere (the Digital Authentication Service's signing API): this room
only says what is to be signed and puts the value in its place. PDF: PAdES (ETSI EN 319 142-1), XML: XAdES (319 132-1),
CMS: CAdES (319 122-1), baseline levels B, T and LT; LTA for PDF.
"""

from honnin.pki.signing.prepared import Kept, Prepared, Stamp
from honnin.pki.signing.steps import assemble, prepare, time_stamp_document

__all__ = ["Kept", "Prepared", "Stamp", "assemble", "prepare", "time_stamp_document"]
