"""Flask: log in through the Digital Authentication Service."""

import html
import os
import secrets
from pathlib import Path

from flask import Flask, redirect, request, session
from werkzeug.wrappers import Response

from honnin.connect.digital_auth import Attempts, DigitalAuth, Service
from honnin.errors import HonninError
from honnin.words import say

app = Flask(__name__)
app.secret_key = os.environ.get("SESSION_KEY") or secrets.token_hex(32)
app.config.update(SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax")
client = DigitalAuth(
    Service.at(os.environ.get("BASE", "http://digital-auth.localhost:8600/api")),
    client_id=os.environ["CLIENT_ID"],
    redirect_uri=os.environ["REDIRECT_URI"],
    keys=Path(os.environ["KEYS"]),
)
attempts = Attempts()  # several processes: Attempts(Path("attempts.sqlite3"))


@app.get("/")
def home() -> str:
    """Greet whoever is logged in."""
    name = session.get("name")
    return f"<p>{html.escape(name)}</p>" if name else '<a href="/login">ログイン</a>'


@app.get("/login")
def login() -> Response:
    """Send the browser to the service; its attempt waits here, for this browser."""
    session["browser"] = secrets.token_urlsafe(32)
    attempt = client.start_login(["name"])
    attempts.keep(attempt, session["browser"])
    return redirect(attempt.url)


@app.get("/return")
def returned() -> Response | tuple[str, int]:
    """Take the browser back; the session starts anew for the person who logged in."""
    query = request.query_string.decode("latin-1")
    try:
        found = client.finish_login(attempts.take(query, session.get("browser", "")), query)
    except HonninError as error:
        return html.escape(say(error.code)), 400
    session.clear()
    session["account"], session["name"] = [found.issuer, found.subject], found.items.name
    return redirect("/")
