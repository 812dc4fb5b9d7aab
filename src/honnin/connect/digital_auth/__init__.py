"""A client of the Digital Agency's Digital Authentication Service (デジタル認証サービス, formerly デジタル認証アプリ).

Log in with the user authentication certificate, have a document signed with the signature certificate; every check of
digital-agency-apis.md §1.14 is made here. The PF's side, which opens a sign result, is `opening`.
"""

from honnin.connect.digital_auth.attempt import Attempt, Signing
from honnin.connect.digital_auth.attempts import Attempts
from honnin.connect.digital_auth.client import AsyncDigitalAuth, DigitalAuth
from honnin.connect.digital_auth.flows import Login, Signed
from honnin.connect.digital_auth.keys import KeyFile, SigningKey
from honnin.connect.digital_auth.service import Service
from honnin.connect.digital_auth.signing import SignResult

__all__ = [
    "AsyncDigitalAuth",
    "Attempt",
    "Attempts",
    "DigitalAuth",
    "KeyFile",
    "Login",
    "Service",
    "SignResult",
    "Signed",
    "Signing",
    "SigningKey",
]
