"""Bulk operations: what would be done to all jobs that match a filter, doing it, watching, stopping and undoing it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request
from marshmallow import ValidationError

from gateway.answers import Json
from gateway.bulk.requests import DEFAULT_ERROR_RATE
from gateway.dashboard.calling import View, call, demand, may
from gateway.dashboard.pages import INVALID, back_with, page
from gateway.errors import Errors, Problem, errors_of
from gateway.routes import bulk as api
from shared.database.models import BulkAction
from shared.errors import QueueError

PATH = "/dashboard/bulk"
FIELDS = ("action", "filter", "perMinute", "maxErrorRate", "queue", "reason")
_REFUSALS = (Problem, ValidationError, QueueError)
_A_PAGE = 50


def install(routes: Blueprint) -> None:
    """Add the screens and their actions."""
    routes.add_url_rule("/bulk", "bulk", show, methods=["GET"])
    routes.add_url_rule("/bulk/new", "bulk_new", new, methods=["GET"])
    routes.add_url_rule("/bulk/new", "bulk_start", start, methods=["POST"])
    routes.add_url_rule("/bulk/<int:operation_id>", "bulk_one", show_one, methods=["GET"])
    for name, view in (("stop", api.stop), ("undo", api.undo)):
        routes.add_url_rule(f"/bulk/<int:operation_id>/{name}", f"bulk_{name}", _action(view), methods=["POST"])


def show() -> Response:
    """All operations, newest first."""
    before = request.args.get("before")
    found = call(api.list_operations, query={"limit": str(_A_PAGE), **({"before": before} if before else {})})
    operations = found["operations"]
    older = operations[-1]["id"] if len(operations) == _A_PAGE else None
    return page("bulk.html", operations=operations, older=older, may_start=may(api.start))


def show_one(operation_id: int) -> Response:
    """How far one operation is, and what it could not do."""
    operation = call(api.show, operation_id=operation_id)
    is_running = operation["state"] in {"running", "undoing"}
    return page("bulk_one.html", screen="bulk", operation=operation, is_running=is_running, API=api)


def new() -> Response:
    """The form; with an action and a filter in the address also what that would do."""
    values = {name: request.args.get(name, "") for name in FIELDS}
    if not (values["action"] and values["filter"]) or (values["action"] == BulkAction.MOVE and not values["queue"]):
        return _form(values, None, {})
    try:
        trial = call(api.start, body={**_body(values), "dryRun": True, "reason": values["reason"] or "to see"})
    except _REFUSALS as error:
        return _refused(values, error)
    return _form(values, trial, {})


def start() -> Response:
    """Begin the operation that the form describes."""
    values = {name: request.form.get(name, "").strip() for name in FIELDS}
    try:
        done = call(api.start, body=_body(values))
    except _REFUSALS as error:
        return _refused(values, error)
    return back_with(done["message"], f"{PATH}/{done['operation']['id']}")


def _action(view: View) -> Any:
    def act(operation_id: int) -> Response:
        reason = request.form.get("reason", "").strip()
        done = call(view, body={"reason": reason} if reason else {}, operation_id=operation_id)
        return back_with(done["message"], f"{PATH}/{operation_id}")

    return act


def _refused(values: dict[str, str], error: Exception) -> Response:
    """The form again with what is wrong; what isn't about its fields goes its usual way."""
    if isinstance(error, Problem) and error.status != INVALID:
        raise error
    return _form(values, None, errors_of(error) or {"": [str(error)]}, status=INVALID)


def _form(values: dict[str, str], trial: Json | None, wrong: Errors, *, status: int = 200) -> Response:
    demand(api.start)
    return page(
        "bulk_form.html",
        status=status,
        screen="bulk",
        values=values,
        found=trial and trial["trial"],
        message=trial and trial["message"],
        wrong=wrong,
        actions=tuple(BulkAction),
        default_error_rate=DEFAULT_ERROR_RATE,
    )


def _body(values: dict[str, str]) -> Json:
    """What the API takes; what is no number stays text, so that the API says what it should be."""
    body: Json = {name: values[name] for name in ("action", "filter", "queue", "reason") if values[name]}
    if values["perMinute"]:
        body["perMinute"] = int(values["perMinute"]) if _is_whole(values["perMinute"]) else values["perMinute"]
    if values["maxErrorRate"]:
        body["maxErrorRate"] = _share(values["maxErrorRate"])
    return body


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12  # noqa: PLR2004 - longer ones are wrong as text too


def _share(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
