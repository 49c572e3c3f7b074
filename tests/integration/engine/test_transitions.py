from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from shared.broker import DeduplicationMode, State
from shared.errors import DeduplicationKeyTaken, JobNotFound, WrongState
from shared.job_removal import JobRemoval
from tests.kit.agreement import assert_agreement
from tests.kit.engine import QUEUE, Engine, error


def test_a_job_goes_from_waiting_over_active_to_completed(engine: Engine) -> None:
    worker = engine.raw_worker()
    added = engine.add(data={"orderId": "o-7"})
    assert (added.state, added.created) == (State.WAITING, True)
    assert_agreement(engine)

    job = worker.take()
    assert engine.store.job(job.id).state is State.ACTIVE
    assert_agreement(engine)

    assert worker.finish(job, payload={"success": True}) == "a"
    done = engine.store.job(job.id)
    assert (done.state, done.result, done.attempt, done.data) == (
        State.COMPLETED,
        {"success": True},
        1,
        {"orderId": "o-7"},
    )
    assert done.created_at_ms <= (done.started_at_ms or 0) <= (done.finished_at_ms or 0)
    assert engine.events(job.id) == ["waiting", "active", "completed"]


def test_the_final_event_carries_the_whole_job(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.add(data={"orderId": "o-7"}, attempts=5, priority=3, deduplication_key="k/1")
    first = worker.take()
    worker.finish(first, "delayed", error("first"), 0)
    second = worker.take()
    worker.progress(second, {"done": 3})
    worker.finish(second, "failed", error("second"))

    record = orjson.loads(engine.stream()[-1].fields["record"])
    assert record["name"] == "order"
    assert record["data"] == {"orderId": "o-7"}
    assert record["options"] == {"attempts": 5, "priority": 3}
    assert (record["state"], record["attempt"], record["deduplicationKey"]) == ("failed", 2, "k/1")
    assert [one["message"] for one in record["errors"]] == ["first", "second"]
    assert record["progress"] == {"done": 3}
    assert record["createdAt"] <= record["startedAt"] <= record["finishedAt"]


@pytest.mark.parametrize("outcome", ["completed", "failed", "cancelled", "delayed", "released"])
def test_every_outcome_is_accepted_once_and_changes_nothing_twice(engine: Engine, outcome: str) -> None:
    worker = engine.raw_worker()
    engine.add()
    job = worker.take()

    first = worker.finish(job, outcome, error() if outcome == "failed" else None, 60_000)
    before = engine.stream()
    second = worker.finish(job, outcome, error() if outcome == "failed" else None, 60_000)

    assert (first, second) == ("a", "d")
    assert engine.stream() == before


@pytest.mark.parametrize("outcome", ["completed", "failed", "cancelled", "delayed", "released"])
def test_a_finish_with_a_wrong_token_is_refused(engine: Engine, outcome: str) -> None:
    worker = engine.raw_worker()
    engine.add()
    job = worker.take()

    assert worker.finish(job, outcome, token="another") == "l"
    assert engine.state(job.id) == "active"


def test_a_finish_of_a_job_that_never_ran_is_refused(engine: Engine) -> None:
    worker = engine.raw_worker()
    added = engine.add()
    assert worker.advance(0, [(added.job_id, "guess", "completed", b"", 0, 1, 100)])[0] == "l"
    assert engine.state(added.job_id) == "waiting"


def test_a_finish_of_an_unknown_job_says_gone(engine: Engine) -> None:
    assert engine.raw_worker().advance(0, [("orders-none", "t", "completed", b"", 0, 1, 100)])[0] == "g"


def test_a_finish_of_a_removed_job_says_gone(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.add()
    job = worker.take()
    assert worker.finish(job, keep=0) == "a"
    assert engine.record(job.id) == {}
    assert worker.finish(job, keep=0) == "g"


def test_a_late_finish_changes_nothing_after_a_stall_and_a_second_run(engine: Engine) -> None:
    slow, quick = engine.raw_worker(), engine.raw_worker()
    engine.add()
    late = slow.take()
    engine.expire_leases()
    engine.sweep()
    again = quick.take()

    assert slow.finish(late, payload={"success": False}) == "l"
    assert engine.state(late.id) == "active"
    assert quick.finish(again, payload={"success": True}) == "a"
    assert slow.finish(late, payload={"success": False}) == "l"
    assert engine.store.job(late.id).result == {"success": True}


def test_a_late_finish_changes_nothing_after_an_operators_retry(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.add()
    job = worker.take()
    worker.finish(job, "failed", error())
    engine.store.retry(QUEUE, job.id, "ada")

    assert worker.finish(job, "completed") == "l"
    assert engine.state(job.id) == "waiting"


def test_a_released_job_goes_back_first_in_line_with_no_attempt_used(engine: Engine) -> None:
    worker = engine.raw_worker()
    first = engine.add().job_id
    engine.add()
    job = worker.take()
    assert job.attempt == 1

    worker.finish(job, "released")

    again = worker.take()
    assert (again.id, again.attempt) == (first, 1)


def test_a_line_is_told_by_the_owner_only(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.add()
    job = worker.take()

    assert worker.scripts.run("log", worker.queue, (job.id, job.token, "one")) == 1
    assert worker.scripts.run("log", worker.queue, (job.id, "another", "two")) == 0
    worker.finish(job)
    assert worker.scripts.run("log", worker.queue, (job.id, job.token, "three")) == 0
    assert engine.events(job.id).count("logged") == 1


def test_progress_is_stored_for_the_owner_only(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.add()
    job = worker.take()

    assert worker.progress(job, 40)
    assert not worker.progress(job, 90, token="another")
    assert engine.store.job(job.id).progress == 40
    worker.finish(job)
    assert not worker.progress(job, 99)
    assert engine.store.job(job.id).progress == 40


def test_renewing_extends_only_what_the_worker_owns(engine: Engine) -> None:
    worker, other = engine.raw_worker(lease_ms=1_000), engine.raw_worker()
    engine.add_ids(2)
    mine, lost = worker.fetch(2)
    worker.finish(lost)

    assert worker.renew(mine, lost, lease_ms=500_000) == "ol"
    assert other.renew(mine) == "o"  # the token entitles, not the name
    score = engine.client.zscore(engine.prefix + "active", mine.id)
    assert score is not None
    assert score > engine.now_ms() + 20_000
    mine.token = "another"
    assert worker.renew(mine) == "l"


@pytest.mark.parametrize("state", ["waiting", "active", "completed", "delayed", "cancelled"])
def test_only_failed_jobs_can_be_retried(engine: Engine, state: str) -> None:
    job_id = _job_in(engine, state)
    with pytest.raises(WrongState, match=state):
        engine.store.retry(QUEUE, job_id, "ada")
    assert engine.state(job_id) == state


@pytest.mark.parametrize("state", ["waiting", "active", "completed", "failed", "cancelled"])
def test_only_delayed_jobs_can_be_promoted(engine: Engine, state: str) -> None:
    job_id = _job_in(engine, state)
    with pytest.raises(WrongState, match=state):
        engine.store.promote(job_id, "ada")
    assert engine.state(job_id) == state


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
def test_finished_jobs_can_not_be_cancelled(engine: Engine, state: str) -> None:
    job_id = _job_in(engine, state)
    with pytest.raises(WrongState, match=state):
        engine.store.cancel(job_id, "ada")
    assert engine.state(job_id) == state


@pytest.mark.parametrize("state", ["waiting", "delayed", "completed", "failed", "cancelled"])
def test_a_removed_job_is_gone_until_it_is_restored_as_it_was(engine: Engine, state: str) -> None:
    job_id = _job_in(engine, state)
    removal = JobRemoval(engine.client)
    before = removal.record(engine.queue, job_id)

    shelf = removal.remove(engine.queue, job_id, before, "ada", "test")

    assert engine.state(job_id) == ""
    with pytest.raises(JobNotFound):
        removal.remove(engine.queue, job_id, before, "ada")
    removal.restore(engine.queue, job_id, before, shelf, "ada")
    gone = {"token", "follower", "cancel"}
    assert removal.record(engine.queue, job_id) == {name: value for name, value in before.items() if name not in gone}
    with pytest.raises(WrongState):
        removal.restore(engine.queue, job_id, before, shelf, "ada")
    assert engine.events(job_id)[-2:] == ["removed", "restored"]


def test_a_running_job_and_its_blocked_follow_up_can_not_be_removed(engine: Engine) -> None:
    options: dict[str, Any] = {"deduplication_key": "k", "deduplication_mode": DeduplicationMode.REPLACE}
    running = engine.add(**options).job_id
    engine.raw_worker().take()
    follow_up = engine.add(**options).job_id
    removal = JobRemoval(engine.client)

    for job_id, state in ((running, "active"), (follow_up, "blocked")):
        with pytest.raises(WrongState, match=f"is {state}; cancel it instead"):
            removal.remove(engine.queue, job_id, removal.record(engine.queue, job_id), "ada")
        assert engine.state(job_id) == state


def test_a_job_that_another_waits_for_can_not_be_removed(engine: Engine) -> None:
    options: dict[str, Any] = {"deduplication_key": "k", "deduplication_mode": DeduplicationMode.REPLACE}
    awaited = engine.add(**options).job_id
    worker = engine.raw_worker()
    running = worker.take()
    engine.add(**options)
    worker.finish(running, "delayed", error(), 60_000)
    removal = JobRemoval(engine.client)

    with pytest.raises(WrongState, match="another job waits for"):
        removal.remove(engine.queue, awaited, removal.record(engine.queue, awaited), "ada")

    assert engine.state(awaited) == "delayed"


def test_a_job_that_got_other_data_is_not_removed_with_an_old_record(engine: Engine) -> None:
    job_id = engine.add().job_id
    record = JobRemoval(engine.client).record(engine.queue, job_id)

    with pytest.raises(WrongState):
        JobRemoval(engine.client).remove(engine.queue, job_id, {**record, "msg": "1|{}"}, "ada")

    assert engine.state(job_id) == "waiting"


def test_a_removed_job_frees_its_key_and_takes_it_again(engine: Engine) -> None:
    removal = JobRemoval(engine.client)
    job_id = engine.add(deduplication_key="k").job_id
    record = removal.record(engine.queue, job_id)
    shelf = removal.remove(engine.queue, job_id, record, "ada")
    holder = engine.add(deduplication_key="k").job_id

    with pytest.raises(DeduplicationKeyTaken) as taken:
        removal.restore(engine.queue, job_id, record, shelf, "ada")

    assert taken.value.holder_id == holder
    engine.store.cancel(holder, "ada")
    removal.restore(engine.queue, job_id, record, shelf, "ada")
    assert engine.add(deduplication_key="k").job_id == job_id


@pytest.mark.parametrize("operation", ["retry", "promote", "cancel", "job", "events"])
@pytest.mark.parametrize("job_id", ["orders-none", "nonsense", ""])
def test_an_unknown_job_is_not_found(engine: Engine, operation: str, job_id: str) -> None:
    store = engine.store
    calls: dict[str, Callable[[], object]] = {
        "retry": lambda: store.retry(QUEUE, job_id, "ada"),
        "promote": lambda: store.promote(job_id, "ada"),
        "cancel": lambda: store.cancel(job_id, "ada"),
        "job": lambda: store.job(job_id),
        "events": lambda: store.events(job_id),
    }
    with pytest.raises(JobNotFound):
        calls[operation]()


def test_a_job_of_another_queue_is_not_found_for_a_retry(engine: Engine) -> None:
    with pytest.raises(JobNotFound, match="ORDER_PROCESSING"):
        engine.store.retry(QUEUE, "whatsapp-1", "ada")


def test_promoting_runs_a_delayed_job_once(engine: Engine) -> None:
    worker = engine.raw_worker()
    job_id = engine.add(delay_ms=3_600_000).job_id
    assert worker.fetch() == []

    assert engine.store.promote(job_id, "ada").state is State.WAITING

    assert worker.take().id == job_id
    engine.make_due()
    assert worker.fetch() == []
    assert engine.events(job_id) == ["delayed", "promoted", "active"]


def test_a_repeated_fetch_with_the_same_token_takes_no_job_twice(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.add_ids(3)
    taken = worker.advance(2, token="same")[1]
    again = worker.advance(2, token="same")[1]
    ids = [job.id for job in taken + again]
    assert len(ids) == len(set(ids)) == 3


def test_scripts_that_redis_forgot_are_loaded_again(engine: Engine) -> None:
    worker = engine.raw_worker()
    engine.add()
    engine.client.script_flush()
    job = worker.take()
    engine.client.script_flush()
    assert worker.finish(job) == "a"


def _job_in(engine: Engine, state: str) -> str:
    worker = engine.raw_worker()
    job_id = engine.add(delay_ms=3_600_000 if state == "delayed" else 0).job_id
    if state == "cancelled":
        engine.store.cancel(job_id, "ada")
    elif state not in {"waiting", "delayed"}:
        job = worker.take()
        if state != "active":
            worker.finish(job, state, error() if state == "failed" else None)
    return job_id
