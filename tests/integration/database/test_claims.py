"""Claims: the effects of a job happen once, however many runs it has."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.claims import AlreadyClaimed, claim, run_once, stored_result
from shared.database import Database
from shared.database.base import JsonObject
from shared.database.models import ApiToken, ProcessedJob
from shared.errors import Refused
from shared.queues import Queue

JOB = "whatsapp-1"


def an_effect(tx: Session) -> None:
    """Something that would show if it happened twice."""
    number = tx.scalars(select(func.count()).select_from(ApiToken)).one()
    tx.add(ApiToken(user_name=f"effect {number}", role="viewer", token_hash=f"{threading.get_ident():064d}"))
    tx.flush()


def effects_in(database: Database) -> int:
    with database.reader() as tx:
        return tx.scalars(select(func.count()).select_from(ApiToken)).one()


def test_a_job_that_took_no_effect_has_no_result(database: Database) -> None:
    with database.reader() as tx:
        assert stored_result(tx, JOB) is None


def test_a_claimed_job_returns_its_stored_result(database: Database) -> None:
    with database.session() as tx:
        claim(tx, JOB, Queue.WHATSAPP, {"success": True, "points": 540})

    with database.reader() as tx:
        assert stored_result(tx, JOB) == {"success": True, "points": 540}


def test_a_claim_that_rolls_back_lets_the_retry_run(database: Database) -> None:
    def fail_after_claim() -> None:
        with database.session() as tx:
            claim(tx, JOB, Queue.WHATSAPP, {"success": True})
            raise RuntimeError("the attempt fails after its claim")

    with pytest.raises(RuntimeError):
        fail_after_claim()

    assert run_once(database, JOB, Queue.WHATSAPP, lambda _: {"success": True, "attempt": 2})["attempt"] == 2


def test_a_second_claim_is_refused_and_takes_its_effects_with_it(database: Database) -> None:
    with database.session() as tx:
        claim(tx, JOB, Queue.WHATSAPP, {"success": True})

    def claim_again() -> None:
        with database.session() as tx:
            an_effect(tx)
            claim(tx, JOB, Queue.WHATSAPP, {"success": True})

    with pytest.raises(AlreadyClaimed, match=JOB):
        claim_again()

    assert effects_in(database) == 0


def test_running_a_job_again_returns_the_first_result_without_effect(database: Database) -> None:
    def effect(tx: Session) -> JsonObject:
        an_effect(tx)
        return {"success": True, "run": effects_in(database)}

    results = [run_once(database, JOB, Queue.WHATSAPP, effect) for _ in range(3)]

    assert results[0] == results[1] == results[2]
    assert effects_in(database) == 1


def test_a_run_that_trips_over_its_own_effects_returns_the_first_result(database: Database) -> None:
    runs: list[int] = []

    def effect(tx: Session) -> JsonObject:
        runs.append(1)
        if len(runs) > 1:
            raise Refused("the order is confirmed already")
        an_effect(tx)
        return {"success": True}

    results = [run_once(database, JOB, Queue.WHATSAPP, effect) for _ in range(2)]

    assert results == [{"success": True}] * 2
    assert (len(runs), effects_in(database)) == (2, 1)


def test_what_a_run_fails_with_passes_through_where_none_took_effect(database: Database) -> None:
    def effect(tx: Session) -> JsonObject:
        an_effect(tx)
        raise Refused("over the limit")

    with pytest.raises(Refused, match="over the limit"):
        run_once(database, JOB, Queue.WHATSAPP, effect)
    assert effects_in(database) == 0


def test_of_two_runs_at_once_exactly_one_commits(database: Database) -> None:
    # On PostgreSQL both runs are past their look at the claim before either writes it. SQLite
    # lets the second one begin only when the first is through.
    met = threading.Barrier(2, timeout=10)
    wait: Callable[[], object] = (lambda: None) if database.is_sqlite else met.wait

    def run(name: str) -> JsonObject:
        def effect(tx: Session) -> JsonObject:
            an_effect(tx)
            wait()
            return {"success": True, "run": name}

        return run_once(database, JOB, Queue.WHATSAPP, effect)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(run, ["a", "b"])

    assert first == second
    assert effects_in(database) == 1
    with database.reader() as tx:
        assert tx.scalars(select(func.count()).select_from(ProcessedJob)).one() == 1


def test_twenty_threads_with_the_same_job_take_effect_once(database: Database) -> None:
    def run(_: int) -> JsonObject:
        def effect(tx: Session) -> JsonObject:
            an_effect(tx)
            return {"success": True, "thread": threading.get_ident()}

        return run_once(database, JOB, Queue.WHATSAPP, effect)

    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(run, range(20)))

    assert all(result == results[0] for result in results)
    assert effects_in(database) == 1
