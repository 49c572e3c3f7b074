"""Payments: recording one belongs to its order, taking it back needs only its number."""

from __future__ import annotations

from gateway.answers import Answer, accepted
from gateway.api import Routes, enqueues, requires
from gateway.enqueueing import enqueue
from gateway.order_requests import PathRequest, ReversalSchema, reversal
from gateway.roles import Scope
from gateway.schemas import AcceptedSchema
from shared.broker.options import NewJob

routes = Routes("payments", __name__, url_prefix="/api/v1/payments")


@routes.post("/<path:number>/reverse")
@routes.arguments(
    PathRequest("Reversal", ReversalSchema, reversal, argument="number"), example={"reason": "The cheque bounced"}
)
@routes.response(202, AcceptedSchema, "The payment will be taken back", problems=(404,))
@requires(Scope.JOBS_WRITE)
@enqueues
def reverse(job: NewJob, **_: str) -> Answer:
    """Take a recorded payment back, once."""
    return accepted(enqueue(job))
