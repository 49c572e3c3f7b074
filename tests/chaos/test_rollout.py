"""A roll-out under load: every worker and every gateway is replaced by the next release, in the guide's order.

Old and new processes work side by side on messages of both versions.
"""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from deploy.local.orphans import dies_with_parent
from deploy.local.ports import free_port
from shared.broker import State, connect
from shared.broker.config import EngineConfig
from shared.job_store import JobStore
from shared.queues import Queue
from shared.settings import Settings
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.kit.balancer import Balancer
from tests.kit.next_release import NEXT, THIS
from tests.kit.system import ROOT, System, Token, message, to_meta, wait_until

pytestmark = pytest.mark.slow

REPLICAS = 2
CLIENTS = 3
PATIENCE_S = 90.0
PRE_STOP_S = 0.5
"""The sleep between leaving the service and SIGTERM, of which a test needs only a little."""

WORKER = {
    THIS: ["-m", "shared.worker_command", "whatsapp"],
    NEXT: [
        *("-m", "dramatiq", "tests.kit.next_release:start", "-p", "1", "-t", "5", "--skip-logging"),
        *("--worker-shutdown-timeout", "15000"),
    ],
}
GATEWAY = {
    THIS: ["-m", "gateway.cli", "gateway"],
    NEXT: ["-m", "gunicorn", "-c", f"file:{ROOT / 'gateway/gunicorn_config.py'}", "tests.kit.next_release_gateway:app"],
}


class Pod:
    """One process that answers probes on a port of its own."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], port: int, folder: Path) -> None:
        self.port = port
        self._log = folder / f"pod-{port}.log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, *command],
                cwd=folder,
                env=dict(environment),
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it makes system calls only
            )

    def wait_until_ready(self) -> None:
        wait_until(self._is_ready, self._log.read_text, seconds=PATIENCE_S)

    def stop(self) -> int:
        """SIGTERM and the exit code."""
        self._process.terminate()
        return self._process.wait(PATIENCE_S)

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=10).status_code == 200
        except httpx.TransportError:
            return False


@dataclass
class Load:
    """Clients that enqueue one message after the other through the balancer, over connections that they keep."""

    url: str
    token: Token
    accepted: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._send, name=f"client-{n}") for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, count: int) -> None:
        """Until so many more requests were answered, so that each stage of the roll-out has some."""
        goal = len(self.accepted) + count
        wait_until(lambda: self.failures or len(self.accepted) >= goal, lambda: f"{len(self.accepted)} of {goal}")

    def _send(self) -> None:
        headers = {"Authorization": f"Bearer {self.token.secret}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE_S) as client:
            while not self._stopping.is_set():
                try:
                    answer = client.post("/api/v1/whatsapp/messages", json=message(f"+97798{next(self._numbers):08}"))
                except httpx.TransportError as error:
                    self.failures.append(repr(error))
                    continue
                if answer.status_code == 202:
                    self.accepted.append(answer.json()["jobId"])
                else:
                    self.failures.append(answer.text)
                # Some fifty requests a second, as far as the machine goes.
                self._stopping.wait(0.05)


@pytest.fixture
def provider() -> Iterator[WhatsAppDouble]:
    with WhatsAppDouble() as double:
        yield double


@pytest.fixture
def system(redis_url: str, postgres_url: str, tmp_path: Path, provider: WhatsAppDouble) -> Iterator[System]:
    """The settings of every process; what runs are the pods of the test."""
    more = {"SHUTDOWN_GRACE_MS": "10000", "LEASE_MS": "30000", "WHATSAPP_KEEP_COMPLETED": "100000"}
    pace = {"WHATSAPP_RATE_PER_SECOND": "1000", "CLIENT_RATE_LIMIT": "0"}
    system = System(tmp_path, redis_url, postgres_url, {**to_meta(provider), **more, **pace})
    # As in a cluster: each gateway makes a folder of its own.
    del system.environment["PROMETHEUS_MULTIPROC_DIR"]
    yield system
    system.close()


class Cluster:
    """Pods of both deployments, replaced one by one, the new one first."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.balancer = Balancer()
        self.workers: list[Pod] = []
        self.gateways: list[Pod] = []

    def start_worker(self, release: int) -> None:
        self.workers.append(self._pod(WORKER[release], "METRICS_PORT"))

    def start_gateway(self, release: int) -> None:
        self.gateways.append(pod := self._pod(GATEWAY[release], "PORT"))
        self.balancer.add(pod.port)

    def replace_worker(self, release: int) -> None:
        self.start_worker(release)
        assert self.workers.pop(0).stop() == 0

    def replace_gateway(self, release: int) -> None:
        self.start_gateway(release)
        old = self.gateways.pop(0)
        self.balancer.remove(old.port)
        threading.Event().wait(PRE_STOP_S)
        assert old.stop() == 0

    def stop(self) -> None:
        self.balancer.close()
        for pod in (*self.workers, *self.gateways):
            pod.stop()

    def _pod(self, command: Sequence[str], variable: str) -> Pod:
        port = free_port()
        pod = Pod(command, {**self._system.environment, variable: str(port)}, port, self._system.folder)
        pod.wait_until_ready()
        return pod


@pytest.fixture
def cluster(system: System) -> Iterator[Cluster]:
    cluster = Cluster(system)
    yield cluster
    cluster.stop()


@pytest.mark.timeout(600)
def test_workers_then_gateways_are_replaced_under_load_and_nothing_is_lost_refused_or_tried_twice(
    cluster: Cluster, system: System, provider: WhatsAppDouble
) -> None:
    for _ in range(REPLICAS):
        cluster.start_worker(THIS)
        cluster.start_gateway(THIS)
    load = Load(f"http://127.0.0.1:{cluster.balancer.port}", system.create_token("admin"))

    load.start()
    try:
        for _ in range(REPLICAS):
            load.wait_for_more(20)
            cluster.replace_worker(NEXT)
        for _ in range(REPLICAS):
            load.wait_for_more(20)
            cluster.replace_gateway(NEXT)
        load.wait_for_more(20)
    finally:
        load.stop()

    assert load.failures == []
    assert len(set(load.accepted)) == len(load.accepted)
    settings = Settings.from_environment(system.environment)
    store = JobStore(connect(settings), config=EngineConfig.from_settings(settings))
    wait_until(lambda: _unfinished(store) == 0, lambda: str(store.stats()[Queue.WHATSAPP]), seconds=PATIENCE_S)
    jobs = [store.job(job_id) for job_id in load.accepted]
    assert Counter(job.state for job in jobs) == {State.COMPLETED: len(jobs)}
    assert {(job.attempt, job.stalls) for job in jobs} == {(1, 0)}
    assert {job.version for job in jobs} == {THIS, NEXT}, "both versions were enqueued"
    sent = Counter(taken.job_id for taken in provider.taken)
    assert sent == Counter(load.accepted)


def _unfinished(store: JobStore) -> int:
    stats = store.stats()[Queue.WHATSAPP]
    return stats.waiting + stats.active + stats.delayed
