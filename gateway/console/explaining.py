"""``explain``: why a job is not running."""

from __future__ import annotations

import click

from gateway.console.client import connected, part
from gateway.console.output import as_json, local_time, print_json, print_table


@click.command()
@click.argument("job_id")
@as_json
def explain(*, job_id: str, as_json: bool) -> None:
    """Say why a job is not running, its place in line, and about when it starts."""
    with connected() as api:
        found = api.get(f"/jobs/{part(job_id)}/explain")
    if as_json:
        print_json(found)
        return
    place = f", number {found['position']:,} in line" if found["position"] else ""
    click.echo(f"{found['jobId']} in {found['queue']} is {found['state']}{place}")
    print_table(("why", "in words"), ([each["code"], each["message"]] for each in found["reasons"]), "Nobody can say")
    if found["estimatedStartAt"]:
        click.echo(f"It starts at about {local_time(found['estimatedStartAt'])}: {found['estimate']}")
    elif found["state"] not in {"active", "completed", "failed", "cancelled"}:
        click.echo(f"Nobody can say when it starts: {found['estimate']}")
