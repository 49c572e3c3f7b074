"""The plain Dramatiq programming model on our broker: ``actor.send()`` and its options."""

from __future__ import annotations

from typing import Any

import dramatiq
import pytest
from dramatiq.errors import QueueNotFound

from deploy.local.redis_server import RedisServer
from shared.broker import DokoBroker, State
from shared.broker.broker import EnqueuedMessage
from shared.broker.connection import connect
from shared.errors import InvalidOption
from shared.queues import Backoff, BackoffType
from tests.kit.engine import QUEUE, SHORT, Engine
from tests.kit.running import broker_with, running
from tests.kit.system import wait_until


def nothing(*args: object, **data: object) -> object:
    return {"success": True, "args": list(args), **data}


def test_send_enqueues_and_a_worker_runs_it_with_its_arguments(engine: Engine) -> None:
    with running(engine, {"order": nothing}) as broker:
        message = broker.get_actor("order").send(1, "two", three=3)
        assert isinstance(message, EnqueuedMessage)
        assert (message.enqueued.created, message.enqueued.state) == (True, State.WAITING)
        engine.await_event("completed", message.message_id)
    assert engine.store.job(message.message_id).result == {"success": True, "args": [1, "two"], "three": 3}


def test_an_actors_options_hold_for_its_jobs_and_the_messages_own_win(engine: Engine) -> None:
    broker = broker_with(
        engine.url, {"order": nothing}, SHORT, QUEUE, attempts=7, priority=3, backoff={"type": "fixed", "delay": 9}
    )
    of_actor = engine.store.job(broker.get_actor("order").send().message_id)
    own = engine.store.job(broker.get_actor("order").send_with_options(attempts=2, priority=9).message_id)
    assert (of_actor.attempts, of_actor.options["priority"]) == (7, 3)
    assert of_actor.options["backoff"] == {"type": "fixed", "delay": 9}
    assert (own.attempts, own.options["priority"]) == (2, 9)
    broker.close()


def test_options_of_a_message(engine: Engine) -> None:
    actor = (broker := broker_with(engine.url, {"order": nothing}, SHORT, QUEUE)).get_actor("order")
    delayed = actor.send_with_options(delay=60_000, job_id="mine", backoff=Backoff(BackoffType.FIXED, 3), timeout=5)
    assert delayed.message_id == "orders-mine"
    job = engine.store.job("orders-mine")
    assert (job.state, job.options["timeout"]) == (State.DELAYED, 5)
    first = actor.send_with_options(deduplication_key="k", deduplication_mode="replace")
    again = actor.send_with_options(deduplication_key="k", deduplication_mode="replace")
    assert first.message_id == again.message_id
    broker.close()


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"attempst": 3}, "did you mean 'attempts'"),
        ({"eta": 1}, "eta is not an option"),
        ({"max_retries": 3}, "max_retries is not an option"),
        ({"pipe_target": {}}, "pipe_target is not an option"),
        ({"attempts": 0}, "from 1 to 1000"),
        ({"priority": 101}, "from 1 to 100"),
        ({"deduplication_mode": "replac"}, "did you mean 'replace'"),
        ({"deduplication_mode": "ttl", "deduplication_key": "k"}, "needs a window"),
    ],
)
def test_a_wrong_option_is_refused_with_a_hint_and_nothing_is_enqueued(
    engine: Engine, options: dict[str, Any], hint: str
) -> None:
    actor = (broker := broker_with(engine.url, {"order": nothing}, SHORT, QUEUE)).get_actor("order")
    with pytest.raises(InvalidOption, match=hint):
        actor.send_with_options(**options)
    assert engine.stream() == []
    broker.close()


def test_an_unknown_actor_option_is_refused_at_declaration(redis_server: RedisServer) -> None:
    with pytest.raises(ValueError, match="max_retries"):
        broker_with(redis_server.url, {"order": nothing}, SHORT, QUEUE, max_retries=3)


def test_a_message_for_an_undeclared_queue_is_refused(redis_server: RedisServer) -> None:
    broker = DokoBroker(connect(redis_server.url), SHORT)
    message: dramatiq.Message[object] = dramatiq.Message("nowhere", "order", (), {}, {})
    with pytest.raises(QueueNotFound):
        broker.enqueue(message)
    with pytest.raises(QueueNotFound):
        broker.consume("nowhere")
    broker.close()


def test_a_queue_of_ones_own_works_and_deduplicates(redis_server: RedisServer) -> None:
    broker = broker_with(redis_server.url, {"mine": nothing}, SHORT, "a-queue-of-my-own")
    first = broker.get_actor("mine").send_with_options(deduplication_key="k")
    again = broker.get_actor("mine").send_with_options(deduplication_key="k")
    assert isinstance(again, EnqueuedMessage)
    assert (again.message_id, again.enqueued.deduplicated) == (first.message_id, True)
    broker.flush_all()
    broker.join("a-queue-of-my-own", timeout=1_000)
    broker.close()


def test_a_client_of_its_own_leaves_no_connection_behind(engine: Engine) -> None:
    def connections() -> set[str]:
        return {each["id"] for each in engine.client.client_list()}

    before = connections()
    own = engine.broker.new_client(engine.queue)
    own.ping()
    opened = connections() - before
    own.close()

    assert len(opened) == 1
    wait_until(lambda: not opened & connections(), lambda: "its connection stays open")
