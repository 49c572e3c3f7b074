"""Which worker an image runs, and with what command."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from shared.errors import ConfigurationError
from shared.queues import Queue
from shared.settings import Settings
from shared.worker_command import WORKER_GRACE_MS, chosen_queue, installed_queues, worker_command

ROOT = Path(__file__).parents[3]


def with_services(folder: Path, *services: str) -> Path:
    (folder / "shared").symlink_to(ROOT / "shared")
    (folder / "services").mkdir()
    (folder / "services/__init__.py").touch()
    for service in services:
        (folder / "services" / service).symlink_to(ROOT / "services" / service)
    return folder


def run_in(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        # Without site: the checkout is installed in the environment, and would be found beside the folder.
        [sys.executable, "-S", *command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": sysconfig.get_path("purelib"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_checkout_has_a_worker_for_every_queue() -> None:
    assert installed_queues() == list(Queue)


def test_among_several_services_one_must_be_named() -> None:
    assert chosen_queue(["credit"]) is Queue.CREDIT_SCORE
    for arguments in ([], ["credits"], ["credit", "orders"]):
        with pytest.raises(ConfigurationError, match="here are: whatsapp, credit, routing"):
            chosen_queue(arguments)


def test_an_image_with_one_service_runs_it_without_being_told(tmp_path: Path) -> None:
    code = "from shared.worker_command import chosen_queue; print(chosen_queue([]).name)"

    done = run_in(with_services(tmp_path, "reminders"), "-c", code)

    assert done.stdout.strip() == "PAYMENT_REMINDERS", done.stderr


def test_without_any_service_the_start_is_refused_in_one_line(tmp_path: Path) -> None:
    done = run_in(with_services(tmp_path), "-m", "shared.worker_command")

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "here are: none" in done.stderr


def test_a_wrong_setting_is_refused_in_one_line(tmp_path: Path) -> None:
    done = run_in(with_services(tmp_path, "credit"), "-m", "shared.worker_command", CREDIT_SCORE_CONCURRENCY="no")

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "CREDIT_SCORE_CONCURRENCY" in done.stderr


def test_dramatiq_waits_longer_for_its_threads_than_the_jobs_grace() -> None:
    settings = Settings.from_environment({"SHUTDOWN_GRACE_MS": "40000"})

    command = worker_command(Queue.ORDER_PROCESSING, settings)

    assert command[command.index("--worker-shutdown-timeout") + 1] == str(40_000 + WORKER_GRACE_MS)
