"""The logs of whole processes: what reaches standard output and the files, whatever way the process ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CONFIGURE = """
import logging, os, sys
from pathlib import Path
from shared import logs
from shared.settings import Settings
settings = Settings(log_dir=Path("logs"), log_level=os.environ.get("LEVEL", "INFO"))
logs.configure(settings, "worker-whatsapp")
log = logs.get_logger()
"""
COMPLETED = """
logs.job_event(
    "info", "Job 123 completed in queue whatsapp-messages", "completed",
    queue="whatsapp-messages", jobId="123", duration=1250, result={"success": True},
)
"""


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    return tmp_path


def run(workdir: Path, program: str, **environment: str) -> list[dict[str, Any]]:
    """Run a program that has configured its logs; its standard output as one dictionary a line."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CONFIGURE + textwrap.dedent(program)],
        cwd=workdir,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


def in_files(workdir: Path) -> list[dict[str, Any]]:
    files = sorted((workdir / "logs").glob("combined-worker-whatsapp-*.log"))
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def test_a_job_event_reads_as_the_requirement_shows_it(workdir: Path) -> None:
    (line,) = run(workdir, COMPLETED)

    assert list(line)[:4] == ["level", "message", "event", "timestamp"]
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "message": "Job 123 completed in queue whatsapp-messages",
        "event": "completed",
        "queue": "whatsapp-messages",
        "jobId": "123",
        "duration": 1250,
        "result": {"success": True},
    }


def test_standard_output_and_the_file_hold_the_same_lines(workdir: Path) -> None:
    assert run(workdir, COMPLETED * 3) == in_files(workdir)
    assert len(in_files(workdir)) == 3


def test_nothing_is_lost_at_a_normal_exit(workdir: Path) -> None:
    many = run(workdir, "for number in range(30_000): logs.job_event('info', 'x', 'x', number=number)")

    assert [line["number"] for line in many] == list(range(30_000))


def test_nothing_is_lost_when_the_process_ends_with_an_error_code(workdir: Path) -> None:
    assert len(run(workdir, COMPLETED + "sys.exit(3)")) == 1


def test_a_flush_before_an_abrupt_end_saves_the_lines(workdir: Path) -> None:
    assert len(run(workdir, COMPLETED + "logs.flush(); os._exit(1)")) == 1


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_multiprocessing_write_their_own_lines_once(workdir: Path, method: str) -> None:
    (workdir / "child.py").write_text(CONFIGURE + "def work(): log.info('child.line')")
    program = f"""
        import multiprocessing
        log.info("parent.line")
        logs.flush()
        sys.path.insert(0, ".")
        context = multiprocessing.get_context({method!r})
        if {method!r} == "spawn":
            from child import work as target
        else:
            target = lambda: log.info("child.line")
        process = context.Process(target=target)
        process.start()
        process.join()
    """
    events = [line["event"] for line in run(workdir, program)]

    assert sorted(events) == ["child.line", "parent.line"]


def test_lines_of_the_standard_library_are_routed_and_masked(workdir: Path) -> None:
    (line,) = run(workdir, "logging.getLogger('dramatiq').warning('lost %s', '+9779800000000')")

    assert (line["level"], line["message"], line["event"], line["logger"]) == (
        "warning",
        "lost ***00",
        "log",
        "dramatiq",
    )


def test_an_exception_keeps_type_message_and_traceback_without_personal_data(workdir: Path) -> None:
    program = """
        try:
            raise ValueError("cannot call +9779800000000")
        except ValueError:
            log.exception("call.failed", message="The call failed")
            logging.getLogger("lib").exception("also here")
    """
    ours, theirs = run(workdir, program)

    assert (ours["level"], ours["message"], ours["event"]) == ("error", "The call failed", "call.failed")
    for line in (ours, theirs):
        assert line["error"]["type"] == "ValueError"
        assert line["error"]["message"] == "cannot call ***00"
        assert "Traceback" in line["error"]["traceback"]
        assert "9800000000" not in json.dumps(line)


def test_the_context_of_a_job_is_on_every_line_inside_it(workdir: Path) -> None:
    program = """
        import structlog
        with structlog.contextvars.bound_contextvars(queue="whatsapp-messages", jobId="123"):
            log.info("message.sent")
            logging.getLogger("lib").info("note")
        log.info("idle")
    """
    inside, library, outside = run(workdir, program)

    assert (inside["jobId"], library["jobId"]) == ("123", "123")
    assert "jobId" not in outside


def test_a_process_can_add_fields_that_are_asked_for_line_by_line(workdir: Path) -> None:
    program = """
        from shared import logs
        running = {"jobId": "123"}
        logs.set_context(lambda: running)
        log.info("message.sent")
        logging.getLogger("lib").info("note")
        running = {}
        log.info("idle")
    """
    inside, library, outside = run(workdir, program)

    assert (inside["jobId"], library["jobId"]) == ("123", "123")
    assert "jobId" not in outside


def test_dramatiq_does_not_repeat_what_the_engine_logs(workdir: Path) -> None:
    program = """
        from dramatiq.logging import get_logger
        try:
            raise ValueError("Namaste Asha")
        except ValueError:
            get_logger("dramatiq.worker", "WorkerThread").error("Failed to process message", exc_info=True)
        log.info("after")
    """
    (line,) = run(workdir, program)

    assert line["event"] == "after"


def test_the_level_holds_for_every_way_to_log(workdir: Path) -> None:
    program = COMPLETED + "log.info('quiet')\nlogging.getLogger('lib').info('quiet')\nlog.warning('loud')"

    assert [line["event"] for line in run(workdir, program, LEVEL="WARNING")] == ["loud"]


def test_python_warnings_become_lines(workdir: Path) -> None:
    program = """
        import warnings
        warnings.simplefilter("always")
        warnings.warn("old call", stacklevel=1)
    """
    (line,) = run(workdir, program)

    assert "old call" in line["message"]


def test_an_event_costs_its_caller_a_few_microseconds(workdir: Path) -> None:
    program = """
        import time
        costs = []
        for _ in range(20):
            start = time.perf_counter()
            for _ in range(500):
                logs.job_event("info", "m", "completed", queue="q", jobId="1", duration=1, result={"success": True})
            costs.append((time.perf_counter() - start) / 500 * 1e6)
            logs.flush()
        log.info("cost", best=min(costs))
    """
    cost = run(workdir, program)[-1]["best"]

    assert cost < 5, f"{cost:.1f} µs"
