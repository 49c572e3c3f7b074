"""``doko limits``: show the limits of the queues, change them, list the groups that wait because of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from gateway.console.acting import reason_option, tell
from gateway.console.client import Json, connected
from gateway.console.output import as_json, local_time, print_json, print_table
from gateway.console.queues import QUEUE

NONE = "none"
_NAMES = {
    "concurrency": "concurrency",
    "rate": "rate",
    "group_key": "groupKey",
    "group_rate": "groupRate",
    "group_concurrency": "groupConcurrency",
}
_UNITS = {1_000: "s", 60_000: "min", 3_600_000: "h"}
_HEADERS = ("queue", "running", "concurrency", "rate", "group key", "group rate", "group concurrency", "parked")


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def limits(context: click.Context, *, as_json: bool) -> None:
    """Show the limits of every queue; an asterisk marks what an operator set."""
    if context.invoked_subcommand is not None:
        return
    with connected() as api:
        found = api.get("/limits")
    if as_json:
        print_json(found)
        return
    print_table(_HEADERS, _rows(found["queues"]), "There are no queues")
    click.echo(f"API clients: {found['clients']['requestsPerMinute'] or 'no limit of'} requests a minute and token")


@limits.command("set")
@click.argument("queue", type=QUEUE)
@click.option("--concurrency", help="Running jobs over all workers, or none.")
@click.option("--rate", help="Jobs of the queue, such as 80/s, 1/6s, 600/min, or none.")
@click.option("--group-key", help="Key of a job's data that names its group, dotted for a path, or none.")
@click.option("--group-rate", help="Jobs of each group, as --rate.")
@click.option("--group-concurrency", help="Running jobs of each group, or none.")
@click.option("--reset", multiple=True, type=click.Choice([each.replace("_", "-") for each in _NAMES]))
@reason_option
def set_(*, queue: str, reset: Sequence[str], reason: str | None, **wanted: str | None) -> None:
    """Change some limits of QUEUE; `none` takes one away, --reset gives one back to the environment."""
    body: dict[str, Any] = {_NAMES[name]: _value(name, text) for name, text in wanted.items() if text is not None}
    if reset:
        body["reset"] = [_NAMES[name.replace("-", "_")] for name in reset]
    if not body:
        raise click.UsageError("say what to change, such as --concurrency 3 or --reset rate")
    if reason:
        body["reason"] = reason
    with connected() as api:
        tell(api.put(f"/queues/{queue}/limits", body))


@limits.command()
@click.argument("queue", type=QUEUE)
@as_json
def groups(*, queue: str, as_json: bool) -> None:
    """List the groups of QUEUE that wait behind their limit, busiest first."""
    with connected() as api:
        found = api.get(f"/queues/{queue}/groups")
    if as_json:
        print_json(found)
        return
    rows = ([each["group"], each["parked"], each["running"], local_time(each["opensAt"])] for each in found["groups"])
    print_table(("group", "parked", "running", "opens"), rows, f"No group of {queue} waits")
    if found["total"] > found["count"]:
        click.echo(f"{found['count']} of {found['total']} groups that wait", err=True)


def _value(name: str, text: str) -> object:
    if text.lower() == NONE:
        return None
    return int(text) if name.endswith("concurrency") and text.isascii() and text.isdigit() else text


def _rows(queues: Json) -> Iterator[list[object]]:
    for key, queue in queues.items():
        shown = [f"{_shown(queue[name])}{'*' if name in queue['setByOperator'] else ''}" for name in _NAMES.values()]
        yield [key, queue["running"], *shown, queue["parked"]]


def _shown(value: Any) -> str:
    if not isinstance(value, dict):
        return "" if value is None else str(value)
    window = value["windowMs"]
    for unit_ms, unit in sorted(_UNITS.items(), reverse=True):
        if window % unit_ms == 0:
            count = window // unit_ms
            return f"{value['jobs']}/{'' if count == 1 else count}{unit}"
    return f"{value['jobs']}/{window}ms"
