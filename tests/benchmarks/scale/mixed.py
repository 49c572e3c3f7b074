"""A busy hour at once: every queue has work, all six workers run, and what they ask for follows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import islice

from redis import Redis
from sqlalchemy import select, text

from gateway.housekeeping import Parts
from shared.broker import NewJob, keys
from shared.broker.connection import connect
from shared.broker.options import JobOptions
from shared.business import OrderState, PaymentStatus
from shared.database import Database
from shared.database.models import Order, Retailer
from shared.messages.orders import OrderAction, PaymentMethod, PaymentRecord, ProcessOrder
from shared.messages.reminders import RemindRetailer
from shared.messages.reports import GenerateReport, ReportFormat, ReportType, VolumeFilters
from shared.queues import Queue
from shared.reminding.sweep import to_remind
from tests.benchmarks.harness import EXAMPLE
from tests.benchmarks.scale.data import ANCHOR
from tests.benchmarks.scale.figures import Figure, at_least, at_most
from tests.benchmarks.scale.scene import Scene, housekeeping, opened
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.kit.system import System, to_meta
from tests.kit.trade import ALL_PARTS

CONFIRMED, PAID, REMINDED, MESSAGES = 600, 600, 600, 600
LONGEST_S = 900
SOON = timedelta(minutes=1)
POLL_S = 0.25
SHARE = 0.95
"""The rate is taken until this share of the jobs is done: the last ones wait for each other, not for the machine."""

MEDIANS = (
    ("a WhatsApp message, median run", Queue.WHATSAPP, 200),
    ("a score among all other jobs, median run", Queue.CREDIT_SCORE, 500),
    ("a routing among all other jobs, median run", Queue.ORDER_ROUTING, 1000),
)

_RUNS = text(
    "select queue, count(*), percentile_cont(0.5) within group (order by finished_at_ms - started_at_ms),"
    " percentile_cont(0.95) within group (order by finished_at_ms - started_at_ms)"
    " from archived_jobs where state = 'completed' and started_at_ms is not null group by queue"
)


@dataclass(frozen=True, slots=True)
class Moment:
    """How many jobs were done ``at`` which second of the run."""

    at: float
    completed: int


def measure(scene: Scene) -> list[Figure]:
    """Confirm, pay, remind, write and report at once, until nothing is left to do."""
    with (
        scene.platform.copy("mixed") as url,
        opened(url) as database,
        scene.redis() as server,
        connect(server.url) as client,
        housekeeping(database, server.url) as parts,
        WhatsAppDouble() as provider,
        scene.system(server.url, url, **to_meta(provider)) as system,
    ):
        _start(system, parts)
        moments = list(_watch(parts, client, lambda: _ask(parts)))
        runs = _runs(parts, database)
        failed = {queue.name: stats.failed for queue, stats in parts.store.stats().items() if stats.failed}
    return [_rate(moments, failed), *(_median(runs, *each) for each in MEDIANS)]


def _start(system: System, parts: Parts) -> None:
    system.start(*ALL_PARTS)
    deadline = time.monotonic() + LONGEST_S
    # Each worker does one thing first, so that starting up is not measured.
    first = parts.jobs.calculate_credit_score("RET00002", delay=0).job_id
    while parts.store.job(first).state != "completed":
        if time.monotonic() > deadline:
            raise RuntimeError(f"the workers did not start: {system.output()[-2000:]}")
        time.sleep(POLL_S)


def _ask(parts: Parts) -> None:
    """Enqueue all at once; the queues' jobs come in turn, as people's wishes do."""
    with parts.database.reader() as tx:
        drafts = tx.scalars(
            select(Order.number).where(Order.state == OrderState.DRAFT).order_by(Order.id.desc()).limit(CONFIRMED)
        ).all()
        unpaid = tx.scalars(
            select(Order.number)
            .where(Order.state == OrderState.DELIVERED, Order.payment_status == PaymentStatus.PENDING)
            .order_by(Order.id)
            .limit(PAID)
        ).all()
        debtors = list(islice(to_remind(tx, parts.settings.clock().today()), REMINDED))
        phones = tx.scalars(select(Retailer.phone).order_by(Retailer.id.desc()).limit(MESSAGES)).all()
    jobs = [parts.jobs.message_job(ProcessOrder(number, OrderAction.CONFIRM)) for number in drafts]
    jobs += [parts.jobs.message_job(_payment(number)) for number in unpaid]
    jobs += [parts.jobs.message_job(RemindRetailer(each.retailer_id, each.type)) for each in debtors]
    jobs += [NewJob(Queue.WHATSAPP, "message", {**EXAMPLE, "recipient": phone}, 1, JobOptions()) for phone in phones]
    jobs += [
        parts.jobs.message_job(GenerateReport(ReportType.PURCHASE_VOLUME, made, "scale", VolumeFilters(city="Pokhara")))
        for made in (ReportFormat.CSV, ReportFormat.XLSX)
    ]
    parts.jobs.enqueue_many(jobs)


def _payment(number: str) -> ProcessOrder:
    record = PaymentRecord(f"SCALE-{number}", Decimal("1.50"), PaymentMethod.CASH, ANCHOR - timedelta(hours=1))
    return ProcessOrder(number, OrderAction.RECORD_PAYMENT, record)


def _watch(parts: Parts, client: Redis, ask: Callable[[], None]) -> Iterator[Moment]:
    """What was done when, until nothing is left that is due within a minute."""
    before = _completed(parts)
    began = time.monotonic()
    ask()
    yield Moment(0.0, 0)
    while True:
        time.sleep(POLL_S)
        at = time.monotonic() - began
        yield Moment(at, _completed(parts) - before)
        stats = parts.store.stats().values()
        is_idle = not any(each.waiting or each.active for each in stats)
        if is_idle and not any(_due_soon(client, queue) for queue in Queue):
            return
        if at > LONGEST_S:
            raise RuntimeError(f"not done after {at:.0f} s: {stats}")


def _completed(parts: Parts) -> int:
    return sum(stats.completed for stats in parts.store.stats().values())


def _due_soon(client: Redis, queue: Queue) -> bool:
    until = (time.time() + SOON.total_seconds()) * 1000
    return bool(client.zcount(keys.state_set(queue, "delayed"), "-inf", until))


def _rate(moments: list[Moment], failed: dict[str, int]) -> Figure:
    done = moments[-1].completed
    reached = next(moment for moment in moments if moment.completed >= SHARE * done)
    details = {"jobs": done, "seconds": round(moments[-1].at, 1), "failed": failed}
    return at_least("jobs over all queues", "jobs/min", 60 * reached.completed / reached.at, 3_000, **details)


def _runs(parts: Parts, database: Database) -> dict[str, tuple[int, float, float]]:
    """Of each queue: how many jobs the archive holds, their median run and the 95th percentile in ms."""
    done = _completed(parts)
    deadline = time.monotonic() + LONGEST_S
    while True:
        with database.reader() as tx:
            found = {str(row[0]): (int(row[1]), float(row[2]), float(row[3])) for row in tx.execute(_RUNS)}
        if sum(count for count, _, _ in found.values()) >= done or time.monotonic() > deadline:
            return found
        time.sleep(POLL_S)


def _median(runs: dict[str, tuple[int, float, float]], name: str, queue: Queue, target: float) -> Figure:
    count, median, late = runs.get(queue.value, (0, None, None))
    return at_most(name, "ms", median, target, jobs=count, p95=late)
