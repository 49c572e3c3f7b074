"""Jobs: the filter bar, how many there were over time, the list, and what to do with those one has selected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from gateway.answers import Json, json_response
from gateway.dashboard.calling import call, may
from gateway.dashboard.charts import Bars, bars
from gateway.dashboard.pages import INVALID, back_with, page
from gateway.errors import Problem
from gateway.routes import jobs as jobs_api
from gateway.routes import queues as queues_api
from gateway.routes import searching as search_api
from shared.clock import to_iso
from shared.errors import QueueError
from shared.job_filter import InvalidFilter, JobFilter, Key, Term, parse_filter
from shared.job_filter_values import first_ms, last_ms
from shared.queues import queue_of

PATH = "/dashboard/jobs"
A_PAGE = 50
BUCKETS = 60
MOST_SELECTED = 200
SPANS = {"1h": timedelta(hours=1), "6h": timedelta(hours=6), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
DEFAULT_SPAN = "1h"
ACTIONS = {"retry": "retried", "promote": "promoted", "cancel": "cancelled"}


def install(routes: Blueprint) -> None:
    """Add the screen, its suggestions and its actions."""
    routes.add_url_rule("/jobs", "jobs", show, methods=["GET"])
    routes.add_url_rule("/jobs/suggestions", "suggestions", suggestions, methods=["GET"])
    routes.add_url_rule("/jobs/act", "jobs_act", act, methods=["POST"])


def show() -> Response:
    """The jobs that match the filter in the address."""
    text = request.args.get("filter", "").strip()
    try:
        wanted = parse_filter(text)
    except InvalidFilter as error:
        return page("jobs.html", status=INVALID, filter=text, wrong=str(error), found=None, **_common())
    cursor = request.args.get("cursor") or None
    query = {"filter": text, "limit": str(A_PAGE), **({"cursor": cursor} if cursor else {})}
    found = call(jobs_api.list_jobs, query=query if text else {**query, "filter": "since:366d"})
    return page(
        "jobs.html",
        filter=text,
        wrong="",
        found=found,
        is_first=cursor is None,
        next=address(text, found["cursor"]) if found["cursor"] else None,
        chart=None if cursor else _chart(wanted, text),
        **_common(),
    )


def suggestions() -> Response:
    """What the last term of the filter bar may become, for the script of the bar."""
    prefix = request.args.get("prefix", "")
    return json_response(call(search_api.suggest, query={"prefix": prefix} if prefix.strip() else {}))


def act() -> Response:
    """Do one thing to each selected job, and say what came of it."""
    action, ids = request.form.get("action", ""), request.form.getlist("id")
    if action not in ACTIONS:
        raise Problem(422, f"There is no action {action[:20]!r} (known: {', '.join(ACTIONS)})")
    if not 1 <= len(ids) <= MOST_SELECTED:
        raise Problem(422, f"Select 1 to {MOST_SELECTED} jobs, or act on all that match")
    done, refused = 0, []
    for job_id in ids:
        try:
            _act_on(action, job_id)
            done += 1
        except QueueError as error:
            refused.append(str(error))
    text = f"{done} {'job' if done == 1 else 'jobs'} {ACTIONS[action]}"
    if refused:
        text += f", {len(refused)} not: {refused[0]}" + (f" (and {len(refused) - 1} more)" if len(refused) > 1 else "")
    return back_with(text, is_error=bool(refused))


def _act_on(action: str, job_id: str) -> None:
    reason = request.form.get("reason", "").strip()
    why = {"reason": reason} if reason else {}
    queue = queue_of(job_id)
    if action == "cancel" or queue is None:
        call(jobs_api.cancel, query=why, job_id=job_id)
    else:
        view = queues_api.retry if action == "retry" else queues_api.promote
        call(view, body=why, key=queue.name, job_id=job_id)


def address(filter_text: str, cursor: str | None = None) -> str:
    """The address of a list, to go to and to share."""
    query = {"filter": filter_text, **({"cursor": cursor} if cursor else {})}
    return f"{PATH}?{urlencode(query)}"


def _common() -> dict[str, Any]:
    permitted = {
        "retry": may(queues_api.retry),
        "promote": may(queues_api.promote),
        "cancel": may(jobs_api.cancel),
    }
    return {"permitted": [name for name in ACTIONS if permitted[name]], "spans": tuple(SPANS), "span": _span()}


def _span() -> str:
    given = request.args.get("span", DEFAULT_SPAN)
    return given if given in SPANS else DEFAULT_SPAN


def _chart(wanted: JobFilter, text: str) -> Bars | None:
    start_ms, end_ms = bounds(wanted, _span())
    if start_ms >= end_ms:
        return None
    query = {"from": to_iso(start_ms), "to": to_iso(end_ms), "buckets": str(BUCKETS)}
    found: Json = call(search_api.jobs_over_time, query={**query, **({"filter": text} if text else {})})
    return bars(found, lambda at, until: address(str(between(wanted, at, until))))


def bounds(wanted: JobFilter, span: str) -> tuple[int, int]:
    """From when to when the chart reaches, epoch ms: as the filter says, else over the chosen span until now."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    since, until = wanted.wanted(Key.SINCE), wanted.wanted(Key.UNTIL)
    end_ms = min(last_ms(until[0], now_ms), now_ms) if until else now_ms
    start_ms = first_ms(since[0], now_ms) if since else end_ms - int(SPANS[span].total_seconds() * 1000)
    return start_ms, end_ms


def between(wanted: JobFilter, since: str, until: str) -> JobFilter:
    """The filter narrowed to a stretch of time."""
    others = tuple(term for term in wanted.terms if term.key not in {Key.SINCE, Key.UNTIL})
    return JobFilter((*others, Term(Key.SINCE, (since,)), Term(Key.UNTIL, (until,))))
