"""``doko audit``: list what operators did, print the heads of the hash chains, verify all of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from sqlalchemy.exc import SQLAlchemyError

from gateway.audit_requests import chain_view
from gateway.console.client import Json, connected
from gateway.console.output import as_json, local_time, print_json, print_table
from shared.audit import OperatorAction
from shared.database import Database
from shared.database.chain_check import ChainReport, check_chains, heads
from shared.database.chains import Link
from shared.errors import DokoError
from shared.settings import Settings

_HEADERS = ("at", "actor", "role", "action", "target", "reason", "from")
_CHAINS = ("chain", "rows", "head", "what is wrong")
_HEAD = re.compile(r"([\w-]+):(\d{1,18}):([0-9a-f]{64})", re.ASCII)
_TIMES = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.group()
def audit() -> None:
    """What operators did and were refused, and whether the audit is as it was written."""


@audit.command("list")
@click.option("--actor", help="Of this user only.")
@click.option("--action", type=click.Choice([each.value for each in OperatorAction]), help="Of this kind only.")
@click.option("--target", help="Done to this queue, job or token only.")
@click.option("--since", type=_TIMES, help="UTC, included.")
@click.option("--until", type=_TIMES, help="UTC, not included.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--cursor", type=click.IntRange(1), help="Where the last page ended.")
@as_json
def list_(*, as_json: bool, since: datetime | None, until: datetime | None, **query: str | int | None) -> None:
    """List actions and refusals, newest first, over the API (role operator)."""
    with connected() as api:
        page = api.get("/audit", since=_utc(since), until=_utc(until), **query)
    if as_json:
        print_json(page)
        return
    print_table(_HEADERS, map(_row, page["entries"]), "There is no such entry")
    if page["cursor"]:
        click.echo(f"More: --cursor {page['cursor']}", err=True)


@audit.command()
def head() -> None:
    """Print the head of each chain: keep them elsewhere, and `doko audit verify --head` finds a cut-off end."""
    with _database() as database:
        for name, link in heads(database).items():
            click.echo(f"{name}:{link.seq}:{link.hash.hex()}")


@audit.command()
@click.option("--head", "kept", multiple=True, help="A line that `doko audit head` printed; may be given again.")
@click.option("--rows", type=click.IntRange(1), help="Only the newest so many of each chain.")
@as_json
def verify(*, kept: tuple[str, ...], rows: int | None, as_json: bool) -> None:
    """Follow all hash chains in the database of DATABASE_URL; exit code 1 if a row is not as it was written."""
    links = dict(map(_kept, kept))
    with _database() as database:
        known = heads(database)
        for name in links.keys() - known.keys():
            raise click.BadParameter(f"no chain is called {name!r} (known: {', '.join(known)})", param_hint="--head")
        reports = check_chains(database, last=rows, kept=links, progress=_tell if sys.stderr.isatty() else None)
    if as_json:
        print_json({"isIntact": _is_intact(reports), "chains": [chain_view(report) for report in reports]})
    else:
        print_table(_CHAINS, map(_report_row, reports), "There are no chains")
        for report in reports:
            if report.note:
                click.echo(f"{report.name}: {report.note}", err=True)
    if not _is_intact(reports):
        sys.exit(1)


def _is_intact(reports: list[ChainReport]) -> bool:
    return all(report.finding is None for report in reports)


def _kept(text: str) -> tuple[str, Link]:
    match = _HEAD.fullmatch(text.strip())
    if match is None:
        raise click.BadParameter("a head reads NAME:NUMBER:HASH, as `doko audit head` prints it", param_hint="--head")
    name, seq, digest = match.groups()
    return name, Link(int(seq), bytes.fromhex(digest))


def _tell(name: str, count: int) -> None:
    click.echo(f"\r{name}: {count:,} rows checked", err=True, nl=False)


@contextmanager
def _database() -> Iterator[Database]:
    """The database of the settings; what it refuses as one line."""
    try:
        database = Database(Settings.from_environment().database_url, application_name="doko-audit", pool_size=1)
    except DokoError as error:
        raise click.ClickException(str(error)) from error
    try:
        yield database
    except SQLAlchemyError as error:
        raise click.ClickException(f"The database can't be read ({type(error).__name__}): is it migrated?") from error
    finally:
        database.dispose()


def _utc(at: datetime | None) -> str | None:
    return None if at is None else at.replace(tzinfo=UTC).isoformat()


def _row(entry: Json) -> list[object]:
    return [
        local_time(entry["at"]),
        entry["actor"],
        entry["role"] or "",
        entry["action"],
        entry["target"],
        entry["reason"],
        entry["remoteAddress"] or "",
    ]


def _report_row(report: ChainReport) -> list[object]:
    finding = report.finding
    rows = f"{report.checked:,}" + (f" (and {report.rows_before:,} older than the chain)" if report.rows_before else "")
    wrong = "nothing"
    if finding is not None:
        detail = f" ({finding.detail})" if finding.detail else ""
        wrong = f"{finding.what}: {finding.place}, number {finding.seq}{detail}"
    return [report.name, rows, f"{report.head.seq} {report.head.hash.hex()[:12]}…", wrong]
