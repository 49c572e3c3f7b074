"""Workers over HTTP: real worker processes, listed, quieted, resumed and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.context import Gateway
from shared import audit
from shared.queues import Queue
from shared.settings import Settings
from tests.kit.gateway_process import eventually

SCORE = {"name": "credit-score-calculation", "data": {"retailerId": "RET404", "trigger": "manual"}}
ACTIONS = [("quiet", "worker.quieted"), ("resume", "worker.resumed"), ("stop", "worker.stopped")]


@pytest.fixture
def process(settings: Settings, redis_url: str, sqlite_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of the credit queue, as a deployment starts it."""
    environment = {"REDIS_URL": redis_url, "DATABASE_URL": sqlite_url, "LOG_DIR": "", "PATH": os.environ["PATH"]}
    command = [*(sys.executable, "-m", "dramatiq", "services.credit.worker:start"), "-p", "1", "-t", "2"]
    started = subprocess.Popen([*command, "--skip-logging"], env=environment, start_new_session=True)
    yield started
    if started.poll() is None:
        started.send_signal(signal.SIGTERM)
    started.wait(30)


def the_worker(viewer: Any, **wanted: object) -> dict[str, Any]:
    """The one worker, once it lives and is as wanted."""

    def found() -> list[dict[str, Any]]:
        workers = viewer.get("/workers").json["workers"]
        return [each for each in workers if all(each[name] == value for name, value in wanted.items())]

    eventually(lambda: len(found()) == 1)
    return found()[0]


def test_without_workers_the_list_is_empty(viewer: Any) -> None:
    answer = viewer.get("/workers")

    assert (answer.status_code, answer.json) == (200, {"workers": [], "count": 0})


@pytest.mark.slow
def test_a_worker_process_is_quieted_resumed_and_stopped(
    process: subprocess.Popen[bytes], viewer: Any, operator: Any, admin: Any, parts: Gateway
) -> None:
    worker = the_worker(viewer, state="running")
    assert worker["queue"] == "CREDIT_SCORE"
    assert worker["pid"] != process.pid  # the child runs the jobs
    assert worker["threads"] == 2
    assert worker["running"] == []

    quieted = operator.post(f"/workers/{worker['id']}/quiet", {"reason": "looks strange"})
    assert (quieted.status_code, quieted.json["worker"]["id"]) == (200, worker["id"])
    the_worker(viewer, state="quiet", order="quiet")
    job_id = operator.post("/queues/CREDIT_SCORE/jobs", SCORE).json["jobId"]
    assert viewer.get(f"/jobs/{job_id}").json["state"] == "waiting"

    assert operator.post(f"/workers/{worker['id']}/resume").status_code == 200
    the_worker(viewer, state="running", order=None)
    eventually(lambda: viewer.get(f"/jobs/{job_id}").json["state"] == "failed")  # there is no such retailer

    assert admin.post(f"/workers/{worker['id']}/stop", {"reason": "leaks"}).status_code == 200
    assert process.wait(30) == 0
    assert viewer.get("/workers").json["workers"] == []
    with parts.database.reader() as tx:
        entries = [(entry.action, entry.target, entry.why) for entry in audit.actions(tx) if entry.actor != "test"]
    assert entries[::-1] == [
        ("worker.quieted", worker["id"], "looks strange"),
        ("worker.resumed", worker["id"], ""),
        ("worker.stopped", worker["id"], "leaks"),
    ]


@pytest.mark.parametrize(("action", "logged"), ACTIONS)
def test_an_unknown_worker_is_not_found_and_leaves_no_entry(
    admin: Any, parts: Gateway, action: str, logged: str
) -> None:
    answer = admin.post(f"/workers/nowhere:1:abc/{action}")

    assert (answer.status_code, answer.json["code"]) == (404, "worker_not_found")
    with parts.database.reader() as tx:
        assert [entry for entry in audit.actions(tx) if entry.action == logged] == []


def test_a_worker_that_was_told_to_stop_is_a_conflict_for_any_other_order(admin: Any, parts: Gateway) -> None:
    parts.broker.scripts.run("renew", Queue.WHATSAPP.value, ("here:1:abc", 1_000, "{}", 60_000, 0))
    assert admin.post("/workers/here:1:abc/stop").status_code == 200

    answer = admin.post("/workers/here:1:abc/resume")

    assert (answer.status_code, answer.json["code"]) == (409, "wrong_state")
