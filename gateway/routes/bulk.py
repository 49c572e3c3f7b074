"""Bulk operations on all jobs that match a filter."""

from __future__ import annotations

from gateway.answers import Json
from gateway.api import Routes, requires
from gateway.bulk import operating
from gateway.bulk.requests import BulkOrder, BulkOrderSchema, OperationsPage, OperationsPageSchema
from gateway.bulk.schemas import BulkChangedSchema, BulkStartedSchema, OperationsSchema, WholeOperationSchema
from gateway.bulk.targets import suitable
from gateway.bulk.trial import try_out
from gateway.bulk.views import operation_view, trial_view, whole_operation
from gateway.context import current_actor, current_gateway
from gateway.operator_log import logged
from gateway.operator_requests import Reader, Reason, ReasonSchema
from gateway.roles import Scope
from shared.audit import OperatorAction
from shared.privacy import mask_text

routes = Routes("bulk", __name__, url_prefix="/api/v1/bulk")

_EXAMPLE = {"action": "retry", "filter": "error:Timeout since:1h", "dryRun": True, "reason": "the provider is back"}


@routes.post("")
@routes.arguments(Reader(BulkOrderSchema), example=_EXAMPLE)
@routes.response(200, BulkStartedSchema, "What would be done, or the operation that now runs")
@requires(Scope.QUEUES_OPERATE)
def start(order: BulkOrder) -> Json:
    """Retry, remove, promote or move all jobs that match a filter; with dryRun only say what that would do."""
    gateway = current_gateway()
    wanted = suitable(order.action, order.filter, order.queue)
    trial = try_out(gateway.store.finder, order.action, wanted, order.queue)
    found = f"{trial.matched} jobs" if trial.is_complete else f"more than {trial.matched} jobs"
    if order.dry_run:
        body = {"success": True, "message": f"Would {order.action} {found}", "operation": None}
        return {**body, "trial": trial_view(trial)}
    details = {"action": order.action.value, "perMinute": order.per_minute, "matched": trial.matched}
    target = mask_text(str(wanted))[:200]
    with logged(OperatorAction.BULK_STARTED, target, order.reason, details) as tx:
        operation = operating.start(tx, order, wanted, trial, current_actor().name)
    return {
        "success": True,
        "message": f"Bulk operation {operation.id} will {order.action} {found}",
        "operation": operation_view(operation),
        "trial": trial_view(trial),
    }


@routes.get("")
@routes.arguments(Reader(OperationsPageSchema), location="query")
@routes.response(200, OperationsSchema, "Operations, newest first")
@requires(Scope.JOBS_READ)
def list_operations(page: OperationsPage) -> Json:
    """List bulk operations."""
    found = operating.operations(current_gateway().database, page.before, page.limit)
    return {"operations": [operation_view(each) for each in found], "count": len(found)}


@routes.get("/<int:operation_id>")
@routes.response(200, WholeOperationSchema, "The operation and what was refused", problems=(404,))
@requires(Scope.JOBS_READ)
def show(operation_id: int) -> Json:
    """Show how far a bulk operation is, and which jobs were refused and why."""
    return whole_operation(*operating.operation_with(current_gateway().database, operation_id))


@routes.post("/<int:operation_id>/stop")
@routes.arguments(Reader(ReasonSchema), required=False)
@routes.response(200, BulkChangedSchema, "It acts on no further job", problems=(404, 409))
@requires(Scope.QUEUES_OPERATE)
def stop(body: Reason, operation_id: int) -> Json:
    """Stop a bulk operation; what it did stays done."""
    with logged(OperatorAction.BULK_STOPPED, str(operation_id), body.reason) as tx:
        operation = operating.stop(tx, operation_id, current_actor().name, body.reason or "")
    message = f"Bulk operation {operation_id} is stopped"
    return {"success": True, "message": message, "operation": operation_view(operation)}


@routes.post("/<int:operation_id>/undo")
@routes.arguments(Reader(ReasonSchema), required=False)
@routes.response(200, BulkChangedSchema, "Its jobs come back; the operation shows which could not", problems=(404, 409))
@requires(Scope.QUEUES_OPERATE)
def undo(body: Reason, operation_id: int) -> Json:
    """Bring back the jobs that a bulk operation removed within the last hour."""
    now_ms = current_gateway().store.finder.now_ms()
    with logged(OperatorAction.BULK_UNDONE, str(operation_id), body.reason) as tx:
        operation = operating.undo(tx, operation_id, now_ms)
    message = f"Bulk operation {operation_id} is being undone"
    return {"success": True, "message": message, "operation": operation_view(operation)}
