"""A queue, its workers and the autoscaler as plain arithmetic: what the sizing guide is checked against.

Jobs come one by one at random and take a random time, both exponential. Every 15 s KEDA reads the backlog and
Kubernetes changes the number of workers by the rules of the ScaledObject; a new worker takes a while to start.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass, field

SYNC_S = 15
START_S = 30.0
"""From the decision to the first job: image present, Python, Redis, readiness; 10 s were measured, 30 are planned."""
TOLERANCE = 0.1
"""Kubernetes leaves the number alone while it is off by less."""


@dataclass(frozen=True)
class Rules:
    """What a ScaledObject says; ``threshold`` is the number of jobs per worker."""

    least: int
    most: int
    threshold: float
    up_percent: float
    up_pods: int
    down_window_s: float


@dataclass
class Simulation:
    """One queue with ``threads`` a worker; ``rate(t)`` jobs a second at second t, each ``service_s`` on average."""

    service_s: float
    threads: int
    workers: int
    rules: Rules | None = None
    seed: int = 1
    backlog: int = 0
    now: float = 0.0
    most_workers: int = 0
    longest_wait_s: float = 0.0
    _running: list[float] = field(default_factory=list)
    _starting: list[float] = field(default_factory=list)
    _waiting_since: deque[float] = field(default_factory=deque)
    _wanted: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - arrivals of a simulation
        self.most_workers = self.workers
        self._waiting_since = deque([0.0] * self.backlog)

    def run_until(self, end: float, rate: float) -> None:
        """Let jobs come at ``rate`` a second until ``end``."""
        arrival = self.now + self._gap(rate)
        sync = (math.floor(self.now / SYNC_S) + 1) * float(SYNC_S)
        while True:
            ready = min(self._starting, default=math.inf)
            event = min(arrival, sync, ready, self._running[0] if self._running else math.inf)
            if event > end:
                self.now = end
                return
            self.now = event
            if event == ready:
                self._starting.remove(event)
                self.workers += 1
                self.most_workers = max(self.most_workers, self.workers)
            elif event == sync:
                self._scale()
                sync += SYNC_S
            elif event == arrival:
                self._waiting_since.append(event)
                arrival = event + self._gap(rate)
            else:
                heapq.heappop(self._running)
            self._take()

    def drained_at(self, limit: float, rate: float) -> float:
        """The second at which nothing waits any more, at ``rate`` more jobs a second; infinite beyond ``limit``."""
        while self._waiting_since:
            if self.now >= limit:
                return math.inf
            self.run_until(self.now + 1, rate)
        return self.now

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        return len(self._waiting_since)

    def _gap(self, rate: float) -> float:
        return self._random.expovariate(rate) if rate > 0 else math.inf

    def _take(self) -> None:
        while self._waiting_since and len(self._running) < self.workers * self.threads:
            since = self._waiting_since.popleft()
            self.longest_wait_s = max(self.longest_wait_s, self.now - since)
            heapq.heappush(self._running, self.now + self._random.expovariate(1 / self.service_s))

    def _scale(self) -> None:
        if self.rules is None:
            return
        rules, current = self.rules, self.workers + len(self._starting)
        load = len(self._waiting_since) + len(self._running)
        wanted = math.ceil(load / rules.threshold)
        if current and abs(load / (current * rules.threshold) - 1) <= TOLERANCE:
            wanted = current
        wanted = min(max(wanted, rules.least), rules.most)
        self._wanted = [(at, n) for at, n in self._wanted if at > self.now - rules.down_window_s] + [(self.now, wanted)]
        if wanted > current:
            step = max(math.ceil(current * rules.up_percent / 100), rules.up_pods)
            for _ in range(min(wanted, current + step) - current):
                self._starting.append(self.now + START_S)
        else:
            # Down only to the most that was wanted within the window.
            self.workers = min(self.workers, max(n for _, n in self._wanted))


def workers_needed(rate: float, service_s: float, threads: int, busy: float = 0.7) -> int:
    """The guide's first formula: workers for ``rate`` jobs a second, of whose threads a share of ``busy`` works."""
    return max(1, math.ceil(rate * service_s / (threads * busy)))


def drain_s(backlog: float, rate: float, service_s: float, threads: int, workers: int) -> float:
    """The guide's second formula: how long ``workers`` need for a backlog while ``rate`` jobs a second come."""
    spare = workers * threads / service_s - rate
    return backlog / spare if spare > 0 else math.inf
