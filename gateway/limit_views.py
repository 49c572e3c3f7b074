"""Limits as JSON: what holds for a queue, what an operator set of it, and which groups wait because of it."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from gateway.answers import Json
from gateway.context import current_gateway
from gateway.limit_requests import RateSchema
from gateway.schemas import DoneSchema, LimitedSchema
from shared.clock import to_iso
from shared.job_records import QueueStats
from shared.privacy import mask_text
from shared.queue_limits import NAMES, LimitsInForce, Rate, WaitingGroups
from shared.queues import Queue


class QueueLimitsSchema(Schema):
    """The limits that hold for a queue; null where there is none."""

    name = fields.String(required=True)
    concurrency = fields.Integer(required=True, allow_none=True)
    rate = fields.Nested(RateSchema, required=True, allow_none=True)
    group_key = fields.String(required=True, allow_none=True, data_key="groupKey")
    group_rate = fields.Nested(RateSchema, required=True, allow_none=True, data_key="groupRate")
    group_concurrency = fields.Integer(required=True, allow_none=True, data_key="groupConcurrency")
    set_by_operator = fields.List(
        fields.String(validate=validate.OneOf(list(NAMES))), required=True, data_key="setByOperator"
    )
    running = fields.Integer(required=True)
    parked = fields.Integer(required=True)
    groups_waiting = fields.Integer(required=True, data_key="groupsWaiting")
    limited = fields.Nested(LimitedSchema, required=True)


class ClientDefaultSchema(Schema):
    """What holds for tokens whose user has no limit of their own; 0 is none."""

    requests_per_minute = fields.Integer(required=True, data_key="requestsPerMinute")


class LimitsSchema(Schema):
    """The limits of every queue by its key, and of API clients."""

    queues = fields.Nested(
        Schema.from_dict(
            {key: fields.Nested(QueueLimitsSchema, required=True) for key in Queue.__members__}, name="LimitsOfQueues"
        ),
        required=True,
    )
    clients = fields.Nested(ClientDefaultSchema, required=True)


class LimitsChangedSchema(DoneSchema):
    """What holds after a change."""

    limits = fields.Nested(QueueLimitsSchema, required=True)


class WaitingGroupSchema(Schema):
    """A group with jobs that wait behind its limit."""

    group = fields.String(required=True)
    parked = fields.Integer(required=True)
    running = fields.Integer(required=True)
    opens_at = fields.DateTime(required=True, allow_none=True, data_key="opensAt")


class GroupsSchema(Schema):
    """The groups with the most parked jobs, of ``lookedAt`` of the ``total`` that wait."""

    groups = fields.List(fields.Nested(WaitingGroupSchema), required=True)
    count = fields.Integer(required=True)
    total = fields.Integer(required=True)
    looked_at = fields.Integer(required=True, data_key="lookedAt")


def limits_of(queue: Queue) -> Json:
    """What holds for one queue. Raises ``RedisUnavailable``."""
    store = current_gateway().store
    return limits_view(store.limits.of(queue), store.queue_stats(queue))


def limits_view(found: LimitsInForce, stats: QueueStats) -> Json:
    """The limits with what they hold back now and ever."""
    shown = {name: plain(found.limits.get(name)) for name in NAMES}
    if "groupKey" not in found.limits:
        shown["groupKey"] = current_gateway().settings.policy(stats.queue).group_key
    limited = stats.limited
    return {
        "name": stats.queue.value,
        **shown,
        "setByOperator": sorted(found.by_operator),
        "running": stats.active,
        "parked": stats.parked,
        "groupsWaiting": found.groups_waiting,
        "limited": {
            "rate": limited.rate,
            "concurrency": limited.concurrency,
            "groups": limited.groups,
            "clients": limited.clients,
        },
    }


def groups_view(found: WaitingGroups) -> Json:
    """The busiest groups, their names masked where they are personal."""
    groups = [
        {
            "group": mask_text(group.name),
            "parked": group.parked,
            "running": group.running,
            "opensAt": None if group.opens_at_ms is None else to_iso(group.opens_at_ms),
        }
        for group in found.groups
    ]
    return {"groups": groups, "count": len(groups), "total": found.total, "lookedAt": found.looked_at}


def plain(value: Any) -> Any:
    """A limit as JSON."""
    return {"jobs": value.jobs, "windowMs": value.window_ms} if isinstance(value, Rate) else value
