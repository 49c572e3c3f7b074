"""Starts, watches and ends the processes of both sides."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local.orphans import dies_with_parent
from tests.benchmarks.harness import Bench, Unmeasurable

PEERS = Path(__file__).parent / "peers"
ROOT = Path(__file__).parents[2]
CONCURRENCY = 8
STOP_TIMEOUT_S = 15.0
INSTALL_TIMEOUT_S = 300.0
POLL_S = 0.01
NOTHING_HAPPENS_S = 60.0


@contextmanager
def running(
    command: Sequence[str | Path], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block; what it prints goes to the file ``log``, never to the terminal."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=dies_with_parent(),  # noqa: PLW1509 - the function makes system calls only
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def dramatiq_command(target: str, processes: int) -> list[str]:
    """Dramatiq's own command line, as a deployment starts it."""
    dramatiq = str(Path(sys.executable).parent / "dramatiq")
    return [dramatiq, target, "-p", str(processes), "-t", str(CONCURRENCY)]


def doko_worker(bench: Bench, processes: int = 1) -> tuple[list[str], dict[str, str]]:
    """Our worker process and its environment: production middleware, JSON logs to the file and to standard output."""
    command = [*dramatiq_command("tests.benchmarks.worker:start", processes), "--skip-logging"]
    return command, doko_environment(bench)


def doko_environment(bench: Bench) -> dict[str, str]:
    """The settings of our side: the benchmark's server, and nothing archived during the run."""
    return {
        "REDIS_URL": bench.server.url,
        "DATA_DIR": str(bench.data_dir),
        "LOG_DIR": "",
        "EVENTS_MAX": "100000000",
    }


def node_command(bench: Bench, script: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """A peer on Node.js and its environment; installs the pinned packages once. Raises ``Unmeasurable``."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Unmeasurable("node and npm are not on the PATH")
    folder = bench.data_dir / "bench-node"
    _install(npm, folder)
    environment = {
        "NODE_PATH": str(folder.absolute() / "node_modules"),
        "NODE_ENV": "production",
        "BENCH_REDIS_PORT": str(bench.server.port),
    }
    return [node, str(PEERS / script), *arguments], environment


def _install(npm: str, folder: Path) -> None:
    wanted = (PEERS / "package.json").read_bytes()
    stamp = folder / "installed.json"
    if stamp.exists() and stamp.read_bytes() == wanted:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_bytes(wanted)
    done = subprocess.run(
        [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=INSTALL_TIMEOUT_S,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise Unmeasurable(f"npm install failed: {last}")
    stamp.write_bytes(wanted)


def finished(bench: Bench, command: tuple[list[str], dict[str, str]]) -> str:
    """Run a process to its end and return what it printed; raises ``Unmeasurable`` if it fails."""
    done = subprocess.run(
        command[0],
        cwd=ROOT,
        env={**os.environ, **command[1]},
        capture_output=True,
        text=True,
        check=False,
        timeout=max(bench.seconds * 5, 120),
    )
    if done.returncode:
        raise Unmeasurable((done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1])
    return done.stdout


def rate(process: subprocess.Popen[bytes], done: Callable[[], int], jobs: int, log: Path) -> float:
    """Jobs/s of a drain, read from the side's counter in Redis by one poller that is the same for all.

    Runs from the first tenth, when start-up and warm-up are over, to the last job.
    """
    first: tuple[float, int] | None = None
    progress, progress_at = 0, time.monotonic()
    while True:
        before = time.perf_counter()
        count = done()
        at = (before + time.perf_counter()) / 2
        if first is None and count >= jobs / 10:
            first = (at, count)
        if count >= jobs:
            assert first is not None
            if first[1] >= jobs:
                raise Unmeasurable(f"{jobs} jobs were done before they could be counted; take more")
            return (count - first[1]) / (at - first[0])
        if count > progress:
            progress, progress_at = count, time.monotonic()
        if process.poll() is not None or time.monotonic() - progress_at > NOTHING_HAPPENS_S:
            raise Unmeasurable(f"stopped at {count} of {jobs} jobs: {last_line(log)}")
        time.sleep(POLL_S)


def last_line(log: Path) -> str:
    """The end of a log, for the reason of a failed row."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][-300:] if lines else "it printed nothing"
