"""The shapes of answers and options, for the OpenAPI document; a test holds the real answers against them."""

from __future__ import annotations

from typing import ClassVar

from marshmallow import Schema, fields, validate

from shared.broker.options import (
    LONGEST_GROUP,
    MAX_ATTEMPTS,
    MAX_DELAY_MS,
    MAX_JOB_ID_LENGTH,
    MAX_KEY_LENGTH,
    MAX_TIMEOUT_MS,
)
from shared.broker.options import DeduplicationMode as Mode
from shared.broker.states import State
from shared.messages import MESSAGES, schema_of
from shared.queues import BackoffType, Queue

_STATE = validate.OneOf([state.value for state in State])
_QUEUE = validate.OneOf(list(Queue.__members__))


def _milliseconds(highest: int) -> fields.Integer:
    return fields.Integer(validate=validate.Range(0, highest), metadata={"description": "milliseconds"})


class BackoffSchema(Schema):
    """The delay before the next attempt: ``delay * 2^(attempt-1)``, or always ``delay``."""

    type = fields.String(validate=validate.OneOf([kind.value for kind in BackoffType]))
    delay = _milliseconds(MAX_DELAY_MS)
    jitter = fields.Float(validate=validate.Range(0, 1))


class OptionsSchema(Schema):
    """Options of a job; what is absent is as the queue's policy says."""

    delay = _milliseconds(MAX_DELAY_MS)
    attempts = fields.Integer(validate=validate.Range(1, MAX_ATTEMPTS))
    backoff = fields.Nested(BackoffSchema)
    timeout = _milliseconds(MAX_TIMEOUT_MS)
    priority = fields.Integer(validate=validate.Range(1, 100), metadata={"description": "1 first, default 50"})
    deduplicate = fields.Boolean(metadata={"description": "false drops the default key, true needs one"})
    deduplicationKey = fields.String(validate=validate.Length(1, MAX_KEY_LENGTH))  # noqa: N815 - the API's own name
    deduplicationMode = fields.String(validate=validate.OneOf([mode.value for mode in Mode]))  # noqa: N815 - the same
    deduplicationWindow = _milliseconds(MAX_DELAY_MS)  # noqa: N815 - the same
    removeOnComplete = fields.Integer(validate=validate.Range(0))  # noqa: N815 - the same
    removeOnFail = fields.Integer(validate=validate.Range(0))  # noqa: N815 - the same
    jobId = fields.String(validate=validate.Length(1, MAX_JOB_ID_LENGTH))  # noqa: N815 - the same
    group = fields.String(
        validate=validate.Length(1, LONGEST_GROUP), metadata={"description": "instead of the queue's group key"}
    )
    language = fields.String(validate=validate.OneOf(["ne", "en"]), metadata={"description": "WhatsApp only"})


class JobData(fields.Dict):
    """The data of a job, whose schema goes by the job's name."""

    kind_key = "name"
    schemas: ClassVar[dict[str, Schema]] = {message.JOB_NAME: schema_of(message) for message in MESSAGES}


class AnyJobSchema(Schema):
    """A job of any queue; each name belongs to one queue."""

    name = fields.String(required=True, validate=validate.OneOf(list(JobData.schemas)))
    data = JobData(required=True)
    options = fields.Nested(OptionsSchema)


class BulkSchema(Schema):
    """Up to 1,000 jobs of one queue."""

    jobs = fields.List(fields.Nested(AnyJobSchema), required=True, validate=validate.Length(1, 1_000))


class AcceptedSchema(Schema):
    """The job that now stands for the request."""

    success = fields.Constant(True, required=True)  # noqa: FBT003 - a JSON value
    message = fields.Constant("Processing", required=True)
    job_id = fields.String(required=True, data_key="jobId")
    queue = fields.String(required=True, validate=_QUEUE)
    state = fields.String(required=True, validate=_STATE)
    deduplicated = fields.Boolean(required=True)


class AcceptedManySchema(Schema):
    """The jobs of a bulk request, in its order."""

    success = fields.Constant(True, required=True)  # noqa: FBT003 - a JSON value
    message = fields.Constant("Processing", required=True)
    count = fields.Integer(required=True)
    jobs = fields.List(fields.Nested(AcceptedSchema), required=True)


class ProblemSchema(Schema):
    """Every error answer."""

    success = fields.Constant(False, required=True)  # noqa: FBT003 - a JSON value
    message = fields.String(required=True)
    code = fields.String(required=True)
    errors = fields.Dict(fields.String(), fields.List(fields.String()), required=True)
    request_id = fields.String(required=True, data_key="requestId", allow_none=True)


class DoneSchema(Schema):
    """Something an operator asked for was done."""

    success = fields.Constant(True, required=True)  # noqa: FBT003 - a JSON value
    message = fields.String(required=True)


class JobSummarySchema(Schema):
    """A job in a list: without its payload."""

    id = fields.String(required=True)
    queue = fields.String(required=True, validate=_QUEUE)
    name = fields.String(required=True)
    state = fields.String(required=True, validate=_STATE)
    attempt = fields.Integer(required=True)
    attempts = fields.Integer(required=True)
    error = fields.Dict(required=True, allow_none=True)
    created_at = fields.DateTime(required=True, data_key="createdAt", allow_none=True)
    started_at = fields.DateTime(required=True, data_key="startedAt", allow_none=True)
    finished_at = fields.DateTime(required=True, data_key="finishedAt", allow_none=True)
    due_at = fields.DateTime(required=True, data_key="dueAt", allow_none=True)


class JobSchema(JobSummarySchema):
    """A job with everything there is to know; personal data is masked unless revealed."""

    data = fields.Dict(required=True)
    version = fields.Integer(required=True)
    options = fields.Dict(required=True)
    result = fields.Raw(required=True, allow_none=True)
    errors = fields.List(fields.Dict(), required=True)
    progress = fields.Raw(required=True, allow_none=True)
    stalls = fields.Integer(required=True)
    released_ms = fields.Integer(required=True, data_key="releasedMs")
    deduplication_key = fields.String(required=True, data_key="deduplicationKey", allow_none=True)
    worker = fields.String(required=True, allow_none=True)
    cancel_requested = fields.Boolean(required=True, data_key="cancelRequested")
    flow_id = fields.String(required=True, allow_none=True, data_key="flowId")
    depends_on = fields.List(fields.String(), required=True, data_key="dependsOn")
    dependents = fields.List(fields.String(), required=True)
    waits_for = fields.List(fields.String(), required=True, data_key="waitsFor")
    absorbed = fields.Integer(required=True, metadata={"description": "duplicates for which this job stood"})


class OperatedSchema(DoneSchema):
    """What became of the job."""

    job = fields.Nested(JobSummarySchema, required=True)


class FailedPageSchema(Schema):
    """Failed jobs, newest first."""

    jobs = fields.List(fields.Nested(JobSummarySchema), required=True)
    count = fields.Integer(required=True)
    total = fields.Integer(required=True)


class JobPageSchema(Schema):
    """A page of jobs; ``cursor`` is null on the last one."""

    jobs = fields.List(fields.Nested(JobSummarySchema), required=True)
    count = fields.Integer(required=True)
    cursor = fields.String(required=True, allow_none=True)


class SearchPageSchema(JobPageSchema):
    """With a filter also how far the index is behind; jobs among the newest 2,000 events are found all the same."""

    unindexed_events = fields.Integer(data_key="unindexedEvents", metadata={"description": "wait for the archiver"})
    index_lag_ms = fields.Integer(data_key="indexLagMs", metadata={"description": "how long the oldest of them waits"})


class EventsSchema(Schema):
    """A job's whole history, oldest first."""

    job_id = fields.String(required=True, data_key="jobId")
    events = fields.List(fields.Dict(), required=True)
    count = fields.Integer(required=True)


class CountsSchema(Schema):
    """``completed`` counts all ever completed, the others those in that state now."""

    waiting = fields.Integer(required=True)
    active = fields.Integer(required=True)
    completed = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    delayed = fields.Integer(required=True)
    blocked = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)


class BreakerSchema(Schema):
    """The circuit breaker of the queue's provider."""

    state = fields.String(required=True, validate=validate.OneOf(["closed", "open", "probing"]))
    since = fields.DateTime(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    next_probe_at = fields.DateTime(required=True, allow_none=True, data_key="nextProbeAt")
    opened = fields.Integer(required=True, metadata={"description": "how often, ever"})


class LimitedSchema(Schema):
    """How often limits held something back, ever: fetches, fetches, groups, requests."""

    rate = fields.Integer(required=True)
    concurrency = fields.Integer(required=True)
    groups = fields.Integer(required=True)
    clients = fields.Integer(required=True)


class QueueStatsSchema(Schema):
    """One queue's numbers."""

    name = fields.String(required=True)
    counts = fields.Nested(CountsSchema, required=True)
    is_paused = fields.Boolean(required=True, data_key="isPaused")
    pause = fields.Dict(required=True, allow_none=True)
    breaker = fields.Nested(BreakerSchema, required=True)
    limited = fields.Nested(LimitedSchema, required=True)
    backlog = fields.Integer(required=True, metadata={"description": "jobs that a worker could run now"})
    workers = fields.Integer(required=True)
    stalled = fields.Integer(required=True)
    deduplicated = fields.Integer(required=True)
    oldest_waiting_ms = fields.Integer(required=True, allow_none=True, data_key="oldestWaitingMs")


StatsSchema = Schema.from_dict({key: fields.Nested(QueueStatsSchema, required=True) for key in Queue.__members__})


class CleanedSchema(DoneSchema):
    """How many jobs were removed."""

    completed = fields.Integer(required=True)
    failed = fields.Integer(required=True)


class PartSchema(Schema):
    """Whether one dependency answers."""

    ready = fields.Boolean(required=True)
    duration = fields.Float(required=True, metadata={"description": "milliseconds"})
    reason = fields.String(required=True)


class ReadySchema(Schema):
    """Whether the gateway can do its work."""

    success = fields.Boolean(required=True)
    message = fields.String(required=True)
    parts = fields.Dict(fields.String(), fields.Nested(PartSchema), required=True)


class AliveSchema(Schema):
    """The process answers."""

    success = fields.Constant(True, required=True)  # noqa: FBT003 - a JSON value
    message = fields.String(required=True)
