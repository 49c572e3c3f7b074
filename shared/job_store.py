"""The data API over the engine's keys, for the gateway, the command line and the services.

Everything an operator can see or do goes through here; pages and commands hold no logic. Every
change is one script, every read is bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import orjson
import redis

from shared.broker import job_log, keys
from shared.broker.config import EngineConfig
from shared.broker.connection import UNREACHABLE, Scripts
from shared.broker.states import State
from shared.errors import DeduplicationKeyTaken, JobNotFound, RedisUnavailable, WrongState
from shared.job_filter import JobFilter
from shared.job_index import JobIndex
from shared.job_listing import list_jobs, read_jobs
from shared.job_records import (
    Cleaned,
    FailedPage,
    Job,
    JobArchive,
    JobEvent,
    JobPage,
    QueueStats,
    SearchPage,
    event_from_stream,
    job_from_record,
)
from shared.job_restoring import restoring_arguments
from shared.job_search import Search
from shared.job_tail import is_removed, recent_entries
from shared.queue_limits import QueueLimits, Rate, checked_limit, stored_group_key
from shared.queue_stats import stats_from
from shared.queues import Queue, queue_of

_T = TypeVar("_T")

HOUR_MS = 3_600_000
FAILED_KEPT_LONGER = 7
CLEANED_A_CALL = 1_000


class JobStore:
    """Reads and operates queues. Every method raises ``RedisUnavailable`` when Redis can't be reached."""

    def __init__(
        self,
        client: redis.Redis,
        archive: JobArchive | None = None,
        config: EngineConfig | None = None,
        index: JobIndex | None = None,
    ) -> None:
        self._client: Any = client  # redis-py types its replies as bytes, text or awaitables at once
        self._archive = archive
        self._config = config or EngineConfig()
        self.finder = Search(client, archive, index)
        self._scripts = Scripts(client, self._config.confirmation)
        self.limits = QueueLimits(self._scripts)

    # Reading -------------------------------------------------------------------------------------

    def stats(self) -> dict[Queue, QueueStats]:
        """Counts of every queue, in constant time each."""
        return {queue: self.queue_stats(queue) for queue in Queue}

    def queue_stats(self, queue: Queue) -> QueueStats:
        """Counts of one queue."""
        return stats_from(queue, self._scripts.run("stats", queue.value))

    def job(self, job_id: str) -> Job:
        """One job, from Redis or else from the archive. Raises ``JobNotFound``."""
        queue = _queue_named(job_id)
        found = self._guard(lambda: read_jobs(self._client, queue, [job_id]))
        if found:
            return found[0]
        # Redis may forget a job before the archiver comes to it: the stream still holds its record then.
        for look in (self._archived, self._just_finished, self._archived):
            if (job := look(queue, job_id)) is not None:
                return job
        raise JobNotFound(f"no job has the id {job_id!r}")

    def _archived(self, queue: Queue, job_id: str) -> Job | None:
        found = self._archive.job(job_id) if self._archive is not None else None
        gone = found is not None and self._guard(lambda: is_removed(self._client, queue, job_id))
        return None if gone else found

    def _just_finished(self, queue: Queue, job_id: str) -> Job | None:
        entries = self._guard(lambda: list(recent_entries(self._client, queue, job_id)))
        told = next((stored for _, stored in entries if b"record" in stored or stored[b"event"] == b"removed"), {})
        record = told.get(b"record")
        return None if record is None else job_from_record(job_id, queue, orjson.loads(record))

    def jobs(
        self, queue: Queue | None = None, state: State | None = None, cursor: str | None = None, limit: int = 50
    ) -> JobPage:
        """A page of jobs without their data: finished ones newest first, the others in the order they will run.

        Raises ``InvalidCursor`` for a cursor that this method didn't make.
        """
        return self._guard(lambda: list_jobs(self._client, queue, state, cursor, limit))

    def search(self, wanted: JobFilter, cursor: str | None = None, limit: int = 50) -> SearchPage:
        """A page of the jobs that match a filter: see ``shared/job_search.py``. Raises ``InvalidCursor``."""
        return self._guard(lambda: self.finder.page(wanted, cursor, limit))

    def failed(self, queue: Queue, start: int = 0, end: int = 10) -> FailedPage:
        """Failed jobs from ``start`` to ``end`` inclusive, newest first."""

        def read() -> FailedPage:
            name = keys.state_set(queue.value, State.FAILED)
            ids = self._client.zrevrange(name, start, end)
            jobs = read_jobs(self._client, queue, [job_id.decode() for job_id in ids])
            return FailedPage(jobs, int(self._client.zcard(name)))

        return self._guard(read)

    def events(self, job_id: str) -> list[JobEvent]:
        """A job's whole history, oldest first: archived events, then those that the archive has not read yet."""
        queue = _queue_named(job_id)
        # The stream first: what is archived and trimmed in between is then seen twice, never missed.
        recent = self._guard(lambda: self._recent_events(queue, job_id))
        archived = self._archive.events(job_id) if self._archive is not None else []
        known = {event.stream_id for event in archived}
        events = [*archived, *(event for event in recent if event.stream_id not in known)]
        if not events:
            self.job(job_id)
        return events

    def _recent_events(self, queue: Queue, job_id: str) -> list[JobEvent]:
        return [event_from_stream(at, stored) for at, stored in recent_entries(self._client, queue, job_id)][::-1]

    # Operating -----------------------------------------------------------------------------------

    def retry(self, queue: Queue, job_id: str, by: str) -> Job:
        """Run a failed job again: same id, attempts anew, history kept.

        Raises ``JobNotFound``, ``WrongState`` or ``DeduplicationKeyTaken``.
        """
        if queue_of(job_id) is not queue:
            raise JobNotFound(f"no job of queue {queue.name} has the id {job_id!r}")
        outcome, *details = self._scripts.run("retry", queue.value, (job_id, by))
        if outcome == b"missing":
            group_key = stored_group_key(self._client, queue, self._config.policy(queue.value).group_key)
            forgotten = restoring_arguments(self.job(job_id), group_key)
            outcome, *details = self._scripts.run("retry", queue.value, (job_id, by, *forgotten))
        if outcome == b"state":
            raise WrongState(f"job {job_id} is {details[0].decode()}; only failed jobs can be retried")
        if outcome == b"dependencies":
            jobs = ", ".join(self.job(job_id).waits_for[:5])
            raise WrongState(f"job {job_id} depends on jobs that have not completed ({jobs}): retry those first")
        if outcome == b"key":
            holder = details[0].decode()
            raise DeduplicationKeyTaken(f"job {holder} holds the deduplication key of {job_id}", holder_id=holder)
        job_log.operated(queue.value, "retried", by, job_id=job_id)
        return self.job(job_id)

    def cancel(self, job_id: str, by: str, why: str = "") -> Job:
        """Cancel an unfinished job; a running one is told to stop and is cancelled when it has stopped.

        Raises ``JobNotFound`` or ``WrongState``.
        """
        outcome, *details = self._scripts.run("cancel", _queue_named(job_id).value, (job_id, by, why))
        if outcome == b"missing":
            state = self.job(job_id).state.value
        elif outcome == b"finished":
            state = details[0].decode()
        else:
            what = "cancelling" if outcome == b"active" else "cancelled"
            job_log.operated(_queue_named(job_id).value, what, by, job_id=job_id, why=why)
            return self.job(job_id)
        raise WrongState(f"job {job_id} is {state}; only unfinished jobs can be cancelled")

    def promote(self, job_id: str, by: str) -> Job:
        """Run a delayed job now. Raises ``JobNotFound`` or ``WrongState``."""
        outcome, *details = self._scripts.run("promote", _queue_named(job_id).value, (job_id, by))
        if outcome == b"waiting":
            job_log.operated(_queue_named(job_id).value, "promoted", by, job_id=job_id)
            return self.job(job_id)
        state = self.job(job_id).state.value if outcome == b"missing" else details[0].decode()
        raise WrongState(f"job {job_id} is {state}; only delayed jobs can be promoted")

    def pause(self, queue: Queue, by: str, why: str = "", until_ms: int | None = None) -> bool:
        """Stop taking jobs of a queue, everywhere at once, until ``until_ms`` or a resume; False if it was paused."""
        until = "" if until_ms is None else until_ms
        changed = bool(self._scripts.run("pause", queue.value, ("pause", by, why, until)))
        job_log.operated(queue.value, "paused", by, why=why)
        return changed

    def resume(self, queue: Queue, by: str, why: str = "") -> bool:
        """Take jobs again, whatever the circuit breaker thinks; False if the queue was not paused."""
        changed = bool(self._scripts.run("pause", queue.value, ("resume", by, why, "")))
        if changed:
            job_log.operated(queue.value, "resumed", by, why=why)
        return changed

    def close_breaker(self, queue: Queue, by: str, why: str = "") -> bool:
        """Close the circuit breaker of a queue's provider; False if it was closed. A person's pause stays."""
        changed = bool(self._scripts.run("pause", queue.value, ("close_breaker", by, why, "")))
        if changed:
            job_log.operated(queue.value, "resumed", by, why=why)
        return changed

    def clean(self, queue: Queue, grace_hours: float, by: str = "operator") -> Cleaned:
        """Remove completed jobs older than the grace and failed ones older than seven times the grace."""
        completed = failed = 0
        grace_ms = round(grace_hours * HOUR_MS)
        while True:
            removed = self._scripts.run("clean", queue.value, (grace_ms, grace_ms * FAILED_KEPT_LONGER, by))
            completed, failed = completed + removed[0], failed + removed[1]
            if max(removed) < CLEANED_A_CALL:
                job_log.operated(queue.value, "cleaned", by)
                return Cleaned(completed, failed)

    def set_limits(self, queue: Queue, **limits: Any) -> None:
        """Set limits as the environment of a starting worker does; see ``QueueLimits.set_by_environment``.

        ``cap`` and ``group_cap`` are whole numbers, ``rate`` and ``group_rate`` (jobs, window in ms); None takes one
        away, leaving it out keeps it. Raises ``InvalidOption``.
        """
        changes = {_LIMITS[name]: checked_limit(_LIMITS[name], _as_rate(value)) for name, value in limits.items()}
        self.limits.set_by_environment(queue, changes)

    def check_client(self, client: str, limit: int, window_ms: int) -> int:
        """Count one request of an API client: 0, or the ms until it may come back."""
        return int(self._scripts.run_on_key("limit", keys.meta("clients"), (client, limit, window_ms)))

    def _guard(self, read: Callable[[], _T]) -> _T:
        try:
            return read()
        except UNREACHABLE as error:
            raise RedisUnavailable(f"Redis can't be reached: {type(error).__name__}") from error


def _queue_named(job_id: str) -> Queue:
    queue = queue_of(job_id)
    if queue is None:
        raise JobNotFound(f"no job has the id {job_id!r}: an id begins with its queue, like whatsapp-…")
    return queue


_LIMITS = {"cap": "concurrency", "rate": "rate", "group_rate": "groupRate", "group_cap": "groupConcurrency"}


def _as_rate(value: Any) -> Any:
    return Rate(*value) if isinstance(value, tuple) else value
