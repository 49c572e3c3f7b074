"""Shapes of small charts; the templates put them into SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.answers import Json
from shared.clock import BUSINESS_ZONE

WIDTH, HEIGHT = 1200, 84
TICKS = 6
_TOP, _BOTTOM = 2.0, 1.0
_LEAST = 2.0
"""The height of a bar that counts anything at all."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch of time: where its bar stands, how many jobs, from when to when, and where it leads."""

    x: float
    y: float
    width: float
    height: float
    count: int
    label: str
    link: str


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of counts over time; ``ticks`` are places (0 to 100) and words below it."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    highest: int
    total: int
    is_complete: bool
    start: str
    bucket_ms: int
    width: int = WIDTH
    height: int = HEIGHT


def spark_line(values: Sequence[float], width: int, height: int) -> str:
    """The path of a line over ``values``, oldest left, the highest at the top; flat at the bottom if all are 0."""
    if not values:
        return f"M0 {height}"
    highest = max(*values, 1)
    step = width / max(len(values) - 1, 1)
    room = height - _TOP - _BOTTOM
    points = (
        f"{index * step:.1f} {height - _BOTTOM - room * value / highest:.1f}" for index, value in enumerate(values)
    )
    return "M" + " L".join(points)


def bars(histogram: Json, link: Callable[[str, str], str]) -> Bars:
    """The chart of the API's histogram; ``link`` says where the stretch between two instants leads."""
    buckets, bucket_ms = histogram["buckets"], histogram["bucketMs"]
    highest = max((bucket["count"] for bucket in buckets), default=0)
    step = WIDTH / max(len(buckets), 1)
    made = [_bar(bucket, place, step, highest, bucket_ms, link) for place, bucket in enumerate(buckets)]
    return Bars(
        bars=tuple(made),
        ticks=tuple(_ticks([bucket["at"] for bucket in buckets], bucket_ms)),
        highest=highest,
        total=histogram["count"],
        is_complete=histogram["isComplete"],
        start=histogram["from"],
        bucket_ms=bucket_ms,
    )


def _bar(bucket: Json, place: int, step: float, highest: int, bucket_ms: int, link: Callable[[str, str], str]) -> Bar:
    count = bucket["count"]
    height = max(_LEAST, (HEIGHT - 4) * count / highest) if count else 0
    begin = datetime.fromisoformat(bucket["at"])
    end = begin + timedelta(milliseconds=bucket_ms - 1)
    local = begin.astimezone(BUSINESS_ZONE)
    words = f"{count:,} {'job' if count == 1 else 'jobs'}, {local:%a %d %b %H:%M}"
    target = link(begin.isoformat(), end.isoformat()) if count else ""
    return Bar(place * step, HEIGHT - height, max(step - 2, 1), height, count, words, target)


def _ticks(starts: Sequence[str], bucket_ms: int) -> list[tuple[float, str]]:
    if not starts:
        return []
    every = max(len(starts) // TICKS, 1)
    is_long = bucket_ms * len(starts) > timedelta(days=1, hours=1) / timedelta(milliseconds=1)
    pattern = "%a %d %b" if is_long else "%H:%M"
    places = range(0, len(starts), every)
    return [
        (100 * place / len(starts), datetime.fromisoformat(starts[place]).astimezone(BUSINESS_ZONE).strftime(pattern))
        for place in places
    ]
