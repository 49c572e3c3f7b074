"""Payment reminders."""

from __future__ import annotations

from gateway.answers import Answer, accepted
from gateway.api import Routes, enqueues, requires
from gateway.enqueueing import enqueue
from gateway.job_requests import JobRequest
from gateway.roles import Scope
from gateway.schemas import AcceptedSchema
from shared.broker.options import NewJob
from shared.messages import RemindRetailer

routes = Routes("reminders", __name__, url_prefix="/api/v1/reminders")


@routes.post("")
@routes.arguments(
    JobRequest(RemindRetailer), example={"retailerId": "RET001", "orderId": "ORD2611000001", "type": "OVERDUE"}
)
@routes.response(202, AcceptedSchema, "The reminder will be sent")
@requires(Scope.JOBS_WRITE)
@enqueues
def remind_retailer(job: NewJob) -> Answer:
    """Remind a retailer of one order or, without orderId, of all orders that the type applies to."""
    return accepted(enqueue(job))
