"""What a session asks for and under which terms: the words and bytes to sign, and where the person may be sent back."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from honnin.errors import InputError
from honnin.platform.bundle import bundle_document
from honnin.platform.challenges import new_challenge
from honnin.platform.hidden import hides
from honnin.platform.models import MOST_DOCUMENT, Session, SessionRequest, Tenant, VerificationRequest
from honnin.platform.tenants import LOCAL_HOSTS, check_return_url

__all__ = ["Content", "as_verification", "bundled", "check_registered", "login_content", "read_content", "return_to"]

MOST_TEXT = 20_000


class Content(msgspec.Struct, frozen=True):
    """What is signed, sealed: the words for the screen, and the bytes."""

    text: str
    document: bytes

    def __repr__(self) -> str:
        return "Content(…)"


def check_registered(tenant: Tenant, url: str, *, local: bool) -> None:
    """Refuse a return address that the tenant has not registered, exactly or as the part before its query.

    A test tenant may always use this machine where `local` allows it, and any https address while it has registered
    none.
    Raises InputError `session.return_url`, `tenant.return_url`.
    """
    check_return_url(url, local=local)
    if url in tenant.return_urls or url.partition("?")[0] in tenant.return_urls:
        return
    host = urlsplit(url).hostname or ""
    here = host in LOCAL_HOSTS or host.endswith(".localhost")
    if tenant.livemode or not (here or not tenant.return_urls):
        raise InputError(
            "session.return_url",
            "The return URL is not registered for this tenant.",
            next="Register it with `honnin tenant set TENANT --return-url URL`.",
        )


def read_content(request: SessionRequest) -> Content:
    """Return what a request asks the person to sign: its document, or its text as UTF-8; of a login nothing yet.

    Raises InputError `session.content`, `session.hidden_characters`, `verification.too_large`.
    """
    if any(hides(shown) for shown in (request.purpose, request.text or "", *request.requester.values())):
        raise InputError(
            "session.hidden_characters",
            "`text`, `purpose` or `requester` holds characters that a screen does not show, or that reorder others.",
            next="Remove them, or give the bytes as `document`.",
        )
    if request.is_login:
        return _nothing(request)
    if request.files:
        return bundled(request)
    if request.document is None:
        if request.text is None:
            raise InputError("session.content", "Nothing to sign: give `text`, `document`, or both.")
        return Content(request.text, request.text.encode("utf-8"))
    if len(request.document) > MOST_DOCUMENT:
        raise InputError("verification.too_large", f"`document` is larger than {MOST_DOCUMENT} bytes.")
    return Content(request.text if request.text is not None else _readable(request.document), request.document)


def _nothing(request: SessionRequest) -> Content:
    signing = ("text", "document", "files", "law", "method", "signed_items")
    if given := [name for name in signing if getattr(request, name)]:
        raise InputError(
            "session.content",
            f"A login signs nothing and is no check that a law asks for: {', '.join(given)}.",
            next="Leave these out, or leave out `certificate_kind`.",
        )
    return Content("", b"")


def login_content(tenant: Tenant, session_id: str, request: SessionRequest, expires_at: str) -> Content:
    """Return the challenge of a login session; its audience is the origin to which the person comes back."""
    parts = urlsplit(request.return_url)
    challenge = new_challenge(
        tenant=tenant.id,
        login=session_id,
        audience=f"{parts.scheme}://{parts.netloc}",
        purpose=request.purpose,
        expires_at=expires_at,
    )
    return Content("", challenge)


def bundled(request: SessionRequest) -> Content:
    """Return the words of a bundle, which are what is signed. Raises what `bundle_document` raises."""
    if request.document is not None:
        raise InputError("session.content", "Give `document` or `files`, not both.")
    document = bundle_document(request.text or "", request.files)
    return Content(document.decode("utf-8"), document)


def _readable(document: bytes) -> str:
    """Return a document that is plain text as what it says; the person sees no words of other documents.

    One with hidden characters is not shown as text: two documents that look alike would differ.
    """
    try:
        text = document.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text if len(text) <= MOST_TEXT and not hides(text) else ""


def as_verification(request: SessionRequest, content: Content) -> VerificationRequest:
    """Return the check that a session leads to, without the signature that is still to come."""
    return VerificationRequest(
        purpose=request.purpose,
        law=request.law,
        method=request.method,
        channel=request.channel,
        document=content.document,
        signed_items=request.signed_items,
        certificate_kind=request.certificate_kind,
    )


def return_to(session: Session, code: str = "") -> str:
    """Return where an ended session's person goes: the return URL with `session`, `status`, `state` and `code`."""
    parts = urlsplit(session.return_url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    query += [("session", session.id), ("status", session.status)]
    if session.state is not None:
        query.append(("state", session.state))
    if code:
        query.append(("code", code))
    return urlunsplit(parts._replace(query=urlencode(query)))
