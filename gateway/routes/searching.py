"""Looking for jobs: over time, by failure, by whom and what they are about."""

from __future__ import annotations

from gateway.answers import Json
from gateway.api import Routes, requires
from gateway.context import current_gateway
from gateway.operator_requests import Reader
from gateway.roles import Scope
from gateway.search_requests import (
    ActivityRequest,
    ActivityRequestSchema,
    FailuresRequest,
    FailuresRequestSchema,
    HistogramRequest,
    HistogramRequestSchema,
    StoryRequest,
    StoryRequestSchema,
    Typed,
    TypedSchema,
    now_ms,
)
from gateway.search_schemas import ActivitySchema, FailuresSchema, HistogramSchema, StorySchema, SuggestionsSchema
from gateway.search_views import activity_view, failures_view, histogram_view
from gateway.subject_story import story
from gateway.suggesting import suggestions
from shared.database.failures import failure_groups
from shared.database.index_reader import DatabaseIndex
from shared.job_filter import JobFilter
from shared.job_histogram import MINUTE_MS, histogram

routes = Routes("searching", __name__, url_prefix="/api/v1")


@routes.get("/jobs/histogram")
@routes.arguments(Reader(HistogramRequestSchema), location="query")
@routes.response(200, HistogramSchema, "How many jobs there were in each stretch of time")
@requires(Scope.JOBS_READ)
def jobs_over_time(wanted: HistogramRequest) -> Json:
    """Count the jobs that match a filter over time: created, or ended if the filter asks for ended ones only."""
    from_ms, to_ms = wanted.bounds_ms
    finder = current_gateway().store.finder
    return histogram_view(histogram(finder, wanted.filter or JobFilter(), from_ms, to_ms, wanted.buckets))


@routes.get("/jobs/suggestions")
@routes.arguments(Reader(TypedSchema), location="query")
@routes.response(200, SuggestionsSchema, "What the last term of the filter may become")
@requires(Scope.JOBS_READ)
def suggest(typed: Typed) -> Json:
    """Suggest how a filter goes on: keys, then values."""
    return {"suggestions": suggestions(typed.prefix)}


@routes.get("/failures")
@routes.arguments(Reader(FailuresRequestSchema), location="query")
@routes.response(200, FailuresSchema, "Failures in groups of one cause")
@requires(Scope.JOBS_READ)
def failures(wanted: FailuresRequest) -> Json:
    """Group failed jobs that nobody retried by what their errors have in common, largest group first."""
    with current_gateway().database.reader() as tx:
        return failures_view(failure_groups(tx, wanted.queue, wanted.since_ms, wanted.limit))


@routes.get("/subjects/<kind>/<value>")
@routes.arguments(Reader(StoryRequestSchema), location="query")
@routes.response(200, StorySchema, "Jobs, messages and events of orders, newest first", problems=(404,))
@requires(Scope.JOBS_READ)
def subject(wanted: StoryRequest, kind: str, value: str) -> Json:
    """Tell all that happened about one order, retailer or phone, over all queues, personal data masked."""
    return story(kind, value, wanted.cursor, wanted.limit)


@routes.get("/queues/activity")
@routes.arguments(Reader(ActivityRequestSchema), location="query")
@routes.response(200, ActivitySchema, "What happened in every queue, minute by minute")
@requires(Scope.JOBS_READ)
def activity(wanted: ActivityRequest) -> Json:
    """Count what happened in each queue in each of the last minutes, the present one last."""
    from_ms = now_ms() // MINUTE_MS * MINUTE_MS - (wanted.minutes - 1) * MINUTE_MS
    found = DatabaseIndex(current_gateway().database).activity(from_ms, MINUTE_MS)
    return activity_view(found, from_ms, wanted.minutes)
