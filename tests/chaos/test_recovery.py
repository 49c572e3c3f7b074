"""What a crashed worker ran is run again soon, and what only seemed to crash changes nothing."""

from __future__ import annotations

import os
import signal
import time
from functools import partial

from tests.chaos.conftest import MakeStage
from tests.chaos.fleet import await_end, is_alive, wait_for
from tests.chaos.stage import SOAK, kill_fairly, report

TRIALS = 20 if SOAK else 3
ALLOWANCE_S = 5.0


def test_a_killed_workers_job_runs_again_within_the_lease_and_five_seconds(make_stage: MakeStage) -> None:
    """In every trial the other worker takes the job over; the full-size round makes 20 trials with 30 s leases.

    Trials overlap: the next kill comes as soon as two workers run again, long before the lease is over.
    """
    stage = make_stage(threads=2)
    stage.fleet.supervise(2)
    stage.await_ready(2)
    killed_at: dict[str, float] = {}
    for _ in range(TRIALS):
        wait_for(lambda: len(stage.ready_workers()) == 2, "one worker to kill and one to take over", every_s=0.1)
        (job_id,) = stage.add("hang_once", seconds=600)
        pid = stage.await_run(job_id).pid
        wait_for(partial(kill_fairly, stage, pid), "no once-stalled job runs on the worker", every_s=0.2)
        killed_at[job_id] = time.time()
        await_end(pid, within_s=10)

    stage.await_finished(TRIALS, within_s=stage.lease_s + 60)

    seconds = {job_id: stage.runs(job_id)[1].at - at for job_id, at in killed_at.items()}
    report(f"recovery after SIGKILL, lease {stage.lease_s} s: {sorted(round(each, 2) for each in seconds.values())}")
    assert [each for each in seconds.values() if each > stage.lease_s + ALLOWANCE_S] == []
    stage.assert_each_completed_once(list(killed_at))


def test_a_job_that_kills_its_process_fails_after_the_limit_and_the_jobs_beside_it_complete(
    make_stage: MakeStage,
) -> None:
    """Seven jobs die with it once; they and it run again alone, so that its second kill hits nobody else."""
    stage = make_stage(threads=8)
    stage.fleet.supervise(1)
    (poison,) = stage.add("kill_itself", beside=7)
    innocents = stage.add("hang_once", count=7, seconds=600)

    stage.await_finished(8, within_s=stage.lease_s * 2 + 60)

    job = stage.store.job(poison)
    assert job.state.value == "failed"
    assert job.error is not None
    assert "seems to kill its worker" in job.error["message"]
    assert [run.stalls for run in stage.runs(poison)] == [0, 1]
    assert {stage.store.job(job_id).state.value for job_id in innocents} == {"completed"}
    assert stage.count_events("completed") == dict.fromkeys(innocents, 1)
    assert stage.effects() == dict.fromkeys(innocents, 1)
    assert stage.count_events("stalled") == {poison: 2, **dict.fromkeys(innocents, 1)}
    assert stage.stats().active == stage.stats().waiting == 0


def test_a_worker_resumed_after_its_lease_changes_nothing(make_stage: MakeStage) -> None:
    """SIGSTOP outlasts the lease, another worker takes the job over; what the first one reports late is refused."""
    stage = make_stage(threads=1)
    (first,) = stage.fleet.start(1)
    (job_id,) = stage.add("hang_once", seconds=1)
    late = stage.await_run(job_id)
    assert late.pid == first.child_pid
    os.kill(late.pid, signal.SIGSTOP)
    stage.fleet.start(1)
    stage.await_finished(1, within_s=stage.lease_s + 30)
    before = stage.store.job(job_id)
    events = len(stage.events())

    os.kill(late.pid, signal.SIGCONT)
    wait_for(lambda: "lease_lost" in first.log.read_text(), "the first worker notices its loss")
    (another,) = stage.add("work")
    stage.await_finished(2)

    after = stage.store.job(job_id)
    assert before.result is not None
    assert after.result == before.result
    assert after.result["pid"] != late.pid
    assert after.finished_at_ms == before.finished_at_ms
    assert [event["job"] for event in stage.events()[events:] if event["job"] == job_id] == []
    stage.assert_each_completed_once([job_id, another])
    assert is_alive(late.pid)


def test_python_code_on_all_threads_does_not_cost_the_lease(make_stage: MakeStage) -> None:
    """Eight threads of pure Python work for several leases: the renewing thread still gets its turn."""
    stage = make_stage(threads=8, short_lease_ms=1_000)
    stage.fleet.start(1)
    jobs = stage.add("burn", count=8, seconds=stage.lease_s * 2 if SOAK else 4)

    stage.await_finished(8, within_s=stage.lease_s * 20 + 60)

    assert stage.count_events("stalled") == {}
    assert len(stage.runs()) == 8
    stage.assert_each_completed_once(jobs)


def test_a_call_that_holds_the_interpreter_past_the_lease_loses_it_and_takes_effect_once(
    make_stage: MakeStage,
) -> None:
    """No thread of the first worker runs meanwhile, so nobody renews; its late report is refused."""
    stage = make_stage(threads=2, short_lease_ms=1_000)
    (first,) = stage.fleet.start(1)
    (job_id,) = stage.add("hold_interpreter_once", seconds=stage.lease_s * 2 + 4)
    late = stage.await_run(job_id)
    stage.fleet.start(1)
    again = stage.await_run(job_id, 2)
    wait_for(lambda: "lease_lost" in first.log.read_text(), "the first worker notices its loss")

    stage.await_finished(1)

    assert again.pid != late.pid
    result = stage.store.job(job_id).result
    assert result is not None
    assert result["pid"] == again.pid
    assert stage.count_events("stalled") == {job_id: 1}
    stage.assert_each_completed_once([job_id])
