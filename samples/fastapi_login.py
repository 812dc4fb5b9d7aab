"""FastAPI: log in through the Digital Authentication Service, async."""

import html
import os
import secrets
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from honnin.connect.digital_auth import AsyncDigitalAuth, Attempts, Service
from honnin.errors import HonninError
from honnin.words import say

app = FastAPI()
client = AsyncDigitalAuth(
    Service.at(os.environ.get("BASE", "http://digital-auth.localhost:8600/api")),
    client_id=os.environ["CLIENT_ID"],
    redirect_uri=os.environ["REDIRECT_URI"],
    keys=Path(os.environ["KEYS"]),
)
attempts = Attempts()  # several processes: Attempts(Path("attempts.sqlite3"))
sessions: dict[str, dict[str, Any]] = {}  # your own session store


def with_session(answer: Response, **held: Any) -> Response:
    """Give the browser a new session, as after every change of who it is."""
    browser = secrets.token_urlsafe(32)
    sessions[browser] = held
    answer.set_cookie("session", browser, httponly=True, samesite="lax")
    return answer


@app.get("/")
async def home(request: Request) -> HTMLResponse:
    """Greet whoever is logged in."""
    name = sessions.get(request.cookies.get("session", ""), {}).get("name")
    return HTMLResponse(f"<p>{html.escape(name)}</p>" if name else '<a href="/login">ログイン</a>')


@app.get("/login")
async def login() -> Response:
    """Send the browser to the service; its attempt waits here, for this browser."""
    attempt = client.start_login(["name"])
    answer = with_session(RedirectResponse(attempt.url))
    attempts.keep(attempt, list(sessions)[-1])
    return answer


@app.get("/return")
async def returned(request: Request) -> Response:
    """Take the browser back, in a new session for the person who logged in."""
    try:
        attempt = attempts.take(request.url.query, request.cookies.get("session", ""))
        found = await client.finish_login(attempt, request.url.query)
    except HonninError as error:
        return HTMLResponse(html.escape(say(error.code)), 400)
    return with_session(RedirectResponse("/"), account=(found.issuer, found.subject), name=found.items.name)
