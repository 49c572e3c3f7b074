"""Flows for tests of the engine: steps of few words, enqueued as the outbox would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.broker import DokoBroker, EngineConfig, JobOptions, NewJob, State
from shared.broker.connection import Scripts
from shared.broker.releasing import release_dependents
from shared.flows import FlowStep, OnFailure
from shared.flows.plan import placed
from shared.job_store import JobStore
from shared.outbox import derived_job_id
from shared.queues import POLICIES, Queue
from tests.kit.engine import Engine, error

FLOW = "flow-1"
SCORE: dict[str, Any] = {
    "queue": "CREDIT_SCORE",
    "name": "credit-score-calculation",
    "data": {"retailerId": "RET001", "trigger": "manual"},
}
REMIND: dict[str, Any] = {
    "queue": "PAYMENT_REMINDERS",
    "name": "payment-reminder",
    "data": {"retailerId": "RET001", "type": "OVERDUE"},
}
"""Jobs of a flow as the API takes them."""


def step(
    key: str,
    queue: Queue,
    *depends_on: str,
    on_failure: OnFailure = OnFailure.FAIL,
    name: str = "",
    data: dict[str, Any] | None = None,
    **options: Any,
) -> FlowStep:
    """A step whose job has the queue's first name."""
    options.setdefault("attempts", 1)
    job = NewJob(queue, name or POLICIES[queue].job_names[0], data or {}, options=JobOptions(**options))
    return FlowStep(key, job, depends_on, on_failure)


def jobs_of(steps: Sequence[FlowStep], flow_id: str = FLOW) -> dict[str, NewJob]:
    """The jobs by key with their ids, those that wait first."""
    return {
        key: replace(job, options=replace(job.options, job_id=derived_job_id(job.queue, flow_id, key)))
        for key, job in placed(flow_id, steps).items()
    }


def ids_of(steps: Sequence[FlowStep], flow_id: str = FLOW) -> dict[str, str]:
    """The ids by key."""
    return {key: job.options.job_id or "" for key, job in jobs_of(steps, flow_id).items()}


def add_flow(broker: DokoBroker, steps: Sequence[FlowStep], flow_id: str = FLOW) -> dict[str, str]:
    """Enqueue a flow; its ids by key."""
    broker.add_many(list(jobs_of(steps, flow_id).values()))
    return ids_of(steps, flow_id)


def states(store: JobStore, ids: Mapping[str, str]) -> dict[str, State]:
    """The state of each job by its key."""
    return {key: store.job(job_id).state for key, job_id in ids.items()}


def end_one(engine: Engine, outcome: str = "completed", result: object = None) -> str:
    """Take the queue's next job and end it, telling nobody; returns its id."""
    worker = engine.raw_worker()
    job = worker.take()
    assert worker.finish(job, outcome, error() if outcome == "failed" else result) == "a"
    return job.id


def tell(engines: Iterable[Engine]) -> None:
    """What the keeper does for each queue."""
    for engine in engines:
        release_dependents(engine.scripts, engine.queue.value, engine.config)


class Killed(BaseException):
    """The process died here."""


class DyingScripts(Scripts):
    """Dies before its n-th step, counted over scripts and over the entries that it would forget."""

    def __init__(self, engine: Engine, step: int) -> None:
        super().__init__(engine.client)
        self._left = step
        self._dying = _DyingClient(engine.client, self)

    @property
    def client(self) -> Any:
        """The client, whose XDEL is a step too."""
        return self._dying

    def step(self) -> None:
        """One more step is about to be taken."""
        self._left -= 1
        if self._left < 0:
            raise Killed

    def run(self, name: str, queue_name: str, arguments: Sequence[Any] = ()) -> Any:
        """Run a script, or die."""
        self.step()
        return super().run(name, queue_name, arguments)


class _DyingClient:
    def __init__(self, client: Any, scripts: DyingScripts) -> None:
        self._client = client
        self._scripts = scripts

    def xdel(self, *arguments: Any) -> Any:
        """Forget an entry, or die."""
        self._scripts.step()
        return self._client.xdel(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def tell_and_die(engine: Engine, step: int, config: EngineConfig | None = None) -> bool:
    """Tell the queue's dependents but die before that step; False if there were fewer."""
    try:
        release_dependents(DyingScripts(engine, step), engine.queue.value, config or engine.config)
    except Killed:
        return True
    return False
