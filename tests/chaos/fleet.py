"""Worker processes to kill: real ``dramatiq`` masters with their children, restarted by a small supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local.orphans import dies_with_parent

ROOT = Path(__file__).resolve().parents[2]
POLL_S = 0.02
MARK = "CHAOS_FLEET"


def wait_for(condition: Callable[[], object], what: str, *, within_s: float = 60.0, every_s: float = POLL_S) -> float:
    """Wait until ``condition`` holds and return the seconds it took; AssertionError if it doesn't in time."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > within_s:
            raise AssertionError(f"not within {within_s:.0f} s: {what}")
        time.sleep(every_s)
    return time.monotonic() - started


def is_alive(pid: int) -> bool:
    """Whether the process runs: a zombie doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return False


def await_end(pid: int, *, within_s: float) -> float:
    """Wait for the end of a process that is no child of ours; returns the seconds it took."""
    return wait_for(lambda: not is_alive(pid), f"process {pid} has ended", within_s=within_s)


def children_of(pid: int) -> list[int]:
    """The process ids of a process's children."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [
            int(child) for task in tasks for child in (task / "children").read_text().split() if is_alive(int(child))
        ]
    except (FileNotFoundError, ProcessLookupError):
        return []


class WorkerProcess:
    """One Dramatiq master with one child."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(environment),
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=dies_with_parent(signal.SIGKILL),  # noqa: PLW1509 - it makes system calls only
            )
        self.child_pid = 0

    @property
    def master_pid(self) -> int:
        """The master's process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the master has ended."""
        return self._process.poll() is not None

    @property
    def exit_code(self) -> int | None:
        """The master's exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def find_child(self) -> bool:
        """Look for the child that runs jobs; False while there is none."""
        if not self.child_pid:
            self.child_pid = next(iter(children_of(self.master_pid)), 0)
        return bool(self.child_pid)

    def terminate(self) -> None:
        """Ask the master to stop, as a deployment does."""
        if not self.has_ended:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float) -> int:
        """Wait for the master's end; returns its exit code."""
        return self._process.wait(timeout_s)


class Fleet:
    """Some workers of one queue; while ``supervise`` runs, a worker that ends is started again."""

    def __init__(self, environment: Mapping[str, str], folder: Path, *, threads: int) -> None:
        self._mark = uuid.uuid4().hex
        self._environment = {**environment, MARK: self._mark}
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._supervised = threading.Event()
        self._supervisor: threading.Thread | None = None
        self._started = 0
        self.workers: list[WorkerProcess] = []

    def start(self, count: int = 1, *, environment: Mapping[str, str] | None = None) -> list[WorkerProcess]:
        """Start so many more workers and wait until each has its child."""
        started = [self._start(environment or {}) for _ in range(count)]
        with self._lock:
            self.workers += started
        for worker in started:
            wait_for(worker.find_child, "the worker has a child")
        return started

    def supervise(self, running: int) -> None:
        """From now on keep so many workers running, as ``make up`` or Kubernetes does."""
        self.start(running)
        self._supervised.set()
        self._supervisor = threading.Thread(target=self._watch, name="chaos-supervisor", daemon=True)
        self._supervisor.start()

    def alive(self) -> list[WorkerProcess]:
        """The workers whose master and child run."""
        with self._lock:
            workers = list(self.workers)
        return [
            worker for worker in workers if not worker.has_ended and worker.find_child() and is_alive(worker.child_pid)
        ]

    def log_text(self) -> str:
        """Everything that all workers logged."""
        return "".join(path.read_text(errors="replace") for path in sorted(self._folder.glob("worker-*.log")))

    def stop(self) -> None:
        """Stop supervising, then end every process that this fleet ever started and that still lives."""
        self._supervised.clear()
        if self._supervisor is not None:
            self._supervisor.join()
        for worker in self.workers:
            if not worker.has_ended:
                os.kill(worker.master_pid, signal.SIGKILL)
            worker.wait(10)
        for pid in self._marked():
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not self._marked(), "every process of the fleet has ended", within_s=10)

    def _start(self, environment: Mapping[str, str]) -> WorkerProcess:
        self._started += 1
        shutdown_ms = str(int(self._environment["SHUTDOWN_GRACE_MS"]) + 5_000)
        command = [
            sys.executable,
            "-m",
            "dramatiq",
            "tests.chaos.worker_app:start",
            "-p",
            "1",
            "-t",
            str(self._threads),
        ]
        command += ["--skip-logging", "--worker-shutdown-timeout", shutdown_ms]
        log = self._folder / f"worker-{self._started:03}.log"
        return WorkerProcess(command, {**self._environment, **environment}, log)

    def _watch(self) -> None:
        while self._supervised.is_set():
            for index, worker in enumerate(self.workers):
                if worker.has_ended and self._supervised.is_set():
                    restarted = self._start({})
                    with self._lock:
                        self.workers[index] = restarted
            time.sleep(POLL_S)

    def _marked(self) -> list[int]:
        """The living processes that carry this fleet's mark: orphaned children too."""
        mark = f"{MARK}={self._mark}".encode()
        found = []
        for folder in Path("/proc").iterdir():
            try:
                if folder.name.isdigit() and mark in (folder / "environ").read_bytes() and is_alive(int(folder.name)):
                    found.append(int(folder.name))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        return found
