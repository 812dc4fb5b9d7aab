"""From a photograph of a document's face to what opens its chip (optional extra `honnin[ocr]`)."""

from honnin.web.counter.camera.engine import available, number_in_qr, refuse_qr, text_lines
from honnin.web.counter.camera.faces import READABLE, entries_of

__all__ = ["READABLE", "available", "entries_of", "number_in_qr", "refuse_qr", "text_lines"]
