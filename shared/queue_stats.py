"""A queue's numbers and its pause, from the reply of ``stats.lua``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from shared.job_records import BreakerState, Limited, Pause, QueueStats
from shared.queues import Queue

BREAKER = "breaker"
"""Who paused a queue whose provider fails."""


def stats_from(queue: Queue, reply: Sequence[Any]) -> QueueStats:
    """The numbers of one queue."""
    now, waiting, active, delayed, blocked, kept, failed, cancelled, overdue, expired, workers, events = reply[:12]
    oldest, created, flat = reply[12:]
    meta = dict(zip(flat[::2], flat[1::2], strict=True))
    return QueueStats(
        queue=queue,
        waiting=waiting,
        active=active,
        completed=int(meta.get(b"total_completed", 0)),
        failed=failed,
        delayed=delayed,
        blocked=blocked,
        cancelled=cancelled,
        kept=kept,
        backlog=waiting + overdue + expired,
        workers=workers,
        events=events,
        stalled=int(meta.get(b"total_stalled", 0)),
        deduplicated=int(meta.get(b"dedup_hits", 0)),
        oldest_waiting_ms=max(now - created, 0) if oldest and created else None,
        pause=pause_from(meta, now),
        breaker=breaker_from(meta),
        limited=Limited(
            rate=int(meta.get(b"limited_rate", 0)),
            concurrency=int(meta.get(b"limited_concurrency", 0)),
            groups=int(meta.get(b"limited_groups", 0)),
            clients=int(meta.get(b"limited_clients", 0)),
        ),
        parked=int(meta.get(b"parked", 0)),
        total_failed=int(meta.get(b"total_failed", 0)),
        total_cancelled=int(meta.get(b"total_cancelled", 0)),
    )


def pause_from(meta: Mapping[bytes, bytes], now_ms: int) -> Pause | None:
    """The pause that holds now: a person's, else the circuit breaker's."""
    if b"paused" in meta:
        who = orjson.loads(meta[b"paused"])
        ends = int(meta[b"paused_until"]) if b"paused_until" in meta else None
        if ends is None or ends > now_ms:
            return Pause(who["by"], who["why"], int(who["at"]), ends)
    breaker = breaker_from(meta)
    if breaker.since_ms is None:
        return None
    return Pause(BREAKER, breaker.why, breaker.since_ms, None)


def breaker_from(meta: Mapping[bytes, bytes]) -> BreakerState:
    """The circuit breaker as ``meta`` holds it; closed without an entry."""
    opened = int(meta.get(b"breaker_opened", 0))
    if b"breaker" not in meta:
        return BreakerState("closed", opened=opened)
    return BreakerState(
        state=meta[b"breaker"].decode(),
        opened=opened,
        since_ms=int(meta[b"breaker_since"]),
        why=meta[b"breaker_why"].decode(errors="replace"),
        next_probe_at_ms=int(meta[b"breaker_probe_at"]),
    )
