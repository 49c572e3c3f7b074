"""One job: where it is and how it got there, its attempts, its data, and what to do with it."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, Response, g, request
from marshmallow import ValidationError

from gateway.answers import Json
from gateway.dashboard.calling import call, may
from gateway.dashboard.diagram import diagram
from gateway.dashboard.job_story import attempts_of, band_of, steps_of
from gateway.dashboard.pages import INVALID, back_with, page
from gateway.errors import Errors, Problem, errors_of
from gateway.roles import Scope
from gateway.routes import jobs as api
from gateway.routes import queues as queues_api
from shared.broker.states import State
from shared.errors import InvalidOption

PATH = "/dashboard/jobs/"
SUBJECT_KEYS = {"orderId": "order", "orderNumber": "order", "retailerId": "retailer"}
_REFUSALS = (Problem, ValidationError, InvalidOption)


def install(routes: Blueprint) -> None:
    """Add the screen and its actions."""
    routes.add_url_rule("/jobs/<job_id>", "job", show, methods=["GET"])
    routes.add_url_rule("/jobs/<job_id>/reveal", "job_reveal", reveal, methods=["POST"])
    routes.add_url_rule("/jobs/<job_id>/edit", "job_edit", edit, methods=["GET"])
    routes.add_url_rule("/jobs/<job_id>/rerun", "job_rerun", rerun, methods=["POST"])
    for action in (retry, promote, cancel):
        routes.add_url_rule(f"/jobs/<job_id>/{action.__name__}", f"job_{action.__name__}", action, methods=["POST"])


def show(job_id: str) -> Response:
    """All about one job, personal data masked."""
    return _page(call(api.show, job_id=job_id), is_revealed=False)


def reveal(job_id: str) -> Response:
    """The same with personal data; the audit notes who looked."""
    return _page(call(api.show, query={"reveal": "true"}, job_id=job_id), is_revealed=True)


def retry(job_id: str) -> Response:
    """Run a failed job again."""
    job = call(api.show, job_id=job_id)
    return back_with(call(queues_api.retry, body=_reason(), key=job["queue"], job_id=job_id)["message"], PATH + job_id)


def promote(job_id: str) -> Response:
    """Run a delayed job now."""
    job = call(api.show, job_id=job_id)
    done = call(queues_api.promote, body=_reason(), key=job["queue"], job_id=job_id)
    return back_with(done["message"], PATH + job_id)


def cancel(job_id: str) -> Response:
    """Cancel an unfinished job."""
    return back_with(call(api.cancel, query=_reason(), job_id=job_id)["message"], PATH + job_id)


def edit(job_id: str) -> Response:
    """The form that runs a job again with other data."""
    job = call(api.show, job_id=job_id)
    return _form(job, orjson.dumps(job["data"], option=orjson.OPT_INDENT_2).decode())


def rerun(job_id: str) -> Response:
    """Run a job again under a new id, with the data of the form."""
    text = request.form.get("data", "")
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        words = f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        return _form(call(api.show, job_id=job_id), text, {"data": [words]}, status=INVALID)
    try:
        made = call(api.rerun, body={"data": data, **_reason()}, job_id=job_id)
    except _REFUSALS as error:
        if isinstance(error, Problem) and error.status != INVALID:
            raise
        wrong = errors_of(error) or {"": [str(error)]}
        return _form(call(api.show, job_id=job_id), text, wrong, status=INVALID)
    return back_with(f"Job {made['jobId']} runs with the edited data", PATH + made["jobId"])


def _form(job: Json, text: str, wrong: Errors | None = None, *, status: int = 200) -> Response:
    return page("job_edit.html", status=status, screen="jobs", job=job, text=text, wrong=wrong or {})


def _page(job: Json, *, is_revealed: bool) -> Response:
    job_id = job["id"]
    events = call(api.events, job_id=job_id)["events"]
    is_finished = State(job["state"]).is_finished
    told = [event for event in events if event["event"] == "logged"]
    return page(
        "job.html",
        screen="jobs",
        job=job,
        is_revealed=is_revealed,
        diagram=diagram(events, job["state"]),
        attempts=attempts_of(events, job["errors"]),
        steps=steps_of([event for event in events if event["event"] != "logged"]),
        band=band_of(events, is_finished=is_finished),
        explanation=call(api.explain, job_id=job_id),
        subjects=_subjects(job["data"]),
        told=told,
        controls=_controls(job),
        may_reveal=Scope.PII_READ in g.caller.scopes,
        is_finished=is_finished,
    )


def _controls(job: Json) -> dict[str, bool]:
    state = State(job["state"])
    return {
        "retry": state is State.FAILED and may(queues_api.retry),
        "rerun": state.is_finished and may(api.rerun),
        "promote": state is State.DELAYED and may(queues_api.promote),
        "cancel": not state.is_finished and not job["cancelRequested"] and may(api.cancel),
    }


def _subjects(data: Any) -> list[tuple[str, str]]:
    """Orders and retailers that the data names, to look at their whole story."""
    if not isinstance(data, dict):
        return []
    inner = data.get("data")
    places = [data, *([inner] if isinstance(inner, dict) else [])]
    found = [
        (kind, str(place[key]))
        for place in places
        for key, kind in SUBJECT_KEYS.items()
        if isinstance(place.get(key), str)
    ]
    return list(dict.fromkeys(found))


def _reason() -> Json:
    reason = request.form.get("reason", "").strip()
    return {"reason": reason} if reason else {}
