"""Sessions: ask a person to sign on a page of honnin's, and read the result.

The person's page itself is `honnin.web.check`; here is the service provider's side.
"""

from honnin.api.operations import Answer, Call, Operation
from honnin.api.paging import PageQuery
from honnin.platform.models import ListOfSessions, Session, SessionFourItems, SessionRedeem, SessionRequest

__all__ = ["OPERATIONS"]


def create(call: Call) -> Answer:
    """Open a session. Send the person to its `url`; they come back to `return_url` with its id and `state`."""
    made = call.platform.sessions.create(call.caller, call.body, idempotency_key=call.idempotency_key)
    return Answer(made, 201, {"Location": f"/v1/sessions/{made.id}"})


def fetch(call: Call) -> Answer:
    """Return a session: its status, and its verification once it is completed."""
    return Answer(call.platform.sessions.get(call.caller, call.object_id))


def fetch_all(call: Call) -> Answer:
    """Return the sessions, newest first."""
    return Answer(call.platform.sessions.list(call.caller, after=call.query.after, limit=call.query.limit))


def cancel(call: Call) -> Answer:
    """End an open session; the person's page then says so. A session that has ended stays as it is (409)."""
    return Answer(call.platform.sessions.cancel(call.caller, call.object_id))


def read_four_items(call: Call) -> Answer:
    """Return the four items of a completed session, until they are deleted or ten minutes have passed; then 410.

    A session with `return_code` gives them after the code of its return address was brought, here or to `redeem`.
    """
    return Answer(call.platform.sessions.four_items(call.caller, call.object_id, code=call.session_code))


def redeem(call: Call) -> Answer:
    """Take the code that came back with the person, once, and return the session.

    Refused: what this browser brings is not from the browser in which the session ended. Show it nothing.
    """
    return Answer(call.platform.sessions.redeem(call.caller, call.object_id, call.body.code))


def delete_four_items(call: Call) -> Answer:
    """Delete the four items now, once they are stored on the service provider's side."""
    call.platform.sessions.delete_four_items(call.caller, call.object_id)
    return Answer(b"", 204)


CODE_PROBLEMS = ("session.code", "session.code_late", "session.code_used", "session.not_ended")

OPERATIONS = (
    Operation(
        id="createSession",
        tag="sessions",
        method="POST",
        path="/v1/sessions",
        summary="Open a session",
        run=create,
        body=SessionRequest,
        answer=Session,
        status=201,
        idempotent=True,
        link_to=("getSession", "cancelSession", "redeemSession", "getFourItems", "deleteFourItems"),
        problems=(
            "session.content",
            "session.hidden_characters",
            "session.attributes",
            "session.attributes_twice",
            "session.return_url",
            "tenant.return_url",
            "session.purpose",
            "session.files",
            "template.unknown",
            "template.pending",
            "template.by_tap",
            "template.conflict",
            "template.content",
            "verification.too_large",
            "law.unknown_method",
            "law.not_lawful",
        ),
    ),
    Operation(
        id="listSessions",
        tag="sessions",
        method="GET",
        path="/v1/sessions",
        summary="List sessions",
        run=fetch_all,
        query=PageQuery,
        answer=ListOfSessions,
        problems=("session.unknown",),
    ),
    Operation(
        id="getSession",
        tag="sessions",
        method="GET",
        path="/v1/sessions/{id}",
        summary="See a session",
        run=fetch,
        answer=Session,
        problems=("session.unknown",),
    ),
    Operation(
        id="cancelSession",
        tag="sessions",
        method="POST",
        path="/v1/sessions/{id}/cancel",
        summary="End an open session",
        run=cancel,
        answer=Session,
        unkeyed="a session that has ended stays so, and a repeat says so.",
        problems=("session.unknown", "session.not_open"),
    ),
    Operation(
        id="getFourItems",
        tag="sessions",
        method="GET",
        path="/v1/sessions/{id}/four-items",
        summary="Read the four items of a completed session",
        run=read_four_items,
        answer=SessionFourItems,
        coded=True,
        problems=(
            "session.unknown",
            "session.not_completed",
            "session.four_items_gone",
            *CODE_PROBLEMS,
            "session.code_missing",
        ),
    ),
    Operation(
        id="redeemSession",
        tag="sessions",
        method="POST",
        path="/v1/sessions/{id}/redeem",
        summary="Take the code of a person's return",
        run=redeem,
        body=SessionRedeem,
        answer=Session,
        unkeyed="a code is taken once by itself, so that no second browser comes in by a repeat.",
        problems=("session.unknown", *CODE_PROBLEMS),
    ),
    Operation(
        id="deleteFourItems",
        tag="sessions",
        method="DELETE",
        path="/v1/sessions/{id}/four-items",
        summary="Delete the four items of a session",
        run=delete_four_items,
        answer=None,
        status=204,
        problems=("session.unknown",),
    ),
)
