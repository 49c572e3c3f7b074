"""The engine: Bull's semantics on Redis behind Dramatiq's public interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.broker.broker import DokoBroker
from shared.broker.config import EngineConfig
from shared.broker.connection import connect_from as connect
from shared.broker.options import (
    ClientLimit,
    DeduplicationMode,
    Enqueued,
    Idempotency,
    JobOptions,
    NewJob,
)
from shared.broker.proxy import CurrentJob, current_job
from shared.broker.states import Event, State

if TYPE_CHECKING:
    from shared.queues import Queue
    from shared.settings import Settings


def make_broker(settings: Settings, queue: Queue | None = None) -> DokoBroker:
    """The broker of one process: a worker of ``queue``, or a producer when that is None."""
    broker = DokoBroker(connect(settings), EngineConfig.from_settings(settings))
    if queue is not None:
        broker.declare_queue(queue.value)
    return broker


__all__ = [
    "ClientLimit",
    "CurrentJob",
    "DeduplicationMode",
    "DokoBroker",
    "EngineConfig",
    "Enqueued",
    "Event",
    "Idempotency",
    "JobOptions",
    "NewJob",
    "State",
    "connect",
    "current_job",
    "make_broker",
]
