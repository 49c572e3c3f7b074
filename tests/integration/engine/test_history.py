"""The notes of a queue's totals."""

from __future__ import annotations

from shared.broker import EngineConfig
from shared.broker.connection import Scripts, connect
from shared.broker.keeper import Keeper
from shared.queue_history import histories
from shared.queues import Queue


def test_the_keeper_notes_the_totals_of_every_queue_at_most_twice_a_minute(redis_url: str) -> None:
    client = connect(redis_url)
    client.hset("doko:{order-routing}:meta", mapping={"total_completed": 7, "total_failed": 2})
    client.zadd("doko:{order-routing}:waiting", {"routing-1": 1})
    keeper = Keeper(client, EngineConfig())

    keeper.run_once()
    keeper.run_once()

    found = histories(client)
    assert set(found) == set(Queue)
    (note,) = found[Queue.ORDER_ROUTING]
    assert (note.completed, note.failed, note.waiting) == (7, 2, 1)
    client.close()


def test_only_the_newest_notes_are_kept(redis_url: str) -> None:
    scripts = Scripts(connect(redis_url))

    noted = [scripts.run("sample", "order-routing", (0, 3)) for _ in range(5)]

    assert noted == [1] * 5
    assert len(histories(scripts.client)[Queue.ORDER_ROUTING]) == 3
    scripts.client.close()
