"""Jobs: lists, one with everything about it, its history, and cancelling."""

from __future__ import annotations

from gateway.answers import Answer, Json, accepted
from gateway.api import Routes, enqueues, requires
from gateway.auth import authorize
from gateway.context import current_actor, current_gateway
from gateway.enqueueing import enqueue
from gateway.explain_view import ExplanationSchema, explain_job
from gateway.job_views import event_view, job_summary, search_view, whole_job
from gateway.operator_log import logged
from gateway.operator_requests import (
    Listing,
    ListingSchema,
    Reader,
    Reason,
    ReasonSchema,
    Reveal,
    RevealSchema,
)
from gateway.rerunning import Rerun, RerunSchema, new_job_from
from gateway.roles import Scope
from gateway.schemas import AcceptedSchema, EventsSchema, JobSchema, OperatedSchema, SearchPageSchema
from shared.audit import OperatorAction

routes = Routes("jobs", __name__, url_prefix="/api/v1/jobs")


@routes.get("")
@routes.arguments(Reader(ListingSchema), location="query")
@routes.response(200, SearchPageSchema, "Jobs without their payloads")
@requires(Scope.JOBS_READ)
def list_jobs(wanted: Listing) -> Json:
    """Page through the jobs of a queue and state, or those that match a filter.

    Without a filter, finished ones come newest first, others in the order they will run. With one, the newest come
    first; asked for states, each state in its order. A page may then hold fewer jobs than asked for and go on all the
    same: each looks at so many jobs only.
    """
    store = current_gateway().store
    if wanted.wanted is not None:
        return search_view(store.search(wanted.wanted, wanted.cursor, wanted.limit))
    page = store.jobs(wanted.queue, wanted.state, wanted.cursor, wanted.limit)
    return {"jobs": [job_summary(job) for job in page.jobs], "count": len(page.jobs), "cursor": page.cursor}


@routes.get("/<job_id>")
@routes.arguments(Reader(RevealSchema), location="query")
@routes.response(200, JobSchema, "The job", problems=(404,))
@requires(Scope.JOBS_READ)
def show(wanted: Reveal, job_id: str) -> Json:
    """Show a job; with ?reveal=true (scope pii:read) its personal data too, which the operator log notes."""
    if not wanted.reveal:
        return whole_job(current_gateway().store.job(job_id), reveal=False)
    authorize((Scope.PII_READ,))
    with logged(OperatorAction.PII_REVEALED, job_id):
        return whole_job(current_gateway().store.job(job_id), reveal=True)


@routes.get("/<job_id>/events")
@routes.response(200, EventsSchema, "Everything that happened to the job, oldest first", problems=(404,))
@requires(Scope.JOBS_READ)
def events(job_id: str) -> Json:
    """Show a job's whole history."""
    found = [event_view(event) for event in current_gateway().store.events(job_id)]
    return {"jobId": job_id, "events": found, "count": len(found)}


@routes.get("/<job_id>/explain")
@routes.response(
    200, ExplanationSchema, "Why the job is not running, its place, and about when it starts", problems=(404,)
)
@requires(Scope.JOBS_READ)
def explain(job_id: str) -> Json:
    """Say why a job is not running: each reason with a code and a sentence, its place, and about when it starts."""
    return explain_job(job_id)


@routes.post("/<job_id>/rerun")
@routes.arguments(Reader(RerunSchema), required=False)
@routes.response(202, AcceptedSchema, "A new job, made of the ended one", problems=(404, 409))
@requires(Scope.JOBS_WRITE)
@enqueues
def rerun(body: Rerun, job_id: str) -> Answer:
    """Run an ended job again, with other data if given, under a new id; masked values stay as they were."""
    new = new_job_from(current_gateway().store.job(job_id), body.data)
    with logged(OperatorAction.JOB_RERUN, job_id, body.reason, {"edited": body.data is not None}):
        made = enqueue(new)
    return accepted(made)


@routes.delete("/<job_id>")
@routes.arguments(Reader(ReasonSchema), location="query")
@routes.response(200, OperatedSchema, "The job is cancelled, or told to stop if it runs", problems=(404, 409))
@requires(Scope.JOBS_WRITE)
def cancel(wanted: Reason, job_id: str) -> Json:
    """Cancel an unfinished job; a running one is told to stop and is cancelled when it has."""
    with logged(OperatorAction.JOB_CANCELLED, job_id, wanted.reason):
        job = current_gateway().store.cancel(job_id, current_actor().name, wanted.reason or "")
    return {"success": True, "message": f"Job {job_id} is {job.state}", "job": job_summary(job)}
