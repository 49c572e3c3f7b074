"""Routing decisions over all vendors, and the count of their records."""

from __future__ import annotations

import gc
import statistics
import time

from sqlalchemy import select

from services.routing import actors
from services.routing.deciding import Routed, Run
from shared.business import OrderState
from shared.database import Database, vendor_records
from shared.database.models import Order
from shared.messages.routing import RouteOrder
from tests.benchmarks.scale.data import ANCHOR
from tests.benchmarks.scale.figures import Figure, at_most
from tests.benchmarks.scale.scene import Scene, opened, statements

SAMPLE = 60


def measure(scene: Scene) -> list[Figure]:
    """Orders of products that every vendor sells, one after the other, each in its own transaction."""
    with scene.platform.copy("routing") as url, opened(url) as database:
        began = time.perf_counter()
        with database.session() as tx:
            vendor_records.refresh(tx, ANCHOR)
        counted_s = time.perf_counter() - began
        numbers = _confirmed(database)
        # As a worker does once it has started.
        gc.collect()
        gc.freeze()
        took = [_route(database, number, f"scale-{place}") for place, number in enumerate(numbers)]
    times = [seconds * 1000 for seconds, _, _ in took]
    queries = max(reads for _, reads, _ in took)
    candidates = min(routed.candidates for _, _, routed in took)
    return [
        at_most("one routing decision, median", "ms", statistics.median(times), 100, candidates=candidates),
        at_most("one routing decision, 95th percentile", "ms", statistics.quantiles(times, n=20)[-1], 100),
        at_most("candidate queries of a routing", "", queries, 1),
        at_most("counting all vendors' records (every 15 minutes)", "s", counted_s, 10),
    ]


def _confirmed(database: Database) -> list[str]:
    query = select(Order.number).where(Order.state == OrderState.CONFIRMED).order_by(Order.id.desc()).limit(SAMPLE)
    with database.reader() as tx:
        return list(tx.scalars(query))


def _route(database: Database, number: str, job_id: str) -> tuple[float, int, Routed]:
    with statements(database.engine) as seen:
        began = time.perf_counter()
        with database.session() as tx:
            routed = actors.route(tx, RouteOrder(number, attempt=1), Run(job_id, ANCHOR))
        took = time.perf_counter() - began
    assert isinstance(routed, Routed), routed
    assert routed.vendor_id, routed
    return took, sum("FROM stock" in statement for statement in seen), routed
