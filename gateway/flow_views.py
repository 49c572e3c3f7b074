"""Flows as JSON, and the shape of that for the OpenAPI document."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from gateway.answers import Json
from gateway.job_views import job_summary
from gateway.schemas import DoneSchema
from shared.broker.states import State
from shared.clock import to_iso
from shared.flows import FlowView, JobView, OnFailure
from shared.queues import Queue

_QUEUE = validate.OneOf(list(Queue.__members__))


def flow_summary(flow: FlowView) -> Json:
    """A flow in a list: without its jobs."""
    return {
        "id": flow.id,
        "name": flow.name,
        "state": flow.state,
        "createdAt": to_iso(round(flow.created_at.timestamp() * 1000)),
        "createdBy": flow.created_by,
        "progress": {"completed": flow.completed, "finished": flow.finished, "total": len(flow.jobs)},
    }


def whole_flow(flow: FlowView) -> Json:
    """A flow with its jobs and edges; an edge leads from a job to one that waits for it."""
    edges = [{"from": key, "to": job.key} for job in flow.jobs for key in job.depends_on]
    return {**flow_summary(flow), "jobs": [_job(job) for job in flow.jobs], "edges": edges}


def _job(view: JobView) -> Json:
    known = None if view.job is None else job_summary(view.job)
    return {
        "key": view.key,
        "id": view.id,
        "queue": view.queue.name,
        "name": view.name,
        "state": view.state,
        "dependsOn": list(view.depends_on),
        "onDependencyFailure": view.on_failure,
        "attempt": 0 if known is None else known["attempt"],
        "error": known and known["error"],
        "startedAt": known and known["startedAt"],
        "finishedAt": known and known["finishedAt"],
    }


class ProgressSchema(Schema):
    """How far a flow is."""

    completed = fields.Integer(required=True)
    finished = fields.Integer(required=True, metadata={"description": "completed, failed or cancelled"})
    total = fields.Integer(required=True)


class FlowSummarySchema(Schema):
    """A flow in a list."""

    id = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(["running", "completed", "failed", "cancelled"]))
    created_at = fields.DateTime(required=True, data_key="createdAt")
    created_by = fields.String(required=True, data_key="createdBy")
    progress = fields.Nested(ProgressSchema, required=True)


class FlowJobViewSchema(Schema):
    """A job of a flow; its state is null until it is enqueued."""

    key = fields.String(required=True)
    id = fields.String(required=True)
    queue = fields.String(required=True, validate=_QUEUE)
    name = fields.String(required=True)
    state = fields.String(required=True, allow_none=True, validate=validate.OneOf([*State, None]))
    depends_on = fields.List(fields.String(), required=True, data_key="dependsOn")
    on_dependency_failure = fields.String(
        required=True, data_key="onDependencyFailure", validate=validate.OneOf([each.value for each in OnFailure])
    )
    attempt = fields.Integer(required=True)
    error = fields.Dict(required=True, allow_none=True)
    started_at = fields.DateTime(required=True, allow_none=True, data_key="startedAt")
    finished_at = fields.DateTime(required=True, allow_none=True, data_key="finishedAt")


EdgeSchema = Schema.from_dict(
    {"from": fields.String(required=True), "to": fields.String(required=True)}, name="EdgeSchema"
)


class FlowSchema(FlowSummarySchema):
    """A flow with its jobs, those that wait before those they wait for, and its edges."""

    jobs = fields.List(fields.Nested(FlowJobViewSchema), required=True)
    edges = fields.List(fields.Nested(EdgeSchema), required=True)


class FlowPageSchema(Schema):
    """A page of flows; ``cursor`` is null on the last one."""

    flows = fields.List(fields.Nested(FlowSummarySchema), required=True)
    count = fields.Integer(required=True)
    cursor = fields.String(required=True, allow_none=True)


class AcceptedStepSchema(Schema):
    """A job of a new flow."""

    key = fields.String(required=True)
    job_id = fields.String(required=True, data_key="jobId")
    queue = fields.String(required=True, validate=_QUEUE)


class AcceptedFlowSchema(Schema):
    """The flow that now stands for the request."""

    success = fields.Constant(True, required=True)  # noqa: FBT003 - a JSON value
    message = fields.Constant("Processing", required=True)
    flow_id = fields.String(required=True, data_key="flowId")
    jobs = fields.List(fields.Nested(AcceptedStepSchema), required=True)


class CancelledFlowSchema(DoneSchema):
    """What became of the flow."""

    flow = fields.Nested(FlowSchema, required=True)
