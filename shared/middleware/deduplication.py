"""Deduplication: a key is reserved with SET NX before its job is enqueued.

The reservation frees itself after a few seconds if the producer dies in between. The enqueue
script turns it into a hold in the same step that creates the job, and it alone decides; this
middleware only saves that step when an unfinished job holds the key already.

Keys: ``doko:{queue}:dedup:<key>`` = ``r:<id>`` while reserved, then the id of the job.
"""

from __future__ import annotations

from typing import Any

import redis
from dramatiq.broker import Broker
from dramatiq.message import Message
from dramatiq.middleware import Middleware, MiddlewareError

from shared.broker import keys
from shared.broker.connection import Scripts
from shared.broker.options import DeduplicationMode, JobOptions
from shared.broker.states import State
from shared.errors import QueueFull, RedisUnavailable
from shared.middleware.options import JOB_OPTIONS


class DuplicateJob(MiddlewareError):
    """An unfinished job holds the key; ``holder_id`` is its id and ``state`` where it stands."""

    def __init__(self, holder_id: str, state: State) -> None:
        super().__init__(f"job {holder_id} holds the deduplication key")
        self.holder_id = holder_id
        self.state = state


class ReservationFailed(MiddlewareError, RedisUnavailable):
    """Redis could not be asked. Dramatiq swallows other errors here, and the job would be enqueued unprotected."""


class ReservationRefused(MiddlewareError, QueueFull):
    """Redis is at its memory limit."""


class Deduplication(Middleware):
    """Reserves the key of each message that has one, or vetoes the message."""

    def __init__(self, scripts: Scripts, *, reservation_ms: int) -> None:
        self._scripts = scripts
        self._reservation_ms = reservation_ms

    def before_enqueue(self, broker: Broker, message: Message[Any], delay: int | None) -> None:
        """Reserve the key; raises ``DuplicateJob``, ``ReservationRefused`` or ``ReservationFailed``."""
        options: JobOptions = message.options[JOB_OPTIONS]
        if options.deduplication_key is None:
            return
        try:
            reserved = self._reserve(message.queue_name, options.deduplication_key, message.message_id)
            if reserved or options.deduplication_mode is DeduplicationMode.REPLACE:
                return
            holder = self._absorb(message.queue_name, options)
        except redis.exceptions.OutOfMemoryError as error:
            raise ReservationRefused("Redis is at its memory limit; nothing was enqueued") from error
        except (RedisUnavailable, redis.exceptions.RedisError, OSError) as error:
            raise ReservationFailed(f"Redis can't be reached: {type(error).__name__}") from error
        if holder is not None:
            raise DuplicateJob(*holder)

    def _reserve(self, queue_name: str, key: str, job_id: str) -> bool:
        name = keys.deduplication(queue_name, key)
        return bool(self._scripts.client.set(name, f"r:{job_id}", nx=True, px=self._reservation_ms))

    def _absorb(self, queue_name: str, options: JobOptions) -> tuple[str, State] | None:
        key, mode = options.deduplication_key, options.deduplication_mode
        reply = self._scripts.run("absorb", queue_name, (key or "", mode.value))
        return (reply[0].decode(), State(reply[1].decode())) if reply else None
