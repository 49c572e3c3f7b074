"""The shapes of schedules for the OpenAPI document."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from gateway.housekeeping import FUNCTIONS
from gateway.schemas import AnyJobSchema, DoneSchema
from shared.queues import Queue
from shared.schedules.timing import CRON_LENGTH, LONGEST_INTERVAL_MS, SHORTEST_INTERVAL_MS

DESCRIPTION_LENGTH = 200


class ScheduledJobSchema(AnyJobSchema):
    """A job of any queue, enqueued by each run."""

    queue = fields.String(required=True, validate=validate.OneOf(list(Queue.__members__)))


class ScheduleDefinitionSchema(Schema):
    """Either cron or interval, either job or housekeeping."""

    description = fields.String(validate=validate.Length(1, DESCRIPTION_LENGTH))
    time_zone = fields.String(data_key="timeZone", metadata={"default": "Asia/Kathmandu", "maxLength": 64})
    cron = fields.String(
        validate=validate.Length(1, CRON_LENGTH),
        metadata={"description": "minute, hour, day of month, month, day of week", "example": "55 8 * * *"},
    )
    interval = fields.Integer(
        validate=validate.Range(SHORTEST_INTERVAL_MS, LONGEST_INTERVAL_MS), metadata={"description": "milliseconds"}
    )
    job = fields.Nested(ScheduledJobSchema)
    housekeeping = fields.String(validate=validate.OneOf(list(FUNCTIONS)))


class NewScheduleSchema(ScheduleDefinitionSchema):
    """A definition with the schedule's id."""

    id = fields.String(
        required=True,
        validate=[validate.Length(1, 64), validate.Regexp("^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$")],
    )


class LastRunSchema(Schema):
    """What became of the latest run: its job was enqueued, or the housekeeping said what it did."""

    due_at = fields.DateTime(required=True, data_key="dueAt")
    finished_at = fields.DateTime(required=True, data_key="finishedAt")
    success = fields.Boolean(required=True)
    job_id = fields.String(required=True, data_key="jobId", allow_none=True)
    outcome = fields.String(required=True)


class ScheduleSummarySchema(Schema):
    """A schedule in a list: of its job only queue and name."""

    id = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    time_zone = fields.String(required=True, data_key="timeZone")
    cron = fields.String(required=True, allow_none=True)
    interval = fields.Integer(required=True, allow_none=True)
    job = fields.Dict(required=True, allow_none=True)
    housekeeping = fields.String(required=True, allow_none=True)
    is_paused = fields.Boolean(required=True, data_key="isPaused")
    is_running = fields.Boolean(required=True, data_key="isRunning")
    next_due_at = fields.DateTime(required=True, data_key="nextDueAt", allow_none=True)
    last_run = fields.Nested(LastRunSchema, required=True, data_key="lastRun", allow_none=True)
    created_at = fields.DateTime(required=True, data_key="createdAt")
    created_by = fields.String(required=True, data_key="createdBy")
    updated_at = fields.DateTime(required=True, data_key="updatedAt")
    updated_by = fields.String(required=True, data_key="updatedBy")
    revision = fields.Integer(required=True)


class SchedulesSchema(Schema):
    """All schedules, by id."""

    schedules = fields.List(fields.Nested(ScheduleSummarySchema), required=True)
    count = fields.Integer(required=True)


class ScheduleChangedSchema(DoneSchema):
    """The schedule as it is now."""

    schedule = fields.Nested(ScheduleSummarySchema, required=True)


class StartedSchema(Schema):
    """The run that was started; housekeeping has no job."""

    success = fields.Constant(True, required=True)  # noqa: FBT003 - a JSON value
    message = fields.Constant("Processing", required=True)
    job_id = fields.String(required=True, data_key="jobId", allow_none=True)
    queue = fields.String()
    state = fields.String()
    deduplicated = fields.Boolean()
