"""How numbers, times and states read on a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from markupsafe import Markup, escape

from shared.broker.states import State
from shared.clock import BUSINESS_ZONE
from shared.queues import POLICIES, Queue

_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000
_THOUSAND, _MILLION = 10_000, 1_000_000
_TENTH_BELOW = 10
_UNITS = ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min"), (_MINUTE, "min", _SECOND, "s"))
_MIB = 1024 * 1024
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")

QUEUE_TITLES: Mapping[str, str] = {
    Queue.WHATSAPP.name: "WhatsApp messages",
    Queue.CREDIT_SCORE.name: "Credit scores",
    Queue.ORDER_ROUTING.name: "Order routing",
    Queue.PAYMENT_REMINDERS.name: "Payment reminders",
    Queue.REPORT_GENERATION.name: "Reports",
    Queue.ORDER_PROCESSING.name: "Orders",
}


def count(value: float | None) -> str:
    """A number of jobs: ``1,234``, ``12.3k``, ``1.2M``; a dash for nothing known."""
    if value is None:
        return "–"
    if value >= _MILLION:
        return f"{value / _MILLION:.1f}M"
    if value >= _THOUSAND:
        return f"{value / 1_000:.1f}k"
    return f"{value:,.0f}"


def rate(value: float | None) -> str:
    """Jobs a minute, with a decimal while they are few."""
    if value is None:
        return "–"
    return f"{value:.1f}" if 0 < value < _TENTH_BELOW else count(value)


def duration(milliseconds: float | None) -> str:
    """A span in at most two units: ``340 ms``, ``2.4 s``, ``3 min 20 s``, ``2 d 4 h``."""
    if milliseconds is None:
        return "–"
    whole = max(milliseconds, 0)
    if whole < _SECOND:
        return f"{whole:.0f} ms"
    if whole < _MINUTE:
        return f"{whole / _SECOND:.1f} s" if whole < _TENTH_BELOW * _SECOND else f"{whole / _SECOND:.0f} s"
    for size, name, smaller, smaller_name in _UNITS:
        if whole >= size:
            rest = int(whole % size // smaller)
            return f"{int(whole // size)} {name}" + (f" {rest} {smaller_name}" if rest else "")
    return ""


def share(value: float | None) -> str:
    """A share from 0 to 1 in percent."""
    if value is None:
        return "–"
    percent = value * 100
    return f"{percent:.1f} %" if 0 < percent < _TENTH_BELOW else f"{percent:.0f} %"


def moment(iso: str | None) -> Markup:
    """An instant as the page shows it: how long ago (or until then), in the business zone on demand."""
    if not iso:
        return Markup('<span class="dim">–</span>')
    instant = datetime.fromisoformat(iso)
    local = instant.astimezone(BUSINESS_ZONE).strftime("%a %d %b %Y, %H:%M:%S")
    words = escape(relative(instant))
    return Markup('<time datetime="{}" title="{} Kathmandu ({})">{}</time>').format(iso, local, iso, words)


def clock(iso: str | None) -> Markup:
    """An instant as time of day in the business zone, to the millisecond."""
    if not iso:
        return Markup('<span class="dim">–</span>')
    local = datetime.fromisoformat(iso).astimezone(BUSINESS_ZONE)
    text = local.strftime("%H:%M:%S.") + f"{local.microsecond // 1000:03}"
    return Markup('<time class="clock" datetime="{}" title="{} ({})">{}</time>').format(
        iso, local.strftime("%a %d %b %Y"), iso, text
    )


def with_times(text: str) -> Markup:
    """A sentence with its instants as day and time in the business zone: "at" and "until" go before both."""
    told = Markup()
    last = 0
    for found in _INSTANT.finditer(text):
        told += escape(text[last : found.start()]) + _day_and_time(found[0])
        last = found.end()
    return told + escape(text[last:])


def _day_and_time(iso: str) -> Markup:
    instant = datetime.fromisoformat(iso)
    text = instant.astimezone(BUSINESS_ZONE).strftime("%H:%M:%S on %d %b")
    return Markup('<time class="clock" datetime="{}" title="{} ({})">{}</time>').format(
        iso, relative(instant), iso, text
    )


def relative(instant: datetime, now: datetime | None = None) -> str:
    """``3 min ago``, ``in 20 s``, ``now``."""
    gap_ms = ((now or datetime.now(UTC)) - instant).total_seconds() * 1000
    if abs(gap_ms) < _SECOND:
        return "now"
    if abs(gap_ms) >= _MINUTE:
        words = duration(abs(gap_ms)).split(" ")
        text = " ".join(words[:2])
    else:
        text = f"{abs(gap_ms) / _SECOND:.0f} s"
    return f"{text} ago" if gap_ms > 0 else f"in {text}"


def memory(size: int | None) -> str:
    """Bytes as MiB."""
    return "–" if not size else f"{size / _MIB:.0f} MiB"


def pretty(value: Any) -> str:
    """JSON to read."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()


def queue_title(key: str) -> str:
    """What people call a queue."""
    return QUEUE_TITLES.get(key, key)


def short_id(job_id: str) -> str:
    """The end of an id, which tells jobs apart."""
    return job_id if len(job_id) <= 22 else f"{job_id.partition('-')[0]}-…{job_id[-8:]}"  # noqa: PLR2004 - fits a column


FILTERS: Mapping[str, Callable[..., Any]] = {
    "count": count,
    "rate": rate,
    "duration": duration,
    "share": share,
    "moment": moment,
    "clock": clock,
    "with_times": with_times,
    "memory": memory,
    "pretty": pretty,
    "queue_title": queue_title,
    "short_id": short_id,
}
GLOBALS: Mapping[str, Any] = {
    "STATES": [state.value for state in State],
    "QUEUES": [policy.queue.name for policy in POLICIES.values()],
}
