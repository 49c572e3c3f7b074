"""The gateway's process on PostgreSQL: a query that waits keeps no other request waiting."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from gateway.cooperative_database import LOCK_TIMEOUT_MS
from gateway.roles import Role
from gateway.tokens import create_token
from shared.audit import Actor
from shared.database import Database
from tests.kit.gateway_process import request

CALLERS = 20
QUICK_S = LOCK_TIMEOUT_MS / 2000


@pytest.fixture
def environment(environment: dict[str, str], postgres_url: str) -> dict[str, str]:
    return environment | {"DATABASE_URL": postgres_url, "GATEWAY_PROCESSES": "1"}


@pytest.mark.slow
def test_a_slow_query_keeps_no_other_request_waiting(
    gateway: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    database = Database(environment["DATABASE_URL"])
    with database.session() as tx:
        token = create_token(tx, user="a", role=Role.ADMIN, actor=Actor("t")).secret
    headers = {"Authorization": f"Bearer {token}"}

    def look_up(number: int) -> int:
        return request(environment, "GET", f"/api/v1/jobs/whatsapp-{number}", headers=headers)[0]

    def pause() -> int:
        return request(environment, "POST", "/api/v1/queues/WHATSAPP/pause", headers=headers)[0]

    with ThreadPoolExecutor(CALLERS + 1) as callers:
        assert look_up(0) == 404
        with database.session() as tx:
            tx.execute(text("lock table operator_log in access exclusive mode"))
            slow = callers.submit(pause)
            wait_for_the_lock(database)
            started = time.monotonic()
            statuses = list(callers.map(look_up, range(CALLERS)))
            seconds = time.monotonic() - started
            assert not slow.done()
        assert slow.result() == 200

    database.dispose()
    assert statuses == [404] * CALLERS
    assert seconds < QUICK_S
    assert gateway.poll() is None


def wait_for_the_lock(database: Database) -> None:
    waiting = text("select count(*) from pg_locks where not granted")
    deadline = time.monotonic() + QUICK_S
    while True:
        with database.reader() as tx:
            if tx.execute(waiting).scalar():
                return
        assert time.monotonic() < deadline, "the pause never came to the table"
        time.sleep(0.01)
