"""How many jobs that match a filter there were over a stretch of time.

Counted in the database where the filter lets it: over the counts of each minute, or over the index. Otherwise the jobs
are looked at one by one, as many as fit in the time of a call, newest first, and the answer says if that was not all.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.broker.states import State
from shared.job_filter import JobFilter, Key
from shared.job_index import JobIndex
from shared.job_matching import Matcher
from shared.job_search import BUDGET_MS, Search
from shared.queues import POLICIES

CREATED = "created"
MINUTE_MS = 60_000
_COUNTED_BY_MINUTE = frozenset({Key.QUEUE, Key.STATE, Key.SINCE, Key.UNTIL})
_COUNTED_BY_INDEX = frozenset({Key.QUEUE, Key.NAME, Key.SINCE, Key.UNTIL})
_SUBJECTS = frozenset({Key.ORDER, Key.RETAILER, Key.PHONE, Key.USER})


@dataclass(frozen=True, slots=True)
class Histogram:
    """Jobs in each of equal stretches from ``from_ms`` on, ``bucket_ms`` long.

    Jobs stand at the time of their creation, or of their end if the filter asks for ended jobs only. If not
    ``is_complete``, older jobs are missing.
    """

    from_ms: int
    bucket_ms: int
    counts: list[int]
    is_complete: bool


def histogram(search: Search, wanted: JobFilter, from_ms: int, to_ms: int, buckets: int) -> Histogram:
    """The jobs that match between the two instants (epoch ms), in ``buckets`` stretches of whole minutes at most."""
    matcher, tail = search.begin(wanted)
    from_ms = max(from_ms, matcher.since_ms or from_ms) // MINUTE_MS * MINUTE_MS
    to_ms = max(min(to_ms, (matcher.until_ms or to_ms) + 1), from_ms + 1)
    minutes = -(-(to_ms - from_ms) // MINUTE_MS)
    bucket_ms = -(-minutes // buckets) * MINUTE_MS
    size = -(-(to_ms - from_ms) // bucket_ms)
    counted = None if search.index is None else _counted(search.index, matcher, from_ms, to_ms, bucket_ms)
    if counted is not None:
        return Histogram(from_ms, bucket_ms, [counted.get(place, 0) for place in range(size)], is_complete=True)
    counts = [0] * size
    deadline = time.monotonic() + BUDGET_MS / 1000
    for chunk in search.chunks(matcher, tail, None):
        for _, job in chunk:
            at_ms = (job.finished_at_ms if matcher.is_about_the_end else job.created_at_ms) if job else None
            if at_ms is not None and from_ms <= at_ms < to_ms:
                counts[(at_ms - from_ms) // bucket_ms] += 1
        if time.monotonic() > deadline:
            return Histogram(from_ms, bucket_ms, counts, is_complete=False)
    return Histogram(from_ms, bucket_ms, counts, is_complete=True)


def _counted(index: JobIndex, matcher: Matcher, from_ms: int, to_ms: int, bucket_ms: int) -> Mapping[int, int] | None:
    """Counts by bucket from the database; None if it can't tell."""
    if matcher.is_empty():
        return {}
    keys = {term.key for term in matcher.wanted.terms}
    negated = {term.key for term in matcher.wanted.terms if term.is_negated}
    if keys <= _COUNTED_BY_MINUTE and Key.STATE not in negated:
        events = _events(matcher.states)
        return None if events is None else index.events(matcher.queues, events, from_ms, to_ms, bucket_ms)
    if keys <= _COUNTED_BY_MINUTE | {Key.NAME} and not negated and not matcher.states:
        whole = [queue for queue in matcher.queues if set(POLICIES[queue].job_names) <= set(matcher.names)]
        if {name for queue in whole for name in POLICIES[queue].job_names} == set(matcher.names):
            # All that these queues do has these names.
            return index.events(whole, [CREATED], from_ms, to_ms, bucket_ms)
    subjects = keys & _SUBJECTS
    if matcher.subject is not None and len(matcher.subject[1]) > 1:
        return None  # a job about two of them has two rows
    if len(subjects) > 1 or not keys <= _COUNTED_BY_INDEX | subjects or (negated - {Key.QUEUE}):
        return None
    names = matcher.names or [name for queue in matcher.queues for name in POLICIES[queue].job_names]
    if matcher.names and Key.QUEUE in keys:
        names = [name for name in names if any(name in POLICIES[queue].job_names for queue in matcher.queues)]
    return index.jobs(matcher.subject, names, from_ms, to_ms, bucket_ms)


def _events(states: Sequence[State]) -> list[str] | None:
    if not states:
        return [CREATED]
    return [state.value for state in states] if all(state.is_finished for state in states) else None
