"""The person's return: the query of the redirect URI, held against its attempt (RFC 6749 §4.1.2, RFC 9207).

1. Size, form, no parameter twice.            3. `iss`, against mix-up.
2. `state`, in constant time, before          4. An error, under a code of ours; its description is never shown.
anything else is believed.                 5. The code.
"""

import hmac
from urllib.parse import parse_qsl

from honnin.connect.digital_auth.attempt import Attempt
from honnin.connect.digital_auth.profile import profile
from honnin.connect.digital_auth.service import Service
from honnin.errors import AccessError, FormatError, ServiceError, StateError

__all__ = ["read_return", "state_of"]

START_AGAIN = "Start again."


def state_of(query: str) -> str:
    """Return the `state` of a return. Raises FormatError `digital_auth.return_malformed` for a query in no form."""
    state = _parameters(query).get("state")
    if not state:
        raise _malformed("it has no state")
    return state


def read_return(service: Service, attempt: Attempt, query: str, *, at: int) -> str:
    """Return the authorization code of a return that belongs to the attempt.

    query: the query string as it came, or the whole URL. Raises FormatError `digital_auth.return_malformed`;
    StateError `digital_auth.state`, `digital_auth.attempt_expired`; AccessError `digital_auth.mix_up`,
    `digital_auth.access_denied`; ServiceError `digital_auth.server_error`, `digital_auth.temporarily_unavailable`,
    `digital_auth.request_refused`.
    """
    # 1.
    found = _parameters(query)
    # 2.
    state = found.get("state", "").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(state, attempt.state.encode("ascii")):
        raise StateError("digital_auth.state", "The return does not belong to this attempt.", next=START_AGAIN)
    if (
        not 0
        <= at - attempt.begun + profile().id_token.leeway_seconds
        <= (profile().lifetimes.attempt_seconds + profile().id_token.leeway_seconds)
    ):
        raise StateError("digital_auth.attempt_expired", "The attempt took too long.", next=START_AGAIN)
    # 3.
    issuer = found.get("iss")
    if attempt.issuer != service.issuer or (issuer is None and service.answers_with_issuer):
        raise _mix_up()
    if issuer is not None and issuer != service.issuer:
        raise _mix_up()
    # 4.
    if (error := found.get(profile().errors.member)) is not None:
        raise refusal(error, found.get("error_description", ""))
    # 5.
    code = found.get("code")
    if not code:
        raise _malformed("it has neither code nor error")
    return code


def refusal(error: str, description: str = "") -> AccessError | ServiceError:
    """Return the coded error for an error of the authorization response.

    The description only chooses among our own codes; nothing of it is shown or kept.
    """
    known = error if error in profile().errors.known else ""
    if known == "access_denied":
        reason = profile().errors.reasons.get(description, "access_denied")
        return AccessError(
            f"digital_auth.{reason}",
            "The person did not finish, or the card could not be used.",
            next="Offer to start again, or another method.",
        )
    if known == "temporarily_unavailable":
        return ServiceError(
            "digital_auth.temporarily_unavailable",
            "The service is closed for the moment.",
            next="Try again later.",
            retryable=True,
        )
    if known == "server_error":
        return ServiceError(
            "digital_auth.server_error", "The service could not go on.", next="Try again later.", retryable=True
        )
    return ServiceError(
        "digital_auth.request_refused",
        f"The service refused the request ({known or 'an error that is not known'}).",
        next="Check client id, redirect URI and scopes against the registration.",
    )


def _parameters(query: str) -> dict[str, str]:
    limits = profile().limits
    text = query.partition("#")[0].rpartition("?")[2]
    if len(query) > limits.return_bytes:
        raise _malformed("it is too long")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=32)
    except ValueError:
        raise _malformed("its query is none") from None
    found = dict(pairs)
    if not found:
        raise _malformed("it is empty")
    if len(found) != len(pairs):
        raise _malformed("a parameter stands twice")
    if any(len(value) > limits.parameter_characters for value in found.values()):
        raise _malformed("a parameter is too long")
    return found


def _malformed(why: str) -> FormatError:
    return FormatError("digital_auth.return_malformed", f"The return is not one of the service's: {why}.")


def _mix_up() -> AccessError:
    return AccessError(
        "digital_auth.mix_up",
        "The return comes from another issuer than the attempt went to.",
        next="Start again; if it happens again, look for a manipulated link.",
    )
