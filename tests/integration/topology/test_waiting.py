"""REDIS_WAIT_REPLICAS over HTTP, and a Redis that stops answering while a worker stops."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from deploy.local.redis_server import RedisServer
from gateway.app import create_app
from gateway.roles import Role
from gateway.tokens import create_token
from shared.audit import Actor
from shared.broker import DokoBroker, keys
from shared.broker.clients import connect
from shared.errors import RedisUnavailable
from shared.queues import Queue
from shared.settings import Settings
from tests.kit.engine import QUEUE, SHORT, Engine
from tests.kit.system import EXAMPLE, wait_until

pytestmark = pytest.mark.slow


def test_a_request_is_accepted_once_a_replica_has_its_job(
    redis_server: RedisServer, sqlite_url: str, tmp_path: Path
) -> None:
    ask = _client(redis_server.url, sqlite_url, tmp_path)
    body = {**EXAMPLE, "options": {"jobId": "mine"}}

    answers = [ask(body, "key-1"), ask(body, "key-1")]

    for answer in answers:
        assert (answer.status_code, answer.json["code"]) == (503, "not_replicated")
        assert "0 of 1 replicas confirmed it within 100 ms" in answer.json["message"]
    with connect(redis_server.url) as client:
        client.config_set("repl-diskless-sync-delay", 0)
    replica = RedisServer(tmp_path / "replica", options=(f"replicaof 127.0.0.1 {redis_server.port}",))
    replica.start()
    try:
        with connect(redis_server.url) as client:
            wait_until(lambda: client.set("probe", 1) and client.wait(1, 100), lambda: "the replica follows")
        answer = ask(body, "key-1")
        assert (answer.status_code, answer.json["jobId"]) == (202, "whatsapp-mine")
        with connect(replica.url) as client:
            assert client.hget(keys.job(Queue.WHATSAPP, "whatsapp-mine"), "state") == b"waiting"
    finally:
        replica.stop()


def test_a_master_that_misses_its_replicas_is_an_outage(redis_server: RedisServer) -> None:
    engine = Engine(redis_server.url)
    engine.client.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(RedisUnavailable) as raised:
            engine.add()
    finally:
        engine.client.config_set("min-replicas-to-write", 0)
    assert "NOREPLICAS" in str(raised.value.__cause__)
    assert engine.add().created
    engine.close()


def test_a_worker_stops_while_redis_says_nothing(redis_server: RedisServer) -> None:
    broker = DokoBroker(connect(redis_server.url, socket_timeout_s=0.3), SHORT)
    broker.declare_queue(QUEUE)
    consumer = broker.consume(QUEUE, timeout=1_000)
    consuming = threading.Thread(target=lambda: next(consumer))
    with connect(redis_server.url) as client:
        consuming.start()
        wait_until(lambda: client.info("clients")["blocked_clients"] == 2 or None, lambda: "it waits for work")
        os.kill(redis_server.pid, signal.SIGSTOP)
        try:
            broker.stop_fetching()
            assert broker.stopping
        finally:
            os.kill(redis_server.pid, signal.SIGCONT)
    consuming.join()
    consumer.close()
    broker.close()


def _client(redis_url: str, database_url: str, folder: Path) -> Any:
    values = {"REDIS_URL": redis_url, "DATABASE_URL": database_url, "DATA_DIR": str(folder)}
    app = create_app(Settings.from_environment({**values, "REDIS_WAIT_REPLICAS": "1", "REDIS_WAIT_TIMEOUT_MS": "100"}))
    with app.extensions["doko"].database.session() as tx:
        token = create_token(tx, user="asha", role=Role.ADMIN, actor=Actor("test"))

    def ask(body: dict[str, Any], idempotency_key: str) -> Any:
        headers = {"Authorization": f"Bearer {token.secret}", "Idempotency-Key": idempotency_key}
        return app.test_client().post("/api/v1/whatsapp/messages", json=body, headers=headers)

    return ask
