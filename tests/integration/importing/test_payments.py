"""Payments by file: ledger, debt, payment status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from shared.business import LedgerKind
from shared.database.models import LedgerEntry, Order, Payment
from tests.integration.importing.office import Office, problems

HEADER = "number,order_number,amount,method,paid_at,reversed"
PAYMENTS = f"""{HEADER}
PAY1,ORD1,1000,CASH,2024-02-10,
PAY2,ORD1,130,BANK_TRANSFER,2024-02-11T10:00,
PAY3,ORD3,50.25,CHEQUE,2024-02-12,false
PAY4,ORD3,200,CHEQUE,2024-02-12,true
"""


def test_payments_credit_the_ledger_and_settle_their_orders(office: Office) -> None:
    office.stocked(orders=True)

    assert office.imports("payments", PAYMENTS).exit_code == 0

    assert office.debts() == {"RET001": 0, "RET002": 20_025}
    assert office.rows(Order, "paid_paisa", "payment_status") == [(113_000, "PAID"), (0, "PENDING"), (5_025, "PARTIAL")]


def test_a_reversed_payment_has_both_entries_and_pays_nothing(office: Office) -> None:
    office.stocked(orders=True)
    office.imports("payments", PAYMENTS)

    kinds = [kind for (kind,) in office.rows(LedgerEntry, "kind")]
    assert kinds[-2:] == [LedgerKind.PAYMENT, LedgerKind.PAYMENT_REVERSED]
    assert office.rows(Payment, "number", "reversal_reason")[-1] == ("PAY4", "imported as reversed")


def test_payments_imported_again_change_nothing(office: Office) -> None:
    office.stocked(orders=True)
    office.imports("payments", PAYMENTS)
    before = office.tables()

    assert "0 created, 0 updated, 4 unchanged, 0 wrong" in office.imports("payments", PAYMENTS).stdout
    assert office.tables() == before


def test_a_payment_that_was_reversed_here_since_is_no_change_of_its_file(office: Office) -> None:
    office.stocked(orders=True)
    office.imports("payments", PAYMENTS)
    with office.database.session() as tx:
        reversal = {"reversed_at": datetime.now(UTC), "reversal_reason": "bounced"}
        tx.execute(update(Payment).where(Payment.number == "PAY1").values(reversal))

    assert "4 unchanged" in office.imports("payments", PAYMENTS).stdout


def test_a_changed_payment_is_a_row_error(office: Office) -> None:
    office.stocked(orders=True)
    office.imports("payments", PAYMENTS)
    changed = PAYMENTS.replace("1000,CASH", "999,CASH").replace("BANK_TRANSFER", "CASH").replace("false", "true")

    result = office.imports("payments", changed.replace("PAY4,ORD3", "PAY4,ORD1"))

    assert [line.split(": ")[:2] for line in problems(result)] == [
        ["row 2", "amount"],
        ["row 3", "method"],
        ["row 4", "reversed"],
        ["row 5", "order_number"],
    ]
    assert office.debts() == {"RET001": 0, "RET002": 20_025}


def test_a_payment_needs_its_order_and_no_more_than_is_due(office: Office) -> None:
    office.stocked(orders=True)
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()

    result = office.imports(
        "payments",
        f"{HEADER}\nA,ORD9,1,CASH,2024-02-01,\nB,ORD3,200,CASH,2024-02-01,\nC,ORD3,50.51,CASH,2024-02-01,\n"
        f"D,ORD3,1,CASH,{later},\nE,ORD3,0,CASH,2024-02-01,\nF,ORD3,1,BARTER,2024-02-01,\n",
    )

    assert problems(result) == [
        "row 2: order_number: there is no order ORD9",
        "row 4: amount: 50.51 is more than the 50.50 due on ORD3",
        "row 5: paid_at: lies in the future",
        "row 6: amount: must be more than 0",
        "row 7: method: must be one of CASH, BANK_TRANSFER, MOBILE_MONEY, CHEQUE, CREDIT",
    ]
    assert office.debts()["RET002"] == 5_050
