"""Between jobs, Dramatiq's messages and the arguments and answers of the enqueue script."""

from __future__ import annotations

from typing import Any

import orjson
from dramatiq.message import Message

from shared.broker.connection import Argument
from shared.broker.flow import FlowPlace
from shared.broker.grouping import group_of
from shared.broker.options import Enqueued, Idempotency, JobOptions, NewJob, new_job_id, qualified_job_id
from shared.broker.states import State
from shared.errors import InvalidOption
from shared.middleware.options import FLOW, JOB_OPTIONS, VERSION


def message_of(job: NewJob) -> Message[Any]:
    """The Dramatiq message of a new job; it gets its id here."""
    options = job.options
    given = options.job_id
    return Message(
        queue_name=job.queue.value,
        actor_name=job.name,
        args=(),
        kwargs=job.data,
        options={JOB_OPTIONS: options, VERSION: job.version, **_flow(job)},
        message_id=qualified_job_id(job.queue, given) if given else new_job_id(job.queue),
        message_timestamp=0,
    )


def _flow(job: NewJob) -> dict[str, FlowPlace]:
    if job.flow is None:
        return {}
    if job.options.deduplication_key is not None:
        # Another job would stand for it, and whoever depends on this one would wait for ever.
        raise InvalidOption("deduplicationKey can't be given to a job of a flow", field="deduplicationKey")
    return {FLOW: job.flow}


def arguments_of(message: Message[Any], group_key: str | None) -> tuple[Argument, ...]:
    """The first eight of a job's twelve arguments of ``enqueue.lua``."""
    options: JobOptions = message.options[JOB_OPTIONS]
    stored: dict[str, Any] = {"name": message.actor_name, "data": message.kwargs}
    if message.args:
        stored["args"] = message.args
    if message.options.get(VERSION, 1) != 1:
        stored["v"] = message.options[VERSION]
    if options != _NO_OPTIONS and (overrides := _stored_options(options)):
        stored["options"] = overrides
    if (flow := message.options.get(FLOW)) is not None:
        stored["flow"] = flow.to_json()
    return (
        message.message_id,
        _json(stored),
        options.priority or "",
        options.delay_ms,
        options.group or group_of(message.kwargs, group_key),
        options.deduplication_key or "",
        options.deduplication_mode.value,
        options.deduplication_window_ms or "",
    )


def _json(stored: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(stored)
    except TypeError as error:
        raise InvalidOption(f"data is not JSON: {error}", field="data") from error


_NO_OPTIONS = JobOptions()
_NOT_STORED = frozenset({"delay", "jobId", "deduplicationKey", "deduplicationMode", "deduplicationWindow"})


def _stored_options(options: JobOptions) -> dict[str, Any]:
    # What the record keeps in fields of its own, or needs no more, is not stored twice.
    return {name: value for name, value in options.to_json().items() if name not in _NOT_STORED}


def idempotency_arguments(idempotency: Idempotency | None, index: int) -> tuple[str, str]:
    """The next two: the key as its owner's, and the body's hash; empty without a key."""
    if idempotency is None:
        return "", ""
    # One job or many: the place is always part of the name, so that a list can't pass for a single job.
    return f"{idempotency.owner}:{idempotency.key}#{index}", idempotency.body_hash


def flow_argument(message: Message[Any]) -> Argument:
    """The last one: the job's place in a flow, or empty."""
    place: FlowPlace | None = message.options.get(FLOW)
    return "" if place is None else place.argument()


def answer_of(queue: Any, job_id: bytes, state: bytes, what: bytes) -> Enqueued:
    """One job's part of the script's reply."""
    return Enqueued(
        job_id=job_id.decode(),
        queue=queue,
        state=State(state.decode()),
        deduplicated=what in {b"duplicate", b"replaced"},
        created=what in {b"created", b"follow-up"},
    )
