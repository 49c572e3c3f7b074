"""Where a search takes its candidates from: ids, the index, or the states' sets; each goes on from where it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from shared.broker.states import State
from shared.job_index import Indexed, JobIndex, Span
from shared.job_listing import NEWEST_FIRST, ids_in
from shared.job_matching import Matcher
from shared.job_records import JobArchive
from shared.job_tail import Tail
from shared.queues import Queue

Place = tuple[Any, ...]
"""Where a candidate stands in its source, in JSON's types: behind it the source goes on."""


class Candidate(NamedTuple):
    """A job that may match. ``is_forgotten``: it counts only if Redis has it no more."""

    job_id: str
    place: Place
    is_forgotten: bool = False


class Source(Protocol):
    """Gives candidates in a fixed order."""

    def after(self, place: Place | None, count: int) -> list[Candidate]:
        """The next ones behind ``place``, about ``count``; none at the end. ValueError or TypeError: no such place."""


@dataclass(frozen=True, slots=True)
class IdSource:
    """The ids that the filter names."""

    ids: Sequence[str]

    def after(self, place: Place | None, count: int) -> list[Candidate]:
        """The next ids."""
        start = 0 if place is None else int(place[0]) + 1
        if start < 0:
            raise ValueError("no such place")
        return [Candidate(job_id, (start + step,)) for step, job_id in enumerate(self.ids[start : start + count])]


@dataclass(frozen=True, slots=True)
class IndexSource:
    """Jobs by their time of creation, newest first: those of a subject, of names, or all."""

    index: JobIndex
    tail: Tail
    matcher: Matcher
    names: Sequence[str]

    def after(self, place: Place | None, count: int) -> list[Candidate]:
        """The next jobs of index and tail together, each once."""
        matcher = self.matcher
        before = None if place is None else Indexed(int(place[0]), str(place[1]))
        # Of ended jobs the filter's times are those of their end: they were created before.
        since_ms = None if matcher.is_about_the_end else matcher.since_ms
        span = Span(since_ms, matcher.until_ms, before)
        if matcher.subject is not None:
            found = self.index.of_subject(*matcher.subject, span, count)
        else:
            found = self.index.of_names(self.names, span, count)
        merged = sorted({*found, *self._unindexed(span)}, reverse=True)
        if len(found) == count:
            # Below its last row the index may have more that stands before the rest of the tail.
            merged = [each for each in merged if each >= found[-1]]
        return [Candidate(each.job_id, tuple(each)) for each in merged[:count]]

    def _unindexed(self, span: Span) -> list[Indexed]:
        matcher = self.matcher
        return [
            entry.place
            for entry in self.tail.created
            if (not matcher.names or entry.name in matcher.names)
            and matcher.admits_subjects(entry.subjects)
            and (span.before is None or entry.place < span.before)
        ]


@dataclass(frozen=True, slots=True)
class StateSource:
    """Jobs of states, state by state: from the sets in Redis, of ended ones then those that Redis has forgotten."""

    client: Any
    archive: JobArchive | None
    matcher: Matcher
    states: Sequence[State]

    def after(self, place: Place | None, count: int) -> list[Candidate]:
        """The next jobs in the order of the sets."""
        index, last = (0, None) if place is None else (int(place[0]), place[1:])
        shelves = self._shelves()
        if not 0 <= index <= len(shelves):
            raise ValueError("no such place")
        while index < len(shelves):
            queue, state, is_forgotten = shelves[index]
            take = self._archived if is_forgotten else self._kept
            found = take(queue, state, last, count)
            if found:
                return [Candidate(job_id, (index, job_id, at), is_forgotten) for job_id, at in found]
            index, last = index + 1, None
        return []

    def _shelves(self) -> list[tuple[Queue, State, bool]]:
        shelves = []
        for queue in self.matcher.queues:
            for state in self.states:
                shelves.append((queue, state, False))
                if state.is_finished and self.archive is not None:
                    shelves.append((queue, state, True))
        return shelves

    def _kept(self, queue: Queue, state: State, last: Place | None, count: int) -> list[tuple[str, float]]:
        behind = None if last is None else (str(last[0]), float(last[1]))
        in_time = state in NEWEST_FIRST and self.matcher.is_about_the_end
        if in_time and behind is None and self.matcher.until_ms is not None:
            behind = ("", float(self.matcher.until_ms + 1))
        found = ids_in(self.client, queue, state, behind, count)
        if in_time and self.matcher.since_ms is not None:
            found = [each for each in found if each[1] >= self.matcher.since_ms]
        return found

    def _archived(self, queue: Queue, state: State, last: Place | None, count: int) -> list[tuple[str, float]]:
        if self.archive is None:
            return []
        behind = None if last is None else (int(last[1]), str(last[0]))
        in_time, matcher = self.matcher.is_about_the_end, self.matcher
        until_ms, since_ms = (matcher.until_ms, matcher.since_ms) if in_time else (None, None)
        found = self.archive.ended(queue, state, behind, until_ms, count)
        return [(job_id, at) for job_id, at in found if since_ms is None or at >= since_ms]
