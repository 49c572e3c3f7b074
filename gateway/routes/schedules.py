"""Schedules: looking at them, and what admins do to them."""

from __future__ import annotations

from dataclasses import replace

from gateway.answers import Answer, Json, accepted
from gateway.api import Routes, enqueues, requires
from gateway.auth import authorize
from gateway.context import current_actor, current_gateway
from gateway.enqueueing import enqueue
from gateway.operator_log import logged
from gateway.operator_requests import Reader, Reason, ReasonSchema, Reveal, RevealSchema
from gateway.rate_limit import count_request
from gateway.roles import Scope
from gateway.schedule_requests import ScheduleRequest, WantedSchedule, schedule_in_path
from gateway.schedule_schemas import (
    ScheduleChangedSchema,
    SchedulesSchema,
    ScheduleSummarySchema,
    StartedSchema,
)
from gateway.schedule_views import schedule_summary, whole_schedule
from gateway.schemas import DoneSchema
from shared.audit import OperatorAction
from shared.schedules import Entry, Housekeeping, LastRun, Run
from shared.schedules.model import run_job_id

routes = Routes("schedules", __name__, url_prefix="/api/v1/schedules")


@routes.get("")
@routes.response(200, SchedulesSchema, "All schedules, by id, without the data of their jobs")
@requires(Scope.JOBS_READ)
def list_schedules() -> Json:
    """List the schedules, when each is due next and what became of its latest run."""
    entries = current_gateway().schedules.entries()
    return {"schedules": [schedule_summary(entry) for entry in entries], "count": len(entries)}


@routes.get("/<schedule_id>")
@routes.arguments(Reader(RevealSchema), location="query")
@routes.response(200, ScheduleSummarySchema, "The schedule", problems=(404,))
@requires(Scope.JOBS_READ)
def show(wanted: Reveal, schedule_id: str) -> Json:
    """Show a schedule; with ?reveal=true (scope pii:read) its personal data too, which the operator log notes."""
    if not wanted.reveal:
        return whole_schedule(current_gateway().schedules.entry(schedule_id), reveal=False)
    authorize((Scope.PII_READ,))
    with logged(OperatorAction.PII_REVEALED, schedule_in_path(schedule_id)):
        return whole_schedule(current_gateway().schedules.entry(schedule_id), reveal=True)


@routes.post("")
@routes.arguments(ScheduleRequest(is_new=True))
@routes.response(201, ScheduleChangedSchema, "The schedule exists", problems=(409,))
@requires(Scope.QUEUES_ADMIN)
def create(wanted: WantedSchedule) -> Json:
    """Create a schedule of a job or of housekeeping, at times of the calendar (cron) or at an interval."""
    store = current_gateway().schedules
    with logged(OperatorAction.SCHEDULE_CREATED, wanted.id):
        entry = store.create(wanted.new(store.now(), current_actor().name))
    return _changed(entry, "is created")


@routes.put("/<schedule_id>")
@routes.arguments(ScheduleRequest(is_new=False))
@routes.response(200, ScheduleChangedSchema, "The schedule is as the body says", problems=(404, 409))
@requires(Scope.QUEUES_ADMIN)
def edit(wanted: WantedSchedule, schedule_id: str) -> Json:
    """Replace a schedule's definition; a new timing counts from now, a run under way ends as it began."""
    store = current_gateway().schedules
    now = store.now()
    with logged(OperatorAction.SCHEDULE_EDITED, schedule_in_path(schedule_id)):
        entry = store.change(schedule_id, lambda old: replace(old, **wanted.over(old, now)), current_actor().name)
    return _changed(entry, "is changed")


@routes.post("/<schedule_id>/pause")
@routes.arguments(Reader(ReasonSchema), required=False)
@routes.response(200, ScheduleChangedSchema, "Nothing is due until a resume", problems=(404, 409))
@requires(Scope.QUEUES_ADMIN)
def pause(body: Reason, schedule_id: str) -> Json:
    """Pause a schedule; what it misses is not caught up."""
    return _set_paused(schedule_id, OperatorAction.SCHEDULE_PAUSED, body, is_paused=True)


@routes.post("/<schedule_id>/resume")
@routes.arguments(Reader(ReasonSchema), required=False)
@routes.response(200, ScheduleChangedSchema, "The schedule is due the next time after now", problems=(404, 409))
@requires(Scope.QUEUES_ADMIN)
def resume(body: Reason, schedule_id: str) -> Json:
    """Let a paused schedule run again."""
    return _set_paused(schedule_id, OperatorAction.SCHEDULE_RESUMED, body, is_paused=False)


@routes.post("/<schedule_id>/run")
@routes.arguments(Reader(ReasonSchema), required=False)
@routes.response(202, StartedSchema, "The job is enqueued, or the housekeeping begins", problems=(404, 409))
@requires(Scope.QUEUES_ADMIN)
@enqueues
def run_now(body: Reason, schedule_id: str) -> Json | Answer:
    """Run a schedule now, paused or not; its times stay as they are."""
    store = current_gateway().schedules
    entry, now = store.entry(schedule_id), store.now()
    work = entry.schedule.work
    with logged(OperatorAction.SCHEDULE_STARTED, schedule_id, body.reason):
        if isinstance(work, Housekeeping):
            count_request()
            store.request(Run(schedule_id, now, work))
            return {"success": True, "message": "Processing", "jobId": None}
        job = enqueue(work.new_job(run_job_id(work.queue, schedule_id, now)))
        store.note(schedule_id, LastRun(now, now, is_successful=True, job_id=job.job_id, outcome="enqueued by hand"))
    return accepted(job)


@routes.delete("/<schedule_id>")
@routes.arguments(Reader(ReasonSchema), location="query")
@routes.response(200, DoneSchema, "The schedule is gone", problems=(404,))
@requires(Scope.QUEUES_ADMIN)
def remove(wanted: Reason, schedule_id: str) -> Json:
    """Remove a schedule for good; a run under way ends."""
    with logged(OperatorAction.SCHEDULE_REMOVED, schedule_in_path(schedule_id), wanted.reason):
        current_gateway().schedules.remove(schedule_id)
    return {"success": True, "message": f"Schedule {schedule_id} is removed"}


def _set_paused(schedule_id: str, action: OperatorAction, body: Reason, *, is_paused: bool) -> Json:
    with logged(action, schedule_in_path(schedule_id), body.reason):
        entry = current_gateway().schedules.change(
            schedule_id, lambda old: replace(old, is_paused=is_paused), current_actor().name
        )
    return _changed(entry, "is paused" if is_paused else "runs")


def _changed(entry: Entry, what: str) -> Json:
    message = f"Schedule {entry.schedule.id} {what}"
    return {"success": True, "message": message, "schedule": schedule_summary(entry)}
