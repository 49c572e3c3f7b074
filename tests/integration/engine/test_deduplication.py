from __future__ import annotations

from typing import Any

import pytest
import redis
from dramatiq.middleware import MiddlewareError

from deploy.local.redis_server import RedisServer
from shared.broker import ClientLimit, DeduplicationMode, Idempotency, State, keys
from shared.errors import ClientLimitExceeded, DeduplicationKeyTaken, IdempotencyConflict, RedisUnavailable
from tests.kit.engine import QUEUE, Engine, error

TTL, REPLACE = DeduplicationMode.TTL, DeduplicationMode.REPLACE


@pytest.mark.parametrize("state", ["waiting", "delayed", "active"])
def test_an_unfinished_holder_stands_for_its_duplicates(engine: Engine, state: str) -> None:
    holder = engine.add(deduplication_key="k", delay_ms=60_000 if state == "delayed" else 0)
    if state == "active":
        engine.raw_worker().take()

    duplicate = engine.add(deduplication_key="k")

    assert (duplicate.job_id, duplicate.deduplicated, duplicate.created) == (holder.job_id, True, False)
    assert duplicate.state.value == state
    assert engine.store.job(holder.job_id).absorbed == 1
    assert engine.store.queue_stats(QUEUE).deduplicated == 1


@pytest.mark.parametrize("outcome", ["completed", "failed", "cancelled"])
def test_a_finished_holder_is_taken_over(engine: Engine, outcome: str) -> None:
    worker = engine.raw_worker()
    first = engine.add(deduplication_key="k")
    worker.finish(worker.take(), outcome, error() if outcome == "failed" else None)

    second = engine.add(deduplication_key="k")

    assert second.created
    assert second.job_id != first.job_id


def test_a_key_whose_holder_has_no_record_is_taken_over(engine: Engine) -> None:
    engine.client.set(keys.deduplication(QUEUE, "k"), "orders-gone")
    assert engine.add(deduplication_key="k").created


def test_a_holder_that_waits_for_its_next_attempt_still_holds_its_key(engine: Engine) -> None:
    worker = engine.raw_worker()
    holder = engine.add(deduplication_key="k")
    worker.finish(worker.take(), "delayed", error(), 60_000)
    assert engine.add(deduplication_key="k").job_id == holder.job_id


def test_other_keys_and_jobs_without_a_key_are_left_alone(engine: Engine) -> None:
    engine.add(deduplication_key="k")
    assert engine.add(deduplication_key="other").created
    assert engine.add().created
    assert engine.add().created


def test_a_batch_with_the_same_key_creates_one_job(engine: Engine) -> None:
    added = engine.broker.add_many([engine.job(deduplication_key="k") for _ in range(5)])
    assert len({one.job_id for one in added}) == 1
    assert [one.created for one in added] == [True, False, False, False, False]


def test_ttl_keeps_its_window_whatever_became_of_the_holder(engine: Engine) -> None:
    worker = engine.raw_worker()
    options: dict[str, Any] = {"deduplication_key": "k", "deduplication_mode": TTL, "deduplication_window_ms": 60_000}
    first = engine.add(**options)
    worker.finish(worker.take(), keep=0)

    inside = engine.add(**options)
    assert (inside.job_id, inside.created, inside.state) == (first.job_id, False, State.COMPLETED)

    engine.client.pexpire(keys.deduplication(QUEUE, "k"), 1)
    deadline = engine.now_ms() + 5_000
    while engine.client.exists(keys.deduplication(QUEUE, "k")) and engine.now_ms() < deadline:
        pass
    assert engine.add(**options).created


@pytest.mark.parametrize("delay_ms", [0, 60_000])
def test_replace_gives_a_holder_that_has_not_run_the_newest_data_and_keeps_its_due_time(
    engine: Engine, delay_ms: int
) -> None:
    options: dict[str, Any] = {"deduplication_key": "k", "deduplication_mode": REPLACE, "delay_ms": delay_ms}
    holder = engine.add(data={"n": 1}, **options)
    before = engine.store.job(holder.job_id)

    newer = engine.add(data={"n": 2}, **options)

    after = engine.store.job(holder.job_id)
    assert (newer.job_id, newer.created, newer.deduplicated) == (holder.job_id, False, True)
    assert after.data == {"n": 2}
    assert (after.due_at_ms, after.created_at_ms) == (before.due_at_ms, before.created_at_ms)


@pytest.mark.parametrize("outcome", ["completed", "failed", "cancelled"])
def test_replace_gives_a_running_holder_one_follow_up_that_runs_after_it(engine: Engine, outcome: str) -> None:
    worker = engine.raw_worker()
    options: dict[str, Any] = {"deduplication_key": "k", "deduplication_mode": REPLACE}
    engine.add(data={"n": 1}, **options)
    running = worker.take()

    follow_up = engine.add(data={"n": 2}, **options)
    newest = engine.add(data={"n": 3}, **options)
    assert (follow_up.state, follow_up.created) == (State.BLOCKED, True)
    assert (newest.job_id, newest.created) == (follow_up.job_id, False)
    assert worker.fetch() == []

    worker.finish(running, outcome, error() if outcome == "failed" else None)
    job = worker.take()
    assert job.id == follow_up.job_id
    assert engine.store.job(job.id).data == {"n": 3}
    assert engine.add(deduplication_key="k").job_id == follow_up.job_id


def test_a_follow_up_keeps_its_delay(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.add(deduplication_key="k", deduplication_mode=REPLACE)
    running = worker.take()
    follow_up = engine.add(deduplication_key="k", deduplication_mode=REPLACE, delay_ms=60_000)
    worker.finish(running)
    assert engine.state(follow_up.job_id) == "delayed"


def test_a_retried_attempt_keeps_its_follow_up_blocked(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.add(deduplication_key="k", deduplication_mode=REPLACE)
    running = worker.take()
    follow_up = engine.add(deduplication_key="k", deduplication_mode=REPLACE)
    worker.finish(running, "delayed", error(), 0)
    assert engine.state(follow_up.job_id) == "blocked"
    again = worker.take()
    assert again.id == running.id
    worker.finish(again, keep=0)
    assert worker.take().id == follow_up.job_id


def test_a_cancelled_follow_up_leaves_the_key_to_its_holder(engine: Engine) -> None:
    worker = engine.raw_worker()
    holder = engine.add(deduplication_key="k", deduplication_mode=REPLACE)
    running = worker.take()
    follow_up = engine.add(deduplication_key="k", deduplication_mode=REPLACE)
    engine.store.cancel(follow_up.job_id, "ada")
    assert engine.add(deduplication_key="k").job_id == holder.job_id
    worker.finish(running)
    assert engine.add(deduplication_key="k").created


def test_a_retry_takes_its_key_again_or_names_the_holder(engine: Engine) -> None:
    worker = engine.raw_worker()
    first = engine.add(deduplication_key="k")
    worker.finish(worker.take(), "failed", error())
    second = engine.add(deduplication_key="k")

    with pytest.raises(DeduplicationKeyTaken) as taken:
        engine.store.retry(QUEUE, first.job_id, "ada")
    assert taken.value.holder_id == second.job_id

    worker.finish(worker.take())
    engine.store.retry(QUEUE, first.job_id, "ada")
    assert engine.add(deduplication_key="k").job_id == first.job_id


def test_a_known_job_id_returns_its_job(engine: Engine) -> None:
    first = engine.add(job_id="mine")
    again = engine.add(job_id="orders-mine", data={"n": 2})
    assert first.job_id == again.job_id == "orders-mine"
    assert (again.created, again.deduplicated) == (False, False)


def test_a_reservation_alone_frees_itself(engine: Engine) -> None:
    engine.client.set(keys.deduplication(QUEUE, "k"), "r:orders-crashed", px=5_000)
    assert engine.add(deduplication_key="k").created


def test_redis_away_is_no_reason_to_enqueue_unprotected(redis_server: RedisServer, bare_engine: Engine) -> None:
    redis_server.stop()
    with pytest.raises(RedisUnavailable) as away:
        bare_engine.add(deduplication_key="k")
    assert isinstance(away.value, MiddlewareError)
    with pytest.raises(RedisUnavailable):
        bare_engine.add()
    with pytest.raises(RedisUnavailable):
        bare_engine.store.stats()


def test_an_idempotency_key_gets_the_same_answer_also_after_the_end(engine: Engine) -> None:
    worker = engine.raw_worker()
    key = Idempotency("key", "token", "hash")
    first = engine.broker.add(engine.job(deduplication_key="k"), idempotency=key)
    again = engine.broker.add(engine.job(deduplication_key="k"), idempotency=key)
    worker.finish(worker.take(), keep=0)
    late = engine.broker.add(engine.job(deduplication_key="k"), idempotency=key)
    other = engine.broker.add(engine.job(), idempotency=Idempotency("key", "another token", "hash"))

    assert first.job_id == again.job_id == late.job_id
    assert not again.created
    assert not late.created
    assert other.created
    ttl = engine.client.pttl(engine.prefix + "idem:token:key#0")
    assert 86_000_000 < ttl <= 86_400_000


def test_an_idempotency_key_with_another_body_is_a_conflict_and_creates_nothing(engine: Engine) -> None:
    engine.broker.add_many([engine.job()] * 2, idempotency=Idempotency("key", "t", "one"))
    with pytest.raises(IdempotencyConflict):
        engine.broker.add_many([engine.job()] * 3, idempotency=Idempotency("key", "t", "two"))
    with pytest.raises(IdempotencyConflict):
        engine.broker.add(engine.job(), idempotency=Idempotency("key", "t", "three"))
    assert engine.store.queue_stats(QUEUE).waiting == 2


def test_a_clients_limit_refuses_the_whole_batch_and_says_when(engine: Engine) -> None:
    limit = ClientLimit("shop", 3, 60_000)
    engine.broker.add_many([engine.job()] * 2, client=limit)
    with pytest.raises(ClientLimitExceeded) as refused:
        engine.broker.add_many([engine.job()] * 2, client=limit)
    assert 0 < refused.value.retry_after_ms <= 60_000
    engine.broker.add(engine.job(), client=limit)
    assert engine.broker.add(engine.job(), client=ClientLimit("other", 3)).created
    assert engine.store.queue_stats(QUEUE).waiting == 4


def test_a_reservation_is_a_set_nx_with_its_own_end(redis_client: redis.Redis, engine: Engine) -> None:
    message = engine.job(deduplication_key="k")
    engine.broker.add(message)
    assert redis_client.pttl(keys.deduplication(QUEUE, "k")) == -1  # the hold outlives the reservation
