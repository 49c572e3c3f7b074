"""The scheduler's share of the engine: every queue is swept, promoted and cleaned even if no worker runs."""

from __future__ import annotations

from collections.abc import Iterable

import redis

from shared.broker import job_log
from shared.broker.config import EngineConfig
from shared.broker.connection import Scripts
from shared.broker.releasing import release_dependents
from shared.broker.sweeping import sweep
from shared.queues import Queue

CLEANED_A_CALL = 1_000
NOTED_EVERY_MS = 30_000
NOTES_KEPT = 121


class Keeper:
    """Keeps queues moving; several keepers at once do no harm."""

    def __init__(self, client: redis.Redis, config: EngineConfig, queues: Iterable[str] = tuple(Queue)) -> None:
        self._scripts = Scripts(client)
        self._config = config
        self._queues = tuple(queues)

    def run_once(self) -> int:
        """Sweep each queue, tell who depends on what ended, clean, note its totals; returns how many jobs had stalled.

        Raises ``RedisUnavailable``.
        """
        stalled = 0
        for queue_name in self._queues:
            for job in sweep(self._scripts, queue_name, self._config):
                job_log.stalled(queue_name, job)
                stalled += 1
            release_dependents(self._scripts, queue_name, self._config)
            self._retain(queue_name)
            self._scripts.run("sample", queue_name, (NOTED_EVERY_MS - 1, NOTES_KEPT))
        return stalled

    def _retain(self, queue_name: str) -> None:
        policy = self._config.policy(queue_name)
        while True:
            removed = self._scripts.run("clean", queue_name, (policy.keep_completed_ms, policy.keep_failed_ms, ""))
            if max(removed) < CLEANED_A_CALL:
                return
