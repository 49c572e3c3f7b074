"""The unarchived end of the event streams: what the index and the archive don't know yet.

With the archiver at work it is short. When that is behind, its newest entries are read, and the numbers say how much
is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared.broker import keys
from shared.job_index import Indexed
from shared.job_records import Job, job_from_record
from shared.queues import Queue
from shared.subjects import Subjects, read_index_entry

MOST_ENTRIES = 2_000
"""Newest entries that are read, over all queues."""

_ENTRIES_A_READ = 1_000
_MOST_ENTRIES_OF_A_JOB = 100_000


@dataclass(frozen=True, slots=True)
class NewJobEntry:
    """A job's first event."""

    place: Indexed
    queue: Queue
    name: str
    subjects: Subjects


@dataclass(slots=True)
class Tail:
    """What the streams' ends tell.

    ``created``: newest first. ``ended``: jobs as their final event describes them. ``removed``: jobs that an operator
    removed since. ``events`` wait for the archiver, the oldest for ``lag_ms``.
    """

    created: list[NewJobEntry] = field(default_factory=list)
    ended: dict[str, Job] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    events: int = 0
    lag_ms: int = 0


def read_tail(client: Any, queues: Sequence[Queue], now_ms: int) -> Tail:
    """The tail of these queues' streams, in one round trip."""
    if not queues:
        return Tail()
    pipeline = client.pipeline(transaction=False)
    for queue in queues:
        stream = keys.events(queue.value)
        pipeline.xlen(stream)
        pipeline.xrange(stream, count=1)
        pipeline.xrevrange(stream, count=MOST_ENTRIES // len(queues))
    replies = pipeline.execute()
    tail = Tail(events=sum(replies[::3]))
    oldest = [int(first[0][0].partition(b"-")[0]) for first in replies[1::3] if first]
    tail.lag_ms = max(now_ms - min(oldest), 0) if oldest else 0
    for queue, entries in zip(queues, replies[2::3], strict=True):
        _take(tail, queue, entries)
    tail.created.sort(key=lambda entry: entry.place, reverse=True)
    return tail


def _take(tail: Tail, queue: Queue, entries: Sequence[tuple[bytes, dict[bytes, bytes]]]) -> None:
    seen: set[str] = set()
    for stream_id, entry in entries:
        job_id = entry.get(b"job", b"").decode()
        tail.created += _created(queue, job_id, stream_id, entry)
        # Newest first: what comes later in this loop is older and counts no more.
        if entry.get(b"event") == b"removed" and job_id not in seen:
            tail.removed.add(job_id)
        elif b"record" in entry and job_id not in seen:
            tail.ended[job_id] = job_from_record(job_id, queue, orjson.loads(entry[b"record"]))
        seen.add(job_id)


def _created(queue: Queue, job_id: str, stream_id: bytes, entry: dict[bytes, bytes]) -> Iterator[NewJobEntry]:
    if b"index" not in entry:
        return
    read = read_index_entry(orjson.loads(entry[b"index"]))
    if read is not None:
        created_ms = int(entry.get(b"created") or stream_id.partition(b"-")[0])
        yield NewJobEntry(Indexed(created_ms, job_id), queue, *read)


def is_removed(client: Any, queue: Queue, job_id: str) -> bool:
    """Whether the newest that the stream's end tells of a job is its removal, which the archive may not know yet."""
    wanted = job_id.encode()
    for _, entry in client.xrevrange(keys.events(queue.value), count=_ENTRIES_A_READ):
        if entry.get(b"job") == wanted:
            return bool(entry[b"event"] == b"removed")
    return False


def recent_entries(client: Any, queue: Queue, job_id: str) -> Iterator[tuple[bytes, dict[bytes, bytes]]]:
    """What the stream holds about one job, newest first; the newest 100,000 entries are looked at."""
    stream, wanted = keys.events(queue.value), job_id.encode()
    newest = "+"
    for _ in range(0, _MOST_ENTRIES_OF_A_JOB, _ENTRIES_A_READ):
        entries = client.xrevrange(stream, newest, "-", count=_ENTRIES_A_READ)
        yield from (entry for entry in entries if entry[1].get(b"job") == wanted)
        if len(entries) < _ENTRIES_A_READ:
            break
        newest = "(" + entries[-1][0].decode()
