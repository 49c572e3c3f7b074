"""Limits: of queues, of their groups and of API clients."""

from __future__ import annotations

from gateway.answers import Json
from gateway.api import Routes, requires
from gateway.context import current_gateway
from gateway.limit_requests import ChangeLimits, ChangeLimitsRequest
from gateway.limit_views import (
    GroupsSchema,
    LimitsChangedSchema,
    LimitsSchema,
    groups_view,
    limits_of,
    plain,
)
from gateway.operator_log import logged
from gateway.operator_requests import queue_in_path
from gateway.roles import Scope
from shared.audit import OperatorAction
from shared.database.base import JsonObject
from shared.queue_limits import Limits
from shared.queues import Queue

routes = Routes("limits", __name__, url_prefix="/api/v1")


@routes.get("/limits")
@routes.response(200, LimitsSchema, "What holds for each queue, and for API clients")
@requires(Scope.JOBS_READ)
def show() -> Json:
    """Show the limits of every queue, who set them, and what they hold back."""
    per_minute = current_gateway().settings.client_rate_limit
    return {
        "queues": {queue.name: limits_of(queue) for queue in Queue},
        "clients": {"requestsPerMinute": per_minute},
    }


@routes.put("/queues/<key>/limits")
@routes.arguments(ChangeLimitsRequest(), example={"concurrency": 3, "groupRate": {"jobs": 1, "windowMs": 6000}})
@routes.response(200, LimitsChangedSchema, "What holds now, from the next fetch on", problems=(404,))
@requires(Scope.QUEUES_OPERATE)
def change(body: ChangeLimits, key: str) -> Json:
    """Change some limits of a queue; null takes one away, reset gives one back to the environment."""
    queue = queue_in_path(key)
    limits = current_gateway().store.limits
    planned = limits.preview(queue, body.changes, body.reset)
    details: JsonObject = {"before": _plain(planned.before), "after": _plain(planned.after)}
    with logged(OperatorAction.QUEUE_LIMITED, queue.name, body.reason, details):
        limits.set_by_operator(queue, body.changes, body.reset)
    return {"success": True, "message": f"The limits of queue {queue.name} are changed", "limits": limits_of(queue)}


@routes.get("/queues/<key>/groups")
@routes.response(200, GroupsSchema, "The groups with the most parked jobs", problems=(404,))
@requires(Scope.JOBS_READ)
def groups(key: str) -> Json:
    """List the groups that wait behind their limit, busiest first, at most 50."""
    return groups_view(current_gateway().store.limits.busiest_groups(queue_in_path(key)))


def _plain(limits: Limits) -> JsonObject:
    return {name: plain(value) for name, value in limits.items()}
