"""Readers, APDU, and one module per document, all of one shape: detect, tries, unlock, read, prove."""
