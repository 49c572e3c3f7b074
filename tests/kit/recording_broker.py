"""For tests of who enqueues: a broker that takes every job and remembers it, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from shared.broker.options import ClientLimit, Enqueued, Idempotency, NewJob, new_job_id, qualified_job_id
from shared.broker.states import State
from shared.clock import Clock


class RecordingBroker:
    """Takes every job and remembers it."""

    def __init__(self) -> None:
        self.jobs: list[NewJob] = []
        self.calls: list[tuple[Idempotency | None, ClientLimit | None]] = []

    def add(
        self, job: NewJob, *, idempotency: Idempotency | None = None, client: ClientLimit | None = None
    ) -> Enqueued:
        return self.add_many([job], idempotency=idempotency, client=client)[0]

    def add_many(
        self, jobs: Sequence[NewJob], *, idempotency: Idempotency | None = None, client: ClientLimit | None = None
    ) -> list[Enqueued]:
        self.jobs += jobs
        self.calls.append((idempotency, client))
        return [
            Enqueued(
                qualified_job_id(job.queue, job.options.job_id) if job.options.job_id else new_job_id(job.queue),
                job.queue,
                State.WAITING,
                deduplicated=False,
                created=True,
            )
            for job in jobs
        ]


class FixedClock(Clock):
    """It is 23:59 in Kathmandu on 24 November 2026, while UTC says 18:14."""

    def now(self) -> datetime:
        return datetime(2026, 11, 24, 18, 14, tzinfo=UTC)
