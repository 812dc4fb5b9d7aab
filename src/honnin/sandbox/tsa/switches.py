"""How the time-stamping authority fails on demand.

down         no answer but 503
refusing     PKIStatus rejection
malformed    bytes that are no answer
wrong_nonce  a token that answers another question
wrong_digest a token over another digest
forged       the token's signature is broken
"""

from honnin.sandbox.switching import HEADER, Switchboard

__all__ = ["BOARD", "HEADER"]

BOARD = Switchboard("tsa", {"stamp": ("up", "down", "refusing", "malformed", "wrong_nonce", "wrong_digest", "forged")})
