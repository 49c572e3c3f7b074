"""Many rows in one statement: whatever they hold comes back as it was, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError, StatementError

from shared.database import Database
from shared.database.base import NUL, NUL_REPLACEMENT
from shared.database.bulk import insert_many, insert_missing, update_many
from shared.database.models import Order, OrderEvent, Product
from tests.integration.database import business_rows as rows

HARD = [
    "",
    " ",
    '"',
    "\\",
    "\\n",
    "a\nb\tc\r\b\f",
    "{1,2}",
    "null",
    "NULL",
    "चिनी",
    "\x01\x1f",
    "'; --",
    "🍚",
    "\\u0041",
    ",",
]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def test_texts_come_back_as_they_were(database: Database) -> None:
    names = [*HARD, None]
    with database.session() as tx:
        insert_many(tx, Product, [{"code": f"P{i}", "name": "x", "unit": name} for i, name in enumerate(names)])
        assert list(tx.scalars(select(Product.unit).order_by(Product.id))) == names


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(names=st.lists(ANY_TEXT, min_size=1, max_size=5))
def test_any_text_comes_back(database: Database, names: list[str]) -> None:
    with database.session() as tx:
        tx.execute(delete(Product))
        insert_many(tx, Product, [{"code": f"P{i}", "name": name} for i, name in enumerate(names)])
        stored = list(tx.scalars(select(Product.name).order_by(Product.id)))
        wanted = names if database.is_sqlite else [name.replace(NUL, NUL_REPLACEMENT) for name in names]
        assert stored == wanted
        tx.rollback()


def test_documents_instants_dates_numbers_and_flags_come_back_as_they_were(database: Database) -> None:
    nepal = timezone(timedelta(hours=5, minutes=45))
    at = datetime(2026, 2, 3, 4, 5, 6, 789, nepal)
    details: list[dict[str, Any] | None] = [{"text": text, "list": [1, None, {"a": text}]} for text in HARD]
    events = [
        {"order_id": 1, "action": "X", "to_state": "DRAFT", "actor": "sita", "details": each, "at": at + timedelta(i)}
        for i, each in enumerate([*details, None])
    ]
    with database.session() as tx:
        rows.add_a_small_business(tx)
        tx.flush()
        insert_many(tx, OrderEvent, events)
        stored = tx.execute(
            select(OrderEvent.details, OrderEvent.at).where(OrderEvent.action == "X").order_by(OrderEvent.id)
        ).all()
        update_many(tx, Order, ["id"], [{"id": 1, "due_on": date(2026, 3, 1), "imported": True}])
        order = tx.execute(select(Order.due_on, Order.imported).where(Order.id == 1)).one()
    assert [tuple(each) for each in stored] == [(event["details"], event["at"]) for event in events]
    assert all(each.at.tzinfo is UTC for each in stored)
    assert tuple(order) == (date(2026, 3, 1), True)


def test_rows_that_exist_are_passed_over_and_the_others_come_back_in_order(database: Database) -> None:
    with database.session() as tx:
        insert_many(tx, Product, [{"code": "P1", "name": "Rice"}])
        new = insert_missing(tx, Product, [{"code": f"P{i}", "name": "Dal"} for i in range(4)], ("code",))
        names = tx.scalars(select(Product.name).order_by(Product.code))
        assert [code for (code,) in new] == ["P0", "P2", "P3"]
        assert list(names) == ["Dal", "Rice", "Dal", "Dal"]


def test_what_is_too_long_is_refused_and_not_cut(postgres_url: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(DBAPIError, match="value too long"), database.session() as tx:
        insert_many(tx, Product, [{"code": "P" * 65, "name": "Rice"}, {"code": "P", "name": "Dal"}])
    database.dispose()


def test_an_instant_without_its_zone_is_refused(database: Database) -> None:
    event = rows.an_event()
    values = {"order_id": 1, "action": "X", "to_state": event.to_state, "actor": "sita"}
    naive = [values | {"at": datetime(2026, 1, day)} for day in (1, 2)]  # noqa: DTZ001 - that is what is refused
    with database.session() as tx:
        rows.add_a_small_business(tx)
    with pytest.raises((ValueError, StatementError), match="naive datetime"), database.session() as tx:
        insert_many(tx, OrderEvent, naive)
