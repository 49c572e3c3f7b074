"""Working on bulk operations, as one part of the scheduler."""

from __future__ import annotations

import time
from collections.abc import Sequence

from gateway.bulk import records
from gateway.bulk.acting import Actor, Order, Result
from gateway.bulk.records import LeaseLost
from shared.database import Database
from shared.database.models import BulkOperation, BulkOutcome, BulkState
from shared.job_filter import parse_filter
from shared.job_matching import Matcher
from shared.job_search import Search
from shared.job_sources import Place

CHUNK = 100
SLICE_S = 2.0
"""How long one operation is worked on before others have their turn."""
FEWEST_FOR_A_RATE = 20
MINUTE_MS = 60_000


class BulkRunner:
    """Carries out operations until none is left to work on now; several may run at once."""

    def __init__(self, database: Database, search: Search, actor: Actor) -> None:
        self._database = database
        self._search = search
        self._actor = actor

    def run_once(self) -> int:
        """Work on one operation for a while; returns how many jobs were met. Raises what Redis or the database do."""
        now_ms = self._now_ms()
        records.forget_records(self._database, now_ms)
        operation = records.claim(self._database, now_ms)
        if operation is None:
            return 0
        try:
            met = self._undo(operation) if operation.state is BulkState.UNDOING else self._work(operation)
        except LeaseLost:
            return 0
        records.release(self._database, operation, self._now_ms())
        return met

    def _work(self, operation: BulkOperation) -> int:
        order = Order(
            operation.action, operation.target, f"{operation.requested_by}, bulk {operation.id}", operation.reason
        )
        met = 0
        while left := records.items(self._database, operation, BulkOutcome.ACTING, CHUNK):
            results = [self._actor.settle(order, job) for job in left]
            records.finish(self._database, operation, results, self._now_ms())
        deadline = time.monotonic() + SLICE_S
        place, next_ms, fresh = operation.place, operation.next_ms, 0
        while time.monotonic() < deadline:
            now_ms = self._now_ms()
            room, next_ms = _room(operation.per_minute, next_ms, now_ms)
            if room == 0:
                break
            job_ids, place, is_end = self._next_jobs(operation, place, room)
            next_ms = _after(operation.per_minute, next_ms, len(job_ids))
            jobs = [self._actor.keep(order, job_id) for job_id in job_ids]
            new = records.begin(self._database, operation, jobs, place, next_ms, now_ms)
            records.finish(self._database, operation, [self._actor.act(order, job) for job in new], self._now_ms())
            met += len(new)
            if job_ids and self._stops(operation):
                break
            fresh += len(new)
            if is_end and fresh:
                # Jobs that stood behind others come to light when those are gone: the end is a round without a new one.
                place, fresh = None, 0
            elif is_end:
                records.end(self._database, operation, BulkState.COMPLETED, self._now_ms())
                break
        return met

    def _next_jobs(
        self, operation: BulkOperation, place: Place | None, count: int
    ) -> tuple[list[str], Place | None, bool]:
        """Ids of the next jobs that match, where to go on, and whether that is the end."""
        wanted = parse_filter(operation.filter)
        _, tail = self._search.begin(wanted)
        matcher = Matcher(wanted, operation.started_ms)
        found: list[str] = []
        chunk = next(self._search.chunks(matcher, tail, None if place is None else tuple(place)), None)
        for at, job in chunk or ():
            if job is not None and job.created_at_ms <= operation.started_ms:
                found.append(job.id)
            if len(found) == count:
                return found, at, False
        # What was met is written down with its place, however little it is.
        return found, chunk[-1][0] if chunk else place, chunk is None

    def _stops(self, operation: BulkOperation) -> bool:
        """Close the operation if too many of its jobs were refused or failed again."""
        acted, rate = records.error_rate(self._database, operation)
        if acted < FEWEST_FOR_A_RATE or rate * 100 <= operation.max_error_percent:
            return False
        allowed = operation.max_error_percent / 100
        why = f"{rate:.0%} of the last {acted} jobs were refused or failed again, more than {allowed:.0%}"
        records.end(self._database, operation, BulkState.STOPPED, self._now_ms(), why)
        return True

    def _undo(self, operation: BulkOperation) -> int:
        met = 0
        deadline = time.monotonic() + SLICE_S
        while time.monotonic() < deadline:
            jobs: Sequence[Result] = records.items(self._database, operation, BulkOutcome.DONE, CHUNK)
            if not jobs:
                records.end(self._database, operation, BulkState.UNDONE, self._now_ms())
                break
            results = [self._actor.restore(f"undo of bulk {operation.id}", job) for job in jobs]
            records.finish(self._database, operation, results, self._now_ms())
            met += len(results)
        return met

    def _now_ms(self) -> int:
        return self._search.now_ms()


def _room(per_minute: int | None, next_ms: int, now_ms: int) -> tuple[int, int]:
    """How many jobs the pace allows now, and since when: time that was not used is lost but for a second's."""
    if per_minute is None:
        return CHUNK, next_ms
    since_ms = max(next_ms, now_ms - 1_000)
    if since_ms > now_ms:
        return 0, since_ms
    return min(CHUNK, int((now_ms - since_ms) * per_minute / MINUTE_MS) + 1), since_ms


def _after(per_minute: int | None, since_ms: int, jobs: int) -> int:
    return since_ms if per_minute is None else since_ms + round(jobs * MINUTE_MS / per_minute)
