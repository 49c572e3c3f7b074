"""Orders go their whole way while workers, relay and scheduler are killed: everything once, nothing stuck."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, select

from shared.business import OfferState, OrderState, PaymentStatus
from shared.database import Database
from shared.database.models import LedgerEntry, Order, OrderEvent, OutboxJob, Payment, Retailer, Vendor, VendorOffer
from tests.chaos.stage import SOAK, report
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.doubles.whatsapp_webhooks import META_PATH, meta_batch, meta_status, post, signed_meta
from tests.kit.system import APP_SECRET, System, to_meta, wait_until
from tests.kit.trade import ALL_PARTS, VENDOR_PHONES, Trade, as_setting, to_daytime

ORDERS = 200 if SOAK else 60
STOCK = 10_000
KILL_EVERY_S = (0.5, 1.5)
ASK_AGAIN_S = 20.0
LOOK_S = 0.1
WITHIN_S = 800.0
QUEUES = ("WHATSAPP", "CREDIT_SCORE", "ORDER_ROUTING", "ORDER_PROCESSING")


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    """The database, seen from outside."""
    opened = Database(postgres_url)
    yield opened
    opened.dispose()


@pytest.fixture
def trade(redis_url: str, postgres_url: str, tmp_path: Path) -> Iterator[Trade]:
    """The whole system, with three vendors that have plenty."""
    offset = to_daytime()
    with WhatsAppDouble() as provider:
        settings = {**to_meta(provider), "WHATSAPP_RECEIPT_WAIT_MS": "15000", "CLOCK_OFFSET": as_setting(offset)}
        system = System(tmp_path, redis_url, postgres_url, settings)
        system.start(*ALL_PARTS)
        trade = Trade(system, provider, offset)
        trade.master_data(dict.fromkeys(VENDOR_PHONES, (100.0, STOCK)))
        yield trade
        system.close()


@pytest.mark.timeout(900)
def test_orders_live_their_lives_while_everything_is_killed(trade: Trade, database: Database) -> None:
    numbers = [f"ORD2611{number:06d}" for number in range(1, ORDERS + 1)]
    for number in numbers:
        trade.draft(number)
    started = time.monotonic()
    reaper = Reaper(trade.system)
    platform = Platform(trade, database)
    while platform.take_next_steps() < ORDERS:
        reaper.kill_if_due()
        assert time.monotonic() - started < WITHIN_S, f"stuck: {platform.counts()}"
        time.sleep(LOOK_S)
    wait_until(platform.is_quiet, lambda: f"every job has ended: {platform.backlog()}", seconds=120)

    report(f"{ORDERS} orders in {time.monotonic() - started:.0f} s; killed {dict(reaper.killed)}")
    report(f"{platform.retried} jobs that lost their worker twice were retried by the operator")
    assert sum(reaper.killed.values()) >= ORDERS // 6
    every_message_went_once(trade, numbers)
    money_and_stock_are_right(database, numbers)
    every_history_is_whole(database, numbers)


class Reaper:
    """Kills one process after the other, with its children, and starts it again."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._chance = random.Random(20_261)  # noqa: S311 - a schedule, no secret
        self._victims = [part for part in ALL_PARTS if part != "gateway"]
        self._next = time.monotonic() + KILL_EVERY_S[1]
        self.killed: Counter[str] = Counter()

    def kill_if_due(self) -> None:
        if time.monotonic() < self._next:
            return
        victim = self._chance.choice(self._victims)
        self._system.processes[victim].kill()
        self._system.start(victim)
        self.killed[victim] += 1
        self._next = time.monotonic() + self._chance.uniform(*KILL_EVERY_S)


@dataclass
class Platform:
    """What the platform, the vendors and the provider do: each next step of each order, and the receipts."""

    trade: Trade
    database: Database
    retried: int = 0
    _asked: dict[tuple[str, str], float] = field(default_factory=dict)
    _receipts: int = 0

    def take_next_steps(self) -> int:
        """Ask for what comes next for each order; returns how many are completed."""
        self._send_receipts()
        self._retry_the_unlucky()
        with self.database.reader() as tx:
            query = (
                select(Order.id, Order.number, Order.state, Order.payment_status, Vendor.code)
                .outerjoin(Vendor, Vendor.id == Order.vendor_id)
                .order_by(Order.id)
            )
            orders = tx.execute(query).all()
        for order in orders:
            self._next_step(order.id, order.number, order.state, order.payment_status, order.code)
        return sum(order.state is OrderState.COMPLETED for order in orders)

    def counts(self) -> dict[str, int]:
        with self.database.reader() as tx:
            rows = tx.execute(select(Order.state, func.count()).group_by(Order.state)).all()
            return {state.value: count for state, count in rows}

    def backlog(self) -> dict[str, dict[str, int]]:
        stats = self.trade.system.get("/queues/stats")
        return {queue: stats[queue]["counts"] for queue in QUEUES}

    def is_quiet(self) -> bool:
        """Whether nothing is left to do but the checks of offers that were answered long ago."""
        self._send_receipts()
        self._retry_the_unlucky()
        with self.database.reader() as tx:
            if tx.scalar(select(func.count()).where(OutboxJob.published_at.is_(None))):
                return False
        for queue, counts in self.backlog().items():
            waits = counts["delayed"] if queue != "ORDER_ROUTING" else 0
            if counts["waiting"] + counts["active"] + counts["failed"] + waits:
                return False
        return True

    def _next_step(self, key: int, number: str, state: OrderState, paid: PaymentStatus, vendor: str | None) -> None:
        pay = {"amount": 2_825, "method": "CASH", "paidAt": (self.trade.now() - timedelta(minutes=1)).isoformat()}
        match state:
            case OrderState.DRAFT:
                self._ask(number, f"/orders/{number}/confirm", {})
            case OrderState.VENDOR_ASSIGNED if vendor is not None:
                self._answer(key, number, vendor)
            case OrderState.ACCEPTED:
                self._ask(number, f"/orders/{number}/status", {"status": "DISPATCHED"})
            case OrderState.DISPATCHED:
                self._ask(number, f"/orders/{number}/status", {"status": "DELIVERED"}, step="deliver")
            case OrderState.DELIVERED if paid is not PaymentStatus.PAID:
                self._ask(number, f"/orders/{number}/payments", {"number": f"PAY-{number}", **pay})
            case OrderState.DELIVERED:
                self._ask(number, f"/orders/{number}/complete", {})
            case _:
                pass

    def _ask(self, number: str, path: str, body: dict[str, object], *, step: str = "") -> None:
        if self._is_due(number, step or path):
            self.trade.system.enqueue(path, body)

    def _answer(self, key: int, number: str, vendor: str) -> None:
        """Every tenth order is declined by its first vendor."""
        if not self._is_due(number, vendor):
            return
        with self.database.reader() as tx:
            offers = tx.scalar(select(func.count()).where(VendorOffer.order_id == key))
        word = "DECLINE" if offers == 1 and key % 10 == 0 else "ACCEPT"
        self.trade.write(VENDOR_PHONES[vendor], f"{word} {number}")

    def _is_due(self, number: str, step: str) -> bool:
        now = time.monotonic()
        if now - self._asked.get((number, step), -ASK_AGAIN_S) < ASK_AGAIN_S:
            return False
        self._asked[number, step] = now
        return True

    def _send_receipts(self) -> None:
        """The provider tells of every message that it took, at once and only once."""
        new = self.trade.provider.taken[self._receipts :]
        self._receipts += len(new)
        statuses = [meta_status(each.provider_id, "sent", biz_opaque_callback_data=each.job_id) for each in new]
        if statuses:
            answer = post(self.trade.system.url, META_PATH, signed_meta(meta_batch(statuses=statuses), APP_SECRET))
            assert answer.status_code == 200, answer.text

    def _retry_the_unlucky(self) -> None:
        """What an operator does: retry the jobs whose worker was killed under them twice. Nothing else may fail."""
        for queue in QUEUES:
            for job in self.trade.system.get(f"/queues/{queue}/failed?start=0&end=100")["jobs"]:
                assert "stalled" in job["error"]["message"], job
                answer = self.trade.system.ask("POST", f"/queues/{queue}/jobs/{job['id']}/retry")
                assert answer.status_code in {200, 409}, answer.text
                self.retried += 1


def every_message_went_once(trade: Trade, numbers: list[str]) -> None:
    sent = Counter(taken.job_id for taken in trade.provider.taken)
    assert {job_id: count for job_id, count in sent.items() if count != 1} == {}
    told = Counter((taken.template, taken.text.split("|")[0]) for taken in trade.provider.taken if taken.template)
    for number in numbers:
        assert told["order_confirmation", number] == 1
        assert told["delivery_update", number] == 2


def money_and_stock_are_right(database: Database, numbers: list[str]) -> None:
    with database.reader() as tx:
        kinds = tx.execute(select(LedgerEntry.order_id, LedgerEntry.kind)).all()
        assert sorted(Counter(kinds).values()) == [1] * (2 * len(numbers))
        assert tx.scalars(select(Retailer.debt_paisa)).one() == 0
        assert tx.scalar(select(func.count(Payment.id))) == len(numbers)
        assert tx.scalar(select(func.sum(Vendor.completed_orders))) == len(numbers)
        accepted = tx.scalars(select(VendorOffer.order_id).where(VendorOffer.state == OfferState.ACCEPTED)).all()
        assert len(set(accepted)) == len(accepted) == len(numbers)
        assert set(tx.scalars(select(VendorOffer.state))) == {OfferState.ACCEPTED, OfferState.REJECTED}


def every_history_is_whole(database: Database, numbers: list[str]) -> None:
    way = [state.value for state in OrderState if state is not OrderState.CANCELLED]
    with database.reader() as tx:
        for number in numbers:
            query = select(OrderEvent).join(Order, Order.id == OrderEvent.order_id).where(Order.number == number)
            events = tx.scalars(query.order_by(OrderEvent.id)).all()
            moved = [(event.from_state, event.to_state) for event in events if event.from_state is not event.to_state]
            moved = [step for step in moved if step[0] is not None]
            assert all(before[1] is after[0] for before, after in pairwise(moved))
            declined = [OrderState.VENDOR_ASSIGNED, OrderState.CONFIRMED]
            reached = [to.value for _, to in moved]
            assert reached == way[1:] or reached == [way[1], *(each.value for each in declined), *way[2:]], number
