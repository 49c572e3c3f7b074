"""Schedules: when each is due, what became of its latest run, and what admins do to them."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, Response, request
from marshmallow import ValidationError

from gateway.answers import Json
from gateway.dashboard.calling import View, call, demand, may
from gateway.dashboard.formatting import pretty
from gateway.dashboard.pages import INVALID, back_with, page
from gateway.errors import Errors, Problem, errors_of
from gateway.housekeeping import FUNCTIONS
from gateway.routes import schedules as api
from shared.errors import QueueError
from shared.privacy import HIDDEN

PATH = "/dashboard/schedules"
FIELDS = ("id", "description", "timeZone", "cron", "interval", "queue", "name", "data", "options", "housekeeping")
_JSON_FIELDS = ("data", "options")
_REFUSALS = (Problem, ValidationError, QueueError)


def install(routes: Blueprint) -> None:
    """Add the screens and their actions."""
    routes.add_url_rule("/schedules", "schedules", show, methods=["GET"])
    routes.add_url_rule("/schedules/new", "schedule_new", new, methods=["GET"])
    routes.add_url_rule("/schedules/new", "schedule_create", create, methods=["POST"])
    routes.add_url_rule("/schedules/<schedule_id>/edit", "schedule_edit", edit, methods=["GET"])
    routes.add_url_rule("/schedules/<schedule_id>/edit", "schedule_change", change, methods=["POST"])
    for name, view in (("pause", api.pause), ("resume", api.resume), ("run", api.run_now)):
        routes.add_url_rule(f"/schedules/<schedule_id>/{name}", f"schedule_{name}", _action(view), methods=["POST"])
    routes.add_url_rule("/schedules/<schedule_id>/remove", "schedule_remove", remove, methods=["POST"])


def show() -> Response:
    """All schedules, the one that is due next first."""
    found = call(api.list_schedules)["schedules"]
    found.sort(key=lambda each: (each["nextDueAt"] is None, each["nextDueAt"] or "", each["id"]))
    return page("schedules.html", schedules=found, may_edit=may(api.edit))


def new() -> Response:
    """The form of a new schedule."""
    return _form({"timeZone": "Asia/Kathmandu"}, {}, None)


def create() -> Response:
    """Make the schedule that the form describes."""
    return _store(None)


def edit(schedule_id: str) -> Response:
    """The form of an existing schedule."""
    demand(api.edit)
    schedule = call(api.show, schedule_id=schedule_id)
    if HIDDEN in pretty(schedule["job"]):
        # What is masked couldn't be stored again.
        schedule = call(api.show, query={"reveal": "true"}, schedule_id=schedule_id)
    job = schedule["job"] or {}
    values = {**schedule, **{name: job.get(name) for name in ("queue", "name")}}
    values |= {name: pretty(job[name]) for name in _JSON_FIELDS if name in job}
    return _form({name: "" if values.get(name) is None else str(values[name]) for name in FIELDS}, {}, schedule_id)


def change(schedule_id: str) -> Response:
    """Replace the schedule by what the form says."""
    return _store(schedule_id)


def remove(schedule_id: str) -> Response:
    """Remove a schedule for good."""
    reason = request.form.get("reason", "").strip()
    done = call(api.remove, query={"reason": reason} if reason else {}, schedule_id=schedule_id)
    return back_with(done["message"], PATH)


def _action(view: View) -> Any:
    def act(schedule_id: str) -> Response:
        reason = request.form.get("reason", "").strip()
        done = call(view, body={"reason": reason} if reason else {}, schedule_id=schedule_id)
        started = f"Schedule {schedule_id} runs now" + (f" as job {done['jobId']}" if done.get("jobId") else "")
        return back_with(started if done["message"] == "Processing" else done["message"], PATH)

    return act


def _store(schedule_id: str | None) -> Response:
    values = {name: request.form.get(name, "").strip() for name in FIELDS}
    try:
        body = _body(values, is_new=schedule_id is None)
        if schedule_id is None:
            done = call(api.create, body=body)
        else:
            done = call(api.edit, body=body, schedule_id=schedule_id)
    except _REFUSALS as error:
        if isinstance(error, Problem) and error.status != INVALID:
            raise
        return _form(values, errors_of(error) or {"": [str(error)]}, schedule_id, status=INVALID)
    return back_with(done["message"], PATH)


def _body(values: dict[str, str], *, is_new: bool) -> Json:
    """What the API takes, made of the form's texts. Raises Problem 422 for data that is no JSON."""
    body: Json = {name: values[name] for name in ("description", "timeZone", "cron", "housekeeping") if values[name]}
    if is_new:
        body["id"] = values["id"]
    if values["interval"]:
        body["interval"] = int(values["interval"]) if values["interval"].isdecimal() else values["interval"]
    if values["name"] or values["queue"]:
        job: Json = {name: values[name] for name in ("queue", "name") if values[name]}
        for name in _JSON_FIELDS:
            if values[name]:
                job[name] = _json(name, values[name])
        body["job"] = job
    return body


def _json(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        words = f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise Problem(422, words, {f"job.{name}": [words]}) from error


def _form(values: dict[str, str], wrong: Errors, schedule_id: str | None, *, status: int = 200) -> Response:
    # Who may not store it needn't fill it in.
    demand(api.edit)
    return page(
        "schedule_form.html",
        status=status,
        screen="schedules",
        values=values,
        wrong=wrong,
        schedule_id=schedule_id,
        functions=tuple(FUNCTIONS),
    )
