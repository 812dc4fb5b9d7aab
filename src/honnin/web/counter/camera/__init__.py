"""From a photograph of a document's face to what opens its chip (optional extra `honnin[ocr]`)."""

from honnin.web.counter.camera.engine import available, refuse_qr, text_lines
from honnin.web.counter.camera.faces import READABLE, entries_of

__all__ = ["READABLE", "available", "entries_of", "refuse_qr", "text_lines"]
