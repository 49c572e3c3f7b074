"""What the job search needs of an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from shared.subjects import SubjectKind


class Indexed(NamedTuple):
    """A job that the index found; such pairs compare as lists are ordered, newest last."""

    created_ms: int
    job_id: str


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
