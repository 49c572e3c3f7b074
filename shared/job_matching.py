"""Whether a job satisfies a filter: pure, and the same for jobs from Redis, from the archive and from the stream."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property

from shared.broker.states import State
from shared.fingerprints import fingerprint
from shared.job_filter import JobFilter, Key, Term
from shared.job_filter_values import first_ms, last_ms
from shared.job_records import Job
from shared.privacy import mask_text
from shared.queues import Queue
from shared.subjects import SubjectKind, Subjects, phone_hash, subjects_of

_SUBJECTS = {
    Key.ORDER: SubjectKind.ORDER,
    Key.RETAILER: SubjectKind.RETAILER,
    Key.PHONE: SubjectKind.PHONE,
    Key.USER: SubjectKind.USER,
}
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    ":": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Matcher:
    """A filter at one instant: what it asks for, in the terms of what stores jobs.

    ``now_ms`` is what spans count from. Times of jobs are when they ended if only ended jobs are asked for.
    """

    wanted: JobFilter
    now_ms: int

    @cached_property
    def queues(self) -> tuple[Queue, ...]:
        """The queues whose jobs may match."""
        asked = {Queue[key] for key in self.wanted.wanted(Key.QUEUE)}
        refused = {Queue[key] for key in self.wanted.unwanted(Key.QUEUE)}
        return tuple(queue for queue in Queue if queue not in refused and (not asked or queue in asked))

    @cached_property
    def states(self) -> tuple[State, ...]:
        """The states asked for; empty if any will do."""
        asked = self.wanted.wanted(Key.STATE)
        refused = self.wanted.unwanted(Key.STATE)
        return tuple(State(state) for state in dict.fromkeys(asked) if state not in refused)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names asked for; empty if any will do."""
        return self.wanted.wanted(Key.NAME)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids asked for; empty if any will do."""
        return self.wanted.wanted(Key.ID)

    @cached_property
    def subject(self) -> tuple[SubjectKind, tuple[str, ...]] | None:
        """The subject to look up in the index, with its values as the index has them; None without one."""
        for key in (Key.ORDER, Key.PHONE, Key.RETAILER, Key.USER):
            if values := self.wanted.wanted(key):
                return _SUBJECTS[key], _indexed(key, values)
        return None

    @cached_property
    def is_about_the_end(self) -> bool:
        """Whether times are those of a job's end."""
        return bool(self.states) and all(state.is_finished for state in self.states)

    @cached_property
    def since_ms(self) -> int | None:
        """The first instant, epoch milliseconds."""
        return next((first_ms(value, self.now_ms) for value in self.wanted.wanted(Key.SINCE)), None)

    @cached_property
    def until_ms(self) -> int | None:
        """The last instant, epoch milliseconds."""
        return next((last_ms(value, self.now_ms) for value in self.wanted.wanted(Key.UNTIL)), None)

    def is_empty(self) -> bool:
        """Whether no job can match, since the terms exclude each other."""
        contradicts = bool(self.wanted.wanted(Key.STATE)) and not self.states
        return contradicts or not self.queues

    def admits(self, job: Job) -> bool:
        """Whether the job satisfies every term."""
        return (
            job.queue in self.queues
            and self._is_among(Key.STATE, {job.state.value})
            and self._is_among(Key.NAME, {job.name})
            and self._is_among(Key.ID, {job.id})
            and self._is_in_time(job)
            and all(_compares(term, job.attempt) for term in self.wanted.attempts())
            and self._has_subjects(job)
            and self._has_error(job)
        )

    def admits_subjects(self, subjects: Subjects) -> bool:
        """Whether these satisfy the terms about subjects."""
        return all(self._is_among(key, subjects.get(kind, ()), _indexed) for key, kind in _SUBJECTS.items())

    @cached_property
    def _names_subjects(self) -> bool:
        return any(self.wanted.wanted(key) or self.wanted.unwanted(key) for key in _SUBJECTS)

    def _is_among(
        self, key: Key, has: Collection[str], form: Callable[[Key, tuple[str, ...]], tuple[str, ...]] | None = None
    ) -> bool:
        asked, refused = self.wanted.wanted(key), self.wanted.unwanted(key)
        if form is not None:
            asked, refused = form(key, asked), form(key, refused)
        return (not asked or any(value in has for value in asked)) and not any(value in has for value in refused)

    def _is_in_time(self, job: Job) -> bool:
        at_ms = job.finished_at_ms if self.is_about_the_end else job.created_at_ms
        after = self.since_ms is None or (at_ms or 0) >= self.since_ms
        return after and (self.until_ms is None or (at_ms or 0) <= self.until_ms)

    def _has_subjects(self, job: Job) -> bool:
        return not self._names_subjects or self.admits_subjects(subjects_of(job.data))

    def _has_error(self, job: Job) -> bool:
        prints = self.wanted.wanted(Key.FINGERPRINT), self.wanted.unwanted(Key.FINGERPRINT)
        if any(prints):
            found = {fingerprint(job.error)} if job.error else set()
            if (prints[0] and found.isdisjoint(prints[0])) or not found.isdisjoint(prints[1]):
                return False
        asked, refused = self.wanted.wanted(Key.ERROR), self.wanted.unwanted(Key.ERROR)
        if not asked and not refused:
            return True
        error = job.error or {}
        # Masked, as it is shown: a search must not tell what reading doesn't.
        kind, words = str(error.get("type", "")).casefold(), mask_text(str(error.get("message", ""))).casefold()

        def is_like(value: str) -> bool:
            return bool(error) and (value.casefold() == kind or value.casefold() in words)

        return (not asked or any(map(is_like, asked))) and not any(map(is_like, refused))


def _compares(term: Term, attempt: int) -> bool:
    compare = _COMPARISONS[term.operator]
    return any(compare(attempt, int(value)) for value in term.values) != term.is_negated


def _indexed(key: Key, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(phone_hash, values)) if key is Key.PHONE else values
