"""Credit scores."""

from __future__ import annotations

from gateway.answers import Answer, accepted
from gateway.api import Routes, enqueues, requires
from gateway.enqueueing import enqueue
from gateway.job_requests import JobRequest
from gateway.roles import Scope
from gateway.schemas import AcceptedSchema
from shared.broker.options import NewJob
from shared.messages import ScoreRetailer

routes = Routes("credit", __name__, url_prefix="/api/v1/credit")


@routes.post("/scores")
@routes.arguments(JobRequest(ScoreRetailer), example={"retailerId": "RET001", "trigger": "order_confirmed"})
@routes.response(202, AcceptedSchema, "The score will be calculated; a burst of requests becomes one calculation")
@requires(Scope.JOBS_WRITE)
@enqueues
def score_retailer(job: NewJob) -> Answer:
    """Recalculate a retailer's credit score, 5 s from now unless the options say otherwise."""
    return accepted(enqueue(job))
