"""Searching jobs by a filter: the most selective source gives candidates, the rest of the filter sifts them.

What a job is now always comes from Redis, or from the archive once Redis has forgotten it; the index only finds ids.
So an answer is never stale. Each call looks at a bounded number of jobs and leaves a cursor.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from shared.broker.states import State
from shared.job_filter import JobFilter, Key
from shared.job_index import JobIndex
from shared.job_listing import ORDER, InvalidCursor, read_jobs
from shared.job_matching import Matcher
from shared.job_records import Job, JobArchive, SearchPage
from shared.job_sources import Candidate, IdSource, IndexSource, Place, Source, StateSource
from shared.job_tail import Tail, read_tail
from shared.queues import POLICIES, Queue, queue_of

BUDGET_MS = 80
"""How long a call goes on taking candidates; what is left comes with the next page."""
FIRST_CHUNK = 100
LARGEST_CHUNK = 400


_WITH_ERRORS_FIRST = (State.FAILED, State.DELAYED, State.ACTIVE, State.WAITING, State.CANCELLED, State.COMPLETED)
"""Where a search for an error looks: blocked jobs have not run, completed ones seldom failed before."""

Seen = tuple[Place, Job | None]
"""A candidate's place, and its job if that matches."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a search works with; without an index or an archive (no database) it has what Redis has."""

    client: Any
    archive: JobArchive | None = None
    index: JobIndex | None = None

    def page(self, wanted: JobFilter, cursor: str | None, limit: int) -> SearchPage:
        """The next jobs that match. Raises ``InvalidCursor`` for a cursor of something else."""
        deadline = time.monotonic() + BUDGET_MS / 1000
        found: list[Job] = []
        matcher, tail = self.begin(wanted)
        for chunk in self.chunks(matcher, tail, _read_cursor(cursor)):
            for place, job in chunk:
                if job is not None:
                    found.append(job)
                if len(found) == limit:
                    return SearchPage(found, _cursor(place), tail.events, tail.lag_ms)
            if time.monotonic() > deadline:
                return SearchPage(found, _cursor(chunk[-1][0]), tail.events, tail.lag_ms)
        return SearchPage(found, None, tail.events, tail.lag_ms)

    def begin(self, wanted: JobFilter) -> tuple[Matcher, Tail]:
        """The filter as of now, and what the index doesn't have yet."""
        now_ms = self.now_ms()
        matcher = Matcher(wanted, now_ms)
        # The streams before the index: what is archived in between is then seen twice, never missed.
        return matcher, read_tail(self.client, matcher.queues, now_ms)

    def now_ms(self) -> int:
        """Redis time, epoch ms."""
        seconds, microseconds = self.client.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def chunks(self, matcher: Matcher, tail: Tail, place: Place | None) -> Iterator[list[Seen]]:
        """All candidates behind ``place``, some at a time, each with its job if that matches."""
        source = IdSource(()) if matcher.is_empty() else self._source(matcher, tail)
        count = FIRST_CHUNK
        while chunk := _after(source, place, count):
            yield self._sifted(chunk, matcher, tail)
            place = chunk[-1].place
            count = min(count * 2, LARGEST_CHUNK)

    def _source(self, matcher: Matcher, tail: Tail) -> Source:
        if matcher.ids:
            return IdSource(matcher.ids)
        if self.index is None or (matcher.states and matcher.subject is None):
            return StateSource(self.client, self.archive, matcher, matcher.states or ORDER)
        if matcher.subject is None and matcher.wanted.wanted(Key.FINGERPRINT):
            return StateSource(self.client, self.archive, matcher, _WITH_ERRORS_FIRST[:4])
        if matcher.subject is None and matcher.wanted.wanted(Key.ERROR):
            return StateSource(self.client, self.archive, matcher, _WITH_ERRORS_FIRST)
        return IndexSource(self.index, tail, matcher, self._names(matcher, self.index))

    def _names(self, matcher: Matcher, index: JobIndex) -> Sequence[str]:
        """The names to look at: those asked for, or all that are not another queue's."""
        if matcher.subject is not None or matcher.names:
            return matcher.names
        others = {
            name for queue, policy in POLICIES.items() if queue not in matcher.queues for name in policy.job_names
        }
        return [name for name in index.names() if name not in others]

    def _sifted(self, chunk: Sequence[Candidate], matcher: Matcher, tail: Tail) -> list[Seen]:
        jobs = self._jobs(chunk, tail)
        seen: list[Seen] = []
        known: set[str] = set()
        for candidate in chunk:
            job = jobs.get(candidate.job_id)
            fits = job is not None and job.id not in known and matcher.admits(job)
            known.add(candidate.job_id)
            seen.append((candidate.place, job if fits else None))
        return seen

    def _jobs(self, chunk: Sequence[Candidate], tail: Tail) -> dict[str, Job]:
        """The candidates as they are now, wherever that stands."""
        by_queue: dict[Queue, list[str]] = {}
        for candidate in chunk:
            if (queue := queue_of(candidate.job_id)) is not None:
                by_queue.setdefault(queue, []).append(candidate.job_id)
        jobs = {job.id: job for queue, ids in by_queue.items() for job in read_jobs(self.client, queue, ids)}
        forgotten = [candidate.job_id for candidate in chunk if candidate.job_id not in jobs]
        for candidate in chunk:
            if candidate.is_forgotten:
                jobs.pop(candidate.job_id, None)
        if forgotten and self.archive is not None:
            jobs |= self.archive.jobs_by_id(forgotten)
        for job_id in forgotten:
            if job_id in tail.ended:
                jobs[job_id] = tail.ended[job_id]
            elif job_id in tail.removed:
                jobs.pop(job_id, None)
        return jobs


def _after(source: Source, place: Place | None, count: int) -> list[Candidate]:
    try:
        return source.after(place, count)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise _invalid_cursor() from error


def _cursor(place: Place) -> str:
    return urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _read_cursor(cursor: str | None) -> Place | None:
    if not cursor:
        return None
    try:
        place = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise _invalid_cursor() from error
    if not isinstance(place, list) or not place:
        raise _invalid_cursor()
    return tuple(place)


def _invalid_cursor() -> InvalidCursor:
    return InvalidCursor("this cursor is not one that a page of this filter returned; leave it out to begin")
