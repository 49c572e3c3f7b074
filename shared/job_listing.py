"""Pages of jobs: bounded reads of the state sets, with a cursor that survives jobs coming and going."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import orjson

from shared.broker import keys
from shared.broker.states import State
from shared.errors import QueueError
from shared.job_records import Job, JobPage, job_from_hash
from shared.queues import Queue

NEWEST_FIRST = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})
ORDER = (State.ACTIVE, State.WAITING, State.DELAYED, State.BLOCKED, State.FAILED, State.COMPLETED, State.CANCELLED)
GROUPS_A_PAGE = 200
SET_ASIDE = float(2**62)


class InvalidCursor(QueueError):
    """The cursor is not one that a page returned (HTTP 422)."""


def list_jobs(client: Any, queue: Queue | None, state: State | None, cursor: str | None, limit: int) -> JobPage:
    """One page over the chosen queues and states, in a fixed order of both."""
    places = [(q, s) for q in ([queue] if queue else list(Queue)) for s in ([state] if state else ORDER)]
    index, last = _read_cursor(cursor, len(places))
    jobs: list[Job] = []
    while index < len(places):
        place_queue, place_state = places[index]
        found = ids_in(client, place_queue, place_state, last, limit - len(jobs))
        jobs += read_jobs(client, place_queue, [job_id for job_id, _ in found])
        if not found:
            index, last = index + 1, None
        elif len(jobs) >= limit:
            return JobPage(jobs, _cursor(index, found[-1]))
        else:
            # Fewer jobs than asked for may also mean that some were removed in between.
            last = found[-1]
    return JobPage(jobs, None)


def read_jobs(client: Any, queue: Queue, ids: Sequence[str]) -> list[Job]:
    """The jobs of these ids that Redis still has, in the same order, in one round trip."""
    pipeline = client.pipeline(transaction=False)
    for job_id in ids:
        pipeline.hgetall(keys.job(queue.value, job_id))
        pipeline.zscore(keys.state_set(queue.value, State.DELAYED), job_id)
    replies = pipeline.execute() if ids else []
    jobs = []
    for job_id, stored, due in zip(ids, replies[::2], replies[1::2], strict=True):
        if b"state" in stored:
            jobs.append(job_from_hash(job_id, queue, stored, None if due is None else int(due)))
    return jobs


def ids_in(
    client: Any, queue: Queue, state: State, last: tuple[str, float] | None, limit: int
) -> list[tuple[str, float]]:
    """Ids of a state behind ``last``, with their scores; jobs set aside come last, by id, scored ``SET_ASIDE``."""
    name = keys.state_set(queue.value, state)
    reverse = state in NEWEST_FIRST
    ids: list[tuple[str, float]] = []
    aside = last is not None and last[1] == SET_ASIDE
    if not aside:
        start = 0 if last is None else _rank_after(client, name, last, reverse=reverse)
        found = client.zrange(name, start, start + limit - 1, desc=reverse, withscores=True)
        ids = [(job_id.decode(), score) for job_id, score in found]
    if state is State.WAITING and len(ids) < limit:
        after = last[0] if aside and last is not None else ""
        more = [(job_id, SET_ASIDE) for job_id in _set_aside(client, queue) if job_id > after]
        ids += more[: limit - len(ids)]
    return ids


def _set_aside(client: Any, queue: Queue) -> list[str]:
    """Waiting jobs that stand elsewhere: once-stalled ones, and those parked behind their group's limit."""
    prefix = keys.prefix(queue.value)
    groups = client.zrange(prefix + "groups", 0, GROUPS_A_PAGE - 1)
    pipeline = client.pipeline(transaction=False)
    pipeline.zrange(prefix + "solo", 0, GROUPS_A_PAGE - 1)
    for group in groups:
        pipeline.zrange(f"{prefix}parked:{group.decode()}", 0, GROUPS_A_PAGE - 1)
    return sorted(job_id.decode() for ids in pipeline.execute() for job_id in ids)


def _rank_after(client: Any, name: str, last: tuple[str, float], *, reverse: bool) -> int:
    job_id, score = last
    rank = client.zrevrank(name, job_id) if reverse else client.zrank(name, job_id)
    if rank is not None:
        return int(rank) + 1
    # The last job of the page before has moved on: go on behind its score.
    bounds = (f"({score}", "+inf") if reverse else ("-inf", f"({score}")
    return int(client.zcount(name, *bounds))


def _cursor(index: int, last: tuple[str, float]) -> str:
    return urlsafe_b64encode(orjson.dumps([index, *last])).decode().rstrip("=")


def _read_cursor(cursor: str | None, places: int) -> tuple[int, tuple[str, float] | None]:
    if not cursor:
        return 0, None
    try:
        index, job_id, score = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        last = (str(job_id), float(score))
    except (ValueError, TypeError) as error:
        raise _invalid_cursor() from error
    if not isinstance(index, int) or not 0 <= index < places:
        raise _invalid_cursor()
    return index, last


def _invalid_cursor() -> InvalidCursor:
    return InvalidCursor("this cursor is not one that a page of this list returned; leave it out to begin")
