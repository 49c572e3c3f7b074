"""A flow is written whole: its row and all its jobs, as outbox rows, in one transaction; then they are enqueued."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from shared import outbox
from shared.broker.options import Idempotency
from shared.database.models import Flow
from shared.database.rows import insert_new
from shared.database.session import Database
from shared.errors import IdempotencyConflict, QueueError
from shared.flows.plan import FlowStep, check, new_flow_id, placed
from shared.outbox import derived_job_id

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a flow and what they call it; with ``idempotency``, asking again gives the same flow."""

    by: str
    name: str | None = None
    idempotency: Idempotency | None = None


def create_flow(database: Database, producer: outbox.Enqueues, steps: Sequence[FlowStep], asked: Asked) -> str:
    """Write a flow and enqueue its jobs; returns its id.

    Once it is written the scheduler's relay enqueues what this process doesn't come to any more, so an engine that
    is away or full is no error. Raises ``InvalidFlow`` or ``IdempotencyConflict``.
    """
    check(steps)
    flow_id = new_flow_id() if asked.idempotency is None else _id_for(asked.idempotency)
    with database.session() as tx:
        if not _write(tx, flow_id, steps, asked):
            return flow_id
        job_ids = outbox.added(tx)
    try:
        outbox.publish(database, producer, job_ids)
    except (QueueError, SQLAlchemyError) as error:
        logger.warning("flow %s leaves %d jobs to the relay: %s", flow_id, len(job_ids), error)
    return flow_id


def _write(tx: Session, flow_id: str, steps: Sequence[FlowStep], asked: Asked) -> bool:
    """False if the same request wrote it before."""
    jobs = placed(flow_id, steps)
    order = {key: place for place, key in enumerate(jobs)}
    row = {
        "id": flow_id,
        "name": asked.name,
        "created_by": asked.by,
        "body_hash": None if asked.idempotency is None else asked.idempotency.body_hash,
        "jobs": [_described(flow_id, step) for step in sorted(steps, key=lambda step: order[step.key])],
    }
    if insert_new(tx, Flow, row):
        outbox.add_many(tx, flow_id, jobs)
        return True
    before = tx.get_one(Flow, flow_id)
    if before.body_hash != row["body_hash"]:
        raise IdempotencyConflict("this Idempotency-Key came with another body before; use a new key")
    return False


def _described(flow_id: str, step: FlowStep) -> dict[str, object]:
    return {
        "key": step.key,
        "id": derived_job_id(step.job.queue, flow_id, step.key),
        "queue": step.job.queue.value,
        "name": step.job.name,
        "dependsOn": list(step.depends_on),
        "onDependencyFailure": step.on_failure.value,
    }


def _id_for(idempotency: Idempotency) -> str:
    """The id that repeating the request finds again: of the key and its owner, whatever the body."""
    return "flow-" + hashlib.sha256(f"{idempotency.owner}\n{idempotency.key}".encode()).hexdigest()[:24]
