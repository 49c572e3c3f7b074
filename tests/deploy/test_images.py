"""The images hold what they should and nothing more; the compose file's containers do the work and stop in order."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local.ports import free_port
from shared.queues import POLICIES, Queue
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.kit.containers import BASE, PREFIX, TAG, Composed, Podman
from tests.kit.manifests import ROOT
from tests.kit.system import EXAMPLE, PATIENCE_S, System, Token, wait_until
from tests.kit.trade import Trade, to_daytime

pytestmark = [pytest.mark.images, pytest.mark.timeout(2400)]

MOST_BYTES = 200 * 1024 * 1024
START_S = 180
FOLDERS = [policy.folder for policy in POLICIES.values()]
FORBIDDEN = ("pip", "pip3", "gcc", "cc", "g++", "make", "ld", "git", "curl")


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Podman:
    if reason := Podman.lacks():
        pytest.skip(reason)
    podman = Podman(tmp_path_factory.mktemp("podman"))
    if reason := podman.make_base():
        pytest.skip(reason)
    return podman


@pytest.fixture(scope="module")
def images(podman: Podman) -> dict[str, str]:
    return podman.build_images()


def test_an_image_is_small_and_holds_shared_and_its_own_service_only(podman: Podman, images: dict[str, str]) -> None:
    base = podman.size_of(BASE)
    for folder in FOLDERS:
        image = images[f"worker-{folder}"]
        assert set(podman.inside(image, "ls", "/app").split()) == {"shared", "services"}
        inside = set(podman.inside(image, "ls", "/app/services").split())
        assert inside == {"__init__.py", "__pycache__", folder}
    assert set(podman.inside(images["gateway"], "ls", "/app").split()) == {"shared", "gateway"}
    assert podman.size_of(images["worker-whatsapp"]) - base <= MOST_BYTES


def test_an_image_holds_only_the_packages_of_its_lock(podman: Podman, images: dict[str, str]) -> None:
    script = "from importlib.metadata import distributions as d; print(*sorted(x.name.lower() for x in d()))"
    for name in ("gateway", "worker-whatsapp", "worker-credit"):
        lock = (ROOT / f"requirements/{name.removeprefix('worker-')}.txt").read_text()
        locked = {normal(line.split("==")[0]) for line in lock.splitlines() if "==" in line}

        installed = {normal(each) for each in podman.inside(images[name], "python3", "-c", script).split()}

        assert installed <= locked, name
    assert "flask" not in podman.inside(images["worker-credit"], "python3", "-c", script).split()


def normal(package: str) -> str:
    """A package's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", package).lower()


def test_nothing_in_an_image_installs_compiles_or_runs_as_root(podman: Podman, images: dict[str, str]) -> None:
    look = f"for each in {' '.join(FORBIDDEN)}; do command -v $each; done; id -u; touch /app/x 2>&1 || true"
    for name in ("gateway", *(f"worker-{folder}" for folder in FOLDERS)):
        *found, user, refusal = podman.inside(images[name], "sh", "-c", look).splitlines()
        assert (found, user) == ([], "10001"), name
        assert "Read-only" in refusal or "denied" in refusal
        assert "No module named" in podman.inside(images[name], "sh", "-c", "python3 -m pip 2>&1 || true")


class ContainedSystem(System):
    """The API of the containers, asked as the other tests ask that of processes."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder, "redis://unused", "sqlite:///unused", {})
        self.url = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(base_url=f"{self.url}/api/v1", timeout=PATIENCE_S)

    def log_in(self, secret: str) -> None:
        self._admin = Token("", secret)

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def composed(podman: Podman, images: dict[str, str], tmp_path: Path) -> Iterator[tuple[Composed, ContainedSystem]]:
    port = free_port()
    settings = {
        "IMAGE_PREFIX": PREFIX,
        "IMAGE_TAG": TAG,
        "REDIS_IMAGE": images["redis"],
        "POSTGRES_IMAGE": images["postgres"],
        "REDIS_PASSWORD": secrets.token_hex(24),
        "POSTGRES_PASSWORD": secrets.token_hex(24),
        "PORT": str(port),
        # Without an account, production prints messages only if it is told to.
        "WHATSAPP_PROVIDER": "console",
    }
    composed = Composed(podman, f"doko-test-{port}", settings)
    system = ContainedSystem(tmp_path, port)
    try:
        composed.do("up", "--no-build", "--detach")
        yield composed, system
    finally:
        composed.remove()
        system.close()


def test_compose_sends_one_job_of_each_kind_through_and_stops_in_order(
    composed: tuple[Composed, ContainedSystem],
) -> None:
    containers, system = composed
    wait_until(system.is_ready, lambda: containers.log_of("gateway")[-2000:], seconds=START_S)
    printed = containers.inside("gateway", "doko", "tokens", "create", "--role", "admin", "--user", "test")
    system.log_in(printed.rpartition("token:")[2].strip())

    with WhatsAppDouble() as unused:
        ran = run_one_of_each(system, Trade(system, unused, to_daytime()))

    assert set(ran) == set(Queue)
    assert "ORD-2026-001" in containers.log_of("worker-whatsapp"), "the console provider prints messages"
    containers.do("stop")
    codes = containers.exit_codes()
    assert codes.pop("redis") == 0
    assert codes.pop("postgres") in {0, 137}  # SIGTERM waits for sessions; the official image asks for SIGINT.
    assert set(codes.values()) == {0}, codes
    assert len(codes) == 3 + len(FOLDERS)


def run_one_of_each(system: ContainedSystem, trade: Trade) -> dict[Queue, str]:
    """Send a job to every queue; the ids of those that ran."""
    trade.master_data({"VEN001": (90, 500)})
    trade.draft("ORD2611000001")
    report = {"type": "CREDIT_SUMMARY", "format": "json", "filters": {}, "userId": "test"}
    asked = {
        Queue.WHATSAPP: system.enqueue("/whatsapp/messages", EXAMPLE),
        Queue.ORDER_PROCESSING: system.enqueue("/orders/ORD2611000001/confirm", {}),
        Queue.CREDIT_SCORE: system.enqueue("/credit/scores", {"retailerId": "RET001", "trigger": "manual"}),
        Queue.PAYMENT_REMINDERS: system.enqueue("/reminders", {"retailerId": "RET001", "type": "OVERDUE"}),
        Queue.REPORT_GENERATION: system.enqueue("/reports", report),
    }
    for queue, job in asked.items():
        # Nobody is reminded at night: then the job ran, and goes on in the morning.
        states = ("completed", "delayed") if queue is Queue.PAYMENT_REMINDERS else ("completed",)
        assert system.wait_for(job, *states)["startedAt"], queue
    # The confirmed order is routed by a job of its own.
    trade.wait_for_order("ORD2611000001", "VENDOR_ASSIGNED")
    (routed,) = system.get("/jobs?queue=ORDER_ROUTING&state=completed")["jobs"]
    return asked | {Queue.ORDER_ROUTING: routed["id"]}
