"""``doko workers``: list them, quiet, resume and stop one."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.text import Text

from gateway.console.acting import reason_option, tell
from gateway.console.client import Json, connected, part
from gateway.console.output import age, as_json, cell, local_time, print_json, print_table

_HEADERS = ("id", "queue", "state", "jobs", "memory", "version", "started", "seen", "runs")
_STYLES = {"running": "green", "quiet": "yellow", "stopping": "red"}
_MIB = 1024 * 1024
_NAMED = 3


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def workers(context: click.Context, *, as_json: bool) -> None:
    """List the living workers; the commands below act on one."""
    if context.invoked_subcommand is not None:
        return
    with connected() as api:
        found = api.get("/workers")
    if as_json:
        print_json(found)
    else:
        print_table(_HEADERS, map(_row, found["workers"]), "No worker lives: jobs wait")


@workers.command()
@click.argument("worker_id")
@reason_option
def quiet(*, worker_id: str, reason: str | None) -> None:
    """Let a worker take no more jobs; those it runs go on."""
    _direct(worker_id, "quiet", reason)


@workers.command()
@click.argument("worker_id")
@reason_option
def resume(*, worker_id: str, reason: str | None) -> None:
    """Let a quiet worker take jobs again."""
    _direct(worker_id, "resume", reason)


@workers.command()
@click.argument("worker_id")
@reason_option
@click.option("--yes", is_flag=True, help="Don't ask.")
def stop(*, worker_id: str, reason: str | None, yes: bool) -> None:
    """Stop a worker gracefully, as SIGTERM does (role admin); whoever keeps it running starts another one."""
    if not yes:
        click.confirm(f"Stop the worker {worker_id}?", abort=True, err=True)
    _direct(worker_id, "stop", reason)


def _direct(worker_id: str, order: str, reason: str | None) -> None:
    with connected() as api:
        tell(api.post(f"/workers/{part(worker_id)}/{order}", {"reason": reason}))


def _row(worker: Json) -> list[object]:
    ordered = f", told to {worker['order']}" if worker["order"] else ""
    state = Text(f"{worker['state']}{ordered}", style=_STYLES.get(worker["state"], ""))
    running = worker["running"]
    names = [job["id"] for job in running[:_NAMED]] + (["…"] if len(running) > _NAMED else [])
    silent_ms = (datetime.now(UTC) - datetime.fromisoformat(worker["seenAt"])).total_seconds() * 1000
    return [
        worker["id"],
        worker["queue"],
        state,
        f"{len(running)} of {worker['threads']}",
        f"{worker['memory'] // _MIB} MiB",
        worker["version"],
        local_time(worker["startedAt"]),
        f"{age(max(round(silent_ms), 0))} ago",
        cell("\n".join(names)),
    ]
