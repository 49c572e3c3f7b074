"""The engine's log lines: constant event names, and messages as the requirement shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
import sentry_sdk

from shared.broker.encoding import encode_result, text_of
from shared.broker.outcome import Kind
from shared.logs import job_event, timestamp, write_lines
from shared.privacy import mask, mask_text

if TYPE_CHECKING:
    from shared.broker.finish import Finish
    from shared.broker.options import Enqueued
    from shared.broker.proxy import JobProxy
    from shared.broker.sweeping import StalledJob
    from shared.broker.tally import Tally


def started(jobs: Sequence[JobProxy]) -> None:
    """A worker took these jobs."""
    at = timestamp()
    lines = [_line("active", proxy, at, b"") for proxy in jobs if proxy.exception is None]
    write_lines("info", lines)


def finished(batch: Sequence[Finish], statuses: bytes, worker: str, tally: Tally) -> None:
    """Redis has answered the reports of these attempts, a status letter each (see ``advance.lua``): log and count."""
    at = timestamp()
    completed = []
    for finish, status in zip(batch, statuses, strict=True):
        kind = _ENDED_OTHERWISE.get(status, finish.outcome.kind)
        tally.count(finish.proxy.queue_name, finish.proxy.actor_name, kind, finish.duration_ms)
        if kind is Kind.LOST:
            lease_lost(finish.proxy)
        elif status == _STATUS_BREAKER:
            _set_aside(finish, kind, "the circuit breaker is open")
        elif kind is Kind.COMPLETED:
            completed.append(_line("completed", finish.proxy, at, _duration_and_result(finish)))
        elif kind in _FAILURES:
            _failed(finish, worker)
        else:
            _set_aside(finish, kind)
    write_lines("info", completed)


_STATUS_BREAKER = ord("b")
_ENDED_OTHERWISE = {ord("l"): Kind.LOST, ord("c"): Kind.CANCELLED, _STATUS_BREAKER: Kind.RELEASED}


def _line(what: str, proxy: JobProxy, at: str, more: bytes) -> bytes:
    """The two lines that every job writes, made without a detour: ids, queue names and numbers need no mask."""
    job_id = orjson.dumps(proxy.message_id)
    queue = orjson.dumps(proxy.queue_name)
    return (
        b'{"level":"info","message":"Job %b %b in queue %b","event":"job.%b","timestamp":"%b","queue":%b,"jobId":%b,'
        b'"attempt":%d%b}\n'
        % (
            job_id[1:-1],
            what.encode(),
            queue[1:-1],
            what.encode(),
            at.encode(),
            queue,
            job_id,
            proxy.attempt,
            more,
        )
    )


def _duration_and_result(finish: Finish) -> bytes:
    result = finish.proxy.result
    shown = b"null" if result is None else encode_result(mask(result))
    return b',"duration":%d,"result":%b' % (finish.duration_ms, shown)


_FAILURES = frozenset({Kind.FAILED, Kind.DELAYED})


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
        "reason": mask_text(text_of(error)),
    }
    if retried:
        fields["retryInMs"] = outcome.delay_ms
    job_event(
        "warning" if retried else "error",
        f"Job {proxy.message_id} failed in queue {proxy.queue_name}",
        "job.failed",
        **fields,
    )


def _set_aside(finish: Finish, kind: Kind, why: str = "") -> None:
    proxy = finish.proxy
    reason = mask_text(text_of(finish.error)) if finish.error is not None else "the worker stopped"
    job_event(
        "info",
        f"Job {proxy.message_id} {kind.value} in queue {proxy.queue_name}",
        f"job.{kind.value}",
        queue=proxy.queue_name,
        jobId=proxy.message_id,
        attempt=proxy.attempt,
        duration=finish.duration_ms,
        delayMs=0 if why else finish.outcome.delay_ms,
        reason=f"{why}: {reason}" if why else reason,
    )


def enqueued(answers: Sequence[Enqueued]) -> None:
    """A producer added these jobs; what was known or deduplicated is no new job."""
    at = timestamp().encode()
    lines = []
    for answer in answers:
        if answer.created:
            job_id, queue, state = orjson.dumps(answer.job_id), answer.queue.encode(), answer.state.encode()
            lines.append(
                b'{"level":"info","message":"Job %b %b in queue %b","event":"job.%b","timestamp":"%b","queue":"%b",'
                b'"jobId":%b}\n' % (job_id[1:-1], state, queue, state, at, queue, job_id)
            )
    write_lines("info", lines)


def operated(queue_name: str, what: str, by: str, *, job_id: str = "", why: str = "") -> None:
    """An operator changed a job or a queue; ``what`` is the event's name in the past tense."""
    subject = f"Job {job_id} {what} in queue {queue_name}" if job_id else f"Queue {queue_name} {what}"
    fields = {"queue": queue_name, "by": by} | ({"jobId": job_id} if job_id else {}) | ({"why": why} if why else {})
    job_event("info", subject, f"{'job' if job_id else 'queue'}.{what}", **fields)


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
    if job.outcome == "failed":
        # No exception of an actor tells Sentry of a job that kills its worker.
        with sentry_sdk.new_scope() as scope:
            scope.set_tags({"queue": queue_name, "jobId": job.id, "attempt": str(job.attempt)})
            sentry_sdk.capture_message("Job stalled too often", level="error", scope=scope)


def breaker_moved(queue_name: str, news: bytes) -> None:
    """The circuit breaker opened, stayed open after a probe, or closed: ``news`` of ``advance.lua``, mostly none."""
    if not news:
        return
    what, _, why = news.decode(errors="replace").partition("|")
    level = "info" if what == "closed" else "error"
    words = {"opened": "paused by", "reopened": "still paused by", "closed": "resumed by"}[what]
    message = f"Queue {queue_name} {words} the circuit breaker"
    job_event(level, message, f"breaker.{what}", queue=queue_name, why=mask_text(why))


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


def worker_directed(order: str) -> None:
    """An operator told this worker to be quiet, or to take jobs again."""
    job_event("info", f"The worker was told to {order if order == 'resume' else 'be quiet'}", f"worker.{order}")


def worker_ordered(queue_name: str, worker: str, order: str, by: str, why: str) -> None:
    """An operator gave a worker an order."""
    fields = {"queue": queue_name, "worker": worker, "by": by} | ({"why": why} if why else {})
    job_event("info", f"Worker {worker} was told: {order}", f"worker.{order}_ordered", **fields)


def released(queue_name: str, dependency: str, state: str, letters: Mapping[str, str]) -> None:
    """Jobs of a queue were told that one they depend on has ended (the letters are those of ``release.lua``)."""
    for job_id, letter in letters.items():
        if letter in "fF":
            reason = f"job {dependency}, which it depends on, is {state}"
            fields = {"queue": queue_name, "jobId": job_id, "dependency": dependency, "reason": reason}
            message = f"Job {job_id} failed in queue {queue_name}"
            job_event("error", message, "job.failed", **fields, error="DependencyFailed", willRetry=False)
        elif letter == "r":
            fields = {"queue": queue_name, "jobId": job_id, "dependency": dependency}
            job_event("info", f"Job {job_id} unblocked in queue {queue_name}", "job.unblocked", **fields)
