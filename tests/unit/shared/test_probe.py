"""The health check of the images."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy.local.ports import free_port
from shared.probe import main, why_not


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_address_that_answers_is_well(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The proxy of a company must not be asked for the own container.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    assert main([f"{url}/healthz"]) == 0


def test_an_error_nobody_there_and_no_address_are_not(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"{url}/readyz"]) == 1
    assert "503" in capsys.readouterr().err
    assert main([f"http://127.0.0.1:{free_port()}/healthz"]) == 1
    assert main(["nonsense"]) == 1
    assert main([]) == 2


def test_one_that_accepts_and_says_nothing_is_not_waited_for_long() -> None:
    with HTTPServer(("127.0.0.1", 0), Answers) as silent:
        reason = why_not(f"http://127.0.0.1:{silent.server_port}/healthz", timeout_s=0.1)

    assert reason is not None
    assert "timed out" in reason
