"""A whole Doko to test from outside: gateway, workers and scheduler as the processes that `doko` runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from deploy.local.orphans import dies_with_parent
from deploy.local.ports import free_port
from services.whatsapp.templates import TEMPLATES
from tests.chaos.fleet import await_end, children_of
from tests.doubles.whatsapp_provider import META_PHONE_NUMBER_ID, META_TOKEN, WhatsAppDouble

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
POLL_S = 0.02
APP_SECRET = "app-secret-of-the-double"
ALL = ("gateway", "worker whatsapp", "scheduler")
FINISHED = ("completed", "failed", "cancelled")

Json = dict[str, Any]
EXAMPLE: Json = {
    "type": "ORDER_CONFIRMATION",
    "recipient": "+977-9800000000",
    "data": {
        "orderNumber": "ORD-2026-001",
        "total": 1500.00,
        "items": [{"productName": "Rice 1 kg", "quantity": 10, "unitPrice": 150.00}],
    },
}
"""The requirement's message, with one item."""

T = TypeVar("T")


def wait_until(look: Callable[[], T | None], what: Callable[[], str], *, seconds: float = PATIENCE_S) -> T:
    """The first result of ``look`` that isn't false; AssertionError that says ``what`` if none comes in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what()}"
        time.sleep(POLL_S)
    return found


def message(recipient: str, **options: Any) -> Json:
    """The requirement's message to another phone, with options."""
    body = {**EXAMPLE, "recipient": recipient}
    return {**body, "options": options} if options else body


def to_meta(double: WhatsAppDouble) -> dict[str, str]:
    """The settings that send through ``double`` as Meta's Cloud API, without pace and without waits for receipts."""
    double.register((each.name, each.language.value, each.body) for each in TEMPLATES.values())
    return {
        "WHATSAPP_PROVIDER": "meta",
        "WHATSAPP_META_ACCESS_TOKEN": META_TOKEN,
        "WHATSAPP_META_PHONE_NUMBER_ID": META_PHONE_NUMBER_ID,
        "WHATSAPP_META_BASE_URL": double.url,
        "WHATSAPP_META_APP_SECRET": APP_SECRET,
        "WHATSAPP_RECIPIENT_INTERVAL_MS": "0",
        "WHATSAPP_RECEIPT_WAIT_MS": "0",
    }


@dataclass(frozen=True)
class Token:
    """An API token as `doko tokens create` printed it."""

    id: str
    secret: str


class Process:
    """One of Doko's processes, whose standard output and error are kept in a file."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.output_file = folder / f"output-{'-'.join(arguments)}-{time.monotonic_ns()}.txt"
        with self.output_file.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway.cli", *arguments],
                # Away from the checkout, so that a developer's .env has no say.
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it makes system calls only
            )

    @property
    def output(self) -> str:
        """Everything that it and its children printed so far."""
        return self.output_file.read_text(errors="replace")

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL to it and to its children, as a machine that loses power."""
        children = children_of(self._process.pid)
        for pid in (self._process.pid, *children):
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        for pid in children:
            await_end(pid, within_s=PATIENCE_S)

    def stop(self) -> int:
        """SIGTERM to it, as a deployment sends it; its exit code."""
        if self.is_running:
            self._process.terminate()
        return self._process.wait(PATIENCE_S)


class System:
    """Doko's processes on one Redis and one database, and what a client of the API needs."""

    def __init__(self, folder: Path, redis_url: str, database_url: str, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.log_dir = folder / "logs"
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PORT": str(port),
            "DATA_DIR": str(folder),
            "LOG_DIR": str(self.log_dir),
            "REDIS_URL": redis_url,
            "DATABASE_URL": database_url,
            "GATEWAY_PROCESSES": "1",
            "LEASE_MS": "1000",
            "SWEEP_INTERVAL_MS": "200",
            "SHUTDOWN_GRACE_MS": "3000",
            "PROMETHEUS_MULTIPROC_DIR": str(folder),
            **settings,
        }
        self.processes: dict[str, Process] = {}
        self._client = httpx.Client(base_url=f"{self.url}/api/v1", timeout=PATIENCE_S)
        self._admin: Token | None = None

    def start(self, *names: str, **settings: str) -> None:
        """Start `doko <name>` for each name and wait until a gateway answers; later ones wait for their jobs."""
        for name in names:
            self.processes[name] = Process(name.split(), {**self.environment, **settings}, self.folder)
        if "gateway" in names:
            self._admin = self._admin or self.create_token("admin", "e2e")
            wait_until(self._answers, lambda: self.processes["gateway"].output)

    def stop(self, name: str) -> int:
        """End one process in order; its exit code."""
        return self.processes[name].stop()

    def close(self) -> None:
        """End what still runs at once: tests that care how it ends have ended it before."""
        self._client.close()
        for process in self.processes.values():
            if process.is_running:
                process.kill()

    def doko(self, *arguments: str) -> str:
        """What a `doko` command prints; AssertionError if it fails."""
        command = [sys.executable, "-m", "gateway.cli", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def create_token(self, role: str, user: str = "asha") -> Token:
        """A new token, by `doko tokens create`."""
        printed = self.doko("tokens", "create", "--role", role, "--user", user)
        fields = dict(line.split(":", 1) for line in printed.splitlines())
        return Token(fields["id"].strip(), fields["token"].strip())

    def ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        token: Token | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Ask the API (``path`` is below ``/api/v1``), as admin unless another token is given."""
        bearer = token or self._admin
        assert bearer is not None, "start a gateway first"
        sent = {"Authorization": f"Bearer {bearer.secret}", **(headers or {})}
        return self._client.request(method, path, json=body, headers=sent)

    def get(self, path: str) -> Json:
        """The JSON of a GET that succeeds."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def enqueue(self, path: str, body: Json) -> str:
        """The id of the job that a POST enqueues."""
        answer = self.ask("POST", path, body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["jobId"])

    def job(self, job_id: str) -> Json:
        """A job as the API shows it."""
        return self.get(f"/jobs/{job_id}")

    def wait_for(self, job_id: str, *states: str) -> Json:
        """The job once it is in one of the states (default: finished)."""
        wanted = states or FINISHED
        seen: Json = {}

        def look() -> Json | None:
            seen.update(self.job(job_id))
            return seen if seen["state"] in wanted else None

        return wait_until(look, lambda: f"{job_id} {wanted}: {seen}\n{self.output()}")

    def events(self, job_id: str) -> list[Json]:
        """Everything that happened to a job, oldest first."""
        return list(self.get(f"/jobs/{job_id}/events")["events"])

    def counts(self, queue: str = "WHATSAPP") -> dict[str, int]:
        """The counts of a queue."""
        return dict(self.get("/queues/stats")[queue]["counts"])

    def log_lines(self, process: str = "*", **fields: object) -> list[Json]:
        """The lines of ``combined-<process>-*.log`` that have these fields, each file in its order."""
        files = sorted(self.log_dir.glob(f"combined-{process}-*.log"))
        lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        return [line for line in lines if all(line.get(name) == value for name, value in fields.items())]

    def wait_for_log(self, count: int = 1, **fields: object) -> list[Json]:
        """The lines with these fields once there are ``count``: they are written a moment after what they tell."""

        def look() -> list[Json] | None:
            found = self.log_lines("*", **fields)
            return found if len(found) >= count else None

        return wait_until(look, lambda: f"{count} lines with {fields}: {self.log_lines()}")

    def output(self) -> str:
        """What all processes printed, for the message of a failure."""
        return "\n".join(f"--- {name}\n{process.output}" for name, process in self.processes.items())

    def _answers(self) -> bool:
        assert self.processes["gateway"].is_running, self.processes["gateway"].output
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False
