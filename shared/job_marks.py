"""Noticing that jobs changed, many at once, without reading them whole."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from shared.broker import keys
from shared.broker.connection import UNREACHABLE
from shared.errors import RedisUnavailable
from shared.queues import queue_of

_FIELDS = ("state", "attempt", "progress", "finished", "cancel", "absorbed", "started", "released")


def job_marks(client: Any, ids: Iterable[str]) -> dict[str, str]:
    """For each job that Redis has, a text that changes whenever the job does. Raises ``RedisUnavailable``."""
    wanted = [(job_id, queue) for job_id in ids if (queue := queue_of(job_id)) is not None]
    try:
        pipeline = client.pipeline(transaction=False)
        for job_id, queue in wanted:
            pipeline.hmget(keys.job(queue.value, job_id), _FIELDS)
        replies = pipeline.execute() if wanted else []
    except UNREACHABLE as error:
        raise RedisUnavailable(f"Redis can't be reached: {type(error).__name__}") from error
    return {
        job_id: sha256(b"|".join(part or b"" for part in reply)).hexdigest()[:16]
        for (job_id, _), reply in zip(wanted, replies, strict=True)
    }
