"""Schedules as JSON. Personal data in a job's data is masked unless the caller may see it and asked to."""

from __future__ import annotations

from datetime import datetime

from gateway.answers import Json
from shared.clock import to_iso
from shared.privacy import mask
from shared.schedules import Cron, Entry, Housekeeping, Interval, LastRun, ScheduledJob
from shared.schedules.timing import to_ms


def schedule_summary(entry: Entry) -> Json:
    """A schedule in a list: of its job only queue and name."""
    schedule, timing, work = entry.schedule, entry.schedule.timing, entry.schedule.work
    return {
        "id": schedule.id,
        "description": schedule.description,
        "timeZone": schedule.zone,
        "cron": timing.expression if isinstance(timing, Cron) else None,
        "interval": timing.every_ms if isinstance(timing, Interval) else None,
        "job": {"queue": work.queue.name, "name": work.name} if isinstance(work, ScheduledJob) else None,
        "housekeeping": work.name if isinstance(work, Housekeeping) else None,
        "isPaused": schedule.is_paused,
        "isRunning": entry.run is not None,
        "nextDueAt": None if entry.due_at is None else _time(entry.due_at),
        "lastRun": None if entry.last is None else _last_run(entry.last),
        "createdAt": _time(schedule.created_at),
        "createdBy": schedule.created_by,
        "updatedAt": _time(schedule.updated_at),
        "updatedBy": schedule.updated_by,
        "revision": schedule.revision,
    }


def whole_schedule(entry: Entry, *, reveal: bool) -> Json:
    """A schedule with its job's data and options."""
    body = schedule_summary(entry)
    work = entry.schedule.work
    if isinstance(work, ScheduledJob):
        data = work.data if reveal else mask(work.data)
        body["job"] |= {"data": data, "options": work.options}
    return body


def _last_run(last: LastRun) -> Json:
    return {
        "dueAt": _time(last.due_at),
        "finishedAt": _time(last.finished_at),
        "success": last.is_successful,
        "jobId": last.job_id,
        "outcome": last.outcome,
    }


def _time(instant: datetime) -> str:
    return to_iso(to_ms(instant))
