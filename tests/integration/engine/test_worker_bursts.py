"""A worker whose threads report in every state of its consumer."""

from __future__ import annotations

import random
import time

from tests.kit.engine import QUEUE, Engine
from tests.kit.running import running


def test_bursts_that_keep_threads_reporting_in_every_state_of_the_consumer_never_stop_it(engine: Engine) -> None:
    # Reports come while the consumer waits for Redis, for a thread, and while a step of its own is under way.
    def work(**_: object) -> None:
        time.sleep(random.choice((0, 0, 0.0005, 0.002)))  # noqa: S311 - no secret

    with running(engine, {"order": work}, threads=8):
        for burst in range(150):
            engine.add_ids(1 + burst % 25)
            if burst % 3 == 0:
                time.sleep(0.01)
        engine.await_event("completed", count=sum(1 + burst % 25 for burst in range(150)))
    assert engine.store.queue_stats(QUEUE).active == 0
