"""Schedules and their runs in Redis. Every change is one script that checks what its caller had read before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import redis

from shared.broker.connection import Argument
from shared.errors import ScheduleConflict, ScheduleNotFound
from shared.schedules.model import LastRun, Run, Schedule
from shared.schedules.timing import from_ms, to_ms

PREFIX = "doko:{schedules}:"
SCHEDULES = PREFIX + "schedules"
DUE = PREFIX + "due"
RUNS = PREFIX + "runs"
LEASES = PREFIX + "leases"
LAST = PREFIX + "last"
SEEDED = PREFIX + "seeded"
KEYS = (SCHEDULES, DUE, RUNS, LEASES, LAST, SEEDED)
"""What every script is given, all in one slot:

schedules hash  id -> JSON      due    zset  id -> next due time in ms (paused ones aren't in it)
runs      hash  id -> JSON      leases zset  id -> when the run may be taken over, in ms of Redis time
last      hash  id -> JSON      seeded set   ids of those that existed from the start, removed ones included
"""

MAX_SCHEDULES = 1_000
RACES = 10
"""How often a change is tried again because another came in between."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A schedule with where it stands: its next due time, the run under way, and what became of the latest."""

    schedule: Schedule
    due_at: datetime | None
    run: Run | None
    last: LastRun | None


@dataclass(frozen=True, slots=True)
class DueSchedule:
    """A schedule whose time has come, as read."""

    id: str
    raw: bytes
    due_at: datetime


class ScheduleStore:
    """The schedules of one Redis. ``offset`` shifts its clock in development, as CLOCK_OFFSET says.

    Methods raise what redis-py raises when Redis can't be reached.
    """

    def __init__(self, client: redis.Redis, offset: timedelta = timedelta()) -> None:
        self._client: Any = client  # redis-py types its replies as bytes, text or awaitables at once
        self._offset = offset

    def now(self) -> datetime:
        """Redis' time, which is the same for every scheduler, shifted by the offset."""
        seconds, microseconds = self._client.time()
        return from_ms(seconds * 1000 + microseconds // 1000) + self._offset

    def lag_s(self) -> float:
        """How long the most overdue schedule has been due, in seconds; 0 if none is."""
        with self._client.pipeline(transaction=False) as pipe:
            (seconds, microseconds), first = pipe.time().zrange(DUE, 0, 0, withscores=True).execute()
        now_ms = seconds * 1000 + microseconds // 1000 + self._offset / timedelta(milliseconds=1)
        return float(max(now_ms - first[0][1], 0) / 1000) if first else 0.0

    # Definitions ---------------------------------------------------------------------------------

    def entries(self) -> list[Entry]:
        """All schedules by id."""
        with self._client.pipeline() as pipe:
            pipe.hgetall(SCHEDULES).zrange(DUE, 0, -1, withscores=True).hgetall(RUNS).hgetall(LAST)
            schedules, due, runs, last = pipe.execute()
        times = dict(due)
        return [_entry(key, schedules[key], times.get(key), runs.get(key), last.get(key)) for key in sorted(schedules)]

    def entry(self, schedule_id: str) -> Entry:
        """One schedule. Raises ScheduleNotFound."""
        with self._client.pipeline() as pipe:
            pipe.hget(SCHEDULES, schedule_id).zscore(DUE, schedule_id)
            pipe.hget(RUNS, schedule_id).hget(LAST, schedule_id)
            raw, *rest = pipe.execute()
        if raw is None:
            raise ScheduleNotFound(f"No schedule has the id {schedule_id!r}")
        return _entry(schedule_id.encode(), raw, *rest)

    def create(self, schedule: Schedule) -> Entry:
        """Store a new schedule; it is due the first time after now. Raises ScheduleConflict if its id is taken."""
        if self._client.hlen(SCHEDULES) >= MAX_SCHEDULES:
            raise ScheduleConflict(f"There are {MAX_SCHEDULES} schedules; remove one first")
        if self._save(schedule.id, b"", schedule, self._first_due(schedule)) != 1:
            raise ScheduleConflict(f"A schedule has the id {schedule.id!r} already")
        return self.entry(schedule.id)

    def change(self, schedule_id: str, alter: Callable[[Schedule], Schedule], by: str) -> Entry:
        """Store ``alter(schedule)``; other changes made meanwhile are kept. Raises ScheduleNotFound.

        With the timing unchanged, a time that has come is not lost; a new timing counts from now, and so does one
        that was paused.
        """
        for _ in range(RACES):
            raw = self._raw(schedule_id)
            old = Schedule.from_bytes(schedule_id, raw)
            new = replace(alter(old), id=schedule_id, revision=old.revision + 1, updated_at=self.now(), updated_by=by)
            keeps_time = not new.is_paused and not old.is_paused and new.timing == old.timing
            if self._save(schedule_id, raw, new, "keep" if keeps_time else self._first_due(new)) == 1:
                return self.entry(schedule_id)
        raise ScheduleConflict(f"The schedule {schedule_id!r} is changed by others all the time; try again")

    def remove(self, schedule_id: str) -> None:
        """Remove a schedule; a run that is under way ends. Raises ScheduleNotFound."""
        while self._run("save", (schedule_id, self._raw(schedule_id), "", "none", "")) != 1:
            pass

    def seed(self, schedule: Schedule) -> bool:
        """Make sure that one of the schedules from the start exists; True if something changed.

        One that somebody removed stays removed, one that somebody changed stays as it is; one that nobody touched
        takes the definition of this release.
        """
        raw = self._client.hget(SCHEDULES, schedule.id)
        if raw is None:
            return self._save(schedule.id, b"", schedule, self._first_due(schedule), is_seed="1") == 1
        old = Schedule.from_bytes(schedule.id, raw)
        if old.updated_by != schedule.created_by or old.same_definition(schedule):
            return False
        new = replace(schedule, revision=old.revision + 1, created_at=old.created_at)
        return self._save(schedule.id, raw, new, self._first_due(new), is_seed="1") == 1

    # Runs ----------------------------------------------------------------------------------------

    def due(self, limit: int = 100) -> list[DueSchedule]:
        """Schedules whose time has come, the longest overdue first, without those that a run is under way of."""
        found = self._client.zrange(DUE, "-inf", to_ms(self.now()), byscore=True, offset=0, num=-1, withscores=True)
        if not found:
            return []
        ids = [each for each, _ in found]
        with self._client.pipeline() as pipe:
            raws, runs = pipe.hmget(SCHEDULES, ids).hmget(RUNS, ids).execute()
        return [
            DueSchedule(each.decode(), raw, from_ms(int(score)))
            for (each, score), raw, run in zip(found, raws, runs, strict=True)
            if raw is not None and run is None
        ][:limit]

    def claim(self, due: DueSchedule, run: Run, next_due: datetime, lease_ms: int) -> bool:
        """Take a due run for ``lease_ms`` and move its schedule to ``next_due``; False if another was first."""
        arguments = (due.id, due.raw, to_ms(due.due_at), to_ms(next_due), run.to_bytes(), lease_ms)
        return self._run("claim", arguments) == 1

    def abandoned(self) -> list[Run]:
        """Runs whose lease has ended: their process died, or put them off until now."""
        seconds, microseconds = self._client.time()
        ids = self._client.zrange(LEASES, "-inf", seconds * 1000 + microseconds // 1000, byscore=True)
        raws = self._client.hmget(RUNS, ids) if ids else []
        return [Run.from_bytes(each.decode(), raw) for each, raw in zip(ids, raws, strict=True) if raw is not None]

    def take_over(self, run: Run, new: Run, lease_ms: int) -> bool:
        """Take an abandoned run; False if another was first."""
        return self._run("hold", (run.schedule_id, run.to_bytes(), new.to_bytes(), lease_ms, "1")) == 1

    def hold(self, run: Run, for_ms: int) -> bool:
        """Renew the lease of a run, or put it off; False if it was taken over."""
        return self._run("hold", (run.schedule_id, run.to_bytes(), run.to_bytes(), for_ms, "")) == 1

    def request(self, run: Run) -> None:
        """Add a run by hand, for any scheduler to take. Raises ScheduleConflict while one is under way."""
        if self._run("hold", (run.schedule_id, "", run.to_bytes(), 0, "")) != 1:
            raise ScheduleConflict(f"A run of the schedule {run.schedule_id!r} is under way")

    def confirm(self, run: Run, last: LastRun) -> bool:
        """End a run; False if it was taken over."""
        return self._run("confirm", (run.schedule_id, run.to_bytes(), last.to_bytes())) == 1

    def note(self, schedule_id: str, last: LastRun) -> None:
        """Note a run that was enqueued by hand."""
        self._client.hset(LAST, schedule_id, last.to_bytes())

    def _raw(self, schedule_id: str) -> bytes:
        raw: bytes | None = self._client.hget(SCHEDULES, schedule_id)
        if raw is None:
            raise ScheduleNotFound(f"No schedule has the id {schedule_id!r}")
        return raw

    def _first_due(self, schedule: Schedule) -> int | str:
        return "none" if schedule.is_paused else to_ms(schedule.timing.next_after(self.now()))

    def _save(self, schedule_id: str, seen: bytes, new: Schedule, due: int | str, *, is_seed: str = "") -> int:
        return self._run("save", (schedule_id, seen, new.to_bytes(), due, is_seed))

    def _run(self, name: str, arguments: Sequence[Argument]) -> int:
        reply: int = self._client.eval(_source(name), len(KEYS), *KEYS, *arguments)
        return reply


@cache
def _source(name: str) -> str:
    return (files("shared.schedules") / "scripts" / f"{name}.lua").read_text()


def _entry(key: bytes, raw: bytes, due: float | None, run: bytes | None, last: bytes | None) -> Entry:
    schedule_id = key.decode()
    return Entry(
        Schedule.from_bytes(schedule_id, raw),
        None if due is None else from_ms(int(due)),
        None if run is None else Run.from_bytes(schedule_id, run),
        None if last is None else LastRun.from_bytes(last),
    )
