"""``doko flows`` and ``doko flow``: list flows, show one, cancel one."""

from __future__ import annotations

import click

from gateway.console.acting import reason_option, tell
from gateway.console.client import Json, connected, part
from gateway.console.output import as_json, local_time, print_json, print_table

_HEADERS = ("id", "name", "state", "progress", "created", "by")
_JOB_HEADERS = ("key", "id", "queue", "state", "waits for", "ended", "error")


@click.command()
@click.option("--limit", type=click.IntRange(1, 50), default=20, show_default=True)
@click.option("--cursor", help="Where the last page ended.")
@as_json
def flows(*, limit: int, cursor: str | None, as_json: bool) -> None:
    """List flows, newest first: jobs that wait for each other."""
    with connected() as api:
        page = api.get("/flows", limit=limit, cursor=cursor)
    if as_json:
        print_json(page)
        return
    print_table(_HEADERS, map(_row, page["flows"]), "There are no flows")
    if page["cursor"]:
        click.echo(f"More: --cursor {page['cursor']}", err=True)


@click.command()
@click.argument("flow_id")
@click.option("--cancel", is_flag=True, help="Cancel what is unfinished of it (role operator).")
@reason_option
@click.option("--yes", is_flag=True, help="Don't ask.")
@as_json
def flow(*, flow_id: str, cancel: bool, reason: str | None, yes: bool, as_json: bool) -> None:
    """Show a flow: the state of each job, and which it waits for."""
    if cancel and not yes:
        click.confirm(f"Cancel the flow {flow_id}?", abort=True, err=True)
    with connected() as api:
        answer = api.delete(f"/flows/{part(flow_id)}", reason=reason) if cancel else None
        found = api.get(f"/flows/{part(flow_id)}") if answer is None else answer["flow"]
    if as_json:
        print_json(found)
        return
    if answer is not None:
        tell(answer)
    print_table(_HEADERS, [_row(found)], "")
    print_table(_JOB_HEADERS, map(_job_row, reversed(found["jobs"])), "It has no jobs")


def _row(found: Json) -> list[str]:
    progress = found["progress"]
    done = f"{progress['completed']} of {progress['total']}"
    return [found["id"], found["name"] or "", found["state"], done, local_time(found["createdAt"]), found["createdBy"]]


def _job_row(job: Json) -> list[str]:
    error = job["error"] or {}
    words = f"{error.get('type', '')}: {error.get('message', '')}" if error else ""
    state = job["state"] or "not enqueued yet"
    return [
        job["key"],
        job["id"],
        job["queue"],
        state,
        ", ".join(job["dependsOn"]),
        local_time(job["finishedAt"]),
        words,
    ]
