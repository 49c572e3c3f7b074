"""``doko``: the commands that run Doko's processes, manage its tokens, and operate it (``gateway/console/``)."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from gateway import scheduler as scheduler_process
from gateway.console import (
    acting,
    auditing,
    bulk,
    completion,
    explaining,
    flows,
    limiting,
    reading,
    scheduling,
    workers,
)
from gateway.console.queues import queue_named
from gateway.demo import running as demo_data
from gateway.importing.command import import_
from gateway.roles import Role
from gateway.tokens import create_token, list_tokens, revoke_token
from shared.audit import Actor
from shared.broker import access
from shared.database import Database
from shared.database.migrate import migrate as migrate_database
from shared.database.roles import grant_roles
from shared.errors import DokoError
from shared.settings import Settings
from shared.worker_command import installed_queues, worker_command

CONFIG = Path(__file__).with_name("gunicorn_config.py")


@contextmanager
def _explained() -> Iterator[None]:
    """Doko's own errors as one line instead of a traceback."""
    try:
        yield
    except DokoError as error:
        raise click.ClickException(str(error)) from error


def _settings() -> Settings:
    with _explained():
        return Settings.from_environment()


@click.group()
def main() -> None:
    """Doko: background jobs of the ordering platform."""


@main.command()
@click.argument("queue")
@click.option("--threads", type=click.IntRange(1, 1000), help="Jobs at once; default <QUEUE>_CONCURRENCY.")
def worker(queue: str, threads: int | None) -> None:
    """Run a worker of QUEUE (whatsapp, credit, …), as `dramatiq services.<folder>.worker:start` would."""
    found = queue_named(queue)
    settings = _settings()
    if found not in installed_queues():
        raise click.ClickException(f"Queue {queue} has no worker in this version; its jobs wait for one")
    _execute(worker_command(found, settings, threads))


@main.command()
def gateway() -> None:
    """Run the HTTP gateway under gunicorn; SIGHUP reloads it gracefully."""
    _settings()
    _execute([sys.executable, "-m", "gunicorn", "-c", f"file:{CONFIG}", "gateway.wsgi:app"])


@main.command()
def scheduler() -> None:
    """Run the scheduler: sweeps, archives finished jobs, relays the outbox."""
    with _explained():
        scheduler_process.main(_settings())


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema; several at once are safe."""
    with _explained():
        click.echo(f"The database is at revision {migrate_database(_settings().database_url)}")


@main.group()
def roles() -> None:
    """The PostgreSQL roles of the processes."""


@roles.command()
def grant() -> None:
    """Give each process' role its rights, and take back all others; run it after `migrate`, as the tables' owner."""
    with _explained():
        for role in grant_roles(_settings().database_url):
            click.echo(role)


@main.group()
def redis() -> None:
    """The users of Redis."""


@redis.command()
def users() -> None:
    """Print a Redis user for each kind of process, with only the rights it needs; see docs/redis.md."""
    for process in access.Process:
        click.echo(f"user {access.user_name(process)} >PASSWORD {' '.join(access.rules(process))}")


@main.command()
def up() -> None:
    """Run everything in this terminal, as `make up` does."""
    _execute([sys.executable, "-m", "deploy.local"])


@main.command()
@click.option("--retailers", type=click.IntRange(1, demo_data.MOST_RETAILERS), default=30, show_default=True)
@click.option("--months", type=click.IntRange(1, demo_data.MOST_MONTHS), default=6, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed makes other data.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day at whose beginning the data end; today.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Write CSV files here instead.")
def demo(retailers: int, months: int, seed: int, as_of: datetime | None, output: Path | None) -> None:
    """Load made-up data of a platform in Nepal into an empty database, once."""
    size = demo_data.Size(retailers, months, seed, as_of.date() if as_of else None)
    with _explained():
        settings = _settings()
        click.echo(demo_data.write(settings, size, output) if output else demo_data.load(settings, size))


main.add_command(import_)
for _command in (
    *(reading.stats, reading.watch, reading.jobs, reading.job, reading.failed, reading.failures),
    *(acting.enqueue, acting.retry, acting.promote, acting.cancel, acting.clean, acting.pause, acting.resume),
    *(scheduling.schedules, workers.workers, flows.flows, flows.flow, completion.completion),
    *(explaining.explain, limiting.limits, bulk.bulk),
    auditing.audit,
):
    main.add_command(_command)


@main.group()
def tokens() -> None:
    """Make, list and revoke API tokens."""


@tokens.command()
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--user", required=True, help="Whose token it is; the operator log names them.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="UTC; default never.")
def create(role: str, user: str, expires: datetime | None) -> None:
    """Make a token and print it; it is shown this once only."""
    expires_at = None if expires is None else expires.replace(tzinfo=UTC)
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise click.BadParameter("must lie in the future", param_hint="--expires")
    with _explained(), _database().session() as tx:
        token = create_token(tx, user=user, role=Role(role), actor=_operator(), expires_at=expires_at)
    click.echo(f"id:    {token.id}\nuser:  {user}\nrole:  {role}\ntoken: {token.secret}")


@tokens.command("list")
def list_() -> None:
    """List all tokens, revoked ones too; the tokens themselves are stored nowhere."""
    with _explained(), _database().reader() as tx:
        rows = list_tokens(tx)
    for row in rows:
        state = "revoked" if row.revoked_at else "valid"
        if state == "valid" and row.expires_at is not None and row.expires_at <= datetime.now(UTC):
            state = "expired"
        used = row.last_used_at.isoformat(timespec="minutes") if row.last_used_at else "never used"
        click.echo(f"{row.id}\t{row.role}\t{row.user_name}\t{state}\t{used}")


@tokens.command()
@click.argument("token_id", type=int)
@click.option("--reason", default="", help="Kept in the operator log.")
def revoke(token_id: int, reason: str) -> None:
    """Revoke a token; gateways refuse it within 10 seconds."""
    with _explained(), _database().session() as tx:
        changed = revoke_token(tx, token_id, actor=_operator(), why=reason)
    click.echo(f"Token {token_id} {'is revoked' if changed else 'was revoked already'}")


def _database() -> Database:
    return Database(_settings().database_url, application_name="doko-cli", pool_size=1)


def _operator() -> Actor:
    return Actor(name=f"cli:{getpass.getuser()}"[:64])


def _execute(command: Sequence[str]) -> NoReturn:
    """Become ``command``: signals reach it directly, and no process of ours stands in between."""
    sys.stdout.flush()
    os.execv(command[0], list(command))  # noqa: S606 - our own command, no shell


if __name__ == "__main__":
    main()
