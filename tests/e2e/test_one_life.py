"""One order's whole life: confirmed, routed, declined, accepted, delivered, reminded, paid late, scored, reported.

All of it over HTTP and the webhook, with the processes that `make up` runs and a double of the WhatsApp provider.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from shared.clock import BUSINESS_ZONE
from shared.database import Database
from shared.database.models import OutboxJob
from shared.outbox import derived_job_id
from shared.queues import Queue
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.e2e.conftest import MakeSystem
from tests.kit.system import Json, to_meta, wait_until
from tests.kit.trade import ALL_PARTS, RETAILER_PHONE, VENDOR_PHONES, Trade, as_setting, to_daytime

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ORDER = "ORD2611000001"
TOTAL = 2_825
TERMS_DAYS = 30
DAYS_PAST_DUE = 15


@pytest.fixture
def provider() -> WhatsAppDouble:  # type: ignore[misc]  # a provider of its own: every message is looked at
    with WhatsAppDouble() as double:
        yield double


@pytest.fixture
def trade(make_system: MakeSystem, database_url: str, provider: WhatsAppDouble, tmp_path: Path) -> Trade:
    """The whole system at noon, with a retailer and three vendors: VEN001 is the cheapest, VEN003 is not approved."""
    offset = to_daytime()
    system = make_system(database_url, **to_meta(provider), CLOCK_OFFSET=as_setting(offset))
    system.start(*ALL_PARTS)
    trade = Trade(system, provider, offset)
    trade.master_data({"VEN001": (90, 500), "VEN002": (100, 500), "VEN003": (80, 500)})
    trade.put("/vendors/VEN003", {"approved": False, "businessName": "New Traders", "phone": VENDOR_PHONES["VEN003"]})
    trade.draft(ORDER)
    return trade


def test_one_order_lives_from_its_draft_to_the_report(trade: Trade, database_url: str) -> None:
    confirmed(trade)
    declined(trade)
    accepted(trade)
    delivered(trade)
    reminded(trade)
    paid_late(trade)
    scored(trade)
    asked_for_its_balance(trade)
    reported(trade)
    visible(trade, database_url)


def confirmed(trade: Trade) -> None:
    """The retailer is told, a score asked for, and the cheapest approved vendor is offered the order."""
    job = trade.ask(f"/orders/{ORDER}/confirm")
    assert (job["result"]["state"], job["result"]["changed"]) == ("CONFIRMED", True)
    (told,) = trade.wait_for_messages(RETAILER_PHONE, 1)
    assert (told.template, told.text.split("|")[0]) == ("order_confirmation", ORDER)
    assert told.job_id == derived_job_id(Queue.WHATSAPP, job["id"], "confirmation")

    order = trade.wait_for_order(ORDER, "VENDOR_ASSIGNED")

    assert order["vendorCode"] == "VEN001"
    (decision,) = order["routingDecisions"]
    assert [each["vendorCode"] for each in decision["candidates"]] == ["VEN001", "VEN002"]
    assert "VEN001" in decision["explanation"]
    (notice,) = trade.wait_for_messages(VENDOR_PHONES["VEN001"], 1)
    assert (notice.template, f"ACCEPT {ORDER}" in notice.text) == ("vendor_notification", True)


def declined(trade: Trade) -> None:
    """The first vendor says no over WhatsApp; a minute later the next one is asked."""
    trade.write(VENDOR_PHONES["VEN001"], f"DECLINE {ORDER} no lorry today")
    wait_until(lambda: trade.order(ORDER)["status"] == "CONFIRMED", lambda: f"released: {trade.order(ORDER)}")
    assert trade.order(ORDER)["offers"][0]["status"] == "REJECTED"

    order = trade.wait_for_order(ORDER, "VENDOR_ASSIGNED", seconds=120)

    assert (order["vendorCode"], len(order["routingDecisions"])) == ("VEN002", 2)
    trade.wait_for_messages(VENDOR_PHONES["VEN002"], 1)


def accepted(trade: Trade) -> None:
    """The second vendor says yes: its stock is taken, and the retailer owes."""
    trade.write(VENDOR_PHONES["VEN002"], f"accept {ORDER}")

    order = trade.wait_for_order(ORDER, "ACCEPTED")

    assert [each["status"] for each in order["offers"]] == ["REJECTED", "ACCEPTED"]
    retailer = trade.retailer()
    assert (retailer["outstandingDebt"], retailer["availableCredit"]) == (TOTAL, 100_000_000 - TOTAL)
    (entry,) = retailer["ledger"]["entries"]
    assert (entry["kind"], entry["debit"], entry["orderNumber"]) == ("ORDER", TOTAL, ORDER)


def delivered(trade: Trade) -> None:
    """It was delivered so long ago that it is now 15 days past due."""
    trade.ask(f"/orders/{ORDER}/status", {"status": "DISPATCHED", "notes": "Out for delivery"})
    happened = trade.now() - timedelta(days=TERMS_DAYS + DAYS_PAST_DUE)
    trade.ask(f"/orders/{ORDER}/status", {"status": "DELIVERED", "occurredAt": happened.isoformat()})

    order = trade.order(ORDER)
    due_on = (happened.astimezone(BUSINESS_ZONE) + timedelta(days=TERMS_DAYS)).date()
    assert (order["status"], order["paymentStatus"], order["dueOn"]) == ("DELIVERED", "OVERDUE", due_on.isoformat())
    told = trade.wait_for_messages(RETAILER_PHONE, 3)
    assert [each.template for each in told[1:]] == ["delivery_update", "delivery_update"]


def reminded(trade: Trade) -> None:
    """The sweep finds it, gravely; the same reminder again on one day is skipped."""
    trade.run_schedule("mark-overdue")
    trade.run_schedule("remind-retailers")

    notice = trade.wait_for_messages(RETAILER_PHONE, 4)[3]

    assert (notice.template, ORDER in notice.text, "Rs. 2,825.00" in notice.text) == (
        "payment_final_notice",
        True,
        True,
    )
    again = trade.ask("/reminders", {"retailerId": "RET001", "orderId": ORDER, "type": "FINAL_NOTICE"})
    assert again["result"]["skipped"] is True
    assert len(trade.messages_to(RETAILER_PHONE)) == 4


def paid_late(trade: Trade) -> None:
    """Half, then more than is due (refused), then the rest; the order is completed and the vendor credited."""
    pay = {"method": "BANK_TRANSFER", "paidAt": trade.now().isoformat()}
    assert trade.ask(f"/orders/{ORDER}/payments", {"number": "PAY1", "amount": 1_000, **pay})
    too_much = trade.system.enqueue(f"/orders/{ORDER}/payments", {"number": "PAY2", "amount": 1_825.01, **pay})
    refused = trade.system.wait_for(too_much)
    assert (refused["state"], refused["attempt"], "more than" in refused["error"]["message"]) == ("failed", 1, True)
    rest = trade.ask(f"/orders/{ORDER}/payments", {"number": "PAY3", "amount": 1_825, **pay})
    assert rest["result"]["paymentStatus"] == "PAID"
    trade.ask(f"/orders/{ORDER}/complete")

    order, retailer = trade.order(ORDER), trade.retailer()

    assert (order["status"], order["paid"], retailer["outstandingDebt"]) == ("COMPLETED", TOTAL, 0)
    assert [entry["kind"] for entry in retailer["ledger"]["entries"]] == ["PAYMENT", "PAYMENT", "ORDER"]
    assert [(event["from"], event["to"]) for event in order["events"] if event["from"] not in {None, event["to"]}] == [
        ("DRAFT", "CONFIRMED"),
        ("CONFIRMED", "VENDOR_ASSIGNED"),
        ("VENDOR_ASSIGNED", "CONFIRMED"),
        ("CONFIRMED", "VENDOR_ASSIGNED"),
        ("VENDOR_ASSIGNED", "ACCEPTED"),
        ("ACCEPTED", "DISPATCHED"),
        ("DISPATCHED", "DELIVERED"),
        ("DELIVERED", "COMPLETED"),
    ]


def scored(trade: Trade) -> None:
    """Nothing was paid by its due day, 15 days late on average.

    Payment history max(0, 0 - .15) = 0; consistency (.5 + .2)/2, since one order a month is .2 and one order alone
    .5; utilisation 0 debt 1; the account is more than 24 months old 1; no dispute 1:
    300 + 600 (.4 0 + .2 .35 + .2 1 + .1 1 + .1 1) = 300 + 600 .47 = 582.
    """
    newest = wait_until(
        lambda: next((each for each in trade.retailer()["scores"] if each["trigger"] == "order_completed"), None),
        lambda: f"scored for its completion: {trade.retailer()['scores']}",
    )
    assert (newest["score"], newest["band"]) == (582, "Fair")
    assert trade.retailer()["creditScore"] == 582


def asked_for_its_balance(trade: Trade) -> None:
    """The retailer writes BALANCE and gets an answer in words: the window is open."""
    trade.write(RETAILER_PHONE, "balance")
    answer = trade.wait_for_messages(RETAILER_PHONE, 5)[4]
    assert (answer.template, "Credit limit: Rs. 10,00,00,000.00" in answer.text) == (None, True)


def reported(trade: Trade) -> None:
    """The late payment stands in the report; the PDF is a PDF."""
    files = {each: report(trade, "PAYMENT_DISCIPLINE", each) for each in ("csv", "pdf")}
    (row,) = [row for row in csv.DictReader(io.StringIO(files["csv"].decode())) if row["Retailer Code"] == "RET001"]
    assert (row["Due Orders"], row["Paid Late"], row["Average Days Late"]) == ("1", "1", "15.0"), row
    assert files["pdf"].startswith(b"%PDF-")


def report(trade: Trade, kind: str, file_format: str) -> bytes:
    """The file of a report, downloaded."""
    job_id = trade.system.enqueue("/reports", {"type": kind, "format": file_format, "filters": {}})
    assert trade.system.wait_for(job_id)["state"] == "completed"
    answer = trade.system.ask("GET", f"/reports/{job_id}/download")
    assert answer.status_code == 200, answer.text
    return answer.content


def visible(trade: Trade, database_url: str) -> None:
    """Every job that was asked for went its way, and nobody got anything twice."""
    database = Database(database_url)
    with database.reader() as tx:
        asked_for = tx.scalars(select(OutboxJob.job_id).where(OutboxJob.published_at.is_not(None))).all()
        assert tx.scalars(select(OutboxJob.job_id).where(OutboxJob.published_at.is_(None))).all() == []
    database.dispose()
    states: Mapping[str, Json] = {job_id: trade.system.job(job_id) for job_id in asked_for if exists(trade, job_id)}
    assert len(states) >= len(asked_for) - 4, "scores that a newer one replaced have no job of their own"
    assert {job["state"] for job in states.values()} <= {"completed", "delayed"}
    sent = [taken.job_id for taken in trade.provider.taken]
    assert len(sent) == len(set(sent)) == 7


def exists(trade: Trade, job_id: str) -> bool:
    return trade.system.ask("GET", f"/jobs/{job_id}").status_code == 200
