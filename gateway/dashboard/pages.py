"""What every page shares: its shell, its notice, its words, and what an error looks like on it."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import orjson
from flask import Response, current_app, g, has_request_context, render_template, request

from gateway.answers import JSON_TYPE
from gateway.auth import Caller
from gateway.dashboard.calling import may
from gateway.dashboard.navigation import commands, navigation
from gateway.dashboard.session import NOTICE, PATH, Notice, Session, forget, read_notice, store_notice
from gateway.routes import bulk

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HTML = "text/html; charset=utf-8"
FRAGMENT = "X-Fragment"
"""A script that renews a part of the page asks with this header, and gets no shell around it."""
THEME = "doko_theme"
EVENT_STREAM = "text/event-stream"
INVALID = 422
"""What was filled in can't be: the form comes back with what is wrong."""
_TITLES = {
    403: "Not for your role",
    404: "Not found",
    409: "Not now",
    422: "Not understood",
    429: "Too fast",
    503: "Out of reach",
}
_FIRST_ERROR, _FIRST_OF_OURS = 400, 500
THEMES = ("auto", "light", "dark")


def page(template: str, *, status: int = 200, **values: Any) -> Response:
    """A page made of ``template``; a script's request for a fragment gets only what stands in its main part."""
    is_fragment = request.headers.get(FRAGMENT) == "1"
    notice = None if is_fragment else read_notice()
    values.setdefault("screen", template.partition(".")[0])
    html = render_template(f"dashboard/{template}", is_fragment=is_fragment, notice=notice, **values)
    response = Response(html, status, content_type=HTML, headers={"Content-Security-Policy": POLICY})
    response.headers["Vary"] = FRAGMENT
    if notice is not None:
        forget(response, NOTICE)
    return response


def back_with(text: str, to: str | None = None, *, is_error: bool = False) -> Response:
    """After a form: go to ``to`` (by default the page that the form names) and say there what came of it."""
    response = go_to(to or own_path(request.form.get("back")))
    store_notice(response, Notice(text, is_error))
    return response


def go_to(path: str) -> Response:
    """Send the browser on with a GET."""
    return Response(status=303, headers={"Location": path})


def own_path(given: str | None) -> str:
    """``given`` if it leads to a page of ours, else the first page: nobody is sent elsewhere."""
    parts = urlsplit(given or "")
    is_ours = not parts.scheme and not parts.netloc and (parts.path == PATH or parts.path.startswith(PATH + "/"))
    safe = is_ours and given is not None and given.isprintable() and "\\" not in given
    return given if safe and given is not None else PATH


def as_page(response: Response) -> Response:
    """Show what the API would answer to an error: as a page, or after a form as a notice on the page before."""
    if response.status_code < _FIRST_ERROR or response.mimetype != JSON_TYPE or is_for_script():
        return response
    problem = orjson.loads(response.get_data())
    caller = g.get("caller")
    if request.method == "POST" and caller is not None and response.status_code < _FIRST_OF_OURS:
        return back_with(problem["message"], is_error=True)
    shown = page("problem.html", status=response.status_code, problem=problem, title=_title(response.status_code))
    for name in ("Retry-After", "WWW-Authenticate"):
        if name in response.headers and caller is not None:
            shown.headers[name] = response.headers[name]
    return shown


def _title(status: int) -> str:
    return _TITLES.get(status, "Something went wrong")


def is_for_script() -> bool:
    """Whether a script of ours asks, which understands the API's own answers."""
    return request.headers.get(FRAGMENT) == "1" or request.headers.get("Accept") == EVENT_STREAM


def shell() -> dict[str, Any]:
    """What templates know besides their own values."""
    session: Session | None = g.get("dashboard_session")
    theme = request.cookies.get(THEME, "auto") if has_request_context() else "auto"
    caller: Caller | None = g.get("caller")
    scopes = caller.scopes if caller is not None else frozenset()
    return {
        "may": may,
        "BULK": bulk,
        "caller": caller,
        "NAVIGATION": navigation(scopes),
        "COMMANDS": commands(scopes),
        "csrf": session.csrf if session is not None else "",
        "here": request.full_path.rstrip("?") if has_request_context() else PATH,
        "theme": theme if theme in THEMES else "auto",
        "asset": asset,
        "environment": current_app.extensions["doko"].settings.environment,
    }


@cache
def asset(name: str) -> str:
    """The address of a static file, new whenever its content is."""
    content = (files("gateway.dashboard") / "static" / name).read_bytes()
    return f"{PATH}/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"
