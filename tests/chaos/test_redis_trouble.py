"""Redis dies, refuses or is far away: nothing acknowledged is lost, and workers come back by themselves."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from deploy.local.redis_server import RedisServer
from shared.errors import RedisUnavailable
from shared.settings_redis import DEFAULT_TIMEOUT_MS
from tests.chaos.conftest import MakeStage
from tests.chaos.fleet import WorkerProcess, wait_for
from tests.chaos.slow_proxy import SlowProxy
from tests.chaos.stage import SOAK, Stage, report
from tests.chaos.worker_app import QUEUE

KILLS = 10 if SOAK else 3
BAD_FOR_S = 60.0 if SOAK else 6.0
HOLE_S = 45.0 if SOAK else 4.0
TIMEOUT_S = DEFAULT_TIMEOUT_MS / 1000 if SOAK else 2.0


@pytest.fixture
def strict_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that answers only when the write is on disk.

    With ``everysec`` Redis holds writes back in its own memory while a sync of the disk is running, up to 2 s:
    a SIGKILL right then may lose acknowledged jobs. That is the price of ``everysec``, and no engine can pay it.
    """
    server = RedisServer(tmp_path / "strict-redis", options=("appendfsync always",))
    server.start()
    yield server
    server.stop()


class Producer:
    """Enqueues jobs one by one in a thread of its own and remembers which were acknowledged.

    After an error it tries the same id again: the job may have been created, and ids are idempotent.
    """

    def __init__(self, stage: Stage, *, pause_s: float) -> None:
        self._stage = stage
        self._pause_s = pause_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="producer", daemon=True)
        self.acknowledged: list[str] = []
        self.refusals = 0
        self._thread.start()

    def stop(self) -> list[str]:
        """Finish the job at hand; returns every acknowledged id."""
        self._stopped.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.acknowledged

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._enqueue(uuid.uuid4().hex)
            time.sleep(self._pause_s)

    def _enqueue(self, job_id: str) -> None:
        while True:
            try:
                answer = self._stage.producer.add(self._stage.new_job("work", job_id=job_id, seconds=0.02))
            except RedisUnavailable:
                self.refusals += 1
                time.sleep(0.05)
            else:
                self.acknowledged.append(answer.job_id)
                return


def test_a_killed_redis_loses_no_acknowledged_job_and_stalls_none_twice(
    make_stage: MakeStage, strict_redis: RedisServer
) -> None:
    """Redis is killed and restarted while jobs are enqueued and run; workers and producer reconnect by themselves."""
    stage = make_stage(threads=4, short_lease_ms=3_000, redis_url=strict_redis.url)
    workers = stage.fleet.start(2)
    stage.await_ready(2)
    chance = random.Random(7)  # noqa: S311 - a schedule, no secret
    producer = Producer(stage, pause_s=0.01)
    for number in range(KILLS):
        done = stage.stats().completed
        stage.await_completed(done + 10, within_s=30)
        time.sleep(chance.uniform(0, 0.5))
        strict_redis.kill()
        # Short and long absences: the longest outlasts the time after which sweeps grant a period of grace.
        time.sleep((0.2, 1.5, 0.6)[number % 3])
        strict_redis.start()
    done = stage.stats().completed
    stage.await_completed(done + 10, within_s=30)
    job_ids = producer.stop()

    stage.await_completed(len(job_ids), within_s=60)

    report(f"{KILLS} kills of Redis, {len(job_ids)} jobs acknowledged, {producer.refusals} refused meanwhile")
    assert producer.refusals > 0
    assert max(stage.count_events("stalled").values(), default=0) <= 1
    stage.assert_each_completed_once(job_ids)
    assert all(not worker.has_ended for worker in workers)
    assert stage.fleet.log_text().count('"redis.back"') >= 2


def test_a_slow_network_that_cuts_replies_loses_nothing_and_doubles_no_effect(
    make_stage: MakeStage, redis_server: RedisServer
) -> None:
    """Workers reach Redis through a proxy that delays, swallows requests and cuts replies in their middle."""
    proxy = SlowProxy(redis_server.port, seed=11, longest_delay_s=0.05, cut_share=0.04)
    try:
        stage = make_stage(threads=4, short_lease_ms=3_000, worker_redis_url=proxy.url)
        stage.fleet.start(2)
        stage.await_ready(2)
        producer = Producer(stage, pause_s=0.02)
        proxy.bad.set()
        time.sleep(BAD_FOR_S)
        proxy.bad.clear()
        job_ids = producer.stop()
        stage.await_completed(len(job_ids), within_s=stage.lease_s + 60)

        report(f"{proxy.cuts} cuts, {len(job_ids)} jobs, {len(stage.runs()) - len(job_ids)} ran again")
        assert proxy.cuts >= 10
        assert stage.count_events("stalled") == {}
        stage.assert_each_completed_once(job_ids)
        stage.fleet.stop()
    finally:
        proxy.close()


@pytest.mark.parametrize("cut_off", [1, pytest.param(2, marks=pytest.mark.soak)])
def test_workers_whose_connections_swallow_everything_lose_nothing_and_recover(
    make_stage: MakeStage, redis_server: RedisServer, cut_off: int
) -> None:
    """No error tells them: only the socket timeout ends their wait, and meanwhile others take their jobs over."""
    proxy = SlowProxy(redis_server.port)
    try:
        stage = make_stage(threads=4)
        behind = {"REDIS_URL": proxy.url, "REDIS_TIMEOUT_MS": str(round(TIMEOUT_S * 1000))}
        workers = [stage.fleet.start(1, environment=behind if i < cut_off else None)[0] for i in range(2)]
        stage.await_ready(2)
        victim = workers[0]
        producer = Producer(stage, pause_s=0.02)
        slow = stage.add("work", count=8, seconds=1.0)
        wait_for(lambda: stage.running_on(victim.child_pid), "the worker to be cut off runs a job")
        proxy.hole.set()
        time.sleep(HOLE_S)
        proxy.hole.clear()
        healed = time.time()
        seconds = wait_for(lambda: _ran_since(stage, victim, healed), "it runs jobs again", within_s=TIMEOUT_S * 3 + 10)
        job_ids = slow + producer.stop()

        stage.await_completed(len(job_ids), within_s=stage.lease_s + 60)

        stalled = stage.count_events("stalled")
        report(f"{HOLE_S:.0f} s black hole, {len(job_ids)} jobs, {len(stalled)} stalled, back after {seconds:.1f} s")
        assert proxy.swallowed > 0
        assert set(stalled.values()) <= {1}
        assert stalled or cut_off == len(workers)
        stage.assert_each_completed_once(job_ids)
        assert not victim.has_ended
        assert '"redis.away"' in victim.log.read_text()
        assert '"redis.back"' in victim.log.read_text()
        stage.fleet.stop()
    finally:
        proxy.close()


def _ran_since(stage: Stage, worker: WorkerProcess, at: float) -> bool:
    return any(run.pid == worker.child_pid and run.at > at for run in stage.runs())


def test_a_worker_with_a_wrong_password_says_so_and_starts_work_once_it_is_right(
    make_stage: MakeStage, redis_server: RedisServer, redis_client: redis.Redis
) -> None:
    """It neither ends nor hangs silently: one clear error line, and it keeps trying."""
    stage = make_stage(threads=1, redis_url=redis_server.url.replace("redis://", "redis://:mistyped@"))
    redis_client.config_set("requirepass", "right")
    try:
        (worker,) = stage.fleet.start(1)
        wait_for(lambda: '"redis.away"' in worker.log.read_text(), "the worker says what is wrong")
        line = next(each for each in worker.log.read_text().splitlines() if '"redis.away"' in each)
        assert '"level":"error"' in line
        assert "invalid username-password pair" in line
        redis_client.config_set("requirepass", "mistyped")
        wait_for(lambda: '"redis.back"' in worker.log.read_text(), "the worker is back")
        (job_id,) = stage.add("work")
        stage.await_finished(1)
        stage.assert_each_completed_once([job_id])
        assert not worker.has_ended
        assert "mistyped" not in worker.log.read_text()
        assert worker.log.read_text().count('"redis.away"') == 1
    finally:
        redis_client.config_set("requirepass", "")


def test_a_worker_beyond_redis_connection_limit_says_so_and_keeps_trying(
    make_stage: MakeStage, redis_client: redis.Redis
) -> None:
    stage = make_stage(threads=1)
    (job_id,) = stage.add("work")
    limit = int(redis_client.config_get("maxclients")["maxclients"] or 0)
    redis_client.config_set("maxclients", len(redis_client.client_list()))
    try:
        (worker,) = stage.fleet.start(1)
        wait_for(lambda: '"redis.away"' in worker.log.read_text(), "the worker says what is wrong")
        assert "max number of clients" in worker.log.read_text()
    finally:
        redis_client.config_set("maxclients", limit)
    stage.await_finished(1)
    assert not worker.has_ended
    stage.assert_each_completed_once([job_id])
    assert QUEUE.value in worker.log.read_text()
