"""Refusals in the audit: who wanted what, why it was refused, and from where.

A token that is refused all the time must not fill the database: the first refusals of a minute have an entry each, the
others are counted, and their number gets one entry when the minute is over. Each process counts for itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from gateway.api import Operation
from gateway.context import REQUEST_ID, current_actor, current_gateway
from gateway.roles import Scope
from shared import logs
from shared.audit import Actor, OperatorAction, record_action
from shared.database import Database
from shared.database.base import JsonObject
from shared.privacy import mask_text

EACH_A_MINUTE = 10
WINDOW_S = 60.0
MOST_TOKENS = 10_000
LONGEST_REASON = 500
LONGEST_TARGET = 256

_UNAUTHENTICATED, _FORBIDDEN = 401, 403
_OF_ACTIONS = frozenset({404, 409, 422})
_OPERATING = frozenset({Scope.QUEUES_OPERATE, Scope.QUEUES_ADMIN})
_ALSO_OPERATING = frozenset({"jobs.cancel", "flows.cancel"})
"""Routes that an operator's action shares its scope with the platform's own."""
_PAGES = "dashboard"

_log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused request."""

    actor: Actor
    action: OperatorAction
    target: str
    why: str
    details: JsonObject


@dataclass(slots=True)
class _Window:
    """A minute of one token: when it began (monotonic seconds), its refusals, those without an entry, the latest."""

    began_s: float
    refused: int = 0
    untold: int = 0
    latest: Refusal | None = None


class RefusalLog:
    """Writes refusals to the operator log, at most ``EACH_A_MINUTE`` of a token one by one."""

    def __init__(
        self, database: Database, *, window_s: float = WINDOW_S, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._window_s = window_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._windows: dict[str, _Window] = {}

    def note(self, refusal: Refusal) -> None:
        """Write it or count it; a database that is away leaves it to the log file and the count."""
        token = refusal.actor.token_id or refusal.actor.name
        with self._lock:
            window = self._window(token)
            window.refused += 1
            window.latest = refusal
            is_told = window.refused <= EACH_A_MINUTE
        if is_told and self._write(refusal):
            return
        with self._lock:
            window.untold += 1
            is_first = window.untold == 1
        if is_first:
            self._later(token, window)

    def _window(self, token: str) -> _Window:
        now_s = self._monotonic()
        window = self._windows.get(token)
        if window is None or now_s - window.began_s >= self._window_s:
            if len(self._windows) >= MOST_TOKENS:
                self._windows.clear()  # their counts are still told: each timer has its window
            window = self._windows[token] = _Window(now_s)
        return window

    def _later(self, token: str, window: _Window) -> None:
        timer = threading.Timer(self._window_s, self._tell, (token, window))
        timer.daemon = True
        timer.start()

    def _tell(self, token: str, window: _Window) -> None:
        """Write how many had no entry; if the database is away, a minute later."""
        with self._lock:
            untold, window.untold, latest = window.untold, 0, window.latest
            if self._windows.get(token) is window:
                del self._windows[token]
        if latest is None or untold == 0:
            return
        details = {**latest.details, "count": untold}
        why = f"{untold} refusals more within a minute, the latest: {latest.why}"
        if not self._write(Refusal(latest.actor, latest.action, latest.target, why[:LONGEST_REASON], details)):
            with self._lock:
                window.untold += untold
            self._later(token, window)

    def _write(self, refusal: Refusal) -> bool:
        try:
            with self._database.session() as tx:
                record_action(
                    tx,
                    refusal.action,
                    actor=refusal.actor,
                    target=refusal.target,
                    why=refusal.why,
                    details=refusal.details,
                )
        except SQLAlchemyError as error:
            message = "A refusal is not in the audit yet: the database can't be reached"
            _log.warning("audit.delayed", message=message, actor=refusal.actor.name, error=type(error).__name__)
            return False
        return True


def install(app: Flask, refusals: RefusalLog) -> None:
    """Note every refused request of ``app`` whose caller is known."""

    def note(response: Response) -> Response:
        if response.status_code in _OF_ACTIONS or response.status_code in {_UNAUTHENTICATED, _FORBIDDEN}:
            refusal = _refusal(response)
            if refusal is not None:
                fields = {"actor": refusal.actor.name, "target": refusal.target, "why": refusal.why}
                _log.warning(refusal.action.value, message="A request was refused", **fields)
                refusals.note(refusal)
        return response

    app.after_request(note)


def _refusal(response: Response) -> Refusal | None:
    status = response.status_code
    actor = _known_bearer() if status == _UNAUTHENTICATED else _caller()
    if actor is None:
        return None
    is_access = status in {_UNAUTHENTICATED, _FORBIDDEN}
    if not is_access and not _is_operating():
        return None
    body = response.get_json(silent=True)
    said = str(body.get("message", "")) if isinstance(body, dict) else ""
    named = [str(value) for value in (request.view_args or {}).values()]
    rule = request.url_rule.rule if request.url_rule is not None else ""
    return Refusal(
        actor,
        OperatorAction.ACCESS_REFUSED if is_access else OperatorAction.ACTION_REFUSED,
        mask_text(named[-1] if named else request.path)[:LONGEST_TARGET],
        mask_text(said or f"a page answered {status}")[:LONGEST_REASON],
        {"status": status, "method": request.method, "route": rule},
    )


def _caller() -> Actor | None:
    return current_actor() if g.get("caller") is not None else None


def _known_bearer() -> Actor | None:
    """Whose token it was, if it is one that was revoked or has expired."""
    scheme, _, secret = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        return None
    try:
        owner = current_gateway().tokens.owner(secret.strip())
    except SQLAlchemyError:
        return None  # nobody can say whose it is; the answer has said that the database is away, or that it is unknown
    if owner is None:
        return None
    token_id, user, role = owner
    return Actor(user, token_id, role, request.environ.get(REQUEST_ID), request.remote_addr)


def _is_operating() -> bool:
    """Whether the request was to do something that an operator does."""
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return False
    if request.blueprint == _PAGES:
        return True
    view = current_app.view_functions.get(request.endpoint or "")
    operation: Operation | None = getattr(view, "operation", None)
    if operation is None:
        return False
    return bool(_OPERATING.intersection(operation.scopes or ())) or request.endpoint in _ALSO_OPERATING
