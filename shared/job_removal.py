"""Taking jobs away so that they can come back: their records go to whoever removes them, and return from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

import orjson
import redis

from shared.broker import job_log, keys
from shared.broker.connection import Argument, Scripts
from shared.errors import DeduplicationKeyTaken, JobNotFound, WrongState
from shared.queues import Queue
from shared.subjects import index_entry

_LEASE = frozenset({"token", "follower", "cancel"})
"""Fields of a lease that is over, or of a job that waits for this one: a restored job has neither."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where a job stood: the set's name, and its score there, empty if nobody knows it."""

    name: str
    score: str


class JobRemoval:
    """Removes and restores jobs. Methods raise ``RedisUnavailable`` when Redis can't be reached."""

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client  # redis-py types its replies as bytes, text or awaitables at once
        self._scripts = Scripts(client)

    def record(self, queue: Queue, job_id: str) -> dict[str, str]:
        """The job's hash, to keep before it is removed. Raises ``JobNotFound``, ``WrongState`` for a damaged one."""
        stored = self._client.hgetall(keys.job(queue.value, job_id))
        if b"state" not in stored:
            raise JobNotFound(f"Redis has no job with the id {job_id!r}; what the archive has goes by itself")
        try:
            return {name.decode(): value.decode() for name, value in stored.items()}
        except UnicodeDecodeError as error:
            raise WrongState(f"the record of job {job_id} can't be read, so it couldn't be restored") from error

    def remove(self, queue: Queue, job_id: str, record: Mapping[str, str], by: str, why: str = "") -> Shelf:
        """Remove the job whose ``record`` the caller has kept; says where it stood.

        Raises ``JobNotFound``, or ``WrongState`` if it runs, is blocked, is waited for, or was given other data since.
        """
        digest = sha1(record.get("msg", "").encode(), usedforsecurity=False).hexdigest()
        outcome, *details = self._scripts.run("remove", queue.value, (job_id, by, why, digest))
        if outcome == b"missing":
            raise JobNotFound(f"Redis has no job with the id {job_id!r}")
        if outcome == b"state":
            raise WrongState(f"job {job_id} is {details[0].decode()}; cancel it instead of removing it")
        if outcome == b"awaited":
            raise WrongState(f"another job waits for job {job_id}; cancel it instead of removing it")
        if outcome == b"changed":
            raise WrongState(f"job {job_id} was given other data in this moment")
        job_log.operated(queue.value, "removed", by, job_id=job_id, why=why)
        return Shelf(*(part.decode() for part in details))

    def restore(self, queue: Queue, job_id: str, record: Mapping[str, str], shelf: Shelf, by: str) -> None:
        """Bring a removed job back. Raises ``WrongState`` if its id is in use, or ``DeduplicationKeyTaken``."""
        fields = {name: value for name, value in record.items() if name not in _LEASE}
        flat = [part for field in fields.items() for part in field]
        arguments: list[Argument] = [job_id, by, shelf.name, shelf.score, _index_entry(fields), len(fields), *flat]
        outcome, *details = self._scripts.run("restore", queue.value, arguments)
        if outcome == b"exists":
            raise WrongState(f"a job with the id {job_id} is {details[0].decode()}")
        if outcome == b"key":
            holder = details[0].decode()
            raise DeduplicationKeyTaken(f"job {holder} holds the deduplication key of {job_id}", holder_id=holder)
        job_log.operated(queue.value, "restored", by, job_id=job_id)


def _index_entry(record: Mapping[str, str]) -> bytes:
    try:
        message = orjson.loads(record.get("msg", "").partition("|")[2])
        return index_entry(str(message.get("name", "")), dict(message.get("data") or {}))
    except (ValueError, TypeError, AttributeError):
        return b"{}"  # nobody can read its message: it is found by its id and its state
