"""What the job search needs of an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from shared.queues import Queue
from shared.subjects import SubjectKind


class Indexed(NamedTuple):
    """A job that the index found; such pairs compare as lists are ordered, newest last."""

    created_ms: int
    job_id: str


class Activity(NamedTuple):
    """An event of a queue in one stretch of time: how often, and how long the attempts took in all."""

    queue: Queue
    event: str
    bucket: int
    events: int
    duration_ms: int


class Span(NamedTuple):
    """A stretch of time of creation, both ends included (epoch ms), and the job behind which to go on."""

    since_ms: int | None = None
    until_ms: int | None = None
    before: Indexed | None = None


class JobIndex(Protocol):
    """Where jobs are found by whom and what they are about; newest first, at most ``limit``."""

    def of_subject(self, kind: SubjectKind, values: Sequence[str], span: Span, limit: int) -> list[Indexed]:
        """Jobs about one of ``values``; one about several of them may come as often."""

    def of_names(self, names: Sequence[str], span: Span, limit: int) -> list[Indexed]:
        """Jobs with one of these names."""

    def names(self) -> list[str]:
        """The names that jobs have."""

    def events(
        self, queues: Sequence[Queue], events: Sequence[str], from_ms: int, to_ms: int, bucket_ms: int
    ) -> dict[int, int]:
        """How often these events happened in each stretch of ``bucket_ms`` from ``from_ms`` on; 0 is left out."""

    def jobs(
        self,
        subject: tuple[SubjectKind, Sequence[str]] | None,
        names: Sequence[str],
        from_ms: int,
        to_ms: int,
        bucket_ms: int,
    ) -> dict[int, int]:
        """How many jobs of these names, about that subject if one is given, were created in each stretch."""

    def activity(self, from_ms: int, bucket_ms: int) -> list[Activity]:
        """What happened since ``from_ms``, by queue, event and stretch."""
