"""The shapes of what is answered about bulk operations, for the OpenAPI document."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from gateway.schemas import DoneSchema, JobSummarySchema
from shared.database.models import BulkAction, BulkState


class TrialSchema(Schema):
    """What a dry run found; if not complete, in the time that it had."""

    matched = fields.Integer(required=True)
    is_complete = fields.Boolean(required=True, data_key="isComplete")
    states = fields.Dict(fields.String(), fields.Integer(), required=True)
    queues = fields.Dict(fields.String(), fields.Integer(), required=True)
    refused = fields.List(fields.Dict(), required=True, metadata={"description": "why, and the count for it"})
    sample = fields.List(fields.Nested(JobSummarySchema), required=True)


class OperationSchema(Schema):
    """A bulk operation and how far it is."""

    id = fields.Integer(required=True)
    action = fields.String(required=True, validate=validate.OneOf([action.value for action in BulkAction]))
    filter = fields.String(required=True)
    queue = fields.String(required=True, allow_none=True, metadata={"description": "where a move goes"})
    reason = fields.String(required=True)
    requested_by = fields.String(required=True, data_key="requestedBy")
    per_minute = fields.Integer(required=True, allow_none=True, data_key="perMinute")
    max_error_rate = fields.Float(required=True, data_key="maxErrorRate")
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in BulkState]))
    stop_reason = fields.String(required=True, allow_none=True, data_key="stopReason")
    expected = fields.Integer(required=True, allow_none=True, metadata={"description": "null: too many to count"})
    done = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    restored = fields.Integer(required=True)
    lost = fields.Integer(required=True, metadata={"description": "could not be restored"})
    started_at = fields.DateTime(required=True, data_key="startedAt")
    finished_at = fields.DateTime(required=True, allow_none=True, data_key="finishedAt")


class WholeOperationSchema(OperationSchema):
    """With up to 100 jobs that were refused or could not be restored, and why."""

    restorable = fields.Integer(required=True)
    problems = fields.List(fields.Dict(), required=True)


class OperationsSchema(Schema):
    """Operations, newest first."""

    operations = fields.List(fields.Nested(OperationSchema), required=True)
    count = fields.Integer(required=True)


class BulkStartedSchema(DoneSchema):
    """A dry run's findings, and the operation unless it was one."""

    trial = fields.Nested(TrialSchema, required=True)
    operation = fields.Nested(OperationSchema, required=True, allow_none=True)


class BulkChangedSchema(DoneSchema):
    """The operation as it is now."""

    operation = fields.Nested(OperationSchema, required=True)
