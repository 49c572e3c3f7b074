"""``doko bulk``: retry, remove, promote or move all jobs that match a filter; list, show, stop and undo that."""

from __future__ import annotations

import time
from typing import Any

import click

from gateway.console.acting import reason_option, tell
from gateway.console.client import Json, connected
from gateway.console.output import as_json, local_time, print_json, print_table
from gateway.console.queues import QUEUE
from gateway.console.reading import JOB_HEADERS, job_row

_HEADERS = ("id", "action", "filter", "state", "done", "refused", "restored", "lost", "by", "started", "finished")
_PROBLEMS = ("job", "outcome", "why")
_AT_WORK = frozenset({"running", "undoing"})
POLL_S = 0.5


@click.group()
def bulk() -> None:
    """Act on all jobs that match a filter; the scheduler does it, at a pace if you want, and removals can be undone."""


def _started(action: str) -> click.Command:
    @click.option("--filter", "text", required=True, help="Which jobs: 'error:Timeout since:1h'.")
    @click.option("--dry-run", is_flag=True, help="Only say what would be done.")
    @click.option("--per-minute", type=click.IntRange(1), help="No faster than this.")
    @click.option("--max-error-rate", type=click.FloatRange(0, 1), help="Stop beyond this share; default 0.5.")
    @click.option("--reason", required=True, help="Why; kept in the operator log.")
    @click.option("--yes", is_flag=True, help="Don't ask.")
    @click.option("--wait", is_flag=True, help="Wait until it has ended; exit code 1 if it was stopped.")
    @as_json
    def start(*, text: str, dry_run: bool, reason: str, yes: bool, wait: bool, as_json: bool, **more: Any) -> None:
        order: Json = {"action": action, "filter": text, "reason": reason}
        order |= {
            "perMinute": more["per_minute"],
            "maxErrorRate": more["max_error_rate"],
            "queue": more.get("queue"),
        }
        with connected() as api:
            trial = api.post("/bulk", {**order, "dryRun": True})
            if dry_run:
                _show_trial(trial, as_json=as_json)
                return
            if not yes:
                click.confirm(f"{trial['message']}. Do it?", abort=True, err=True)
            started = api.post("/bulk", order)
            number = started["operation"]["id"]
            while wait and (found := api.get(f"/bulk/{number}"))["state"] in _AT_WORK:
                time.sleep(POLL_S)
        if as_json:
            print_json(found if wait else started)
        else:
            click.echo(started["message"])
        if wait:
            _end(found, as_json=as_json)

    start.__doc__ = f"{action.capitalize()} all jobs that match a filter."
    made = start
    if action == "move":
        made = click.option("--to", "queue", type=QUEUE, required=True, help="The queue that gets them.")(start)
    return click.command(action)(made)


for _action in ("retry", "remove", "promote", "move"):
    bulk.add_command(_started(_action))


@bulk.command("list")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@as_json
def list_(*, limit: int, as_json: bool) -> None:
    """List bulk operations, newest first."""
    with connected() as api:
        found = api.get("/bulk", limit=limit)
    if as_json:
        print_json(found)
    else:
        print_table(_HEADERS, map(_row, found["operations"]), "There was no bulk operation")


@bulk.command()
@click.argument("number", type=int)
@as_json
def show(*, number: int, as_json: bool) -> None:
    """Show how far a bulk operation is, and which jobs were refused and why."""
    with connected() as api:
        found = api.get(f"/bulk/{number}")
    if as_json:
        print_json(found)
        return
    print_table(_HEADERS, [_row(found)], "")
    if found["stopReason"]:
        click.echo(f"Stopped: {found['stopReason']}")
    if found["restorable"]:
        click.echo(f"{found['restorable']:,} jobs can be brought back: doko bulk undo {number}")
    if found["problems"]:
        print_table(_PROBLEMS, ([each["jobId"], each["outcome"], each["why"]] for each in found["problems"]), "")


@bulk.command()
@click.argument("number", type=int)
@reason_option
def stop(*, number: int, reason: str | None) -> None:
    """Stop a bulk operation; what it did stays done."""
    with connected() as api:
        tell(api.post(f"/bulk/{number}/stop", {"reason": reason}))


@bulk.command()
@click.argument("number", type=int)
@reason_option
def undo(*, number: int, reason: str | None) -> None:
    """Bring back the jobs that a bulk operation removed within the last hour."""
    with connected() as api:
        tell(api.post(f"/bulk/{number}/undo", {"reason": reason}))


def _show_trial(found: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    trial = found["trial"]
    click.echo(found["message"])
    for refused in trial["refused"]:
        click.echo(f"{refused['count']:,} would be refused: {refused['why']}")
    print_table(JOB_HEADERS, map(job_row, trial["sample"]), "No job is like that")


def _end(found: Json, *, as_json: bool) -> None:
    if not as_json:
        click.echo(f"{found['state']}: {found['done']:,} done, {found['refused']:,} refused")
    if found["state"] == "stopped":
        raise SystemExit(1)


def _row(found: Json) -> list[object]:
    counts = [found[name] for name in ("done", "refused", "restored", "lost")]
    times = local_time(found["startedAt"]), local_time(found["finishedAt"])
    return [found["id"], found["action"], found["filter"], found["state"], *counts, found["requestedBy"], *times]
