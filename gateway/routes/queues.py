"""Queues: their numbers, their failed jobs, enqueueing into any of them, and what operators do to them."""

from __future__ import annotations

from typing import Any

from gateway.answers import Answer, Json, accepted, accepted_body
from gateway.api import Routes, enqueues, requires
from gateway.context import current_actor, current_gateway
from gateway.enqueueing import enqueue, enqueue_many
from gateway.job_requests import AnyJobRequest, BulkRequest, any_job, any_jobs
from gateway.job_views import job_summary, stats_view
from gateway.operator_log import logged
from gateway.operator_requests import (
    Clean,
    CleanSchema,
    Pause,
    PauseSchema,
    Range,
    RangeSchema,
    Reader,
    Reason,
    ReasonSchema,
    queue_in_path,
)
from gateway.roles import Scope
from gateway.schemas import (
    AcceptedManySchema,
    AcceptedSchema,
    CleanedSchema,
    DoneSchema,
    FailedPageSchema,
    OperatedSchema,
    StatsSchema,
)
from shared.audit import OperatorAction
from shared.errors import JobNotFound
from shared.queues import queue_of

routes = Routes("queues", __name__, url_prefix="/api/v1/queues")

_JOB = {"name": "credit-score-calculation", "data": {"retailerId": "RET001", "trigger": "manual"}}


@routes.get("/stats")
@routes.response(200, StatsSchema, "The numbers of every queue, by its key")
@requires(Scope.JOBS_READ)
def stats() -> Json:
    """Count the jobs of every queue."""
    return {queue.name: stats_view(each) for queue, each in current_gateway().store.stats().items()}


@routes.get("/<key>/failed")
@routes.arguments(Reader(RangeSchema), location="query")
@routes.response(200, FailedPageSchema, "Failed jobs, newest first", problems=(404,))
@requires(Scope.JOBS_READ)
def failed(places: Range, key: str) -> Json:
    """List failed jobs from start to end, both included."""
    page = current_gateway().store.failed(queue_in_path(key), places.start, places.last)
    return {"jobs": [job_summary(job) for job in page.jobs], "count": page.count, "total": page.total}


@routes.post("/<key>/jobs")
@routes.arguments(AnyJobRequest(), example=_JOB)
@routes.response(202, AcceptedSchema, "The job is enqueued", problems=(404,))
@requires(Scope.JOBS_WRITE)
@enqueues
def add_job(body: Json, key: str) -> Answer:
    """Enqueue any job of the queue (the generic addJob)."""
    return accepted(enqueue(any_job(queue_in_path(key).name, body)))


@routes.post("/<key>/jobs/bulk")
@routes.arguments(BulkRequest(), example={"jobs": [_JOB]})
@routes.response(202, AcceptedManySchema, "All jobs are enqueued", problems=(404,))
@requires(Scope.JOBS_WRITE)
@enqueues
def add_jobs(bodies: list[Any], key: str) -> Json:
    """Enqueue up to 1,000 jobs of the queue; if one is invalid, none is."""
    jobs = enqueue_many(any_jobs(queue_in_path(key).name, bodies))
    return {
        "success": True,
        "message": "Processing",
        "count": len(jobs),
        "jobs": [accepted_body(job) for job in jobs],
    }


@routes.post("/<key>/jobs/<job_id>/retry")
@routes.arguments(Reader(ReasonSchema), required=False)
@routes.response(200, OperatedSchema, "The job waits again, its attempts start anew", problems=(404, 409))
@requires(Scope.QUEUES_OPERATE)
def retry(body: Reason, key: str, job_id: str) -> Json:
    """Run a failed job again: same id, attempts anew, history kept."""
    queue = queue_in_path(key)
    with logged(OperatorAction.JOB_RETRIED, job_id, body.reason):
        job = current_gateway().store.retry(queue, job_id, current_actor().name)
    return {"success": True, "message": f"Job {job_id} will run again", "job": job_summary(job)}


@routes.post("/<key>/jobs/<job_id>/promote")
@routes.arguments(Reader(ReasonSchema), required=False)
@routes.response(200, OperatedSchema, "The job waits", problems=(404, 409))
@requires(Scope.QUEUES_OPERATE)
def promote(body: Reason, key: str, job_id: str) -> Json:
    """Run a delayed job now."""
    if queue_of(job_id) is not queue_in_path(key):
        raise JobNotFound(f"No job of queue {key.upper()[:64]} has the id {job_id!r}")
    with logged(OperatorAction.JOB_PROMOTED, job_id, body.reason):
        job = current_gateway().store.promote(job_id, current_actor().name)
    return {"success": True, "message": f"Job {job_id} runs now", "job": job_summary(job)}


@routes.post("/<key>/clean")
@routes.arguments(Reader(CleanSchema), example={"gracePeriodHours": 24})
@routes.response(200, CleanedSchema, "How many jobs were removed", problems=(404,))
@requires(Scope.QUEUES_ADMIN)
def clean(body: Clean, key: str) -> Json:
    """Remove jobs completed before the grace period, and failed ones older than seven times that."""
    queue = queue_in_path(key)
    with logged(OperatorAction.QUEUE_CLEANED, queue.name, details={"gracePeriodHours": body.grace_period_hours}):
        removed = current_gateway().store.clean(queue, body.grace_period_hours, current_actor().name)
    message = f"Removed {removed.completed} completed and {removed.failed} failed jobs"
    return {"success": True, "message": message, "completed": removed.completed, "failed": removed.failed}


@routes.post("/<key>/pause")
@routes.arguments(Reader(PauseSchema), required=False)
@routes.response(200, DoneSchema, "No worker takes jobs of the queue; running ones finish", problems=(404,))
@requires(Scope.QUEUES_OPERATE)
def pause(body: Pause, key: str) -> Json:
    """Pause the queue for every worker, until a resume or the given time."""
    queue = queue_in_path(key)
    until = body.until.isoformat() if body.until is not None else None
    with logged(OperatorAction.QUEUE_PAUSED, queue.name, body.reason, {"until": until}):
        current_gateway().store.pause(queue, current_actor().name, body.reason or "", body.until_ms)
    return {"success": True, "message": f"Queue {queue.name} is paused"}


@routes.post("/<key>/resume")
@routes.arguments(Reader(ReasonSchema), required=False)
@routes.response(200, DoneSchema, "Workers take jobs again", problems=(404,))
@requires(Scope.QUEUES_OPERATE)
def resume(body: Reason, key: str) -> Json:
    """Let the workers take jobs of the queue again."""
    queue = queue_in_path(key)
    with logged(OperatorAction.QUEUE_RESUMED, queue.name, body.reason):
        current_gateway().store.resume(queue, current_actor().name, body.reason or "")
    return {"success": True, "message": f"Queue {queue.name} runs"}


@routes.post("/<key>/breaker/close")
@routes.arguments(Reader(ReasonSchema), required=False)
@routes.response(200, DoneSchema, "Workers call the provider again, if nobody paused the queue", problems=(404,))
@requires(Scope.QUEUES_OPERATE)
def close_breaker(body: Reason, key: str) -> Json:
    """Close the circuit breaker of the queue's provider without waiting for a probe; a person's pause stays."""
    queue = queue_in_path(key)
    with logged(OperatorAction.BREAKER_CLOSED, queue.name, body.reason):
        current_gateway().store.close_breaker(queue, current_actor().name, body.reason or "")
    return {"success": True, "message": f"The circuit breaker of queue {queue.name} is closed"}
