"""Workers as JSON, and the shape of that for the OpenAPI document."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from gateway.answers import Json
from gateway.schemas import DoneSchema
from shared.broker.states import WorkerState
from shared.clock import to_iso
from shared.queues import Queue
from shared.worker_control import Order, WorkerInfo


def worker_view(worker: WorkerInfo) -> Json:
    """One worker with the jobs that it runs."""
    return {
        "id": worker.id,
        "queue": worker.queue.name,
        "host": worker.host,
        "pid": worker.pid,
        "version": worker.version,
        "threads": worker.threads,
        "state": worker.state,
        "order": worker.order,
        "memory": worker.memory_bytes,
        "startedAt": to_iso(worker.started_at_ms),
        "seenAt": to_iso(worker.seen_at_ms),
        "running": [
            {"id": job.id, "name": job.name, "attempt": job.attempt, "startedAt": to_iso(job.started_at_ms)}
            for job in worker.running
        ],
    }


class RunningJobSchema(Schema):
    """A job that a worker runs."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    attempt = fields.Integer(required=True)
    started_at = fields.DateTime(required=True, data_key="startedAt")


class WorkerSchema(Schema):
    """One living worker process."""

    id = fields.String(required=True)
    queue = fields.String(required=True, validate=validate.OneOf(list(Queue.__members__)))
    host = fields.String(required=True)
    pid = fields.Integer(required=True)
    version = fields.String(required=True)
    threads = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in WorkerState]))
    order = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([Order.QUIET.value, Order.STOP.value, None]),
        metadata={"description": "what an operator wants of it"},
    )
    memory = fields.Integer(required=True, metadata={"description": "resident bytes"})
    started_at = fields.DateTime(required=True, data_key="startedAt")
    seen_at = fields.DateTime(required=True, data_key="seenAt", metadata={"description": "its last sign of life"})
    running = fields.List(fields.Nested(RunningJobSchema), required=True)


class WorkersSchema(Schema):
    """Every worker that lives, by queue, then by start."""

    workers = fields.List(fields.Nested(WorkerSchema), required=True)
    count = fields.Integer(required=True)


class DirectedSchema(DoneSchema):
    """The worker as it was when it got the order."""

    worker = fields.Nested(WorkerSchema, required=True)
