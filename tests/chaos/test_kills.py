"""Workers die all the time, their masters and children each alone, and no job notices."""

from __future__ import annotations

import os
import random
import signal
import time

from tests.chaos.conftest import MakeStage
from tests.chaos.fleet import WorkerProcess, await_end, wait_for
from tests.chaos.stage import SOAK, Stage, kill_fairly, report

JOBS = 200
SECONDS = 60.0 if SOAK else 6.0
KILL_EVERY_S = (1.0, 3.0) if SOAK else (0.4, 1.0)
JOB_S = 0.25 if SOAK else 0.15
ORPHAN_ENDS_WITHIN_S = 10.0


def test_200_jobs_complete_once_while_masters_and_children_are_killed(make_stage: MakeStage) -> None:
    """200 of 200 complete, none fails, each takes effect once, while SIGKILL falls at random on three workers.

    A job that loses its worker twice fails by design: the engine can't tell an unlucky job from one that kills its
    worker. So that the outcome is certain and the test still honest, a child is killed only while it runs a job,
    and never while that job has lost a worker before (see ``kill_fairly``; the kill waits and tries again). Jobs
    are short against the time between kills. A master's kill costs no job anything: its orphaned child finishes
    what it runs and stops.
    """
    stage = make_stage(threads=4)
    stage.fleet.supervise(3)
    stage.await_ready(3)
    kills = _Kills(stage, random.Random(20_260))  # noqa: S311 - a schedule, no secret
    job_ids: list[str] = []
    started = time.monotonic()
    next_kill = started + KILL_EVERY_S[0]
    while (elapsed := time.monotonic() - started) < SECONDS:
        due = min(round(JOBS * elapsed / SECONDS) + 1, JOBS) - len(job_ids)
        if due > 0:
            job_ids += stage.add("work", count=due, seconds=JOB_S)
        if time.monotonic() >= next_kill and kills.one():
            next_kill = time.monotonic() + kills.pause_s()
        time.sleep(0.01)
    job_ids += stage.add("work", count=JOBS - len(job_ids), seconds=JOB_S) if len(job_ids) < JOBS else []

    stage.await_finished(JOBS, within_s=stage.lease_s + 90)

    stalled = stage.count_events("stalled")
    repeated = len(stage.runs()) - JOBS
    report(f"killed {kills.children} children, {kills.masters} masters: {len(stalled)} stalled, {repeated} ran again")
    assert kills.children >= 2
    assert kills.masters >= 1
    assert stalled
    assert set(stalled.values()) == {1}
    stage.assert_each_completed_once(job_ids)
    for pid in kills.orphans:
        await_end(pid, within_s=ORPHAN_ENDS_WITHIN_S)


class _Kills:
    """Kills a master or a child in turn, drawn from the workers that run."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self._stage = stage
        self._chance = chance
        self.children = 0
        self.masters = 0
        self.orphans: list[int] = []

    def pause_s(self) -> float:
        """How long to wait until the next kill."""
        return self._chance.uniform(*KILL_EVERY_S)

    def one(self) -> bool:
        """Kill one process; False if it has to wait."""
        alive = self._stage.fleet.alive()
        if not alive:
            return False
        victim: WorkerProcess = self._chance.choice(alive)
        if self.masters < self.children // 2:
            os.kill(victim.master_pid, signal.SIGKILL)
            self.masters += 1
            self.orphans.append(victim.child_pid)
            return True
        killed = kill_fairly(self._stage, victim.child_pid, only_busy=True)
        self.children += killed
        return killed


def test_a_child_whose_master_was_killed_finishes_its_job_and_stops(make_stage: MakeStage) -> None:
    stage = make_stage(threads=2, lease_ms=5_000)
    (worker,) = stage.fleet.start(1)
    (job_id,) = stage.add("work", seconds=2.5)
    run = stage.await_run(job_id)
    assert run.pid == worker.child_pid

    os.kill(worker.master_pid, signal.SIGKILL)
    seconds = await_end(run.pid, within_s=ORPHAN_ENDS_WITHIN_S)

    report(f"an orphaned child stopped after {seconds:.1f} s")
    stage.assert_each_completed_once([job_id])
    assert len(stage.runs(job_id)) == 1
    assert "the master process is gone" in worker.log.read_text()


def test_a_child_whose_master_died_before_it_was_ready_stops_too(make_stage: MakeStage) -> None:
    """The child asks who started it, not who its parent is by then, and ends even if Dramatiq waits for the master."""
    stage = make_stage(threads=1)
    (worker,) = stage.fleet.start(1)
    os.kill(worker.master_pid, signal.SIGKILL)

    await_end(worker.child_pid, within_s=2 * ORPHAN_ENDS_WITHIN_S)


def test_no_job_runs_before_the_master_knows_of_its_child(make_stage: MakeStage) -> None:
    """A child that died while it tells its master so would leave it waiting for ever: it keeps the lock they share.

    No supervisor would notice such a master, so a job that kills its worker must not run that early.
    """
    stage = make_stage(threads=1, lease_ms=5_000)
    (worker,) = stage.fleet.start(1, environment={"CHAOS_START_AFTER_S": "2"})
    os.kill(worker.master_pid, signal.SIGSTOP)
    stage.add("kill_itself", beside=0)
    stage.await_ready(1)
    time.sleep(1)
    runs_before = stage.runs()
    os.kill(worker.master_pid, signal.SIGCONT)

    wait_for(lambda: worker.has_ended, "the master has ended with its child", within_s=15)

    assert runs_before == []
    assert len(stage.runs()) == 1


def test_a_stopped_master_stops_no_job_and_obeys_sigterm_once_it_goes_on(make_stage: MakeStage) -> None:
    """The child renews, reports and logs without its master; the shutdown that waited for it is graceful."""
    stage = make_stage(threads=2)
    (worker,) = stage.fleet.start(1)
    job_ids = stage.add("work", seconds=stage.lease_s + 1)
    stage.await_run(job_ids[0])
    os.kill(worker.master_pid, signal.SIGSTOP)
    job_ids += stage.add("work", count=20)
    stage.await_finished(len(job_ids), within_s=stage.lease_s + 30)

    job_ids += stage.add("work", seconds=1.0)
    stage.await_run(job_ids[-1])
    worker.terminate()
    os.kill(worker.master_pid, signal.SIGCONT)

    assert worker.wait(30) == 0
    assert stage.count_events("stalled") == stage.count_events("released") == {}
    assert len(stage.runs()) == len(job_ids)
    stage.assert_each_completed_once(job_ids)


def test_rolling_sigterms_lose_nothing_use_no_attempt_and_run_nothing_twice(make_stage: MakeStage) -> None:
    """Every worker is replaced (ten times in the full-size round) while jobs keep coming; that is no accident."""
    stage = make_stage(threads=4)
    stage.fleet.supervise(2)
    stage.await_ready(2)
    rounds, count = (10, 50) if SOAK else (1, 60)
    job_ids: list[str] = []
    for number in range(rounds):
        job_ids += stage.add("work", count=count, seconds=0.1)
        stage.await_completed(number * count + 1)
        for worker in stage.fleet.alive():
            worker.terminate()
            worker.wait(30)

    stage.await_finished(len(job_ids))

    stage.assert_each_completed_once(job_ids)
    assert {run.attempt for run in stage.runs()} == {1}
    assert len(stage.runs()) == len(job_ids)
    assert stage.count_events("stalled") == stage.count_events("failed") == stage.count_events("delayed") == {}
    assert {event["attempt"] for event in stage.events("completed")} == {"1"}
