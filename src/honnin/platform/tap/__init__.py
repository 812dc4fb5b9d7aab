"""Tap use (かざし利用): a customer who was verified with a PIN once taps without one, at supervised terminals.

    terminals     in supervised or managed places indoors, never elsewhere
    registering   with a PIN, once: whose card it is
    taps          each time: certificate and revocation, the chip's own proof of a nonce that serves once, evidence
    judging       what a tap comes to, as a pure function

Basis: 公的個人認証法38条の4, 施行規則64条の12; digital-agency-apis sheet §5.
"""

from honnin.platform.tap.models import (
    CardProof,
    RecognisedTap,
    RegistrationRequest,
    Tap,
    TapCertificate,
    TapPage,
    TapRegistration,
    TapRequest,
    TapTerminal,
    TerminalPage,
    TerminalRequest,
)
from honnin.platform.tap.taps import Taps

__all__ = [
    "CardProof",
    "RecognisedTap",
    "RegistrationRequest",
    "Tap",
    "TapCertificate",
    "TapPage",
    "TapRegistration",
    "TapRequest",
    "TapTerminal",
    "Taps",
    "TerminalPage",
    "TerminalRequest",
]
