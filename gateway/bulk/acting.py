"""What a bulk operation does to one job, and whether it was done already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.broker import DokoBroker, JobOptions, NewJob
from shared.broker.states import Event
from shared.database.models import BulkAction, BulkOutcome
from shared.errors import DeduplicationKeyTaken, InvalidOption, JobNotFound, WrongState
from shared.job_removal import JobRemoval, Shelf
from shared.job_store import JobStore
from shared.queues import POLICIES, Queue, queue_of

_REFUSALS = (JobNotFound, WrongState, DeduplicationKeyTaken, InvalidOption)


@dataclass(frozen=True, slots=True)
class Order:
    """One operation's action, as it is carried out: ``by`` names operator and operation in the events."""

    action: BulkAction
    target: Queue | None
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a job; ``record``: what an undo needs."""

    job_id: str
    outcome: BulkOutcome
    why: str | None = None
    record: Mapping[str, Any] | None = None


class Actor:
    """Carries out actions on jobs. Methods raise ``RedisUnavailable``, after which nobody knows if the job was met."""

    def __init__(self, store: JobStore, removal: JobRemoval, broker: DokoBroker) -> None:
        self._store = store
        self._removal = removal
        self._broker = broker

    def keep(self, order: Order, job_id: str) -> Result:
        """What is to be on record before the job is touched."""
        if order.action not in {BulkAction.REMOVE, BulkAction.MOVE}:
            return Result(job_id, BulkOutcome.ACTING)
        try:
            fields = self._removal.record(_queue(job_id), job_id)
        except _REFUSALS as error:
            return Result(job_id, BulkOutcome.REFUSED, str(error))
        return Result(job_id, BulkOutcome.ACTING, record={"fields": fields, "shelf": fields["state"], "score": ""})

    def act(self, order: Order, job: Result) -> Result:
        """Do it."""
        try:
            record = self._do(order, job)
        except _REFUSALS as error:
            return Result(job.job_id, BulkOutcome.REFUSED, str(error))
        return Result(job.job_id, BulkOutcome.DONE, record=record)

    def settle(self, order: Order, job: Result) -> Result:
        """Find out what became of a job that another process was about to act on, and do what it left undone."""
        if any(event.fields.get("by") == order.by for event in self._history(job.job_id)):
            return Result(job.job_id, BulkOutcome.DONE, record=job.record)
        return self.act(order, job)

    def restore(self, by: str, job: Result) -> Result:
        """Bring a removed job back."""
        record = job.record or {}
        shelf = Shelf(record["shelf"], record["score"])
        try:
            self._removal.restore(_queue(job.job_id), job.job_id, record["fields"], shelf, by)
        except _REFUSALS as error:
            if not any(event.fields.get("by") == by for event in self._history(job.job_id)):
                return Result(job.job_id, BulkOutcome.LOST, str(error), job.record)
        return Result(job.job_id, BulkOutcome.RESTORED)

    def _do(self, order: Order, job: Result) -> Mapping[str, Any] | None:
        queue = _queue(job.job_id)
        if order.action is BulkAction.RETRY:
            self._store.retry(queue, job.job_id, order.by)
        elif order.action is BulkAction.PROMOTE:
            self._store.promote(job.job_id, order.by)
        else:
            if order.target is not None:
                self._enqueue_elsewhere(order.target, job.job_id)
            fields = (job.record or {})["fields"]
            shelf = self._removal.remove(queue, job.job_id, fields, order.by, order.why)
            if order.action is BulkAction.REMOVE:
                return {"fields": fields, "shelf": shelf.name, "score": shelf.score}
        return None

    def _enqueue_elsewhere(self, target: Queue, job_id: str) -> None:
        job = self._store.job(job_id)
        if job.name not in POLICIES[target].job_names:
            raise WrongState(f"{target.name} doesn't run {job.name} jobs")
        # A second try meets the job of the first one: its id is made of this one's.
        options = JobOptions.from_json({**job.options, "jobId": f"moved-{job_id}"})
        self._broker.add(NewJob(target, job.name, job.data, job.version, options))

    def _history(self, job_id: str) -> list[Any]:
        try:
            events = self._store.events(job_id)
        except JobNotFound:
            return []
        return [event for event in events if event.event in _OURS]


_OURS = frozenset({Event.RETRIED, Event.PROMOTED, Event.REMOVED, Event.RESTORED})


def _queue(job_id: str) -> Queue:
    queue = queue_of(job_id)
    if queue is None:
        raise JobNotFound(f"no job has the id {job_id!r}")
    return queue
