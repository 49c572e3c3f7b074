"""A job that is interrupted anywhere in its transactions leaves no lock and no connection behind."""

from __future__ import annotations

import gc
import random
import threading
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from shared.broker.outcome import JobInterrupt, LeaseLost
from shared.claims import run_once
from shared.database import Database
from shared.database.base import JsonObject
from shared.middleware.interrupts import Interrupts
from shared.queues import Queue

INTERRUPTS = 300
LONGEST_S = 0.004
NO_BROKER = cast("Any", None)


class _Worker(threading.Thread):
    """Writes in one transaction after the other until it is interrupted, then goes on with the next job."""

    def __init__(self, database: Database, interrupts: Interrupts) -> None:
        super().__init__(daemon=True)
        self.database, self.interrupts = database, interrupts
        self.may_begin, self.begun, self.left = (threading.Semaphore(0) for _ in range(3))
        self.strange: list[BaseException] = []

    def run(self) -> None:
        for number in range(INTERRUPTS):
            self.may_begin.acquire()
            job = cast("Any", SimpleNamespace(message_id="j", token=str(number), timeout_ms=60_000, started=0.0))
            error: BaseException | None = None
            self.interrupts.before_process_message(NO_BROKER, job)
            try:
                self.begun.release()
                self._work(number)
            except JobInterrupt as interrupt:
                error = interrupt
            except BaseException as other:  # noqa: BLE001 - whatever else comes is what this looks for
                error = other
                self.strange.append(other)
            self.interrupts.after_process_message(NO_BROKER, job, exception=error)
            # As the consumer, it may keep the error, and with it every frame of the job, for a while.
            self.last = error
            self.left.release()

    def _work(self, number: int) -> None:
        step = 0
        while True:
            step += 1
            run_once(self.database, f"orders-{number}-{step}", Queue.ORDER_PROCESSING, self._effect)

    def _effect(self, tx: Any) -> JsonObject:
        tx.execute(text("update contact_preferences set updated_at = updated_at"))
        return {"success": True}


@pytest.mark.timeout(90)
def test_an_interrupt_anywhere_leaves_no_lock_and_no_connection(database: Database) -> None:
    others = Database(database.engine.url.render_as_string(hide_password=False), lock_timeout_ms=300)
    interrupts = Interrupts()
    worker = _Worker(database, interrupts)
    chance = random.Random(7)  # noqa: S311 - no secret
    gc.disable()  # what only the collector gives back counts as lost
    try:
        worker.start()
        for number in range(INTERRUPTS):
            worker.may_begin.release()
            assert worker.begun.acquire(timeout=10)
            time.sleep(chance.uniform(0, LONGEST_S))
            interrupts._interrupt_attempt(("j", str(number)), LeaseLost)
            assert worker.left.acquire(timeout=10)
            assert _can_write(others), f"interrupt {number} left a lock"
        worker.join(10)
    finally:
        gc.enable()
    assert worker.strange == []
    assert cast("Any", database.engine.pool).checkedout() == 0
    others.dispose()


def test_an_interrupt_that_finds_a_result_half_read_frees_the_lock_at_once(database: Database) -> None:
    others = Database(database.engine.url.render_as_string(hide_password=False), lock_timeout_ms=300)
    kept: list[Any] = []  # as the frames of a traceback keep it

    def read_half() -> None:
        with database.session() as tx:
            tx.execute(text("delete from processed_jobs"))
            result = tx.connection().exec_driver_sql("select 1 union all select 2")
            kept.append(result.cursor)
            result.fetchone()
            raise LeaseLost

    with pytest.raises(LeaseLost):
        read_half()

    assert _can_write(others)
    others.dispose()


def _can_write(database: Database) -> bool:
    try:
        with database.session() as tx:
            tx.execute(text("delete from processed_jobs"))
    except OperationalError:
        return False
    return True
