"""A session by template: what a use case says (`honnin.law.templates`) put into a request, which may say less or more
exactly, never something else.
"""

from typing import Any

import msgspec

from honnin.errors import InputError, StateError
from honnin.law import template
from honnin.law.templates import Template
from honnin.platform.models import FOUR_ITEMS, SessionRequest
from honnin.words import in_all

__all__ = ["tap_purpose", "with_template"]


def with_template(request: SessionRequest) -> SessionRequest:
    """Return a request with what its template says; one without a template must name its purpose itself.

    The provider's own `purpose`, `text`, `document` and `files` stand; law, method and channel must be the template's,
    attributes some of its own. A login that says no purpose has `login` as its purpose.
    Raises InputError `session.purpose`, `template.unknown`, `template.conflict`, `template.content`, StateError
    `template.pending` for one that needs a service which does not exist here yet, `template.by_tap` for one of tap use.
    """
    if request.template is None:
        if not request.purpose and not request.is_login:
            raise InputError("session.purpose", "The session has no purpose.", next="Give `purpose`, or `template`.")
        return request if request.purpose else msgspec.structs.replace(request, purpose="login")
    if request.is_login:
        raise InputError("template.conflict", "The template has something signed.", next="Leave it out of a login.")
    chosen = template(request.template)
    if chosen.pending:
        raise _pending(chosen)
    if chosen.by == "tap":
        raise StateError(
            "template.by_tap",
            "The template is for a tap, which has assurance level 1 and opens no session.",
            next="Begin it with POST /v1/taps.",
        )
    if request.attributes in {msgspec.UNSET, FOUR_ITEMS}:  # the template's are no more than the case needs
        attributes: Any = chosen.attributes
    else:
        attributes = request.attributes
    said = {
        "law": request.law in {None, chosen.law},
        "method": request.method in {None, chosen.method},
        "channel": request.channel in {"remote", chosen.channel},
        "attributes": set(attributes) <= set(chosen.attributes),
    }
    if wrong := [name for name, agrees in said.items() if not agrees]:
        raise InputError("template.conflict", f"The template says otherwise of: {', '.join(wrong)}.")
    if (chosen.signs == "document" and request.document is None) or (chosen.signs == "files" and not request.files):
        raise InputError("template.content", f"The template needs `{chosen.signs}`.")
    law: Any = chosen.law
    return msgspec.structs.replace(
        request,
        purpose=request.purpose or chosen.purpose,
        law=law,
        method=chosen.method,
        channel=chosen.channel,
        attributes=attributes,
        text=request.text if request.text is not None else in_all(f"template.text_{chosen.id}")["ja"],
    )


def tap_purpose(purpose: str | None, name: str | None) -> str:
    """Return what a tap is for: the provider's own word, else its template's.

    Raises InputError `session.purpose`, `template.unknown`, `template.conflict` for one that is no tap, StateError
    `template.pending`.
    """
    if name is None:
        if not purpose:
            raise InputError("session.purpose", "The tap has no purpose.", next="Give `purpose`, or `template`.")
        return purpose
    chosen = template(name)
    if chosen.by != "tap":
        raise InputError("template.conflict", "The template is for a session.", next="Use POST /v1/sessions.")
    if chosen.pending:
        raise _pending(chosen)
    return purpose or chosen.purpose


def _pending(chosen: Template) -> StateError:
    return StateError(
        "template.pending",
        f"The template needs what does not exist here yet: {', '.join(chosen.needs)}.",
        next="See `honnin law templates`.",
    )
