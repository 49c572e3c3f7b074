"""A flow of 200 jobs over three queues while workers die: each job takes effect once, and none waits for ever."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest

from shared.broker import JobOptions, NewJob, keys
from shared.broker.states import State
from shared.flows import FlowStep
from shared.job_store import JobStore
from shared.queues import Queue
from tests.chaos.conftest import MakeStage
from tests.chaos.fleet import Fleet, wait_for
from tests.chaos.stage import SOAK, Stage, kill_fairly, report
from tests.kit.flows import add_flow

QUEUES = (Queue.ORDER_PROCESSING, Queue.CREDIT_SCORE, Queue.ORDER_ROUTING)
JOBS = 200
JOB_S = 0.05
KILLS = 60 if SOAK else 6
KILL_EVERY_S = (0.5, 2.0) if SOAK else (0.2, 0.7)


def a_flow(chance: random.Random) -> list[FlowStep]:
    """Each job waits for up to three of the 20 before it, of any queue."""
    steps: list[FlowStep] = []
    for number in range(JOBS):
        earlier = range(max(number - 20, 0), number)
        depends_on = chance.sample(earlier, min(len(earlier), chance.randint(0, 3)))
        job = NewJob(chance.choice(QUEUES), "work", {"seconds": JOB_S}, options=JobOptions(keep_completed=JOBS))
        steps.append(FlowStep(str(number), job, tuple(map(str, depends_on))))
    return steps


@pytest.fixture
def fleets(make_stage: MakeStage) -> Iterator[tuple[Stage, dict[Queue, Fleet]]]:
    stage = make_stage(threads=4)
    made: dict[Queue, Fleet] = {}
    for queue in QUEUES:
        folder = stage.folder / queue.value
        folder.mkdir()
        made[queue] = Fleet({**stage.environment, "CHAOS_QUEUE": queue.value}, folder, threads=4)
    yield stage, made
    for fleet in made.values():
        fleet.stop()


def states(store: JobStore, ids: Mapping[str, str]) -> Counter[State]:
    return Counter(store.job(job_id).state for job_id in ids.values())


def test_200_jobs_of_a_flow_take_effect_once_while_workers_are_killed(
    fleets: tuple[Stage, dict[Queue, Fleet]],
) -> None:
    """No scheduler runs here: what a killed worker left untold, the next one of its queue tells."""
    stage, by_queue = fleets
    chance = random.Random(4_711)  # noqa: S311 - a schedule, no secret
    for fleet in by_queue.values():
        fleet.supervise(1)
    ids = add_flow(stage.producer, a_flow(chance))
    assert states(stage.store, ids)[State.BLOCKED] > JOBS / 2

    killed = Counter[str]()
    deadline = time.monotonic() + 60
    while killed.total() < KILLS and time.monotonic() < deadline:
        queue = chance.choice(QUEUES)
        alive = by_queue[queue].alive()
        if alive and killed["master"] < killed["child"] // 3:
            os.kill(alive[0].master_pid, signal.SIGKILL)
            killed["master"] += 1
        elif alive:
            killed["child"] += kill_fairly(stage, alive[0].child_pid, only_busy=True, queue=queue)
        time.sleep(chance.uniform(*KILL_EVERY_S))
    wait_for(lambda: states(stage.store, ids)[State.COMPLETED] == JOBS, "all jobs have completed", every_s=0.2)

    stalled = sum(len(stage_events(stage, queue, "stalled")) for queue in QUEUES)
    report(f"killed {dict(killed)}; {stalled} jobs stalled")
    assert killed["child"] >= 2
    assert stalled > 0
    assert stage.effects() == dict.fromkeys(ids.values(), 1)
    completed = Counter(job_id for queue in QUEUES for job_id in stage_events(stage, queue, "completed"))
    assert completed == dict.fromkeys(ids.values(), 1)
    assert [stage.client.xlen(keys.releases(queue)) for queue in QUEUES] == [0, 0, 0]
    in_order(stage, ids)


def stage_events(stage: Stage, queue: Queue, name: str) -> list[str]:
    """The jobs of these events."""
    entries = stage.client.xrange(keys.events(queue.value))
    return [stored[b"job"].decode() for _, stored in entries if stored[b"event"] == name.encode()]


def in_order(stage: Stage, ids: Mapping[str, str]) -> None:
    """Nobody began before those he waits for had ended."""
    jobs = {job_id: stage.store.job(job_id) for job_id in ids.values()}
    for job in jobs.values():
        for dependency in job.depends_on:
            assert (jobs[dependency].finished_at_ms or 0) <= (job.started_at_ms or 0)
