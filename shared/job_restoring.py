"""A failed job that only the archive remembers, as the retry script brings it back."""

from __future__ import annotations

import orjson

from shared.broker.connection import Argument
from shared.broker.grouping import group_of
from shared.broker.states import State
from shared.errors import WrongState
from shared.job_records import Job


def restoring_arguments(job: Job, group_key: str | None) -> tuple[Argument, ...]:
    """What ``retry.lua`` needs to make a record of it again.

    Raises ``WrongState`` unless it has failed, and for a job that needs results which went with its record.
    """
    if job.state is not State.FAILED:
        raise WrongState(f"job {job.id} is {job.state}; only failed jobs can be retried")
    if job.depends_on:
        raise WrongState(f"job {job.id} needs results that Redis has forgotten: enqueue its flow again")
    message = {"name": job.name, "data": job.data, "v": job.version, "options": job.options}
    if job.flow is not None:
        message["flow"] = job.flow.to_json()
    return (
        f"{job.created_at_ms}|{orjson.dumps(message).decode()}",
        orjson.dumps(job.errors)[1:-1],
        job.options.get("priority", ""),
        str(job.options.get("group") or group_of(job.data, group_key)),
        job.deduplication_key or "",
        orjson.dumps(job.dependents) if job.dependents else "",
    )
