"""The two HTTP services that the gateway figures compare: ours as production runs it, and Express + Bull."""

from __future__ import annotations

import http.client
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from redis import Redis

from deploy.local.ports import free_port
from gateway.roles import Role
from gateway.tokens import create_token
from shared.audit import Actor
from shared.broker import keys
from shared.database import Database
from shared.database.migrate import migrate
from shared.queues import Queue
from tests.benchmarks import processes
from tests.benchmarks.harness import Bench, Unmeasurable

LUA = processes.PEERS / "post.lua"
MESSAGES = "/api/v1/whatsapp/messages"
BULK = "/api/v1/queues/WHATSAPP/jobs/bulk"
CONNECTIONS, THREADS = 16, 1
TIMEOUT_S = 20
WARM_UP_S = 1
START_S = 30.0
HIGHEST_LIMIT = "10000000"
"""The limit of requests a minute is kept and counted, and never reached."""


@dataclass(frozen=True, slots=True)
class Service:
    """One side while it runs: where it listens, whom it takes the client for, how to count its jobs."""

    port: int
    token: str | None
    jobs: Callable[[], int]

    def request(self, path: str, body: bytes) -> bytes:
        """One whole POST of a connection that stays open."""
        authorization = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{authorization}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@contextmanager
def doko(bench: Bench, count: int) -> Iterator[Service]:
    """``doko gateway`` with ``count`` processes: token, limit and log lines, on a migrated SQLite database."""
    folder = bench.folder / "gateway"
    shutil.rmtree(folder, ignore_errors=True)
    metrics = folder / "metrics"
    metrics.mkdir(parents=True)
    url = f"sqlite:///{folder / 'doko.db'}"
    migrate(url)
    port = free_port()
    environment = processes.doko_environment(bench) | {
        "DOKO_ENV": "production",
        "DATA_DIR": str(folder),
        "DATABASE_URL": url,
        "PORT": str(port),
        "GATEWAY_PROCESSES": str(count),
        "CLIENT_RATE_LIMIT": HIGHEST_LIMIT,
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }
    command: list[str | Path] = [sys.executable, "-m", "gateway.cli", "gateway"]
    with bench.client() as client, processes.running(command, environment, folder / "gateway.log"):
        _await(lambda: _have_answered(port, metrics) >= count, folder / "gateway.log")
        yield Service(port, _token(url), lambda: _doko_jobs(client))


@contextmanager
def express(bench: Bench, count: int) -> Iterator[Service]:
    """Express + Bull with ``count`` processes, through Node's cluster module if there are two."""
    command, environment = processes.node_command(bench, "http_bull.js", str(count))
    port = free_port()
    log = bench.folder / "http-bull.log"
    with bench.client() as client, processes.running(command, {**environment, "PORT": str(port)}, log):
        _await(lambda: b"ready" in log.read_bytes(), log)
        yield Service(port, None, lambda: int(client.llen("bull:bench:wait")))


def wrk(bench: Bench, service: Service, path: str, body: bytes, *, seconds: float, jobs: int = 1) -> float:
    """Requests/s when the body is sent as fast as answers come. Raises ``Unmeasurable``.

    Every answer must be a success and stand for ``jobs`` jobs in Redis.
    """
    binary = shutil.which("wrk")
    if binary is None:
        raise Unmeasurable("wrk is not on the PATH")
    file = bench.folder / "body.json"
    file.write_bytes(body)
    environment = {"BENCH_BODY": str(file)} | ({"BENCH_TOKEN": service.token} if service.token else {})
    url = f"http://127.0.0.1:{service.port}{path}"
    load = [f"-t{THREADS}", f"-c{CONNECTIONS}", "--timeout", f"{TIMEOUT_S}s", "-s", str(LUA), url]
    processes.finished(bench, ([binary, f"-d{WARM_UP_S}s", *load], environment))
    before = service.jobs()
    told = processes.finished(bench, ([binary, f"-d{max(round(seconds), 1)}s", *load], environment))
    found = orjson.loads(told.strip().splitlines()[-1])
    requests, added = found["requests"], service.jobs() - before
    if found["wrong"] or not requests:
        raise Unmeasurable(f"{found['wrong']} of {requests} answers were errors")
    if added < requests * jobs:
        raise Unmeasurable(f"{requests} answers for {jobs} jobs each, but only {added} jobs in Redis")
    return float(requests / found["seconds"])


def _doko_jobs(client: Redis) -> int:
    return int(client.zcard(keys.state_set(Queue.WHATSAPP, "waiting")))


def _token(url: str) -> str:
    database = Database(url)
    try:
        with database.session() as tx:
            return create_token(tx, user="bench", role=Role.OPERATOR, actor=Actor(name="bench")).secret
    finally:
        database.dispose()


def _have_answered(port: int, metrics: Path) -> int:
    """How many of gunicorn's processes have answered, this time's requests included: each has its metrics' files."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=START_S) for _ in range(8)]
    try:
        # All at once: one after the other, the same process might take them all.
        for connection in connections:
            connection.request("GET", "/healthz")
        for connection in connections:
            connection.getresponse().read()
    except OSError:
        return 0
    finally:
        for connection in connections:
            connection.close()
    return len({file.stem.rpartition("_")[2] for file in metrics.glob("*.db")})


def _await(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > deadline:
            raise Unmeasurable(f"not ready within {START_S:g} s: {processes.last_line(log)}")
        time.sleep(0.05)
