"""Commands that act: ``enqueue``, ``retry``, ``promote``, ``cancel``, ``clean``, ``pause``, ``resume``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.console.client import Api, Json, RefusedByApi, connected, part
from gateway.console.output import as_json, print_json
from gateway.console.queues import QUEUE
from shared.errors import ConfigurationError
from shared.settings_reader import EnvironmentReader

POLL_S = 0.3
_ENDED = frozenset({"completed", "failed", "cancelled"})

_F = TypeVar("_F", bound=Callable[..., Any])


def reason_option(command: _F) -> _F:
    """Give a command the option ``--reason``."""
    return click.option("--reason", help="Why; kept in the operator log.")(command)


@click.command()
@click.argument("queue", type=QUEUE)
@click.argument("name")
@click.option("--data", default="{}", help="The job's data: JSON, @FILE, or - for standard input.")
@click.option("--options", help="The job's options as JSON, such as '{\"delay\": 60000}'.")
@click.option("--wait", "wait_s", type=click.FloatRange(0), help="Wait so many seconds for its end; 1 if it failed.")
@as_json
def enqueue(*, queue: str, name: str, data: str, options: str | None, wait_s: float | None, as_json: bool) -> None:
    """Enqueue a job NAME into QUEUE and print its id."""
    body = {"name": name, "data": _read(data, "--data"), "options": options and _parsed(options, "--options")}
    with connected() as api:
        accepted = api.post(f"/queues/{queue}/jobs", body)
        job = accepted if wait_s is None else _awaited(api, accepted["jobId"], wait_s)
    if as_json:
        print_json(job)
    elif wait_s is None:
        click.echo(accepted["jobId"])
        if accepted["deduplicated"]:
            click.echo("It is there already: nothing was enqueued", err=True)
    else:
        click.echo(f"{accepted['jobId']} {job['state']}")
    if wait_s is not None and job["state"] != "completed":
        raise SystemExit(1)


@click.command()
@click.argument("job_ids", nargs=-1, required=True)
@reason_option
def retry(*, job_ids: Sequence[str], reason: str | None) -> None:
    """Run failed jobs again: the same ids, attempts anew, their histories kept."""
    _for_each(job_ids, lambda api, job_id: api.post(_of_queue(api, job_id, "retry"), {"reason": reason}))


@click.command()
@click.argument("job_ids", nargs=-1, required=True)
@reason_option
def promote(*, job_ids: Sequence[str], reason: str | None) -> None:
    """Run delayed jobs now."""
    _for_each(job_ids, lambda api, job_id: api.post(_of_queue(api, job_id, "promote"), {"reason": reason}))


@click.command()
@click.argument("job_ids", nargs=-1, required=True)
@reason_option
def cancel(*, job_ids: Sequence[str], reason: str | None) -> None:
    """Cancel unfinished jobs; a running one is told to stop."""
    _for_each(job_ids, lambda api, job_id: api.delete(f"/jobs/{part(job_id)}", reason=reason))


@click.command()
@click.argument("queue", type=QUEUE)
@click.option("--grace-hours", type=click.FloatRange(0), required=True, help="Completed jobs stay so long.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def clean(*, queue: str, grace_hours: float, yes: bool) -> None:
    """Remove QUEUE's completed jobs older than the grace, and failed ones older than seven times that."""
    if not yes:
        click.confirm(f"Remove finished jobs of {queue} older than {grace_hours:g} h?", abort=True, err=True)
    _tell(lambda api: api.post(f"/queues/{queue}/clean", {"gracePeriodHours": grace_hours}))


@click.command()
@click.argument("queue", type=QUEUE)
@reason_option
@click.option("--for", "span", help="Resume by itself after a span such as 30m, 2h or 1d.")
def pause(*, queue: str, reason: str | None, span: str | None) -> None:
    """Let no worker take jobs of QUEUE; running ones finish."""
    until = None if span is None else (datetime.now(UTC) + _span(span)).isoformat()
    _tell(lambda api: api.post(f"/queues/{queue}/pause", {"reason": reason, "until": until}))


@click.command()
@click.argument("queue", type=QUEUE)
@reason_option
def resume(*, queue: str, reason: str | None) -> None:
    """Let workers take jobs of QUEUE again."""
    _tell(lambda api: api.post(f"/queues/{queue}/resume", {"reason": reason}))


def tell(answer: Json) -> None:
    """Print what the gateway says it did."""
    click.echo(answer["message"])


def _tell(act: Callable[[Api], Json]) -> None:
    with connected() as api:
        tell(act(api))


def _for_each(job_ids: Sequence[str], act: Callable[[Api, str], Json]) -> None:
    """Act on all, whatever becomes of the others; exit code 1 if any was refused."""
    refused = 0
    with connected() as api:
        for job_id in job_ids:
            try:
                tell(act(api, job_id))
            except RefusedByApi as error:
                refused += 1
                error.show()
    if refused:
        raise SystemExit(1)


def _of_queue(api: Api, job_id: str, action: str) -> str:
    """The path of an action on the job, which stands under its queue."""
    queue = api.get(f"/jobs/{part(job_id)}")["queue"]
    return f"/queues/{queue}/jobs/{part(job_id)}/{action}"


def _awaited(api: Api, job_id: str, seconds: float) -> Json:
    deadline = time.monotonic() + seconds
    while True:
        job = api.get(f"/jobs/{part(job_id)}")
        if job["state"] in _ENDED or time.monotonic() >= deadline:
            return job
        time.sleep(POLL_S)


def _read(value: str, option: str) -> Any:
    if value == "-":
        return _parsed(sys.stdin.read(), option)
    if value.startswith("@"):
        try:
            return _parsed(Path(value[1:]).read_text(encoding="utf-8"), option)
        except (OSError, UnicodeDecodeError) as error:
            raise click.BadParameter(f"{value[1:]} can't be read: {error}", param_hint=option) from error
    return _parsed(value, option)


def _parsed(text: str, option: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"is not JSON: {error}", param_hint=option) from error


def _span(value: str) -> timedelta:
    try:
        span = EnvironmentReader({"--for": value}).span("--for")
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--for") from error
    if span <= timedelta():
        raise click.BadParameter("must be more than nothing, such as 30m", param_hint="--for")
    return span
