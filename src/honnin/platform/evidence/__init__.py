"""Evidence: commitments, canonical records, one append-only log with signed heads, receipts, sealed custody.

rfc9162      Merkle tree hashing and proofs
commitments  inputs as HMACs under a random key
canonical    RFC 8785
record       what a record holds
sealing      data keys wrapped by a key outside the database; destroying one ends what it sealed
custody      what lies sealed beside a record
log          numbering records in groups, signing heads, reading proofs
receipt      `honnin-receipt/1`, made and verified offline
"""
