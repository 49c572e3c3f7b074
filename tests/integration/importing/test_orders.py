"""Orders and their items by file."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from shared.business import LedgerKind, OrderState
from shared.database.models import LedgerEntry, Order, OrderEvent, OrderItem, OutboxJob, Stock, Vendor
from tests.integration.importing.office import ORDERS, Office, problems

HEADER = (
    "number,retailer_code,vendor_code,status,total,created_at,confirmed_at,accepted_at,delivered_at,"
    "cancelled_at,cancelled_by,due_on"
)
ITEMS = "order_number,product_code,quantity,unit_price\nORD2,RICE-1KG,2,100\nORD2,DAL-1KG,1,242.48\n"


def one(values: str) -> str:
    """A file of one order."""
    return f"{HEADER}\n{values}\n"


def test_an_order_comes_in_as_it_stands_and_only_what_was_accepted_is_owed(office: Office) -> None:
    office.stocked(orders=True)

    columns = ("number", "state", "total_paisa", "subtotal_paisa", "payment_status", "due_on", "imported")
    assert office.rows(Order, *columns) == [
        ("ORD1", OrderState.DELIVERED, 113_000, 100_000, "OVERDUE", date(2024, 3, 4), True),
        ("ORD2", OrderState.DRAFT, 50_000, 44_248, "PENDING", None, True),
        ("ORD3", OrderState.ACCEPTED, 25_050, 22_168, "PENDING", None, True),
    ]
    assert office.debts() == {"RET001": 113_000, "RET002": 25_050}
    assert office.rows(OrderEvent, "action", "to_state", "actor")[0] == ("IMPORT", OrderState.DELIVERED, "import")


def test_an_import_takes_no_stock_and_asks_for_nothing_but_scores(office: Office) -> None:
    office.stocked()
    office.imports("stock", "vendor_code,product_code,price,stock\nVEN001,RICE-1KG,100,40\n")

    office.imports("orders", ORDERS)
    office.imports("items", ITEMS)

    assert office.rows(Stock, "quantity") == [(40,)]
    assert {name for (name,) in office.rows(OutboxJob, "name")} == {"credit-score-calculation"}


@pytest.mark.parametrize(
    ("times", "debited_on"),
    [
        ("2024-02-01,2024-02-02,2024-02-03,,,,", date(2024, 2, 3)),
        ("2024-02-01,2024-02-02,,,,,", date(2024, 2, 2)),
        ("2024-02-01,,,,,,", date(2024, 2, 1)),
    ],
)
def test_the_debit_is_dated_when_accepted_else_confirmed_else_created(
    office: Office, times: str, debited_on: date
) -> None:
    office.stocked()
    office.imports("orders", one(f"ORD1,RET001,VEN001,COMPLETED,100,{times}"))

    ((at, kind),) = office.rows(LedgerEntry, "at", "kind")
    assert ((at + timedelta(hours=5, minutes=45)).date(), kind) == (debited_on, LedgerKind.ORDER)


def test_a_cancelled_order_that_had_been_accepted_has_debit_and_reversal(office: Office) -> None:
    office.stocked()
    rows = [
        "ORD1,RET001,VEN001,CANCELLED,100,2024-02-01,,2024-02-02,,2024-02-05,RETAILER,",
        "ORD2,RET001,,CANCELLED,100,2024-02-01,,,,2024-02-05,PLATFORM,",
    ]
    assert office.imports("orders", one("\n".join(rows))).exit_code == 0

    assert office.rows(LedgerEntry, "kind", "debit_paisa", "credit_paisa", "balance_paisa") == [
        (LedgerKind.ORDER, 10_000, 0, 10_000),
        (LedgerKind.ORDER_REVERSED, 0, 10_000, 0),
    ]
    assert office.debts()["RET001"] == 0


def test_completed_orders_count_for_their_vendor_once(office: Office) -> None:
    office.stocked()
    rows = [f"ORD{i},RET00{i},VEN001,COMPLETED,{amount},2024-02-01,,,,,," for i, amount in ((1, 100), (2, "50.50"))]
    other = "ORD3,RET001,VEN001,DELIVERED,7,2024-02-01,,,,,,"
    for _ in range(2):
        assert office.imports("orders", one("\n".join([*rows, other]))).exit_code == 0

    assert office.rows(Vendor, "completed_orders", "completed_value_paisa") == [(2, 150_50)]
    office.imports("orders", one("ORD4,RET001,VEN001,COMPLETED,1,2024-02-01,,,,,,"))
    assert office.rows(Vendor, "completed_orders", "completed_value_paisa") == [(3, 151_50)]


def test_a_due_date_that_is_given_wins_over_delivery_and_terms(office: Office) -> None:
    office.stocked()
    office.imports("orders", one("ORD1,RET001,VEN001,DELIVERED,100,,,,2024-02-01,,,2024-05-01"))
    office.imports("orders", one("ORD2,RET001,VEN001,COMPLETED,100,2024-02-01,,,,,,"))

    assert office.rows(Order, "due_on") == [(date(2024, 5, 1),), (None,)]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ("ORD1,RET9,,DRAFT,1,,,,,,,", "retailer_code: there is no retailer RET9"),
        ("ORD1,RET001,VEN9,DRAFT,1,,,,,,,", "vendor_code: there is no vendor VEN9"),
        ("ORD1,RET001,,ACCEPTED,1,,,,,,,", "vendor_code: is required: the order is ACCEPTED"),
        ("ORD1,RET001,,CONFIRMED,1,,,2024-02-01,,,,", "accepted_at: must be empty: the order is CONFIRMED"),
        ("ORD1,RET001,,DRAFT,1,,,,,2024-02-01,,", "cancelled_at: must be empty: the order is DRAFT"),
        ("ORD1,RET001,,CONFIRMED,1,2024-02-02,2024-02-01,,,,,", "confirmed_at: must not be before created_at"),
        ("ORD1,RET001,,DRAFT,1,2024-02-30,,,,,,", "created_at: is not a day of the calendar"),
        ("ORD1,RET001,,DRAFT,-1,,,,,,,", "total: must be at least 0"),
        (
            "ORD1,RET001,,DELIVRD,1,,,,,,,",
            f"status: must be one of {', '.join(OrderState)}; did you mean DELIVERED?",
        ),
    ],
)
def test_an_order_that_cannot_be_is_a_row_error(office: Office, values: str, problem: str) -> None:
    office.stocked()

    assert problems(office.imports("orders", one(values))) == [f"row 2: {problem}"]
    assert office.rows(Order, "number") == []


def test_a_time_in_the_future_is_a_row_error(office: Office) -> None:
    office.stocked()
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()

    result = office.imports("orders", one(f"ORD1,RET001,,DRAFT,1,{later},,,,,,"))

    assert problems(result) == ["row 2: created_at: lies in the future"]


def test_subtotal_and_tax_must_be_the_total(office: Office) -> None:
    office.stocked()
    header = "number,retailer_code,total,subtotal,tax"
    result = office.imports(
        "orders", f"{header}\nA,RET001,113,100,13\nB,RET001,113,100,\nC,RET001,113,,3\nD,RET001,113,100,12\n"
    )

    (problem,) = problems(result)
    assert problem.startswith("row 5: total: must be subtotal and tax together: 113.00 doesn't go with")
    assert office.rows(Order, "subtotal_paisa", "tax_paisa") == [(10_000, 1_300), (10_000, 1_300), (11_000, 300)]


def test_an_order_imported_again_is_a_no_op_even_when_it_has_moved_on(office: Office) -> None:
    office.stocked(orders=True)
    with office.database.session() as tx:
        tx.execute(
            update(Order)
            .where(Order.number == "ORD2")
            .values(state=OrderState.CONFIRMED, confirmed_at=datetime.now(UTC))
        )
    before = office.tables()

    result = office.imports("orders", ORDERS)

    assert "0 created, 0 updated, 3 unchanged, 0 wrong" in result.stdout
    assert office.tables() == before


def test_a_changed_order_is_a_row_error_that_names_what_changed(office: Office) -> None:
    office.stocked(orders=True)
    before = office.tables()

    changed = ORDERS.replace("DRAFT,500,2024-02-01", "CONFIRMED,501,2024-02-01")
    result = office.imports("orders", changed)

    assert problems(result) == [
        "row 3: status: was DRAFT when ORD2 was imported, and an imported order can't be changed; also changed: total"
    ]
    assert office.tables() == before


def test_an_order_that_was_made_here_is_not_overwritten(office: Office) -> None:
    office.stocked()
    with office.database.session() as tx:
        tx.add(Order(number="ORD1", retailer_id=1, subtotal_paisa=1, tax_paisa=0, total_paisa=1))

    result = office.imports("orders", one("ORD1,RET001,,DRAFT,1,,,,,,,"))

    assert problems(result) == ["row 2: number: ORD1 is an order that was not imported"]


def test_items_come_in_once_and_a_changed_one_is_a_row_error(office: Office) -> None:
    office.stocked(orders=True)
    assert office.imports("items", ITEMS).exit_code == 0
    assert "0 created, 0 updated, 2 unchanged, 0 wrong" in office.imports("items", ITEMS).stdout

    result = office.imports("items", ITEMS.replace("RICE-1KG,2,100", "RICE-1KG,3,100").replace("242.48", "242.50"))

    assert problems(result) == [
        "row 2: quantity: is 2 in the stored order, which can't be changed",
        "row 3: unit_price: is 242.48 in the stored order, which can't be changed",
    ]
    assert office.rows(OrderItem, "quantity", "unit_price_paisa") == [(2, 10_000), (1, 24_248)]


def test_an_item_needs_its_order_and_product_and_a_quantity(office: Office) -> None:
    office.stocked(orders=True)
    header = "order_number,product_code,quantity,unit_price"

    result = office.imports("items", f"{header}\nORD9,RICE-1KG,1,1\nORD2,TEA,1,1\nORD2,RICE-1KG,0,1\n")

    assert problems(result) == [
        "row 2: order_number: there is no order ORD9",
        "row 3: product_code: there is no product TEA",
        "row 4: quantity: must be a whole number from 1 to 1000000",
    ]


def test_an_order_that_has_gone_on_takes_no_more_items(office: Office) -> None:
    office.stocked(orders=True)
    office.imports("items", ITEMS.replace("ORD2,DAL-1KG,1,242.48\n", ""))
    with office.database.session() as tx:
        event = OrderEvent(order_id=2, action="CONFIRM", from_state=OrderState.DRAFT, to_state=OrderState.CONFIRMED)
        event.actor, event.at = "orders", datetime.now(UTC)
        tx.add(event)

    result = office.imports("items", ITEMS)

    assert problems(result) == ["row 3: order_number: ORD2 has gone on since it was imported: its items stay"]
    assert "1 unchanged, 1 wrong" in result.stdout
