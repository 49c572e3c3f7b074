"""``doko schedules``: list them, show, pause, resume and remove one, run it now."""

from __future__ import annotations

import click

from gateway.console.acting import reason_option, tell
from gateway.console.client import Json, connected, part
from gateway.console.output import age, as_json, local_time, print_json, print_table

_HEADERS = ("id", "when", "does", "state", "next", "last run")


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def schedules(context: click.Context, *, as_json: bool) -> None:
    """List the schedules; the commands below act on one (changes take the role admin)."""
    if context.invoked_subcommand is not None:
        return
    with connected() as api:
        found = api.get("/schedules")
    if as_json:
        print_json(found)
    else:
        print_table(_HEADERS, map(_row, found["schedules"]), "There are no schedules")


@schedules.command()
@click.argument("schedule_id")
def show(*, schedule_id: str) -> None:
    """Print one schedule as JSON."""
    with connected() as api:
        print_json(api.get(f"/schedules/{part(schedule_id)}"))


@schedules.command()
@click.argument("schedule_id")
@reason_option
def pause(*, schedule_id: str, reason: str | None) -> None:
    """Pause a schedule; what it misses is not caught up."""
    _act(schedule_id, "pause", reason)


@schedules.command()
@click.argument("schedule_id")
@reason_option
def resume(*, schedule_id: str, reason: str | None) -> None:
    """Let a paused schedule run again."""
    _act(schedule_id, "resume", reason)


@schedules.command()
@click.argument("schedule_id")
@reason_option
def run(*, schedule_id: str, reason: str | None) -> None:
    """Run a schedule now, paused or not."""
    _act(schedule_id, "run", reason)


@schedules.command()
@click.argument("schedule_id")
@reason_option
@click.option("--yes", is_flag=True, help="Don't ask.")
def remove(*, schedule_id: str, reason: str | None, yes: bool) -> None:
    """Remove a schedule for good."""
    if not yes:
        click.confirm(f"Remove the schedule {schedule_id}?", abort=True, err=True)
    with connected() as api:
        tell(api.delete(f"/schedules/{part(schedule_id)}", reason=reason))


def _act(schedule_id: str, action: str, reason: str | None) -> None:
    with connected() as api:
        tell(api.post(f"/schedules/{part(schedule_id)}/{action}", {"reason": reason}))


def _row(schedule: Json) -> list[str]:
    when = schedule["cron"] or f"every {age(schedule['interval'])}"
    job = schedule["job"]
    does = f"{job['queue']} {job['name']}" if job else f"housekeeping {schedule['housekeeping']}"
    state = "paused" if schedule["isPaused"] else "running now" if schedule["isRunning"] else "waits"
    last = schedule["lastRun"]
    ran = "never" if last is None else f"{local_time(last['finishedAt'])} {'well' if last['success'] else 'failed'}"
    return [schedule["id"], f"{when} ({schedule['timeZone']})", does, state, local_time(schedule["nextDueAt"]), ran]
