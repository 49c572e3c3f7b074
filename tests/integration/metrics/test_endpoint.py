"""The endpoint of processes that serve nothing else, over real HTTP."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge

from deploy.local.ports import free_port
from shared.endpoint import Endpoint, Probes
from shared.health import Health


class Process:
    """What the probes ask."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.trouble = self.not_now = ""
        self.redis_error: Exception | None = None
        Gauge("doko_test", "A gauge.", registry=self.registry).set(7)

    def ask_redis(self) -> None:
        if self.redis_error is not None:
            raise self.redis_error

    def probes(self) -> Probes:
        return Probes(
            self.registry, lambda: self.trouble, lambda: self.not_now, Health({"redis": self.ask_redis}, timeout_s=5)
        )


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
def url(process: Process) -> Iterator[str]:
    port = free_port()
    endpoint = Endpoint("127.0.0.1", port, process.probes())
    endpoint.start()
    url = f"http://127.0.0.1:{port}"
    eventually(f"{url}/healthz")
    yield url
    endpoint.stop()


def eventually(url: str, status: int = 200, seconds: float = 20) -> httpx.Response:
    """The answer once it has that status."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = httpx.get(url)
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code == status:
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)


def test_the_endpoint_shows_the_metrics_of_its_registry(url: str) -> None:
    answer = httpx.get(f"{url}/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert "doko_test 7.0" in answer.text


def test_a_process_that_is_stuck_is_not_alive(url: str, process: Process) -> None:
    process.trouble = "nothing has moved for 61 s"

    answer = httpx.get(f"{url}/healthz")

    assert (answer.status_code, answer.json()) == (503, {"success": False, "message": "nothing has moved for 61 s"})


def test_a_process_without_redis_is_alive_and_not_ready(url: str, process: Process) -> None:
    assert httpx.get(f"{url}/readyz").json()["message"] == "ready"
    process.redis_error = ConnectionRefusedError()

    answer = httpx.get(f"{url}/readyz")

    assert answer.status_code == 503
    assert answer.json()["parts"] == {"redis": {"ready": False, "reason": "ConnectionRefusedError"}}
    assert httpx.get(f"{url}/healthz").status_code == 200


def test_a_process_that_stops_is_not_ready(url: str, process: Process) -> None:
    process.not_now = "takes no jobs"

    assert httpx.get(f"{url}/readyz").json()["message"] == "takes no jobs"


def test_other_paths_and_methods_are_refused(url: str) -> None:
    assert httpx.get(f"{url}/").status_code == 404
    assert httpx.post(f"{url}/metrics").status_code == 501
    assert httpx.head(f"{url}/metrics").content == b""


def test_a_client_that_says_nothing_holds_up_nobody(url: str) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)):
        assert httpx.get(f"{url}/healthz").status_code == 200


def test_a_taken_port_is_tried_until_it_is_free(process: Process) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        endpoint = Endpoint("127.0.0.1", port, process.probes())
        endpoint.start()

    assert eventually(f"http://127.0.0.1:{port}/metrics").status_code == 200
    endpoint.stop()
