"""Schedulers as real processes: racing for the same runs, and killed at every step."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
import redis

from shared.schedules import Interval, ScheduleStore
from shared.schedules.store import DUE
from tests.integration.schedules.conftest import START, System

ROOT = Path(__file__).resolve().parents[3]
SCHEDULES = 150


class Scheduler:
    """A process that runs schedules from ``begin`` to ``end``."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.integration.schedules.processes", *arguments]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def _read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def begin(self) -> None:
        assert self._read() == "ready"
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        done = int(self._read())
        self.close()
        return done

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(30)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        return code


@pytest.fixture
def start(redis_url: str) -> Iterator[Callable[..., Scheduler]]:
    """Starts processes, and ends those that a failed test leaves behind."""
    started: list[Scheduler] = []

    def start_one(what: str, *arguments: str) -> Scheduler:
        started.append(Scheduler(what, redis_url, *arguments))
        return started[-1]

    yield start_one
    for each in started:
        each.kill()


def make_due(system: System, client: redis.Redis, count: int) -> set[str]:
    """Schedules that were due an hour ago; returns the ids of the jobs that they must make."""
    now = ScheduleStore(client).now()
    due = int(now.timestamp()) * 1000 - 3_600_000
    for number in range(count):
        system.create(f"s{number}", timing=Interval(86_400_000, START))
    client.zadd(DUE, {f"s{number}": due for number in range(count)})
    stamp = time.strftime("%Y%m%dT%H%M%S.000Z", time.gmtime(due // 1000))
    return {f"whatsapp-schedule-s{number}-{stamp}" for number in range(count)}


def jobs_made(system: System) -> list[str]:
    return [each.decode().rpartition(":")[2] for each in system.client.scan_iter("doko:{whatsapp-messages}:job:*")]


def wait_until_done(system: System) -> None:
    store = ScheduleStore(system.client)
    deadline = time.monotonic() + 60
    while store.due() or any(entry.run for entry in store.entries()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_racing_schedulers_do_each_run_once(
    system: System, start: Callable[..., Scheduler], redis_client: redis.Redis
) -> None:
    expected = make_due(system, redis_client, SCHEDULES)
    schedulers = [start("work") for _ in range(3)]

    for each in schedulers:
        each.begin()
    wait_until_done(system)
    done = [each.end() for each in schedulers]

    assert sum(done) == SCHEDULES
    assert set(jobs_made(system)) == expected
    created = redis_client.xlen("doko:{whatsapp-messages}:events")
    assert created == SCHEDULES


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("method", ["claim", "add", "confirm"])
def test_a_run_survives_kill_9(
    system: System, start: Callable[..., Scheduler], redis_client: redis.Redis, method: str, when: str
) -> None:
    expected = make_due(system, redis_client, 1)
    assert start("die", method, when).close() == -signal.SIGKILL

    second = start("work")
    second.begin()
    wait_until_done(system)
    second.end()

    assert set(jobs_made(system)) == expected
    assert redis_client.xlen("doko:{whatsapp-messages}:events") == 1


@pytest.mark.chaos
def test_schedulers_killed_at_random_lose_and_repeat_nothing(
    system: System, start: Callable[..., Scheduler], redis_client: redis.Redis
) -> None:
    expected = make_due(system, redis_client, SCHEDULES)
    chance = Random(20261124)  # noqa: S311 - moments to kill at
    schedulers = [start("work") for _ in range(2)]
    for each in schedulers:
        each.begin()

    for turn in range(6):
        time.sleep(chance.uniform(0.02, 0.15))
        schedulers[turn % 2].kill()
        schedulers[turn % 2] = start("work")
        schedulers[turn % 2].begin()
    wait_until_done(system)
    for each in schedulers:
        each.end()

    assert set(jobs_made(system)) == expected
    assert redis_client.xlen("doko:{whatsapp-messages}:events") == SCHEDULES
