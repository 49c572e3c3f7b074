"""Histograms, activity and groups of failures as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.answers import Json
from shared.broker.states import Event
from shared.clock import to_iso
from shared.database.failures import FailureGroup
from shared.job_histogram import Histogram
from shared.job_index import Activity
from shared.privacy import mask_text
from shared.queues import Queue

_SHOWN = ("created", Event.COMPLETED.value, Event.FAILED.value, "retrying", Event.STALLED.value)


def histogram_view(found: Histogram) -> Json:
    """Counts with the instants at which their stretches begin."""
    return {
        "from": to_iso(found.from_ms),
        "bucketMs": found.bucket_ms,
        "buckets": [
            {"at": to_iso(found.from_ms + place * found.bucket_ms), "count": count}
            for place, count in enumerate(found.counts)
        ],
        "count": sum(found.counts),
        "isComplete": found.is_complete,
    }


def failures_view(groups: Iterable[FailureGroup]) -> Json:
    """Groups, the largest first; the example's message is masked."""
    listed = [
        {
            "fingerprint": group.fingerprint,
            "type": group.type,
            "message": mask_text(group.message),
            "count": group.count,
            "firstSeenAt": to_iso(group.first_ms),
            "lastSeenAt": to_iso(group.last_ms),
            "customers": group.customers,
            "queues": {queue.name: count for queue, count in group.queues.items()},
            "jobIds": list(group.job_ids),
        }
        for group in groups
    ]
    return {"failures": listed, "count": len(listed)}


def activity_view(found: Iterable[Activity], from_ms: int, minutes: int) -> Json:
    """For each queue how often each event happened, minute by minute, and how long attempts took on average."""
    queues: Json = {
        queue.name: {**{event: [0] * minutes for event in _SHOWN}, "averageDurationMs": None} for queue in Queue
    }
    attempts: dict[str, list[int]] = {}
    for each in found:
        shown = queues[each.queue.name]
        if each.event in _SHOWN and each.bucket < minutes:
            shown[each.event][each.bucket] += each.events
        if each.event in {Event.COMPLETED, Event.FAILED}:
            total = attempts.setdefault(each.queue.name, [0, 0])
            total[0] += each.events
            total[1] += each.duration_ms
    for name, (events, duration_ms) in attempts.items():
        queues[name]["averageDurationMs"] = round(duration_ms / events, 1)
    return {"from": to_iso(from_ms), "minutes": minutes, "queues": queues}
