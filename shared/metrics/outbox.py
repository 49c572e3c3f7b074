"""What waits in the outbox: jobs that their transactions asked for and that nobody has enqueued yet."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import override

from shared.database import Database
from shared.outbox import pending

logger = logging.getLogger(__name__)


class OutboxCollector(Collector):
    """The outbox, read through the index of its unpublished rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    def collect(self) -> Iterator[Metric]:
        """Length and age; only ``doko_database_up 0`` when the database is away."""
        try:
            with self._database.reader() as tx:
                count, oldest_s = pending(tx)
        except SQLAlchemyError as error:
            logger.warning("no outbox metrics: %s", type(error).__name__)
            yield GaugeMetricFamily("doko_database_up", "Whether the database answered this scrape.", 0)
            return
        yield GaugeMetricFamily("doko_database_up", "Whether the database answered this scrape.", 1)
        yield GaugeMetricFamily("doko_outbox_jobs", "Jobs in the outbox, counted up to 10,000.", count)
        yield GaugeMetricFamily(
            "doko_outbox_oldest_seconds", "Age of the oldest of them; 0 if there is none.", oldest_s
        )
