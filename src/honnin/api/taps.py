"""Tap use (かざし利用): terminals, registrations with a PIN, and taps without one; level 1 and nothing higher."""

from honnin.api.operations import Answer, Call, Operation
from honnin.api.paging import PageQuery
from honnin.platform.evidence.receipt import Receipt
from honnin.platform.tap import (
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

__all__ = ["OPERATIONS"]

ALLOWED = ("tap.not_allowed", "law.not_lawful")
ENDS = "a tap's message serves once by itself; `GET /v1/taps/{id}` tells how one ended whose answer was lost."
PLACE = ("tap.not_supervised", "tap.outdoors", "tap.online")


def add_terminal(call: Call) -> Answer:
    """Register a terminal. What is unsupervised, outdoors or online is refused: the law allows none of it."""
    made = call.platform.taps.add_terminal(call.caller, call.body, idempotency_key=call.idempotency_key)
    return Answer(made, 201)


def terminals(call: Call) -> Answer:
    """Return your terminals, oldest first."""
    return Answer(TerminalPage(data=tuple(call.platform.taps.terminals.all(call.caller.tenant))))


def retire(call: Call) -> Answer:
    """Take no taps from a terminal any more."""
    return Answer(call.platform.taps.terminals.retire(call.caller.tenant, call.object_id))


def begin(call: Call) -> Answer:
    """Begin one tap at a terminal: the answer's message is what the chip signs, within a minute, once."""
    made = call.platform.taps.begin(call.caller, call.body, idempotency_key=call.idempotency_key)
    return Answer(made, 201, {"Location": f"/v1/taps/{made.id}"})


def listed(call: Call) -> Answer:
    """Return ended taps, newest first, with their outcome and the reason."""
    return Answer(call.platform.taps.ended(call.caller, after=call.query.after, limit=call.query.limit))


def fetch(call: Call) -> Answer:
    """Return a tap. A terminal that was cut off learns here how its tap ended."""
    return Answer(call.platform.taps.read(call.caller, call.object_id))


def certificate(call: Call) -> Answer:
    """Judge the card's user authentication certificate. The answer has the birth-date key, or already the end."""
    return Answer(call.platform.taps.recognise(call.caller, call.object_id, call.body))


def proof(call: Call) -> Answer:
    """Judge the chip's own proof, and end the tap."""
    return Answer(call.platform.taps.finish(call.caller, call.object_id, call.body))


def register(call: Call) -> Answer:
    """Register the customer whose card signed the tap's message after a PIN."""
    key = call.idempotency_key
    return Answer(call.platform.taps.register(call.caller, call.object_id, call.body, idempotency_key=key), 201)


def unregister(call: Call) -> Answer:
    """Let a person tap no more; what was kept for it is destroyed."""
    call.platform.taps.end_registration(call.caller, call.object_id)
    return Answer(b"", 204)


def receipt(call: Call) -> Answer:
    """Return the receipt of an ended tap; 404 `evidence.pending` (retryable) until the log's next signed head."""
    return Answer(call.platform.receipt(call.caller, call.object_id))


OPERATIONS = (
    Operation(
        id="createTapTerminal",
        tag="taps",
        method="POST",
        path="/v1/tap-terminals",
        summary="Register a terminal for taps",
        run=add_terminal,
        body=TerminalRequest,
        answer=TapTerminal,
        status=201,
        idempotent=True,
        problems=(*ALLOWED, *PLACE, "tap.terminal_name"),
        link_to=("retireTapTerminal",),
    ),
    Operation(
        id="listTapTerminals",
        tag="taps",
        method="GET",
        path="/v1/tap-terminals",
        summary="List terminals for taps",
        run=terminals,
        answer=TerminalPage,
    ),
    Operation(
        id="retireTapTerminal",
        tag="taps",
        method="POST",
        path="/v1/tap-terminals/{id}/retire",
        summary="Retire a terminal",
        run=retire,
        answer=TapTerminal,
        unkeyed="a terminal that is retired stays so.",
        problems=("tap.terminal_unknown",),
    ),
    Operation(
        id="createTap",
        tag="taps",
        method="POST",
        path="/v1/taps",
        summary="Begin a tap",
        run=begin,
        body=TapRequest,
        answer=Tap,
        status=201,
        idempotent=True,
        problems=(
            *ALLOWED,
            *PLACE,
            "tap.level",
            "tap.terminal_unknown",
            "tap.terminal_retired",
            "tap.too_many",
            "session.purpose",
            "template.unknown",
            "template.conflict",
            "template.pending",
        ),
        link_to=("getTap",),
    ),
    Operation(
        id="listTaps",
        tag="taps",
        method="GET",
        path="/v1/taps",
        summary="List ended taps",
        run=listed,
        query=PageQuery,
        answer=TapPage,
        problems=("tap.unknown",),
    ),
    Operation(
        id="getTap",
        tag="taps",
        method="GET",
        path="/v1/taps/{id}",
        summary="See a tap",
        run=fetch,
        answer=Tap,
        problems=("tap.unknown",),
    ),
    Operation(
        id="recogniseTap",
        tag="taps",
        method="POST",
        path="/v1/taps/{id}/certificate",
        summary="Bring the certificate of a tapped card",
        run=certificate,
        body=TapCertificate,
        answer=RecognisedTap,
        checks=True,
        unkeyed=ENDS,
        problems=(*ALLOWED, *PLACE, "tap.unknown", "tap.used", "tap.kind", "tap.terminal_retired"),
    ),
    Operation(
        id="finishTap",
        tag="taps",
        method="POST",
        path="/v1/taps/{id}/proof",
        summary="Bring the chip's own proof, and end the tap",
        run=proof,
        body=CardProof,
        answer=Tap,
        checks=True,
        unkeyed=ENDS,
        problems=(*ALLOWED, *PLACE, "tap.unknown", "tap.used", "tap.kind", "tap.terminal_retired"),
    ),
    Operation(
        id="registerTap",
        tag="taps",
        method="POST",
        path="/v1/taps/{id}/registration",
        summary="Register a customer with a PIN",
        run=register,
        body=RegistrationRequest,
        answer=TapRegistration,
        status=201,
        checks=True,
        idempotent=True,
        problems=(
            *ALLOWED,
            *PLACE,
            "tap.unknown",
            "tap.used",
            "tap.kind",
            "tap.person_pending",
            "tap.terminal_retired",
            "verification.sandbox_certificate",
        ),
    ),
    Operation(
        id="endTapRegistration",
        tag="taps",
        method="DELETE",
        path="/v1/tap-registrations/{id}",
        summary="End a person's registration for taps",
        run=unregister,
        answer=None,
        status=204,
        problems=("tap.not_registered",),
    ),
    Operation(
        id="getTapReceipt",
        tag="taps",
        method="GET",
        path="/v1/taps/{id}/receipt",
        summary="Get the receipt of a tap",
        run=receipt,
        answer=Receipt,
        problems=("evidence.pending", "evidence.unknown"),
    ),
)
