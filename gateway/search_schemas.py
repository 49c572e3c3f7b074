"""The shapes of what searches answer, for the OpenAPI document."""

from __future__ import annotations

from marshmallow import Schema, fields

from shared.queues import Queue


class BucketSchema(Schema):
    """One stretch of time."""

    at = fields.DateTime(required=True)
    count = fields.Integer(required=True)


class HistogramSchema(Schema):
    """Jobs over time; ``isComplete`` is false if there were too many to look at them all."""

    from_ = fields.DateTime(required=True, data_key="from")
    bucket_ms = fields.Integer(required=True, data_key="bucketMs")
    buckets = fields.List(fields.Nested(BucketSchema), required=True)
    count = fields.Integer(required=True)
    is_complete = fields.Boolean(required=True, data_key="isComplete")


class SuggestionSchema(Schema):
    """What the last term may become."""

    text = fields.String(required=True)
    description = fields.String(required=True)


class SuggestionsSchema(Schema):
    """What may come next in a filter."""

    suggestions = fields.List(fields.Nested(SuggestionSchema), required=True)


class FailureSchema(Schema):
    """Failed jobs whose errors are alike."""

    fingerprint = fields.String(required=True)
    type = fields.String(required=True)
    message = fields.String(required=True, metadata={"description": "of the newest one, masked"})
    count = fields.Integer(required=True)
    first_seen_at = fields.DateTime(required=True, data_key="firstSeenAt")
    last_seen_at = fields.DateTime(required=True, data_key="lastSeenAt")
    customers = fields.Integer(required=True, metadata={"description": "different retailers or phones"})
    queues = fields.Dict(fields.String(), fields.Integer(), required=True)
    job_ids = fields.List(fields.String(), required=True, data_key="jobIds", metadata={"description": "the newest"})


class FailuresSchema(Schema):
    """Failures that nobody retried since, by their fingerprint, the largest group first."""

    failures = fields.List(fields.Nested(FailureSchema), required=True)
    count = fields.Integer(required=True)


_MINUTES = fields.List(fields.Integer(), required=True)


class QueueActivitySchema(Schema):
    """How often each happened, minute by minute, the newest last."""

    created = _MINUTES
    completed = _MINUTES
    failed = _MINUTES
    retrying = fields.List(fields.Integer(), required=True, metadata={"description": "failed attempts to be repeated"})
    stalled = _MINUTES
    average_duration_ms = fields.Float(required=True, allow_none=True, data_key="averageDurationMs")


class ActivitySchema(Schema):
    """What happened lately in every queue, as far as it is archived."""

    from_ = fields.DateTime(required=True, data_key="from")
    minutes = fields.Integer(required=True)
    queues = fields.Nested(
        Schema.from_dict(
            {key: fields.Nested(QueueActivitySchema, required=True) for key in Queue.__members__},
            name="QueueActivities",
        ),
        required=True,
    )


class MomentSchema(Schema):
    """A job, a WhatsApp message or an event of an order."""

    at = fields.DateTime(required=True)
    kind = fields.String(required=True)
    job = fields.Dict()
    message = fields.Dict()
    event = fields.Dict()


class StorySchema(Schema):
    """All that happened about one order, retailer or phone, newest first."""

    kind = fields.String(required=True)
    value = fields.String(required=True)
    moments = fields.List(fields.Nested(MomentSchema), required=True)
    count = fields.Integer(required=True)
    cursor = fields.String(required=True, allow_none=True)
