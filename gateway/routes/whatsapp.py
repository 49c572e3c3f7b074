"""Sending WhatsApp messages."""

from __future__ import annotations

from gateway.answers import Answer, accepted
from gateway.api import Routes, enqueues, requires
from gateway.enqueueing import enqueue
from gateway.job_requests import JobRequest
from gateway.roles import Scope
from gateway.schemas import AcceptedSchema
from shared.broker.options import NewJob
from shared.messages import SendMessage

routes = Routes("whatsapp", __name__, url_prefix="/api/v1/whatsapp")

_EXAMPLE = {
    "type": "ORDER_CONFIRMATION",
    "recipient": "+977-9800000000",
    "data": {
        "orderNumber": "ORD2611000001",
        "total": 1500,
        "items": [{"productName": "Rice 1 kg", "quantity": 10, "unitPrice": 150}],
    },
}


@routes.post("/messages")
@routes.arguments(JobRequest(SendMessage, options_only=("language",)), example=_EXAMPLE)
@routes.response(202, AcceptedSchema, "The message will be sent")
@requires(Scope.JOBS_WRITE)
@enqueues
def send_message(job: NewJob) -> Answer:
    """Send a WhatsApp message to one phone."""
    return accepted(enqueue(job))
