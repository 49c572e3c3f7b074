"""Limits: of queues, of their groups and of API clients."""

from __future__ import annotations

from gateway.answers import Json
from gateway.api import Routes, requires
from gateway.client_limits import (
    ClientLimitSchema,
    ClientLimitsSchema,
    SetClientLimit,
    SetClientLimitSchema,
    limit_of_client,
    limits_of_clients,
    remove_limit,
    set_limit,
)
from gateway.context import current_actor, current_gateway
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
from gateway.operator_requests import Reader, Reason, ReasonSchema, queue_in_path
from gateway.roles import Scope
from gateway.schemas import DoneSchema
from shared.audit import OperatorAction, record_action
from shared.database.base import JsonObject
from shared.database.models import ClientLimitRow
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


@routes.get("/limits/clients")
@routes.response(200, ClientLimitsSchema, "The users whose tokens have a limit of their own")
@requires(Scope.JOBS_READ)
def show_clients() -> Json:
    """List the users whose tokens have another limit than the usual one."""
    with current_gateway().database.reader() as tx:
        return limits_of_clients(tx, _usual())


@routes.get("/limits/clients/<user>")
@routes.response(200, ClientLimitSchema, "What holds for each token of the user", problems=(404,))
@requires(Scope.JOBS_READ)
def show_client(user: str) -> Json:
    """Show how many requests a minute each token of a user may make."""
    with current_gateway().database.reader() as tx:
        return limit_of_client(tx, user, _usual())


@routes.put("/limits/clients/<user>")
@routes.arguments(Reader(SetClientLimitSchema), example={"requestsPerMinute": 600})
@routes.response(200, ClientLimitSchema, "It holds within 10 seconds")
@requires(Scope.QUEUES_ADMIN)
def change_client(body: SetClientLimit, user: str) -> Json:
    """Set the requests a minute of each token of a user; 0 is no limit."""
    details: JsonObject = {"before": _now_for(user), "after": body.requests_per_minute}
    with current_gateway().database.session() as tx:
        set_limit(tx, user, body, current_actor().name)
        record_action(
            tx,
            OperatorAction.CLIENT_LIMITED,
            actor=current_actor(),
            target=user,
            why=body.reason or "",
            details=details,
        )
        tx.flush()
        return limit_of_client(tx, user, _usual())


@routes.delete("/limits/clients/<user>")
@routes.arguments(Reader(ReasonSchema), location="query")
@routes.response(200, DoneSchema, "The usual limit holds again within 10 seconds", problems=(404,))
@requires(Scope.QUEUES_ADMIN)
def remove_client(wanted: Reason, user: str) -> Json:
    """Let the usual limit hold again for a user's tokens."""
    details: JsonObject = {"before": _now_for(user), "after": None}
    with current_gateway().database.session() as tx:
        remove_limit(tx, user)
        record_action(
            tx,
            OperatorAction.CLIENT_LIMITED,
            actor=current_actor(),
            target=user,
            why=wanted.reason or "",
            details=details,
        )
    return {"success": True, "message": f"The usual limit holds for the tokens of {user}"}


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


def _usual() -> int:
    return current_gateway().settings.client_rate_limit


def _now_for(user: str) -> int | None:
    with current_gateway().database.reader() as tx:
        row = tx.get(ClientLimitRow, user)
        return None if row is None else row.requests_per_minute
