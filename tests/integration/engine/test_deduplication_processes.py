"""Deduplication between real processes: a race of two hundred threads, and a producer that dies half-way."""

from __future__ import annotations

import signal
import subprocess
import sys

from shared.broker import keys
from tests.kit.engine import QUEUE, Engine
from tests.kit.racing import KEY, THREADS, a_job

PROCESSES = 4


def start(what: str, engine: Engine) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.kit.racing", what, engine.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_fifty_threads_on_four_processes_enqueue_the_same_key_at_once_and_make_one_job(engine: Engine) -> None:
    racers = [start("race", engine) for _ in range(PROCESSES)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [line.split() for racer in racers for line in racer.communicate(timeout=60)[0].splitlines()]

    assert len(answers) == PROCESSES * THREADS
    assert len({job_id for job_id, _ in answers}) == 1
    assert [created for _, created in answers].count("True") == 1
    assert engine.store.queue_stats(QUEUE).waiting == 1


def test_a_producer_killed_between_reservation_and_enqueue_frees_the_key_within_its_seconds(engine: Engine) -> None:
    crashed = start("crash", engine)
    crashed.communicate(timeout=60)
    assert crashed.returncode == -signal.SIGKILL

    name = keys.deduplication(QUEUE, KEY)
    assert engine.client.get(name).startswith(b"r:")
    assert 0 < engine.client.pttl(name) <= engine.config.reservation_ms
    assert engine.store.queue_stats(QUEUE).waiting == 0
    assert engine.broker.add(a_job()).created  # nobody waits for the dead: the script knows a reservation from a holder
