"""A flow as a picture: jobs in columns, each to the right of all that it waits for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from gateway.answers import Json

COLUMN, ROW = 212, 54
BOX_WIDTH, BOX_HEIGHT = 164, 38
MOST_DRAWN = 120
"""Larger flows are shown as a table only."""


@dataclass(frozen=True, slots=True)
class Box:
    """A job of the flow; x and y are its upper left corner."""

    x: int
    y: int
    key: str
    job_id: str
    state: str
    queue: str


@dataclass(frozen=True, slots=True)
class Picture:
    """All boxes and the lines between them."""

    boxes: tuple[Box, ...]
    lines: tuple[tuple[str, str], ...]
    """The path of each line, and the state of the job that it comes from."""
    width: int
    height: int


def picture(flow: Json) -> Picture | None:
    """The picture of the API's flow; None for one that is too large to draw."""
    jobs = flow["jobs"]
    if len(jobs) > MOST_DRAWN:
        return None
    columns = _columns(jobs)
    filled: dict[int, int] = defaultdict(int)
    boxes: dict[str, Box] = {}
    for job in in_order(jobs, columns):
        column = columns[job["key"]]
        x, y = column * COLUMN + 2, filled[column] * ROW + 8
        filled[column] += 1
        boxes[job["key"]] = Box(x, y, job["key"], job["id"], job["state"] or "blocked", job["queue"])
    lines = tuple((_line(boxes[edge["from"]], boxes[edge["to"]]), boxes[edge["from"]].state) for edge in flow["edges"])
    width = (max(filled, default=0)) * COLUMN + BOX_WIDTH + 4
    return Picture(tuple(boxes.values()), lines, width, max(filled.values(), default=0) * ROW + 8)


def in_order(jobs: list[Json], columns: dict[str, int] | None = None) -> list[Json]:
    """Jobs after all that they wait for, by name where that leaves it open."""
    places = _columns(jobs) if columns is None else columns
    return sorted(jobs, key=lambda each: (places[each["key"]], each["key"]))


def _columns(jobs: list[Json]) -> dict[str, int]:
    """How many jobs must end one after the other before each job."""
    waits_for = {job["key"]: job["dependsOn"] for job in jobs}
    columns: dict[str, int] = {}
    # Each round settles at least one job: a flow has no circle.
    while len(columns) < len(waits_for):
        settled = {
            key: max((columns[each] + 1 for each in needed), default=0)
            for key, needed in waits_for.items()
            if key not in columns and all(each in columns for each in needed)
        }
        if not settled:
            return {key: columns.get(key, 0) for key in waits_for}
        columns |= settled
    return columns


def _line(before: Box, after: Box) -> str:
    x, y = before.x + BOX_WIDTH, before.y + BOX_HEIGHT // 2
    to_x, to_y = after.x - 1, after.y + BOX_HEIGHT // 2
    middle = (x + to_x) // 2
    return f"M{x} {y} C{middle} {y} {middle} {to_y} {to_x} {to_y}"
