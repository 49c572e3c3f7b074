"""The engine's log lines: constant event names, and messages as the requirement shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shared.broker.outcome import Kind
from shared.logs import job_event
from shared.privacy import mask, mask_text

if TYPE_CHECKING:
    from shared.broker.finish import Finish
    from shared.broker.proxy import JobProxy
    from shared.broker.sweeping import StalledJob


def started(proxy: JobProxy) -> None:
    """A worker took the job."""
    job_event(
        "info",
        f"Job {proxy.message_id} active in queue {proxy.queue_name}",
        "job.active",
        queue=proxy.queue_name,
        jobId=proxy.message_id,
        attempt=proxy.attempt,
    )


def finished(finish: Finish, worker: str, *, cancelled: bool) -> None:
    """Redis has accepted the attempt's outcome."""
    kind = Kind.CANCELLED if cancelled else finish.outcome.kind
    if kind is Kind.COMPLETED:
        _completed(finish)
    elif kind in _FAILURES:
        _failed(finish, worker)
    else:
        _set_aside(finish, kind)


_FAILURES = frozenset({Kind.FAILED, Kind.DELAYED})


def _completed(finish: Finish) -> None:
    proxy = finish.proxy
    job_event(
        "info",
        f"Job {proxy.message_id} completed in queue {proxy.queue_name}",
        "job.completed",
        queue=proxy.queue_name,
        jobId=proxy.message_id,
        attempt=proxy.attempt,
        duration=finish.duration_ms,
        result=mask(proxy.result) if proxy.result is not None else None,
    )


def _failed(finish: Finish, worker: str) -> None:
    proxy, outcome = finish.proxy, finish.outcome
    retried = outcome.kind is Kind.DELAYED
    error = finish.error
    fields: dict[str, Any] = {
        "queue": proxy.queue_name,
        "jobId": proxy.message_id,
        "attempt": proxy.attempt,
        "attempts": proxy.attempts,
        "willRetry": retried,
        "duration": finish.duration_ms,
        "worker": worker,
        "error": type(error).__name__,
        "reason": mask_text(str(error)),
    }
    if retried:
        fields["retryInMs"] = outcome.delay_ms
    job_event(
        "warning" if retried else "error",
        f"Job {proxy.message_id} failed in queue {proxy.queue_name}",
        "job.failed",
        **fields,
    )


def _set_aside(finish: Finish, kind: Kind) -> None:
    proxy = finish.proxy
    job_event(
        "info",
        f"Job {proxy.message_id} {kind.value} in queue {proxy.queue_name}",
        f"job.{kind.value}",
        queue=proxy.queue_name,
        jobId=proxy.message_id,
        attempt=proxy.attempt,
        duration=finish.duration_ms,
        delayMs=finish.outcome.delay_ms,
        reason=mask_text(str(finish.error)) if finish.error is not None else "the worker stopped",
    )


def enqueued(queue_name: str, job_id: str, state: str) -> None:
    """A producer added a job."""
    job_event("info", f"Job {job_id} {state} in queue {queue_name}", f"job.{state}", queue=queue_name, jobId=job_id)


def stalled(queue_name: str, job: StalledJob) -> None:
    """A job's worker vanished."""
    job_event(
        "error" if job.outcome == "failed" else "warning",
        f"Job {job.id} stalled in queue {queue_name}",
        "job.stalled",
        queue=queue_name,
        jobId=job.id,
        attempt=job.attempt,
        worker=job.worker,
        state=job.outcome,
    )


def lease_lost(proxy: JobProxy) -> None:
    """This worker no longer owns the job; what it did with it does not count."""
    job_event(
        "warning",
        f"Job {proxy.message_id} lost its lease in queue {proxy.queue_name}",
        "job.lease_lost",
        queue=proxy.queue_name,
        jobId=proxy.message_id,
        attempt=proxy.attempt,
    )


def redis_away(queue_name: str, error: Exception, *, first: bool) -> None:
    """Redis can't be reached; said once, until it is back."""
    if first:
        # What Redis or the network said is what tells a wrong password from a cable.
        reason = str(error.__cause__ or "")
        job_event("error", f"Redis is away: {error}", "redis.away", queue=queue_name, reason=reason)


def redis_back(queue_name: str) -> None:
    """Redis answers again."""
    job_event("info", "Redis is back", "redis.back", queue=queue_name)


def script_failed(queue_name: str, error: Exception) -> None:
    """Redis refused a script: nothing changed, and it is tried again."""
    job_event("error", f"Redis refused a step: {error}", "redis.refused", queue=queue_name)


def reconciled(queue_name: str, job_ids: Sequence[str]) -> None:
    """Jobs whose fetch got lost on the way went back to the queue."""
    job_event("warning", "Jobs of a lost reply went back", "worker.reconciled", queue=queue_name, jobIds=list(job_ids))


def unreported(queue_name: str, job_ids: Sequence[str]) -> None:
    """The worker ended before Redis came back: these jobs will be found stalled and run again."""
    job_event(
        "error", "Finished jobs could not be reported", "worker.unreported", queue=queue_name, jobIds=list(job_ids)
    )


def worker_ends(why: str) -> None:
    """The worker process ends itself gracefully."""
    job_event("error", f"The worker ends: {why}", "worker.ends", why=why)
