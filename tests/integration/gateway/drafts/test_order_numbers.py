"""Orders that come without a number get the next one of the month."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from gateway.roles import Role
from shared.clock import BUSINESS_ZONE
from shared.database import Database
from shared.database.models import Order
from shared.master.draft_schemas import NewDraft
from shared.master.drafts import Making, make_draft
from shared.master.numbers import next_order_number
from shared.money import to_rupees
from tests.integration.database import business_rows as rows
from tests.integration.gateway.conftest import caller
from tests.integration.gateway.drafts.sample import DRAFT, NUMBER, THREADS, amounts

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database has a part in."""


def month_of_now() -> str:
    return f"ORD{datetime.now(BUSINESS_ZONE):%y%m}"


def made(answer: Any) -> str:
    """The number of the order that was made."""
    assert answer.status_code == 201
    return str(answer.json["number"])


def test_an_order_without_a_number_gets_the_next_one_of_the_month(operator: Any) -> None:
    month = month_of_now()

    answers = [operator.post("/orders", DRAFT), operator.post("/orders", {"retailerCode": "RET001", "total": 113})]

    # In November 2026 the small business has the first two.
    first = 3 if month == "ORD2611" else 1
    numbers = [f"{month}{first:06}", f"{month}{first + 1:06}"]
    assert [(answer.status_code, answer.json["number"]) for answer in answers] == [(201, each) for each in numbers]
    assert answers[0].headers["Location"] == f"/api/v1/orders/{numbers[0]}"
    assert amounts(answers[0].json) == [1505, 195.65, 1700.65]
    assert answers[0].json["events"][0]["actor"] == "the operator"


@ON_SQLITE
def test_an_order_that_gets_its_number_can_not_name_one(operator: Any) -> None:
    answer = operator.post("/orders", DRAFT | {"number": NUMBER, "retailerCode": 1})

    assert (answer.status_code, set(answer.json["errors"])) == (422, {"number", "retailerCode"})


@ON_SQLITE
def test_what_is_wrong_with_a_new_draft_is_named_and_takes_no_number(operator: Any) -> None:
    first = made(operator.post("/orders", DRAFT))

    wrong = operator.post("/orders", DRAFT | {"retailerCode": "RET0", "total": 1})

    assert (wrong.status_code, set(wrong.json["errors"])) == (422, {"retailerCode", "total"})
    assert int(made(operator.post("/orders", DRAFT))[-6:]) == int(first[-6:]) + 1


def test_numbers_given_out_at_once_are_each_others_neighbours(app: Flask) -> None:
    callers = [caller(app, Role.OPERATOR) for _ in range(THREADS)]

    def post(index: int) -> list[str]:
        return [made(callers[index].post("/orders", DRAFT)) for _ in range(4)]

    with ThreadPoolExecutor(THREADS) as pool:
        numbers = sorted(number for several in pool.map(post, range(THREADS)) for number in several)

    first = int(numbers[0][-6:])
    assert numbers == [f"{month_of_now()}{first + i:06}" for i in range(4 * THREADS)]


def test_numbers_that_came_by_name_are_passed_over(owner: Database) -> None:
    day = date(2027, 1, 31)
    with owner.session() as tx:
        tx.add_all([rows.an_order(number=f"ORD2701{i:06}") for i in (*range(2, 40), 41)])
    numbers = []
    for _ in range(3):
        with owner.session() as tx:
            numbers.append(next_order_number(tx, day))
            tx.add(rows.an_order(number=numbers[-1]))

    assert numbers == ["ORD2701000001", "ORD2701000040", "ORD2701000042"]


def test_a_number_whose_order_was_not_stored_is_given_out_again(owner: Database) -> None:
    day = date(2027, 1, 31)
    with owner.session() as tx:
        assert next_order_number(tx, day) == "ORD2701000001"
        tx.rollback()

    with owner.session() as tx:
        assert next_order_number(tx, day) == "ORD2701000001"


def test_the_month_of_a_number_is_that_of_kathmandu(owner: Database) -> None:
    new_year = datetime(2026, 12, 31, 18, 15, tzinfo=UTC)
    with owner.session() as tx:
        before = make_draft(tx, NewDraft("RET001", total=to_rupees(1)), Making("sita", new_year - timedelta(seconds=1)))
        after = make_draft(tx, NewDraft("RET001", total=to_rupees(1)), Making("sita", new_year))

    assert (before, after) == ("ORD2612000001", "ORD2701000001")


def test_a_repeated_request_with_its_key_is_answered_with_the_order_of_the_first(operator: Any) -> None:
    headers = {"Idempotency-Key": "draft-1"}

    first, again = (operator.post("/orders", DRAFT, headers=headers) for _ in range(2))
    other = operator.post("/orders", DRAFT, headers={"Idempotency-Key": "draft-2"})

    assert made(first) == made(again)
    assert made(other) != made(first)


@ON_SQLITE
def test_a_key_that_came_with_another_draft_is_refused(operator: Any) -> None:
    headers = {"Idempotency-Key": "draft-1"}
    made(operator.post("/orders", DRAFT, headers=headers))

    answer = operator.post("/orders", DRAFT | {"total": 2000}, headers=headers)

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_conflict")


@ON_SQLITE
def test_a_key_belongs_to_one_token(app: Flask, operator: Any) -> None:
    headers = {"Idempotency-Key": "draft-1"}
    other = caller(app, Role.OPERATOR)

    assert made(operator.post("/orders", DRAFT, headers=headers)) != made(other.post("/orders", DRAFT, headers=headers))


def test_of_requests_with_one_key_at_the_same_moment_one_makes_the_order(app: Flask, owner: Database) -> None:
    one = caller(app, Role.OPERATOR)
    with owner.reader() as tx:
        before = tx.scalar(_HOW_MANY)

    def post(_: int) -> str:
        return made(one.post("/orders", DRAFT, headers={"Idempotency-Key": "draft-1"}))

    with ThreadPoolExecutor(THREADS) as threads:
        numbers = set(threads.map(post, range(THREADS)))

    with owner.reader() as tx:
        assert (len(numbers), tx.scalar(_HOW_MANY)) == (1, (before or 0) + 1)


_HOW_MANY = select(func.count()).select_from(Order)
