"""Users of Redis: each process can do its work with its own, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner

from deploy.local.redis_server import RedisServer
from gateway.cli import main
from shared.broker import keys
from shared.broker.access import Process, user_name
from shared.errors import RedisUnavailable
from shared.queues import Queue
from tests.kit.engine import Engine
from tests.kit.system import EXAMPLE, System
from tests.kit.topologies import plain_client

pytestmark = pytest.mark.slow

PASSWORD = "correct-horse-battery"
FOLDERS = ("shared/broker/scripts", "shared/schedules/scripts")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis with the users that `doko redis users` prints."""
    printed = CliRunner().invoke(main, ["redis", "users"]).stdout
    users = printed.replace("PASSWORD", PASSWORD).splitlines()
    made = RedisServer(tmp_path_factory.mktemp("acl"), options=tuple(users))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def admin(server: RedisServer) -> Iterator[Any]:
    """The administrator, on an empty server without noted refusals."""
    with plain_client(server.port, decode_responses=True) as client:
        client.flushall()
        client.acl_log_reset()
        yield client


def url_of(server: RedisServer, process: Process, password: str = PASSWORD) -> str:
    return f"redis://{user_name(process)}:{password}@127.0.0.1:{server.port}/0"


def test_every_process_does_its_work_with_its_own_user(
    server: RedisServer, admin: Any, sqlite_url: str, tmp_path: Path
) -> None:
    system = System(tmp_path, url_of(server, Process.GATEWAY), sqlite_url, {})
    try:
        system.start("gateway")
        system.start("worker whatsapp", REDIS_URL=url_of(server, Process.WORKER))
        system.start("scheduler", REDIS_URL=url_of(server, Process.SCHEDULER))
        job_id = system.enqueue("/whatsapp/messages", {**EXAMPLE, "options": {"deduplicationKey": "once"}})
        assert system.wait_for(job_id)["state"] == "completed"
        _read_and_operate(system)
        system.wait_for_log(event="scheduler.started")
        for name in ("worker whatsapp", "scheduler", "gateway"):
            assert system.stop(name) == 0
    finally:
        system.close()

    assert [(each["object"], each["context"], each["username"]) for each in admin.acl_log()] == []


def _read_and_operate(system: System) -> None:
    later = system.enqueue("/whatsapp/messages", {**EXAMPLE, "options": {"delay": 3_600_000}})
    paths = ("/queues/stats", "/jobs?limit=10", "/queues/WHATSAPP/failed", f"/jobs/{later}/events", "/schedules")
    for path in (*paths, f"/jobs/{later}/explain", "/workers", "/failures"):
        system.get(path)
    for path in ("pause", "resume"):
        assert system.ask("POST", f"/queues/WHATSAPP/{path}", {"reason": "test"}).status_code == 200
    assert system.ask("DELETE", f"/jobs/{later}", {"reason": "test"}).status_code == 200


@pytest.mark.parametrize("process", list(Process))
def test_a_user_can_do_nothing_else(server: RedisServer, admin: Any, process: Process) -> None:
    admin.set("other:secret", "1")
    with redis.Redis.from_url(url_of(server, process), protocol=2) as client:
        forbidden: tuple[tuple[str, ...], ...] = (
            *(("FLUSHALL",), ("FLUSHDB",), ("KEYS", "*"), ("SCAN", "0"), ("CONFIG", "GET", "requirepass")),
            *(("SHUTDOWN",), ("ACL", "LIST"), ("SCRIPT", "FLUSH"), ("MONITOR",)),
            *(("REPLICAOF", "NO", "ONE"), ("SWAPDB", "0", "1"), ("CLIENT", "LIST"), ("SUBSCRIBE", "news")),
            *(("GET", "other:secret"), ("SET", "doko", "1"), ("EVAL", "return redis.call('GET', 'other:secret')", "0")),
            *(("SORT", keys.meta(Queue.WHATSAPP), "GET", "other:*"), ("RENAME", keys.meta(Queue.WHATSAPP), "mine")),
        )
        for command in forbidden:
            with pytest.raises(redis.exceptions.ResponseError, match=r"(?i)permission|NOPERM|can't access"):
                client.execute_command(*command)


def test_a_worker_does_not_touch_schedules_and_limits_of_clients(server: RedisServer) -> None:
    with redis.Redis.from_url(url_of(server, Process.WORKER), protocol=2) as client:
        for key in ("doko:{schedules}:schedules", "doko:{clients}:requests:token-1"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command("TTL", key)


@pytest.mark.parametrize("process", list(Process))
def test_every_command_of_the_scripts_is_allowed(admin: Any, process: Process) -> None:
    files = [file for folder in FOLDERS for file in Path(folder).glob("*.lua")]
    commands = {name for file in files for name in re.findall(r"call\('([A-Z]+)'", file.read_text())}
    assert {"XADD", "ZADD", "TIME"} <= commands

    described = admin.acl_getuser(user_name(process))
    refused = [name for name in sorted(commands) if not _may(admin, process, name)]

    assert refused == [], described["commands"]


def test_a_wrong_password_is_named(server: RedisServer) -> None:
    engine = Engine(url_of(server, Process.GATEWAY, "mistyped"))

    with pytest.raises(RedisUnavailable) as raised:
        engine.add()

    assert "invalid username-password pair" in str(raised.value.__cause__)
    assert "mistyped" not in str(raised.value.__cause__)


def _may(admin: Any, process: Process, command: str) -> bool:
    key, few = keys.meta(Queue.WHATSAPP), ["1"] * 8
    for arguments in ([], *(few[:count] for count in range(9))):
        try:
            said = admin.execute_command(
                "ACL", "DRYRUN", user_name(process), command, *([key] if command != "TIME" else []), *arguments
            )
        except redis.exceptions.ResponseError as error:
            if "wrong number of arguments" in str(error).lower():
                continue
            raise
        return bool(said in {"OK", True, b"OK"})
    raise AssertionError(command)
