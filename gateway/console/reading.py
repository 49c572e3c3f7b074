"""Commands that look: ``stats``, ``watch``, ``jobs``, ``failed``, ``job``, ``schedules``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click
from rich.console import Group
from rich.live import Live
from rich.text import Text

from gateway.console.client import Api, Json, Unreachable, connected, part
from gateway.console.output import age, as_json, cell, console, local_time, now, print_json, print_table, table
from gateway.console.queues import QUEUE
from shared.broker.states import State

MOST_MISSING = 2_000
"""Events that a search reads besides the index; beyond them jobs may be missing."""
_COUNTS = ("waiting", "delayed", "active", "failed", "completed")
_QUEUE_HEADERS = ("queue", "state", *_COUNTS, "workers", "oldest waiting")
JOB_HEADERS = ("id", "queue", "name", "state", "attempt", "created", "due or finished", "error")

_FAILURE_HEADERS = ("fingerprint", "failed", "customers", "first seen", "last seen", "queues", "error")


@click.command()
@as_json
def stats(*, as_json: bool) -> None:
    """Count the jobs of every queue."""
    with connected() as api:
        found = api.get("/queues/stats")
    if as_json:
        print_json(found)
    else:
        print_table(_QUEUE_HEADERS, _queue_rows(found), "There are no queues")


@click.command()
@click.option("--interval", type=click.FloatRange(0.2, 3600), default=1.0, show_default=True, help="Seconds.")
@click.option("--count", type=click.IntRange(1), help="Look so many times; default until Ctrl-C.")
def watch(interval: float, count: int | None) -> None:
    """Show the queues live, until Ctrl-C."""
    with connected() as api, Live(_looked_at(api), console=console(), auto_refresh=False) as live:
        live.refresh()
        for _ in range(count - 1) if count is not None else _for_ever():
            time.sleep(interval)
            live.update(_looked_at(api), refresh=True)


@click.command()
@click.option("--queue", type=QUEUE, help="Of this queue only.")
@click.option("--state", type=click.Choice([each.value for each in State]), help="In this state only.")
@click.option("--filter", help="Such as 'order:ORD-2026-001' or 'state:failed error:Timeout since:1h'.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--cursor", help="Where the last page ended.")
@as_json
def jobs(*, as_json: bool, **query: str | int | None) -> None:
    """List jobs, without their payloads: finished ones newest first, others in the order they will run.

    With a filter, the newest first. A page holds what was found in the jobs looked at; it may be short and go on.
    """
    with connected() as api:
        page = api.get("/jobs", **query)
    if as_json:
        print_json(page)
        return
    print_table(JOB_HEADERS, map(job_row, page["jobs"]), "No job is like that" + (" so far" if page["cursor"] else ""))
    if page.get("unindexedEvents", 0) > MOST_MISSING:
        behind = age(page["indexLagMs"])
        click.echo(f"The index is {behind} behind ({page['unindexedEvents']:,} events): jobs may be missing", err=True)
    if page["cursor"]:
        click.echo(f"More: --cursor {page['cursor']}", err=True)


@click.command()
@click.argument("queue", type=QUEUE)
@click.option("--start", type=click.IntRange(0), default=0, show_default=True, help="Place of the first, from 0.")
@click.option("--end", type=click.IntRange(0), default=10, show_default=True, help="Place of the last.")
@as_json
def failed(*, queue: str, start: int, end: int, as_json: bool) -> None:
    """List the failed jobs of QUEUE, newest first."""
    with connected() as api:
        page = api.get(f"/queues/{queue}/failed", start=start, end=end)
    if as_json:
        print_json(page)
        return
    print_table(JOB_HEADERS, map(job_row, page["jobs"]), f"No job of {queue} has failed")
    if page["total"] > page["count"]:
        click.echo(f"{page['count']} of {page['total']} failed jobs", err=True)


@click.command()
@click.option("--queue", type=QUEUE, help="Of this queue only.")
@click.option("--since", default="1d", show_default=True, help="A span before now such as 1h, a day or an instant.")
@click.option("--limit", type=click.IntRange(1, 100), default=50, show_default=True)
@as_json
def failures(*, as_json: bool, **query: str | int | None) -> None:
    """Group the failed jobs that nobody retried by what their errors have in common, the largest group first."""
    with connected() as api:
        found = api.get("/failures", **query)
    if as_json:
        print_json(found)
        return
    print_table(_FAILURE_HEADERS, map(_failure_row, found["failures"]), "Nothing has failed")


@click.command()
@click.argument("job_id")
@click.option("--reveal", is_flag=True, help="Show personal data (role admin); the operator log notes it.")
@as_json
def job(*, job_id: str, reveal: bool, as_json: bool) -> None:
    """Show one job: its state, data, result, errors and everything that happened to it."""
    with connected() as api:
        found = api.get(f"/jobs/{part(job_id)}", reveal=reveal or None)
        events = api.get(f"/jobs/{part(job_id)}/events")["events"]
    if as_json:
        print_json({**found, "events": events})
        return
    print_table(("field", "value"), _fields(found), "")
    print_table(("at", "event", "about"), map(_event_row, events), "Nothing has happened to it")


def _queue_rows(found: Json) -> Iterator[list[object]]:
    for key, queue in found.items():
        counts = queue["counts"]
        numbers = [counts[name] for name in _COUNTS]
        yield [key, _state(queue), *numbers, _workers(queue), age(queue["oldestWaitingMs"])]


def _state(queue: Json) -> Text:
    if not queue["isPaused"]:
        return Text("runs", style="green")
    pause = queue["pause"] or {}
    until = f" until {local_time(pause['until'])}" if pause.get("until") else ""
    reason = f": {pause['reason']}" if pause.get("reason") else ""
    return Text(f"paused by {pause.get('by', 'nobody')}{until}{cell(reason).plain}", style="yellow")


def _workers(queue: Json) -> Text:
    return Text(str(queue["workers"]), style="" if queue["workers"] else "red")


def _looked_at(api: Api) -> Group:
    """The queues now; a gateway that is away is waited for."""
    try:
        found = api.get("/queues/stats")
    except Unreachable as error:
        return Group(Text(f"{now()}  {error.message}", style="red"))
    return Group(table(_QUEUE_HEADERS, _queue_rows(found)), Text(f"{now()} in Kathmandu; Ctrl-C ends", style="dim"))


def _for_ever() -> Iterator[int]:
    while True:
        yield 0


def job_row(found: Json) -> list[object]:
    """A job of a list as a row under ``JOB_HEADERS``."""
    error = found["error"] or {}
    words = f"{error.get('type', '')}: {error.get('message', '')}" if error else ""
    attempts = f"{found['attempt']} of {found['attempts']}"
    ended = local_time(found["finishedAt"] or found["dueAt"])
    created = local_time(found["createdAt"])
    return [found["id"], found["queue"], found["name"], found["state"], attempts, created, ended, words]


def _failure_row(found: Json) -> list[object]:
    words = f"{found['type']}: {found['message']}"
    seen = local_time(found["firstSeenAt"]), local_time(found["lastSeenAt"])
    return [found["fingerprint"], found["count"], found["customers"], *seen, ", ".join(found["queues"]), words]


def _fields(found: Json) -> Iterable[tuple[str, str]]:
    for name, value in found.items():
        if value is None or value in ([], {}):
            continue
        if name.endswith("At"):
            yield name, local_time(value)
        elif isinstance(value, dict | list):
            yield name, json.dumps(value, indent=2, ensure_ascii=False)
        else:
            yield name, str(value)


def _event_row(event: Mapping[str, Any]) -> list[str]:
    about = {name: value for name, value in event.items() if name not in {"at", "event"} and value is not None}
    return [local_time(event["at"]), event["event"], ", ".join(f"{name}={value}" for name, value in about.items())]
