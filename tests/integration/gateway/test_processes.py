"""The processes that `doko` starts: gunicorn with its reload and limits, the scheduler, the commands."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.roles import Role
from gateway.tokens import ADMIN_TOKEN_FILE, create_token, ensure_admin_token
from shared.audit import Actor
from shared.broker import make_broker
from shared.broker.options import JobOptions, NewJob
from shared.database import Database
from shared.database.archive_reader import DatabaseArchive
from shared.database.models import ApiToken
from shared.errors import ConfigurationError
from shared.job_store import JobStore
from shared.queues import Queue
from shared.settings import Settings
from shared.worker_command import worker_command
from tests.kit.gateway_process import START_S, eventually, request, running


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return Settings.from_environment(environment)


def raw(environment: dict[str, str], text: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", int(environment["PORT"])), timeout=10) as connection:
        connection.sendall(text)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


@pytest.mark.slow
def test_a_reload_under_load_loses_no_request(gateway: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            statuses.append(request(environment, "GET", "/healthz")[0])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    before = set(children(gateway.pid))
    gateway.send_signal(signal.SIGHUP)
    eventually(lambda: len(children(gateway.pid)) == 2 and not before & set(children(gateway.pid)))
    stop.set()
    for thread in threads:
        thread.join()

    assert len(statuses) > 20
    assert set(statuses) == {200}


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
def test_the_gateway_speaks_http_as_it_should(
    gateway: subprocess.Popen[bytes], environment: dict[str, str], settings: Settings
) -> None:
    port = int(environment["PORT"])
    database = Database(settings.database_url)
    with database.session() as tx:
        token = create_token(tx, user="a", role=Role.ADMIN, actor=Actor("t")).secret
    database.dispose()
    bearer = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    # Two requests on one connection, the first by HEAD.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("HEAD", "/healthz")
    head = connection.getresponse()
    assert (head.status, head.read()) == (200, b"")
    connection.request("GET", "/api/v1/queues/stats", headers=bearer)
    assert connection.getresponse().status == 200
    connection.close()

    # A body over the limit, once with its length and once in chunks.
    status, body = request(environment, "POST", "/api/v1/whatsapp/messages", b"x" * (2 * 1024 * 1024), bearer)
    assert (status, json.loads(body)["code"]) == (413, "too_large")
    chunks = iter([b'"' + b"x" * 65536] * 32)
    status, body = request(environment, "POST", "/api/v1/whatsapp/messages", chunks, bearer)
    assert (status, json.loads(body)["code"]) == (413, "too_large")

    # What is no HTTP at all is answered as JSON too.
    answer = raw(environment, b"NONSENSE\r\n\r\n")
    assert b"400 Bad Request" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["success"] is False

    # Metrics add up whichever process answers.
    _, text = request(environment, "GET", "/metrics")
    assert b'doko_http_requests_total{method="GET",route="/api/v1/queues/stats",status="200"} 1.0' in text

    # Each request left one line, with its id.
    eventually(lambda: log_lines(environment, "/api/v1/queues/stats") != [])
    (line,) = log_lines(environment, "/api/v1/queues/stats")
    assert (line["event"], line["status"], line["method"]) == ("http.request", 200, "GET")
    assert line["requestId"]


def log_lines(environment: dict[str, str], path: str) -> list[dict[str, Any]]:
    folder = Path(environment["LOG_DIR"])
    lines = [line for file in folder.glob("combined-gateway-*.log") for line in file.read_text().splitlines()]
    return [entry for entry in map(json.loads, lines) if entry.get("path") == path]


@pytest.mark.slow
def test_the_scheduler_archives_what_happens_and_stops_gracefully(
    environment: dict[str, str], settings: Settings
) -> None:
    broker = make_broker(settings)
    database = Database(settings.database_url)
    job = NewJob(Queue.WHATSAPP, "message", {"recipient": "+9779800000000"}, options=JobOptions(job_id="one"))
    broker.add(job)
    JobStore(broker.scripts.client).cancel("whatsapp-one", by="test")

    with running("scheduler", environment) as process:
        archive = DatabaseArchive(database)
        eventually(lambda: archive.job("whatsapp-one") is not None)
        process.send_signal(signal.SIGTERM)
        assert process.wait(START_S) == 0
    database.dispose()
    broker.close()


def test_the_admin_token_is_made_once_and_only_its_owner_may_read_it(settings: Settings, sqlite_url: str) -> None:
    database = Database(sqlite_url)

    first = ensure_admin_token(database, settings)

    assert ensure_admin_token(database, settings) == first
    assert (settings.data_dir / ADMIN_TOKEN_FILE).stat().st_mode & 0o777 == 0o600
    database.dispose()


def test_a_new_admin_token_of_the_environment_revokes_the_one_before(
    environment: dict[str, str], sqlite_url: str
) -> None:
    database = Database(sqlite_url)
    old, new = ("doko_" + letter * 40 for letter in "ab")
    ensure_admin_token(database, Settings.from_environment({**environment, "ADMIN_TOKEN": old}))
    assert ensure_admin_token(database, Settings.from_environment({**environment, "ADMIN_TOKEN": new})) == new

    with database.reader() as tx:
        assert [row.revoked_at is None for row in tx.query(ApiToken).order_by(ApiToken.id)] == [False, True]
    with pytest.raises(ConfigurationError, match="revoked"):
        ensure_admin_token(database, Settings.from_environment({**environment, "ADMIN_TOKEN": old}))
    database.dispose()


@pytest.fixture
def doko(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(main, arguments)


def test_tokens_are_made_listed_and_revoked(doko: Callable[..., Any]) -> None:
    made = doko("tokens", "create", "--role", "viewer", "--user", "asha")
    assert "token: doko_" in made.output

    listed = doko("tokens", "list").output
    assert "viewer\tasha\tvalid" in listed
    assert "doko_" not in listed

    assert doko("tokens", "revoke", "1").output == "Token 1 is revoked\n"
    assert doko("tokens", "revoke", "1").output == "Token 1 was revoked already\n"
    assert "asha\trevoked" in doko("tokens", "list").output


def test_wrong_commands_are_explained_in_one_line(doko: Callable[..., Any]) -> None:
    assert doko("tokens", "revoke", "7").output.startswith("Error: No token has the id 7")
    assert "did you mean whatsapp" in doko("worker", "whatsap").output
    assert doko("tokens", "create", "--role", "viewer", "--user", " ").exit_code == 1


def test_a_worker_is_dramatiqs_own_command_with_the_configured_threads(environment: dict[str, str]) -> None:
    settings = Settings.from_environment({**environment, "CREDIT_SCORE_CONCURRENCY": "7"})

    command = worker_command(Queue.CREDIT_SCORE, settings)

    expected = "-m dramatiq services.credit.worker:start -p 1 -t 7 --skip-logging --worker-shutdown-timeout 30000"
    assert command[1:] == expected.split()


def test_open_live_pages_do_not_hold_up_the_end(gateway: Any, environment: dict[str, str]) -> None:
    database = Database(environment["DATABASE_URL"])
    with database.session() as tx:
        secret = create_token(tx, user="asha", role=Role.VIEWER, actor=Actor("test")).secret
    database.dispose()
    cookies, csrf = _login_page(environment)
    body = urlencode({"csrf": csrf, "token": secret})
    form = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
    connection = http.client.HTTPConnection("127.0.0.1", int(environment["PORT"]), timeout=20)
    connection.request("POST", "/dashboard/login", body, form)
    entered = connection.getresponse()
    entered.read()
    session = entered.headers["Set-Cookie"].partition(";")[0]
    connection.request("GET", "/dashboard/live?screen=queues", headers={"Cookie": session})
    stream = connection.getresponse()
    assert stream.headers["Content-Type"] == "text/event-stream"
    assert b"retry:" in stream.readline()
    assert any(b"event: live" in stream.readline() for _ in range(5))

    begun = time.monotonic()
    gateway.terminate()
    stream.read()
    gateway.wait(20)

    assert time.monotonic() - begun < 15
    connection.close()


def _login_page(environment: dict[str, str]) -> tuple[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", int(environment["PORT"]), timeout=20)
    connection.request("GET", "/dashboard/login")
    response = connection.getresponse()
    page = response.read().decode()
    connection.close()
    return response.headers["Set-Cookie"].partition(";")[0], page.split('name="csrf" value="')[1].split('"')[0]
