"""Logins: a challenge for the card's user authentication key, and who signed it."""

from honnin.api.operations import Answer, Call, Operation
from honnin.platform.logins import Login, LoginRequest, LoginSignature

__all__ = ["OPERATIONS"]


def create(call: Call) -> Answer:
    """Make a challenge for one login. The card signs its bytes (SHA-256) with the user authentication key."""
    made = call.platform.logins.create(call.caller, call.body, idempotency_key=call.idempotency_key)
    return Answer(made, 201, {"Location": f"/v1/logins/{made.id}"})


def fetch(call: Call) -> Answer:
    """Return a login: open, passed, failed or expired; its person once it passed."""
    return Answer(call.platform.logins.read(call.caller, call.object_id))


def complete(call: Call) -> Answer:
    """Judge the signed challenge, once. The answer names the person and the level, never one of the four items."""
    key = call.idempotency_key
    return Answer(call.platform.logins.complete(call.caller, call.object_id, call.body, idempotency_key=key))


OPERATIONS = (
    Operation(
        id="createLogin",
        tag="logins",
        method="POST",
        path="/v1/logins",
        summary="Ask for a login's challenge",
        run=create,
        body=LoginRequest,
        answer=Login,
        status=201,
        idempotent=True,
        link_to=("getLogin",),
        problems=("login.hidden_characters",),
    ),
    Operation(
        id="getLogin",
        tag="logins",
        method="GET",
        path="/v1/logins/{id}",
        summary="See a login",
        run=fetch,
        answer=Login,
        problems=("login.unknown",),
    ),
    Operation(
        id="completeLogin",
        tag="logins",
        method="POST",
        path="/v1/logins/{id}/complete",
        summary="Log in with a signed challenge",
        run=complete,
        body=LoginSignature,
        answer=Login,
        checks=True,
        idempotent=True,
        problems=(
            "login.unknown",
            "login.expired",
            "login.used",
            "login.mismatch",
            "verification.certificate_kind",
            "verification.sandbox_certificate",
        ),
    ),
)
