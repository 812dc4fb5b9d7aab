"""Render a page: template + words + the headers that every page of ours carries.

No script or style stands in a page (CSP without `unsafe-inline`), nothing is loaded from elsewhere, and pages with
personal data are not stored. A family of pages (`check`, `bank`, `console`) has its own folder of templates; `design/…`
is common to all.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from honnin.errors import HonninError
from honnin.web.design import forms, languages, times
from honnin.web.design.languages import language_of
from honnin.words import LANGUAGES, in_all, say

__all__ = ["Pages", "static_files"]

WEB = Path(str(files("honnin.web")))
FAMILIES = ("design", "check", "bank", "console", "counter", "tap")
COOKIE_DAYS = 365


def static_files() -> Mount:
    """Return the route of our styles, scripts and pictures; every origin serves its own copy."""
    return Mount("/static", StaticFiles(directory=WEB / "static"), name="static")


@cache
def asset(name: str) -> str:
    """Return the address of a static file with its content's mark, so that a new version is fetched at once."""
    mark = sha256((WEB / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={mark}"


@cache
def environment() -> Environment:
    """Return the templates of all families; a name that a template does not get is an error."""
    loaders = {family: FileSystemLoader(WEB / family / "templates") for family in FAMILIES}
    made = Environment(
        loader=PrefixLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals["asset"] = asset
    made.filters["tongue"] = _tongue
    made.filters["voiced"] = _voiced
    return made


@pass_context
def _tongue(context: Context, text: object) -> Markup:
    """Return the `lang` attribute of what a person or a law is called, where that is Japanese on an English page."""
    foreign = context["html_lang"] != "ja" and languages.is_japanese(str(text))
    return Markup(' lang="ja"') if foreign else Markup("")


@pass_context
def _voiced(context: Context, text: object) -> Markup:
    """Return a sentence with what is Japanese in it marked as such, on an English page."""
    if context["html_lang"] == "ja":
        return escape(text)
    marked, parts = Markup('<span lang="ja">{}</span>'), languages.split_japanese(str(text))
    return Markup("").join(marked.format(part) if n % 2 else escape(part) for n, part in enumerate(parts))


class Pages:
    """The pages of one family on one origin.

    family: name of the template folder and of the words' file.
    refusals: the layout in which errors are said.
    about: what they know of a request besides (who is signed in).
    secure: whether the browser comes by HTTPS; absent, the request's scheme says it, which a proxy in front changes.
    context: what all pages of the family know (names of origins and the like).
    """

    def __init__(
        self,
        family: str,
        *,
        refusals: str = "design/base.html",
        about: Callable[[Request], Mapping[str, object]] = lambda _: {},
        secure: bool | None = None,
        **context: object,
    ) -> None:
        self.family = family
        self.refusals = refusals
        self.about = about
        self.secure = secure
        self.context = context

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        form_targets: Iterable[str] = (),
        connections: Iterable[str] = (),
        address: str = "",
        **context: object,
    ) -> Response:
        """Return the page.

        address: where its languages are chosen, if not at the address of this request.
        form_targets: further origins that a form's answer may lead to (CSP form-action holds for redirects, too).
        connections: origins that the page's script may ask, besides its own; none without a script that asks.
        """
        language = language_of(request)
        token = forms.form_token(request)
        words = {
            "t": partial(_say, language=language),
            "date": partial(times.write_date, language=language),
            "moment": partial(times.write_moment, language=language),
            "language": language,
            "html_lang": languages.html_lang(language),
            "language_links": _language_links(request, address),
            "form_token": token,
            "form_field": forms.FIELD,
        }
        page = environment().get_template(f"{self.family}/{template}")
        html = page.render({**self.context, **self.about(request), **words, **context})
        response = HTMLResponse(html, status_code=status, headers=_headers(form_targets, connections))
        self._remember(request, response, token)
        return response

    def refuse(self, request: Request, error: HonninError, *, status: int | None = None, back: str = "/") -> Response:
        """Return the page that says a coded error in words, and what to do next.

        back: where its link leads; empty for no link.
        """
        try:
            sentence = _pick(in_all(error.code), request)
        except (KeyError, FileNotFoundError):
            sentence = _pick(in_all("page.unexpected"), request)
        family = Pages("design", about=self.about, secure=self.secure)
        family.context = self.context
        return family.render(
            request,
            "refused.html",
            status=status or error.http_status,
            layout=self.refusals,
            sentence=sentence,
            code=error.code,
            back=back,
            address="" if request.method in {"GET", "HEAD"} else back,
        )

    def _remember(self, request: Request, response: Response, token: str) -> None:
        """Keep the chosen language, and the form token where the browser has none yet.

        With what another site posts, the browser sends no cookie (SameSite): a new token would end the forms of all
        pages that are open.
        """
        secure = request.url.scheme == "https" if self.secure is None else self.secure
        age = COOKIE_DAYS * 86_400
        if chosen := languages.chosen_now(request):
            response.set_cookie(languages.COOKIE, chosen, max_age=age, samesite="lax", secure=secure)
        withheld = request.method not in {"GET", "HEAD"} and not forms.from_here(request)
        if request.cookies.get(forms.COOKIE) != token and not withheld:
            response.set_cookie(forms.COOKIE, token, samesite="lax", httponly=True, secure=secure)


def _say(key: str, *, language: Any, **values: object) -> str:
    return say(key, language, **values)


def _pick(sentences: Mapping[str, str], request: Request) -> str:
    return sentences[language_of(request)]


def _language_links(request: Request, address: str) -> list[dict[str, str]]:
    """Return the links to this page, or to `address`, in each language."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return [
        {
            "language": language,
            "href": f"{address}?" + urlencode([*kept, ("lang", language)]),
            "lang": languages.html_lang(language),
        }
        for language in LANGUAGES
    ]


def _headers(form_targets: Iterable[str], connections: Iterable[str]) -> dict[str, str]:
    targets = " ".join(["'self'", *form_targets])
    asked = " ".join(["'self'", *connections]) if connections else "'none'"
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; "
        f"connect-src {asked}; "
        f"base-uri 'none'; frame-ancestors 'none'; form-action {targets}"
    )
    return {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=()",
    }
