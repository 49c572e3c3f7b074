"""`make up` as a user meets it: everything starts, a message is delivered, and everything stops in order."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.ports import free_port
from tests.chaos.fleet import children_of, is_alive
from tests.kit.system import EXAMPLE as MESSAGE

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60


class Copy:
    """One running copy of Doko with its own port and folder."""

    def __init__(self, folder: Path, port: int, *, demo: bool) -> None:
        self.data_dir = folder / "var"
        self.port = port
        self._shown = folder / f"shown-{port}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("REDIS_")}
        with self._shown.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local"],
                cwd=ROOT,
                env=environment
                | {"PORT": str(port), "DATA_DIR": str(self.data_dir), "LOG_DIR": str(folder / "logs")}
                | {"GATEWAY_PROCESSES": "1", "DOKO_DEMO": "on" if demo else "off"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def shown(self) -> str:
        return self._shown.read_text()

    @property
    def token_file(self) -> Path:
        return self.data_dir / "admin-token"

    def await_shown(self, text: str) -> None:
        self._await(lambda: text in self.shown, text)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token_file.read_text().strip()}"}
        url = f"http://127.0.0.1:{self.port}/api/v1{path}"
        answer = httpx.request(method, url, json=body, headers=headers, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return dict(answer.json())

    def await_completed(self, job_id: str) -> None:
        self._await(lambda: self.call("GET", f"/jobs/{job_id}")["state"] == "completed", f"{job_id} completed")

    def await_order(self, number: str, state: str) -> None:
        self._await(lambda: self.call("GET", f"/orders/{number}")["status"] == state, f"{number} {state}")

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        self.process.send_signal(signal_number)
        return self.process.wait(TIMEOUT_S)

    def pid_of(self, command: str) -> int:
        (found,) = [pid for pid in children_of(self.process.pid) if command in Path(f"/proc/{pid}/cmdline").read_text()]
        return found

    def processes(self) -> list[int]:
        """Every living process that works for this copy, orphans included."""
        mark = f"DATA_DIR={self.data_dir}".encode()
        return [pid for pid in all_pids() if mark in environment_of(pid) and is_alive(pid)]

    def _await(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            assert self.process.poll() is None, self.shown
            assert time.monotonic() < deadline, f"{what} did not come: {self.shown}"
            time.sleep(0.05)


def all_pids() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def environment_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


@pytest.fixture
def start_copy(tmp_path: Path) -> Iterator[Callable[..., Copy]]:
    copies: list[Copy] = []

    def start(name: str = "one", port: int | None = None, *, demo: bool = False) -> Copy:
        (tmp_path / name).mkdir(exist_ok=True)
        copies.append(Copy(tmp_path / name, port or free_port(), demo=demo))
        return copies[-1]

    yield start
    running = [copy for copy in copies if copy.process.poll() is None]
    for copy in running:
        copy.process.terminate()
    for copy in running:
        copy.process.wait(TIMEOUT_S)


@pytest.mark.slow
def test_a_killed_worker_is_started_again_ctrl_c_leaves_no_process_and_a_restart_no_gap(
    start_copy: Callable[..., Copy],
) -> None:
    copy = start_copy()
    copy.await_shown("Doko is up")
    before = copy.call("POST", "/whatsapp/messages", MESSAGE)["jobId"]
    copy.await_completed(before)
    assert "ORD-2026-001" in copy.shown
    assert stat.S_IMODE(copy.token_file.stat().st_mode) == 0o600
    token = copy.token_file.read_text()
    assert len(copy.processes()) > 5

    os.kill(copy.pid_of("services.whatsapp.worker"), signal.SIGKILL)
    copy.await_shown("ended by SIGKILL; it starts again in 0.5 s")
    after = copy.call("POST", "/whatsapp/messages", MESSAGE)["jobId"]
    copy.await_completed(after)

    # The terminal sends SIGINT; only the supervisor gets it.
    assert copy.stop(signal.SIGINT) == 0, copy.shown
    assert copy.shown.endswith("Stopped: every part ended by itself.\n")
    assert copy.processes() == []

    again = start_copy()
    again.await_shown("Doko is up")
    assert again.token_file.read_text() == token
    again.await_completed(before)


@pytest.mark.slow
def test_the_first_start_brings_a_demo_whose_draft_can_be_confirmed_and_later_ones_do_not(
    start_copy: Callable[..., Copy],
) -> None:
    copy = start_copy(demo=True)
    copy.await_shown("Loaded the demo: 30 retailers")
    (draft,) = re.findall(r"(ORD\d+) is a draft of RET001", copy.shown)
    assert f"/api/v1/orders/{draft}/confirm" in copy.shown

    copy.call("POST", f"/orders/{draft}/confirm")
    copy.await_order(draft, "VENDOR_ASSIGNED")
    copy.call("POST", f"/orders/{draft}/vendor-response", {"vendorId": "VEN001", "response": "ACCEPT"})
    copy.await_order(draft, "ACCEPTED")
    assert copy.stop() == 0, copy.shown

    again = start_copy(demo=True)
    again.await_shown("Doko is up")
    assert "Loaded the demo" not in again.shown
    again.await_order(draft, "ACCEPTED")


@pytest.mark.slow
def test_copies_run_side_by_side_but_not_on_the_same_port_or_folder(start_copy: Callable[..., Copy]) -> None:
    one, two = start_copy("one"), start_copy("two")
    for copy in (one, two):
        copy.await_shown("Doko is up")

    job_id = one.call("POST", "/whatsapp/messages", MESSAGE)["jobId"]
    one.await_completed(job_id)
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        two.call("GET", f"/jobs/{job_id}")

    same_port = start_copy("three", port=one.port)
    assert same_port.process.wait(TIMEOUT_S) == 2
    assert f"port {one.port} is taken by another program: stop it, or run `PORT=" in same_port.shown

    same_folder = start_copy("one")
    assert same_folder.process.wait(TIMEOUT_S) == 2
    assert "is used by another `make up`" in same_folder.shown


@pytest.mark.slow
def test_a_wrong_setting_stops_the_start_with_the_nearest_valid_one(tmp_path: Path) -> None:
    environment = os.environ | {"WHATSAPP_CONCURENCY": "5", "DATA_DIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-m", "deploy.local"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "the nearest one is WHATSAPP_CONCURRENCY" in done.stdout
