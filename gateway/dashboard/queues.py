"""The first screen: every queue on one row, the one that needs somebody first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from flask import Blueprint, Response, render_template, request

from gateway.answers import Json
from gateway.context import current_gateway
from gateway.dashboard.calling import call
from gateway.dashboard.formatting import count, duration, moment, queue_title
from gateway.dashboard.pages import back_with, page
from gateway.errors import invalid
from gateway.queue_overview import NEEDS_SOMEBODY, Condition, QueueOverview, overview
from gateway.routes import queues as api
from shared.clock import to_iso
from shared.privacy import mask_text

PAUSES = ((15, "15 minutes"), (60, "an hour"), (240, "4 hours"), (1440, "a day"))
HEADLINE = "headline"
ROW = "row:"


def install(routes: Blueprint) -> None:
    """Add the screen and its actions."""
    routes.add_url_rule("/", "queues", show, methods=["GET"])
    for action in (pause, resume, clean):
        path = f"/queues/<key>/{action.__name__}"
        routes.add_url_rule(path, f"queue_{action.__name__}", action, methods=["POST"])


def show() -> Response:
    """All queues."""
    queues = overview(current_gateway())
    texts = live_texts(queues)
    rows = {name.removeprefix(ROW): text for name, text in texts.items() if name.startswith(ROW)}
    return page("queues.html", queues=queues, rows=rows, headline=texts[HEADLINE], API=api, PAUSES=PAUSES)


def pause(key: str) -> Response:
    """Pause a queue, for some minutes or until somebody resumes it."""
    minutes = request.form.get("for", "")
    if minutes and not (minutes.isascii() and minutes.isdigit() and 0 < int(minutes[:9]) <= PAUSES[-1][0]):
        raise invalid({"for": [f"must be 1 to {PAUSES[-1][0]} minutes"]})
    body: Json = _reason()
    if minutes:
        body["until"] = (datetime.now(UTC) + timedelta(minutes=int(minutes))).isoformat()
    return back_with(call(api.pause, body=body, key=key)["message"])


def resume(key: str) -> Response:
    """Let the workers take jobs again."""
    return back_with(call(api.resume, body=_reason(), key=key)["message"])


def clean(key: str) -> Response:
    """Remove old finished jobs."""
    try:
        hours = float(request.form.get("hours", ""))
    except ValueError as error:
        raise invalid({"hours": ["must be a number of hours"]}) from error
    return back_with(call(api.clean, body={"gracePeriodHours": hours}, key=key)["message"])


def _reason() -> Json:
    reason = request.form.get("reason", "").strip()
    return {"reason": reason} if reason else {}


def live_texts(queues: Sequence[QueueOverview]) -> dict[str, str]:
    """The parts of the screen that change by themselves, the same for everybody who watches."""
    row = partial(render_template, "dashboard/queue_row.html")
    texts = {
        f"{ROW}{queue.stats.queue.name}": row(queue=queue, place=place, why=_why(queue), drain=_drain(queue))
        for place, queue in enumerate(queues)
    }
    texts[HEADLINE] = render_template(
        "dashboard/queue_headline.html",
        sentence=_sentence(queues),
        waiting=sum(queue.stats.waiting for queue in queues),
        active=sum(queue.stats.active for queue in queues),
        failed=sum(queue.stats.failed for queue in queues),
        per_minute=sum(queue.per_minute or 0 for queue in queues),
    )
    return texts


def _sentence(queues: Sequence[QueueOverview]) -> str:
    """The state of everything in one sentence."""
    needy = [queue for queue in queues if queue.condition in NEEDS_SOMEBODY]
    paused = sum(queue.condition is Condition.PAUSED for queue in queues)
    if not needy:
        calm = "All queues keep up" if any(queue.stats.active for queue in queues) else "All quiet"
        return f"{calm}, {paused} paused." if paused else f"{calm}."
    first = f"{queue_title(needy[0].stats.queue.name)}: {_words(needy[0])}"
    others = len(needy) - 1
    return (
        f"{first}, and {others} more {'queue needs' if others == 1 else 'queues need'} you." if others else f"{first}."
    )


def _words(queue: QueueOverview) -> str:
    stats = queue.stats
    match queue.condition:
        case Condition.STRANDED:
            return f"no worker for {count(stats.backlog)} {'job' if stats.backlog == 1 else 'jobs'}"
        case Condition.LATE:
            return f"{duration((stats.oldest_waiting_ms or 0) - queue.target_ms)} behind its target"
        case Condition.FAILING:
            return f"{round((queue.error_share or 0) * 100)} % of its jobs fail"
        case _:
            return queue.condition.value


def _why(queue: QueueOverview) -> str:
    pause = queue.stats.pause
    if pause is not None:
        until = "" if pause.until_ms is None else ", until " + moment(to_iso(pause.until_ms)).striptags()
        reason = f": {mask_text(pause.why)}" if pause.why else ""
        return f"paused by {pause.by}{reason}{until}"
    if queue.condition is Condition.UNMANNED:
        return "no worker, nothing to do"
    if queue.condition in NEEDS_SOMEBODY:
        return _words(queue)
    return "working" if queue.condition is Condition.BUSY else "idle"


def _drain(queue: QueueOverview) -> str:
    if queue.stats.waiting == 0:
        return "empty"
    if queue.drains_in_ms is not None:
        return f"in {duration(queue.drains_in_ms)}"
    growth = queue.growth_per_minute
    return f"grows {growth:+,.0f}/min" if growth >= 1 else "doesn't shrink"
