"""The embedded Redis server, as a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from deploy.local import redis_server
from deploy.local.ports import free_port
from deploy.local.redis_server import RedisServer, RedisServerError, find_binary, major_version

ROOT = Path(__file__).parents[3]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", password='quo"ted\\ pass')
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        yield client


def test_it_is_append_only_never_evicts_and_listens_on_loopback(client: redis.Redis) -> None:
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_it_wants_the_password(server: RedisServer) -> None:
    with (
        redis.Redis(port=server.port) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_the_password_is_not_among_its_arguments(server: RedisServer) -> None:
    arguments = subprocess.run(["ps", "-o", "args=", "-p", str(server.pid)], capture_output=True, text=True, check=True)

    assert "quo" not in arguments.stdout


def test_its_data_survives_a_kill(server: RedisServer, client: redis.Redis) -> None:
    client.set("order", "ORD2611000001")

    server.kill()
    assert not server.is_running
    server.start()

    assert client.get("order") == "ORD2611000001"


def test_its_data_survives_a_restart_on_the_same_port(server: RedisServer, client: redis.Redis) -> None:
    client.set("order", "ORD2611000001")
    port, pid = server.port, server.pid

    server.restart()

    assert client.get("order") == "ORD2611000001"
    assert server.port == port
    assert server.pid != pid


def test_a_stopped_server_has_no_process_id(server: RedisServer) -> None:
    server.stop()

    with pytest.raises(RedisServerError, match="is not running"):
        _ = server.pid


def test_a_taken_port_is_told(server: RedisServer, tmp_path: Path) -> None:
    second = RedisServer(tmp_path / "second", port=server.port)

    with pytest.raises(RedisServerError, match=f"port {server.port} is taken"):
        second.start()


def test_a_server_that_does_not_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    broken = RedisServer(tmp_path / "broken")
    broken.folder.mkdir()
    (broken.folder / "appendonlydir").write_text("a file where a folder should be")

    with pytest.raises(RedisServerError, match=r"did not start.*appendonlydir"):
        broken.start()


def test_the_package_has_a_server_when_the_path_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    binary = find_binary()

    assert binary.name == "valkey-server"
    assert major_version(binary) >= redis_server.OLDEST_MAJOR_VERSION
    packaged = RedisServer(tmp_path / "valkey", binary=binary)
    packaged.start()
    packaged.stop()


def test_an_old_server_on_the_path_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=6.2.14 sha=00000000:0'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")

    assert find_binary() != old


def test_without_any_server_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(RedisServerError, match="set REDIS_URL"):
        find_binary()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_it_ends_with_the_process_that_started_it_even_when_that_is_killed(tmp_path: Path) -> None:
    port = free_port()
    program = (
        "import sys, time; from pathlib import Path; from deploy.local.redis_server import RedisServer;"
        f"server = RedisServer(Path({str(tmp_path)!r}), port={port}); server.start();"
        "print(server.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT) as starter:
        assert starter.stdout is not None
        server_pid = int(starter.stdout.readline())
        os.kill(starter.pid, signal.SIGKILL)

    await_end(server_pid)


def await_end(pid: int, timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.01)
