"""What the engine's model knows of flows: who was told what, and what is still to be told."""

from __future__ import annotations

from collections import defaultdict

from shared.broker import NewJob
from shared.flows import OnFailure


class FlowModel:
    """Follows the jobs of flows in ``states``, which it shares with the model."""

    def __init__(self, states: dict[str, str]) -> None:
        self._states = states
        self.late: list[NewJob] = []
        self.told: dict[str, dict[str, str]] = {}
        """For each job that waits: by dependency ``w`` not told, ``c`` completed, ``f`` failed but released, ``x``."""
        self._jobs: dict[str, NewJob] = {}
        self._dependents: dict[str, tuple[str, ...]] = {}
        self._untold: list[tuple[str, str, tuple[str, ...]]] = []
        self._early: dict[str, dict[str, str]] = defaultdict(dict)

    def add(self, job_id: str, job: NewJob) -> None:
        """A job of a flow was enqueued."""
        assert job.flow is not None
        self._jobs[job_id] = job
        if job.flow.dependents:
            self._dependents[job_id] = job.flow.dependents
        if job.flow.depends_on:
            assert self._states[job_id] == "blocked"
            self.told[job_id] = dict.fromkeys(job.flow.depends_on, "w")
            for dependency, state in self._early.pop(job_id, {}).items():
                self._untold.append((dependency, state, (job_id,)))

    def ended(self, job_id: str, state: str) -> None:
        """A job came to its end."""
        if job_id in self._dependents:
            self._untold.append((job_id, state, self._dependents[job_id]))

    def is_held_back(self, job_id: str) -> bool:
        """Whether a failed job can't be retried yet."""
        return any(told in "wx" for told in self.told.get(job_id, {}).values())

    def tell(self) -> None:
        """Everybody is told, those behind them too."""
        while self._untold:
            dependency, state, dependents = self._untold.pop(0)
            for job_id in dependents:
                self._tell(job_id, dependency, state)

    def _tell(self, job_id: str, dependency: str, state: str) -> None:
        if job_id not in self._states:
            # It is still to come; one that came and was cleaned away never looks.
            self._early[job_id][dependency] = state
            return
        told = self.told[job_id]
        before = told[dependency]
        if state == "completed":
            told[dependency] = "c"
            counts = before in "wx"
        elif before != "w":
            return
        elif (flow := self._jobs[job_id].flow) is not None and flow.on_failure is OnFailure.RELEASE:
            told[dependency] = "f"
            counts = True
        else:
            told[dependency] = "x"
            if self._states[job_id] == "blocked":
                self._states[job_id] = "failed"
                self.ended(job_id, "failed")
            return
        if counts and self._states[job_id] == "blocked" and not self.is_held_back(job_id):
            self._states[job_id] = "delayed" if self._jobs[job_id].options.delay_ms else "waiting"
