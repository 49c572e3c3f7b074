"""Statements that run behind their caller: in order, nothing after an error, and nothing left running."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Event, current_thread
from typing import NoReturn

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared.database import Database
from shared.database.base import NUL, NUL_REPLACEMENT
from shared.database.behind import Behind
from shared.database.bulk import insert_many
from shared.database.models import Product


def test_what_is_asked_for_runs_in_order_in_the_one_transaction(database: Database) -> None:
    with database.session() as tx:
        with Behind(tx) as behind:
            for number in range(5):
                behind.run(_add, f"P{number}")
            seen = behind.run(_codes)
            threads = behind.run(lambda _tx: current_thread())
            assert seen.result() == [f"P{number}" for number in range(5)]
            assert (threads.result() is not current_thread()) is behind.is_ahead
        assert behind.is_ahead is not database.is_sqlite
        assert len(_codes(tx)) == 5
        tx.rollback()
    with database.reader() as tx:
        assert _codes(tx) == []


def test_after_an_error_nothing_more_runs_and_it_is_raised(database: Database) -> None:
    later: list[str] = []

    def fail(tx: Session) -> None:
        tx.execute(text("select * from no_such_table"))

    def ask() -> None:
        with database.session() as tx, Behind(tx) as behind:
            behind.run(_add, "P1")
            behind.run(fail)
            behind.run(lambda _tx: later.append("ran"))

    with pytest.raises(DBAPIError, match="no_such_table"):
        ask()

    assert later == []
    with database.reader() as tx:
        assert _codes(tx) == []


def test_a_result_raises_the_error_that_came_before_it(postgres_url: str) -> None:
    def fail(_tx: Session) -> NoReturn:
        raise ValueError("the first")

    def ask() -> None:
        with database.session() as tx, Behind(tx) as behind:
            behind.run(fail)
            behind.run(_codes).result()

    database = Database(postgres_url)
    with pytest.raises(ValueError, match="the first"):
        ask()
    database.dispose()


def test_an_error_of_the_caller_waits_for_the_statement_that_runs(postgres_url: str) -> None:
    database = Database(postgres_url)
    started, done = Event(), Event()
    never: list[Future[None]] = []

    def slow(tx: Session) -> None:
        started.set()
        tx.execute(text("select pg_sleep(0.3)"))
        done.set()

    def interrupted() -> None:
        with database.session() as tx, Behind(tx) as behind:
            behind.run(slow)
            never.append(behind.run(_add, "P1"))
            started.wait(10)
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        interrupted()

    assert done.is_set()
    assert never[0].cancelled()
    with database.reader() as tx:
        assert _codes(tx) == []
    database.dispose()


@pytest.mark.parametrize("names", [["Rice", "Rice"], ["Rice", "Dal"], ["Rice"]])
def test_values_that_all_rows_share_are_stored_like_others(database: Database, names: list[str]) -> None:
    rows = [{"code": f"P{place}", "name": name, "unit": None, "category": "x"} for place, name in enumerate(names)]
    with database.session() as tx:
        insert_many(tx, Product, rows)
        stored = tx.execute(select(Product.name, Product.unit, Product.category).order_by(Product.id)).all()
    assert stored == [(name, None, "x") for name in names]


def test_what_postgres_cannot_hold_is_replaced_where_all_rows_share_it(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.session() as tx:
        insert_many(tx, Product, [{"code": code, "name": f"a{NUL}b"} for code in ("P1", "P2")])
        assert set(tx.scalars(select(Product.name))) == {f"a{NUL_REPLACEMENT}b"}
    database.dispose()


def _add(tx: Session, code: str) -> None:
    tx.execute(text("insert into products (code, name) values (:code, 'Rice')"), {"code": code})


def _codes(tx: Session) -> list[str]:
    return list(tx.scalars(select(Product.code).order_by(Product.code)))
