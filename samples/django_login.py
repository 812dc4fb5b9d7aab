"""Django in one file: log in through the Digital Authentication Service."""

import html
import os
import secrets
import sys
from pathlib import Path

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path

from honnin.connect.digital_auth import Attempts, DigitalAuth, Service
from honnin.errors import HonninError
from honnin.words import say

settings.configure(
    SECRET_KEY=os.environ.get("SESSION_KEY") or secrets.token_hex(32),
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["localhost", "127.0.0.1", "testserver"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)
client = DigitalAuth(
    Service.at(os.environ.get("BASE", "http://digital-auth.localhost:8600/api")),
    client_id=os.environ["CLIENT_ID"],
    redirect_uri=os.environ["REDIRECT_URI"],
    keys=Path(os.environ["KEYS"]),
)
attempts = Attempts()  # several processes: Attempts(Path("attempts.sqlite3"))


def home(request: HttpRequest) -> HttpResponse:
    name = request.session.get("name")
    return HttpResponse(f"<p>{html.escape(name)}</p>" if name else '<a href="/login">ログイン</a>')


def login(request: HttpRequest) -> HttpResponse:
    request.session["browser"] = secrets.token_urlsafe(32)
    attempt = client.start_login(["name"])
    attempts.keep(attempt, request.session["browser"])
    return HttpResponseRedirect(attempt.url)


def returned(request: HttpRequest) -> HttpResponse:
    query = request.META["QUERY_STRING"]
    try:
        found = client.finish_login(attempts.take(query, request.session.get("browser", "")), query)
    except HonninError as error:
        return HttpResponse(html.escape(say(error.code)), status=400)
    request.session.flush()  # whoever logs in gets a session of their own
    request.session["account"], request.session["name"] = [found.issuer, found.subject], found.items.name
    return HttpResponseRedirect("/")


urlpatterns = [path("", home), path("login", login), path("return", returned)]
application = get_wsgi_application()
if __name__ == "__main__":
    execute_from_command_line(sys.argv)
