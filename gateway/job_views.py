"""Jobs, events and counts as JSON. Personal data is masked unless the caller may see it and asked to."""

from __future__ import annotations

from typing import Any

from gateway.answers import Json
from shared.clock import to_iso
from shared.job_records import Job, JobEvent, QueueStats, SearchPage
from shared.privacy import mask, mask_text

_ERROR_FIELDS = ("type", "message", "attempt", "at")


def job_summary(job: Job) -> Json:
    """A job in a list: no payload, of its errors only the last one's type and masked message."""
    return {
        "id": job.id,
        "queue": job.queue.name,
        "name": job.name,
        "state": job.state,
        "attempt": job.attempt,
        "attempts": job.attempts,
        "error": _short_error(job.error),
        "createdAt": _time(job.created_at_ms or None),
        "startedAt": _time(job.started_at_ms),
        "finishedAt": _time(job.finished_at_ms),
        "dueAt": _time(job.due_at_ms),
    }


def search_view(page: SearchPage) -> Json:
    """Jobs that match a filter, and how far the index is behind."""
    return {
        "jobs": [job_summary(job) for job in page.jobs],
        "count": len(page.jobs),
        "cursor": page.cursor,
        "unindexedEvents": page.unindexed_events,
        "indexLagMs": page.index_lag_ms,
    }


def whole_job(job: Job, *, reveal: bool) -> Json:
    """A job with its payload, result, progress and the errors of all attempts."""
    personal: Json = {
        "data": job.data,
        "result": job.result,
        "progress": job.progress,
        "errors": [_with_time(error) for error in job.errors],
        "deduplicationKey": job.deduplication_key,
    }
    if not reveal:
        personal = mask(personal)
    return {
        **job_summary(job),
        **personal,
        "error": personal["errors"][-1] if personal["errors"] else None,
        "version": job.version,
        "options": job.options,
        "stalls": job.stalls,
        "releasedMs": job.released_ms,
        "worker": job.worker,
        "cancelRequested": job.cancel_requested,
        "flowId": job.flow_id,
        "dependsOn": job.depends_on,
        "dependents": job.dependents,
        "waitsFor": job.waits_for,
        "absorbed": job.absorbed,
    }


def event_view(event: JobEvent) -> Json:
    """One transition; what people wrote (why) and errors are masked."""
    return {"at": to_iso(event.at_ms), "event": event.event, **mask(event.fields)}


def stats_view(stats: QueueStats) -> Json:
    """A queue's numbers in the requirement's shape, with more keys inside."""
    pause = stats.pause
    return {
        "name": stats.queue.value,
        "counts": {
            "waiting": stats.waiting,
            "active": stats.active,
            "completed": stats.completed,
            "failed": stats.failed,
            "delayed": stats.delayed,
            "blocked": stats.blocked,
            "cancelled": stats.cancelled,
        },
        "isPaused": stats.is_paused,
        "pause": None
        if pause is None
        else {
            "by": pause.by,
            "reason": mask_text(pause.why),
            "at": to_iso(pause.at_ms),
            "until": _time(pause.until_ms),
        },
        "breaker": {
            "state": stats.breaker.state,
            "since": _time(stats.breaker.since_ms),
            "reason": mask_text(stats.breaker.why) or None,
            "nextProbeAt": _time(stats.breaker.next_probe_at_ms),
            "opened": stats.breaker.opened,
        },
        "limited": {
            "rate": stats.limited.rate,
            "concurrency": stats.limited.concurrency,
            "groups": stats.limited.groups,
            "clients": stats.limited.clients,
        },
        "backlog": stats.backlog,
        "workers": stats.workers,
        "stalled": stats.stalled,
        "deduplicated": stats.deduplicated,
        "oldestWaitingMs": stats.oldest_waiting_ms,
    }


def _short_error(error: Json | None) -> Json | None:
    if error is None:
        return None
    short = {name: error[name] for name in _ERROR_FIELDS if name in error}
    return _with_time({**short, "message": mask_text(str(error.get("message", "")))})


def _with_time(error: Json) -> Json:
    at: Any = error.get("at")
    return {**error, "at": to_iso(at)} if isinstance(at, int) else error


def _time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else to_iso(milliseconds)
