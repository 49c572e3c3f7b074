"""Who may enter: the session of each request, the secret of each form, logging in and out."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, g, request

from gateway.auth import authorize
from gateway.context import current_actor, current_gateway
from gateway.dashboard.pages import back_with, go_to, is_for_script, own_path, page
from gateway.dashboard.session import PATH, SESSION, Session, forget, read_session, store_session
from gateway.errors import Problem
from gateway.rate_limit import WINDOW_MS, count_request
from gateway.roles import Scope
from shared.audit import OperatorAction, record_action

LOGINS_A_MINUTE = 30
LONGEST_TOKEN = 512
OPEN = frozenset({"dashboard.static", "dashboard.login", "dashboard.enter", "dashboard.theme"})
"""Endpoints that need no login."""
UNCOUNTED = frozenset({"dashboard.live"})
"""A page's stream reconnects by itself and reads nothing of its own."""


def guard() -> Any:
    """Before each request: who is it, and does a form come from a page of ours."""
    if request.endpoint == "dashboard.static":
        return None
    session = g.dashboard_session = read_session() or Session()
    if request.method != "GET":
        _check_form(session)
    if request.endpoint in OPEN:
        return None
    caller = current_gateway().tokens.holder(session.token_id) if session.token_id else None
    if caller is None:
        return _ask_to_log_in()
    g.caller = caller
    authorize((Scope.JOBS_READ,))
    if request.endpoint not in UNCOUNTED:
        count_request()
    return None


def _check_form(session: Session) -> None:
    origin = request.headers.get("Origin", "")
    is_foreign = origin not in {"", "null"} and urlsplit(origin).netloc != request.host
    if is_foreign or request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise Problem(403, "The form was sent by another site")
    if not session.sent(request.form.get("csrf", "")):
        raise Problem(403, "The form is too old or was not ours: reload the page and try again", code="stale_form")


def _ask_to_log_in() -> Response:
    if request.method == "GET" and request.headers.get("Sec-Fetch-Site") == "cross-site":
        # A strict cookie isn't sent with a link from elsewhere, but it is when our own page asks again.
        return page("again.html", address=request.full_path.rstrip("?"))
    if is_for_script():
        raise Problem(401, "The session is over: log in again")
    target = request.full_path.rstrip("?") if request.method == "GET" else PATH
    return go_to(f"{PATH}/login?next={quote(own_path(target), safe='/')}")


def install(routes: Blueprint) -> None:
    """Add the guard and its routes."""
    routes.before_request(guard)
    routes.add_url_rule("/login", "login", login, methods=["GET"])
    routes.add_url_rule("/login", "enter", enter, methods=["POST"])
    routes.add_url_rule("/logout", "leave", leave, methods=["POST"])


def login() -> Response:
    """The form that asks for a token."""
    return _form(own_path(request.args.get("next")))


def enter() -> Response:
    """Begin a session for a valid token."""
    gateway = current_gateway()
    target = own_path(request.form.get("next"))
    if gateway.store.check_client(f"login-{request.remote_addr}", LOGINS_A_MINUTE, WINDOW_MS):
        return _form(target, "Too many attempts from this address: wait a minute", 429)
    secret = request.form.get("token", "").strip()
    caller = gateway.tokens.caller(secret) if 0 < len(secret) <= LONGEST_TOKEN else None
    if caller is None:
        return _form(target, "This token is unknown, revoked or expired", 401)
    g.caller = caller
    with gateway.database.session() as tx:
        record_action(tx, OperatorAction.SESSION_OPENED, actor=current_actor(), target=caller.token_id)
    response = go_to(target)
    # A new session, secret included: nobody can have prepared it.
    store_session(response, Session(token_id=caller.token_id))
    return response


def leave() -> Response:
    """End the session."""
    response = back_with("You are logged out", f"{PATH}/login")
    forget(response, SESSION)
    return response


def _form(target: str, wrong: str = "", status: int = 200) -> Response:
    response = page("login.html", status=status, target=target, wrong=wrong)
    store_session(response, g.dashboard_session)
    return response
