"""The dashboard at ``/dashboard``: pages for operators on the same functions as the API.

Each screen has a module with its routes; ``templates`` and ``static`` hold what the browser gets. Nothing here
decides anything about jobs: pages call the API's views (``calling.py``) and show what they answer.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import NotFound

from gateway.dashboard import (
    access,
    audit,
    bulk,
    failures,
    flows,
    job,
    jobs,
    limits,
    queues,
    schedules,
    subjects,
    watching,
    workers,
)
from gateway.dashboard.charts import spark_line
from gateway.dashboard.formatting import FILTERS, GLOBALS
from gateway.dashboard.pages import THEME, THEMES, as_page, go_to, own_path, shell
from gateway.dashboard.session import PATH

NAME = "dashboard"
_SCREENS = (access, queues, jobs, job, failures, subjects, schedules, workers, flows, limits, bulk, audit, watching)
_YEAR_S = 365 * 24 * 60 * 60


def install(app: Flask) -> None:
    """Add the dashboard to the application."""
    routes = Blueprint(
        NAME,
        __name__,
        url_prefix=PATH,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    for screen in _SCREENS:
        screen.install(routes)
    routes.add_url_rule("/theme", "theme", theme, methods=["POST"])
    routes.add_url_rule("/<path:rest>", "nowhere", nowhere, methods=["GET", "POST"])
    routes.after_request(_cached)
    routes.context_processor(shell)
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(GLOBALS, spark_line=spark_line)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions[watching.PULSE] = watching.pulse_of(app)
    app.register_blueprint(routes)
    app.after_request(_as_page)


def _as_page(response: Response) -> Response:
    return as_page(response) if request.blueprint == NAME else response


def theme() -> Response:
    """Keep the choice of colours in a cookie of its own, for every page to come."""
    chosen = request.form.get("theme", "")
    response = go_to(own_path(request.form.get("back")))
    if chosen in THEMES:
        response.set_cookie(
            THEME, chosen, max_age=_YEAR_S, path=PATH, secure=request.is_secure, httponly=True, samesite="Strict"
        )
    return response


def nowhere(rest: str) -> Any:
    """Any other path: a page that says so, to those who are logged in."""
    raise NotFound(f"There is no page {rest[:80]!r} here")


def _cached(response: Response) -> Response:
    """Static files carry their content's hash in the address and never change."""
    if request.endpoint == "dashboard.static":
        is_versioned = bool(request.args.get("v"))
        response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable" if is_versioned else "no-cache"
    return response
