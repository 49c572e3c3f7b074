"""The measured worker: wired as the production workers are, with actors that do nothing but tell the time."""

from __future__ import annotations

import time

import dramatiq

from shared import logs
from shared.broker import current_job, make_broker
from shared.queues import Queue
from shared.settings import Settings

QUEUE = Queue.ORDER_PROCESSING
NOTHING, CLOCK = "nothing", "clock"


def start() -> None:
    """Wire the worker; Dramatiq calls this once per process."""
    settings = Settings.from_environment()
    logs.configure(settings, "bench")
    broker = make_broker(settings, queue=QUEUE)
    dramatiq.set_broker(broker)
    dramatiq.actor(actor_name=NOTHING, queue_name=QUEUE.value, broker=broker)(do_nothing)
    dramatiq.actor(actor_name=CLOCK, queue_name=QUEUE.value, broker=broker)(tell_time)


def do_nothing(i: int) -> None:
    """The job of every drain: the sides differ only in their machinery."""


def tell_time(sent_ns: int = 0, delay: int = 0) -> dict[str, float]:
    """How late the job runs in ms: after it was sent, and after it was due (Redis time) if it was delayed."""
    now_ns = time.time_ns()
    job = current_job()
    assert job is not None
    return {"sinceSent": (now_ns - sent_ns) / 1e6, "sinceDue": now_ns / 1e6 - job.enqueued_at_ms - delay}
