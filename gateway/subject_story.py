"""The story of one order, retailer or phone: its jobs over all queues, what people wrote, what became of orders.

A retailer's story also has the jobs about its newest orders and those to its phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.answers import Json
from gateway.context import current_gateway
from gateway.errors import Problem
from gateway.job_views import job_summary
from gateway.order_views import event_of_order
from gateway.row_views import Curtain, instant
from gateway.snapshot import snapshot
from shared.clock import from_ms, to_iso
from shared.database.bulk import among
from shared.database.models import Direction, Order, OrderEvent, Retailer, WhatsAppMessage
from shared.job_filter import InvalidFilter, JobFilter, Key, Term, parse_filter
from shared.job_listing import InvalidCursor
from shared.job_records import Job
from shared.privacy import mask_phone

KINDS = (Key.ORDER, Key.RETAILER, Key.PHONE)
NEWEST_ORDERS = 50
"""Of a retailer, whose jobs belong to its story."""
_MASKED = Curtain(reveal=False)


class Moment(NamedTuple):
    """One thing that happened; moments compare by time, then by kind and id."""

    at_ms: int
    kind: str
    id: str
    shown: Json


class Start(NamedTuple):
    """Where a page begins: the last instant it may hold, and how many of that instant earlier pages held."""

    at_ms: int
    seen: int


def story(kind: str, value: str, cursor: str | None, limit: int) -> Json:
    """A page of the story. Raises Problem 404 for an unknown kind, 422 for a value that can't be one."""
    if kind not in KINDS:
        raise Problem(404, f"No subject has the kind {kind[:64]!r} (known: {', '.join(KINDS)})", code="unknown_kind")
    key, value = Key(kind), _canonical(Key(kind), value)
    start = _start_of(cursor)
    count = limit + 1 + (start.seen if start else 0)
    with snapshot() as tx:
        moments = [*_events(tx, key, value, start, count), *_received(tx, key, value, start, count)]
        filters = _filters(tx, key, value)
    jobs = {job.id: job for wanted in filters for job in _jobs(wanted, start, count)}
    moments = sorted([*moments, *_told(jobs)], key=lambda moment: moment[:3], reverse=True)
    if start is not None:
        moments = moments[start.seen :]
    page, rest = moments[:limit], moments[limit:]
    shown = value if key is not Key.PHONE else mask_phone(value)
    return {
        "kind": kind,
        "value": shown,
        "moments": [{"at": to_iso(each.at_ms), "kind": each.kind, each.kind: each.shown} for each in page],
        "count": len(page),
        "cursor": _cursor(page, start) if rest else None,
    }


def _canonical(key: Key, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    try:
        return parse_filter(f'{key}:"{escaped}"').terms[0].values[0]
    except InvalidFilter as error:
        raise Problem(422, str(error), {"value": [str(error)]}) from error


def _filters(tx: Session, key: Key, value: str) -> Iterator[JobFilter]:
    found = [Term(key, (value,))]
    if key is Key.RETAILER:
        retailer = tx.execute(select(Retailer.id, Retailer.phone).where(Retailer.code == value)).one_or_none()
        if retailer is not None:
            newest = select(Order.number).where(Order.retailer_id == retailer.id).order_by(Order.created_at.desc())
            numbers = tuple(tx.scalars(newest.limit(NEWEST_ORDERS)))
            found += [Term(Key.PHONE, (retailer.phone,))] if retailer.phone else []
            found += [Term(Key.ORDER, numbers)] if numbers else []
    return iter([JobFilter((term,)) for term in found])


def _jobs(wanted: JobFilter, start: Start | None, count: int) -> list[Job]:
    finder = current_gateway().store.finder
    matcher, tail = finder.begin(wanted)
    # A place behind every id of the instant at which the page begins.
    place = None if start is None else (start.at_ms + 1, "")
    found: list[Job] = []
    for chunk in finder.chunks(matcher, tail, place):
        found += [job for _, job in chunk if job is not None]
        if len(found) >= count:
            break
    return found[:count]


def _told(jobs: dict[str, Job]) -> Iterator[Moment]:
    with current_gateway().database.reader() as tx:
        query = select(WhatsAppMessage).where(among(tx, WhatsAppMessage.job_id, jobs))
        sent = {message.job_id: message for message in tx.scalars(query)}
    for job in jobs.values():
        message = sent.get(job.id)
        shown = {**job_summary(job), "message": None if message is None else _message(message)}
        yield Moment(job.created_at_ms, "job", job.id, shown)


def _received(tx: Session, key: Key, value: str, start: Start | None, count: int) -> Iterator[Moment]:
    """What the phone wrote; what was written to it stands with its jobs."""
    phone = value if key is Key.PHONE else None
    if key is Key.RETAILER:
        phone = tx.scalars(select(Retailer.phone).where(Retailer.code == value)).one_or_none()
    if phone is None:
        return
    query = select(WhatsAppMessage).where(
        WhatsAppMessage.phone == phone, WhatsAppMessage.direction == Direction.INBOUND
    )
    if start is not None:
        query = query.where(WhatsAppMessage.received_at < from_ms(start.at_ms + 1))
    for message in tx.scalars(query.order_by(WhatsAppMessage.id.desc()).limit(count)):
        at = message.received_at or message.created_at
        yield Moment(int(at.timestamp() * 1000), "message", f"{message.id:020}", _message(message))


def _events(tx: Session, key: Key, value: str, start: Start | None, count: int) -> Iterator[Moment]:
    query = select(OrderEvent, Order.number).join(Order, Order.id == OrderEvent.order_id)
    if key is Key.ORDER:
        query = query.where(Order.number == value)
    elif key is Key.RETAILER:
        query = query.join(Retailer, Retailer.id == Order.retailer_id).where(Retailer.code == value)
    else:
        return
    if start is not None:
        query = query.where(OrderEvent.at < from_ms(start.at_ms + 1))
    for event, number in tx.execute(query.order_by(OrderEvent.at.desc(), OrderEvent.id.desc()).limit(count)):
        shown = {"order": number, **event_of_order(event, _MASKED)}
        yield Moment(int(event.at.timestamp() * 1000), "event", f"{event.id:020}", shown)


def _message(message: WhatsAppMessage) -> Json:
    return {
        "direction": message.direction.value,
        "phone": mask_phone(message.phone),
        "type": message.type,
        "body": _MASKED("body", message.body),
        "state": message.state.value,
        "possibleDuplicate": message.possible_duplicate,
        "errorCode": message.error_code,
        "sentAt": instant(message.sent_at),
        "deliveredAt": instant(message.delivered_at),
        "readAt": instant(message.read_at),
        "receivedAt": instant(message.received_at),
    }


def _cursor(page: Sequence[Moment], start: Start | None) -> str:
    last_ms = page[-1].at_ms
    seen = sum(each.at_ms == last_ms for each in page)
    if start is not None and start.at_ms == last_ms:
        seen += start.seen
    return f"{last_ms}-{seen}"


def _start_of(cursor: str | None) -> Start | None:
    if cursor is None:
        return None
    at_ms, _, seen = cursor.partition("-")
    if not all(part.isascii() and part.isdecimal() and len(part) <= len("9999999999999") for part in (at_ms, seen)):
        raise InvalidCursor("this cursor is not one that a page of this story returned")
    return Start(int(at_ms), min(int(seen), 1_000))
