"""The supervisor with tiny parts: real processes, real signals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 20

DRIVER = """
import sys
from deploy.local import supervisor
from deploy.local.console import Console
from deploy.local.parts import ProcessPart

supervisor.FIRST_RESTART_S = 0.05
supervisor.STOP_MARGIN_S = 0.0
grace_s, *programs = sys.argv[1:]
parts = [
    ProcessPart(f"part{number}", [sys.executable, "-c", program], stops_last="stops last" in program)
    for number, program in enumerate(programs)
]
sys.exit(supervisor.Supervisor(parts, Console(sys.stdout), grace_s=float(grace_s)).run())
"""

WAITS = """
import signal, sys, threading
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: (print("got SIGTERM", flush=True), stop.set()))
signal.signal(signal.SIGINT, lambda *_: print("got SIGINT", flush=True))
print("ready", flush=True)
while not stop.wait(0.02): pass
"""
STOPS_LAST = WAITS + "# stops last\n"
IGNORES_SIGTERM = WAITS.replace("stop.set()", "None")
HAS_CHILD = """
import os, signal, subprocess, sys, time
child = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('child got SIGTERM', flush=True));"
child += "print('ready', flush=True); time.sleep(0.5); print('child done', flush=True)"
signal.signal(signal.SIGTERM, lambda *_: None)
process = subprocess.Popen([sys.executable, "-c", child])
process.wait()
print("master done", flush=True)
time.sleep(60)
"""
ENDS_AT_ONCE = "print('hello', flush=True); raise SystemExit(3)"


class Run:
    """A running supervisor and what it has shown so far."""

    def __init__(self, process: subprocess.Popen[bytes], shown: Path) -> None:
        self.process = process
        self._shown = shown

    @property
    def lines(self) -> list[str]:
        return self._shown.read_text().splitlines()

    def await_line(self, pattern: str, count: int = 1) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while sum(bool(re.search(pattern, line)) for line in self.lines) < count:
            assert time.monotonic() < deadline, f"{count} x {pattern!r} did not come: {self.lines}"
            time.sleep(0.01)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        return self.process.wait(TIMEOUT_S)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*programs: str, grace_s: float = 10) -> Run:
        shown = tmp_path / "shown"
        with shown.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", DRIVER, str(grace_s), *programs],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        return Run(process, shown)

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_each_line_carries_the_name_of_its_part(supervise: Callable[..., Run]) -> None:
    run = supervise(WAITS, WAITS)

    run.await_line(r"^part0 \| ready$")
    run.await_line(r"^part1 \| ready$")


def test_a_part_that_ends_is_started_again_with_growing_pauses_and_the_others_run_on(
    supervise: Callable[..., Run],
) -> None:
    run = supervise(WAITS, ENDS_AT_ONCE)

    run.await_line(r"^part1 \| hello$", count=4)
    pauses = [line for line in run.lines if line.startswith("part1 | ended with code 3; it starts again in")]
    assert [line.rsplit(" in ", 1)[1] for line in pauses[:3]] == ["0.05 s", "0.1 s", "0.2 s"]
    assert not any("part0 | ended" in line for line in run.lines)


def test_a_killed_part_is_started_again(supervise: Callable[..., Run]) -> None:
    run = supervise("import os; print('pid', os.getpid(), flush=True)" + WAITS)
    run.await_line("ready")
    pid = next(int(line.split()[-1]) for line in run.lines if "pid" in line)

    os.kill(pid, signal.SIGKILL)

    run.await_line("ended by SIGKILL; it starts again")
    run.await_line("ready", count=2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_every_way_to_stop_gives_each_part_one_sigterm(supervise: Callable[..., Run], number: signal.Signals) -> None:
    run = supervise(WAITS, WAITS)
    run.await_line("ready", count=2)

    run.send(number)

    assert run.end() == 0
    assert sorted(line for line in run.lines if "got" in line) == ["part0 | got SIGTERM", "part1 | got SIGTERM"]
    assert run.lines[-1] == "Stopped: every part ended by itself."


def test_ctrl_c_in_the_terminal_reaches_only_the_supervisor(supervise: Callable[..., Run]) -> None:
    run = supervise(WAITS)
    run.await_line("ready")

    # A terminal signals the whole foreground group; the supervisor leads its own here.
    os.killpg(run.process.pid, signal.SIGINT)

    assert run.end() == 0
    assert not any("got SIGINT" in line for line in run.lines)


def test_the_children_of_a_part_are_not_signalled_and_can_finish(supervise: Callable[..., Run]) -> None:
    run = supervise(HAS_CHILD, grace_s=2)
    run.await_line("ready")

    run.send(signal.SIGTERM)
    run.await_line("master done")

    assert run.end() == 1
    assert any("child done" in line for line in run.lines)
    assert not any("child got SIGTERM" in line for line in run.lines)


def test_a_part_that_does_not_end_within_the_grace_is_killed_and_named(supervise: Callable[..., Run]) -> None:
    run = supervise(WAITS, IGNORES_SIGTERM, grace_s=0.3)
    run.await_line("ready", count=2)

    run.send(signal.SIGTERM)

    assert run.end() == 1
    assert run.lines[-1] == "Stopped; killed because they did not end by themselves: part1"


def test_a_second_signal_stops_at_once(supervise: Callable[..., Run]) -> None:
    run = supervise(IGNORES_SIGTERM, grace_s=60)
    run.await_line("ready")

    run.send(signal.SIGINT)
    run.await_line("got SIGTERM")
    run.send(signal.SIGINT)

    assert run.end() == 1


def test_redis_stops_after_the_parts_that_need_it(supervise: Callable[..., Run]) -> None:
    lingers = WAITS + "import time; time.sleep(0.3); print('done', flush=True)"
    run = supervise(STOPS_LAST, lingers)
    run.await_line("ready", count=2)

    run.send(signal.SIGTERM)

    assert run.end() == 0
    order = [line for line in run.lines if "got" in line or "done" in line]
    assert order == ["part1 | got SIGTERM", "part1 | done", "part0 | got SIGTERM"]


def test_last_words_without_a_newline_are_shown(supervise: Callable[..., Run]) -> None:
    run = supervise(WAITS + "print('last words', end='', flush=True)")
    run.await_line("ready")

    run.send(signal.SIGTERM)

    assert run.end() == 0
    assert "part0 | last words" in run.lines


def test_a_part_that_cannot_be_started_is_reported_and_tried_again(tmp_path: Path) -> None:
    program = DRIVER.replace('[sys.executable, "-c", program]', '["/nonexistent"]')
    with (tmp_path / "shown").open("w") as output:
        process = subprocess.Popen([sys.executable, "-c", program, "1", "x"], cwd=ROOT, stdout=output, stderr=output)
    run = Run(process, tmp_path / "shown")

    run.await_line("did not start: .*nonexistent", count=2)
    run.send(signal.SIGTERM)
    assert run.end() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_killed_supervisor_takes_its_parts_along(supervise: Callable[..., Run], tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    # Its output has no reader any more, so the part tells of its end in a file.
    run = supervise(WAITS.replace('print("got SIGTERM", flush=True)', f"open({str(gone)!r}, 'w').close()"))
    run.await_line("ready")

    run.process.kill()

    deadline = time.monotonic() + TIMEOUT_S
    while not gone.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
