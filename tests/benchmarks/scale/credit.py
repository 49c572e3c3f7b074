"""Credit scores: one, and all of them."""

from __future__ import annotations

import statistics
import time

from gateway.housekeeping.credit import score_retailers
from services.credit import domain, repository
from shared.clock import BUSINESS_ZONE
from shared.database import Database
from shared.job_store import JobStore
from shared.messages.credit import Trigger
from shared.queues import Queue
from tests.benchmarks.scale.data import ANCHOR
from tests.benchmarks.scale.figures import Figure, at_least, at_most
from tests.benchmarks.scale.scene import Scene, housekeeping, opened, statements

SAMPLE = 200
THREADS = "2"
WARM_UP = 0.05
"""The share of the jobs after which the clock starts."""
POLL_S = 0.1


def measure(scene: Scene) -> list[Figure]:
    """One score of many retailers in turn, the busiest first; then the nightly run through a real worker."""
    with scene.platform.copy("credit") as url, opened(url) as database:
        size = scene.platform.size.retailers
        # The first retailers have the most orders.
        chosen = [1, *range(1, size, max(1, size // SAMPLE))]
        took = [_score_one(database, f"RET{number:05d}", f"scale-{place}") for place, number in enumerate(chosen)]
        first, *others = sorted(took[1:], key=lambda each: each[0])
        counts = sorted({queries for _, queries in (first, *others)})
        times = [seconds * 1000 for seconds, _ in (first, *others)]
        figures = [
            at_most("one credit score, median", "ms", statistics.median(times), 50, sample=len(times)),
            at_most("one credit score, the slowest (most orders)", "ms", max(times), 50),
            at_most("different numbers of queries of a score, without its UPDATE", "", len(counts), 1, queries=counts),
        ]
        return [*figures, _score_all(scene, database, url)]


def _score_one(database: Database, code: str, job_id: str) -> tuple[float, int]:
    today = ANCHOR.astimezone(BUSINESS_ZONE).date()
    with statements(database.engine) as seen:
        began = time.perf_counter()
        with database.session() as tx:
            account = repository.lock_account(tx, code)
            score = domain.score(repository.history(tx, account, today), today)
            repository.save(tx, account, score, trigger=Trigger.MANUAL, job_id=job_id, now=ANCHOR)
        # The retailer's newest score is written only where it changed.
        queries = sum(not statement.startswith("UPDATE") for statement in seen)
        return time.perf_counter() - began, queries


def _score_all(scene: Scene, database: Database, url: str) -> Figure:
    with scene.redis() as server, scene.system(server.url, url, CREDIT_SCORE_CONCURRENCY=THREADS) as system:
        with housekeeping(database, server.url) as parts:
            began = time.perf_counter()
            score_retailers(parts)
            enqueued_s = time.perf_counter() - began
            system.start("worker credit")
            rate = _rate(parts.store, scene.platform.size.retailers)
        system.stop("worker credit")
    return at_least("all retailers scored, two threads", "scores/s", rate, 200, enqueued_s=round(enqueued_s, 1))


def _rate(store: JobStore, jobs: int) -> float:
    """Scores a second, from the first twentieth to the last."""
    began: tuple[float, int] | None = None
    while True:
        now = time.perf_counter()
        stats = store.queue_stats(Queue.CREDIT_SCORE)
        if stats.failed:
            raise RuntimeError(f"{stats.failed} scores failed")
        if began is None and stats.completed >= WARM_UP * jobs:
            began = (now, stats.completed)
        if began is not None and stats.completed >= jobs:
            return (jobs - began[1]) / (now - began[0])
        time.sleep(POLL_S)
