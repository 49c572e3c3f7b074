"""Flows: jobs of any queues that wait for each other."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from gateway.answers import Answer, Json
from gateway.api import Routes, requires
from gateway.context import current_actor, current_gateway
from gateway.enqueueing import idempotency
from gateway.flow_requests import FlowBody, FlowRequest, steps_of
from gateway.flow_views import (
    AcceptedFlowSchema,
    CancelledFlowSchema,
    FlowPageSchema,
    FlowSchema,
    flow_summary,
    whole_flow,
)
from gateway.operator_log import logged
from gateway.operator_requests import CURSOR_LENGTH, QueryWhole, Reader, Reason, ReasonSchema
from gateway.roles import Scope
from shared.audit import OperatorAction
from shared.flows import Asked
from shared.messages import ContractSchema
from shared.messages.fields import Text

MAX_PAGE = 50

routes = Routes("flows", __name__, url_prefix="/api/v1/flows")

_SCORE = {
    "queue": "CREDIT_SCORE",
    "name": "credit-score-calculation",
    "data": {"retailerId": "RET001", "trigger": "manual"},
}
_REMIND = {
    "queue": "PAYMENT_REMINDERS",
    "name": "payment-reminder",
    "data": {"retailerId": "RET001", "type": "OVERDUE"},
}
_EXAMPLE = {
    "name": "score, then remind",
    "jobs": [{"key": "score", **_SCORE}, {"key": "remind", **_REMIND, "dependsOn": ["score"]}],
}


@dataclass(frozen=True, slots=True)
class FlowListing:
    """Where to go on, and how many."""

    cursor: str | None
    limit: int


class FlowListingSchema(ContractSchema):
    """``?cursor&limit``."""

    TARGET = FlowListing
    cursor = Text(CURSOR_LENGTH, required=False)
    limit = QueryWhole(1, MAX_PAGE, required=False, default=20)


@routes.post("")
@routes.arguments(FlowRequest(), example=_EXAMPLE)
@routes.response(202, AcceptedFlowSchema, "The flow is written; its jobs are enqueued, those that wait as blocked")
@requires(Scope.JOBS_WRITE)
def create(body: FlowBody) -> Answer:
    """Enqueue up to 1,000 jobs that wait for each other, all or none; an Idempotency-Key makes it safe to repeat."""
    gateway = current_gateway()
    asked = Asked(current_actor().name, body.name, idempotency())
    flow_id = gateway.jobs.add_flow(steps_of(body), gateway.database, asked)
    flow = gateway.flows.flow(flow_id)
    jobs = [{"key": job.key, "jobId": job.id, "queue": job.queue.name} for job in flow.jobs]
    answer = {"success": True, "message": "Processing", "flowId": flow_id, "jobs": jobs}
    return Answer(answer, {"Location": f"/api/v1/flows/{quote(flow_id)}"})


@routes.get("")
@routes.arguments(Reader(FlowListingSchema), location="query")
@routes.response(200, FlowPageSchema, "Flows, newest first")
@requires(Scope.JOBS_READ)
def list_flows(wanted: FlowListing) -> Json:
    """Page through the flows, newest first, each with its state and progress."""
    page = current_gateway().flows.flows(wanted.cursor, wanted.limit)
    return {"flows": [flow_summary(flow) for flow in page.flows], "count": len(page.flows), "cursor": page.cursor}


@routes.get("/<flow_id>")
@routes.response(200, FlowSchema, "The flow", problems=(404,))
@requires(Scope.JOBS_READ)
def show(flow_id: str) -> Json:
    """Show a flow: the state of the whole and of each job, and who waits for whom."""
    return whole_flow(current_gateway().flows.flow(flow_id))


@routes.delete("/<flow_id>")
@routes.arguments(Reader(ReasonSchema), location="query")
@routes.response(
    200, CancelledFlowSchema, "Its unfinished jobs are cancelled, running ones told to stop", problems=(404,)
)
@requires(Scope.JOBS_WRITE)
def cancel(wanted: Reason, flow_id: str) -> Json:
    """Cancel what is unfinished of a flow."""
    flows = current_gateway().flows
    with logged(OperatorAction.FLOW_CANCELLED, flow_id, wanted.reason) as tx:
        flows.cancel(tx, flow_id, current_actor().name, wanted.reason or "")
    flow = flows.flow(flow_id)
    return {"success": True, "message": f"Flow {flow_id} is {flow.state}", "flow": whole_flow(flow)}
