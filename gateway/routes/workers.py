"""Workers: which live, what they run, and the orders that operators give them."""

from __future__ import annotations

from gateway.answers import Json
from gateway.api import Routes, requires
from gateway.context import current_actor, current_gateway
from gateway.operator_log import logged
from gateway.operator_requests import Reader, Reason, ReasonSchema
from gateway.roles import Scope
from gateway.worker_views import DirectedSchema, WorkersSchema, worker_view
from shared.audit import OperatorAction
from shared.worker_control import Order

routes = Routes("workers", __name__, url_prefix="/api/v1/workers")


@routes.get("")
@routes.response(200, WorkersSchema, "The workers that live")
@requires(Scope.JOBS_READ)
def list_workers() -> Json:
    """List the living workers of every queue with their memory and the jobs that they run."""
    found = [worker_view(worker) for worker in current_gateway().workers.workers()]
    return {"workers": found, "count": len(found)}


@routes.post("/<worker_id>/quiet")
@routes.arguments(Reader(ReasonSchema), required=False)
@routes.response(200, DirectedSchema, "It takes no more jobs; running ones go on", problems=(404, 409))
@requires(Scope.QUEUES_OPERATE)
def quiet(body: Reason, worker_id: str) -> Json:
    """Let one worker take no more jobs; those it runs go on."""
    return _direct(worker_id, Order.QUIET, OperatorAction.WORKER_QUIETED, body, "takes no more jobs")


@routes.post("/<worker_id>/resume")
@routes.arguments(Reader(ReasonSchema), required=False)
@routes.response(200, DirectedSchema, "It takes jobs again", problems=(404, 409))
@requires(Scope.QUEUES_OPERATE)
def resume(body: Reason, worker_id: str) -> Json:
    """Let a quiet worker take jobs again."""
    return _direct(worker_id, Order.RESUME, OperatorAction.WORKER_RESUMED, body, "takes jobs")


@routes.post("/<worker_id>/stop")
@routes.arguments(Reader(ReasonSchema), required=False)
@routes.response(200, DirectedSchema, "It ends gracefully, as on SIGTERM", problems=(404, 409))
@requires(Scope.QUEUES_ADMIN)
def stop(body: Reason, worker_id: str) -> Json:
    """Stop a worker as SIGTERM does: running jobs get their grace. Whoever keeps it running starts another one."""
    return _direct(worker_id, Order.STOP, OperatorAction.WORKER_STOPPED, body, "stops")


def _direct(worker_id: str, order: Order, action: OperatorAction, body: Reason, what: str) -> Json:
    gateway = current_gateway()
    with logged(action, worker_id, body.reason):
        worker = gateway.workers.direct(worker_id, order, current_actor().name, body.reason or "")
    return {"success": True, "message": f"Worker {worker_id} {what}", "worker": worker_view(worker)}
