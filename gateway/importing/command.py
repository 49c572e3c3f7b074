"""``doko import KIND FILE``."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError
from typing_extensions import override

from gateway.importing.files import Format, ImportFile
from gateway.importing.report import Report
from gateway.importing.run import Run
from shared.database import Database
from shared.errors import DokoError
from shared.master import Kind, Result, columns_of
from shared.settings import Settings

STATEMENT_TIMEOUT_MS = 120_000
"""A batch may wait longer than a request may."""

GARBAGE_THRESHOLD = 100_000
SWITCH_INTERVAL_S = 0.002

_NOTES = {
    Kind.RETAILERS: "A code that is known is brought up to date. Debt, credit score and consent are not imported.",
    Kind.VENDORS: "A code that is known is brought up to date.",
    Kind.PRODUCTS: "A code that is known is brought up to date.",
    Kind.STOCK: "A vendor's stock of a product that is known is brought up to date.",
    Kind.ORDERS: "Retailers and vendors come first. An order that is known can't be changed.",
    Kind.ITEMS: "Orders and products come first. An item that is known can't be changed.",
    Kind.PAYMENTS: "Orders come first. A payment that is known can't be changed.",
}


class _InOrder(click.Group):
    """Lists its commands in the order in which they were added."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group("import", cls=_InOrder)
def import_() -> None:
    """Import the platform's data from CSV files or JSON lines, kind by kind.

    In this order: retailers, vendors, products, stock, orders, items, payments. Importing a file again is safe. The
    database is the one of DATABASE_URL, or the file in DATA_DIR.
    """


def _command(kind: Kind) -> click.Command:
    columns = " ".join(column.name + ("*" if column.required else "") for column in columns_of(kind))

    @click.command(
        kind.value,
        help=f"Import {kind}. {_NOTES[kind]}\n\nColumns (* required): {columns}",
        short_help=f"Import {kind}.",
        epilog=f"\b\nExamples:\n  doko import {kind} {kind}.csv\n"
        f"  doko import {kind} {kind}.csv --dry-run --errors wrong.csv\n"
        f"  doko import {kind} {kind}.jsonl\n\nUTF-8; dates are ISO 8601, without a zone in Kathmandu.",
    )
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--format", "format_", type=click.Choice([each.value for each in Format]), help="Default: by suffix.")
    @click.option("--dry-run", is_flag=True, help="Check everything and store nothing.")
    @click.option("--ignore-unknown", is_flag=True, help="Pass over columns that are not known.")
    @click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Write all row errors to this CSV.")
    def command(file: Path, format_: str | None, errors: Path | None, **flags: bool) -> None:
        try:
            format_of = Format(format_) if format_ else Format.of(file)
            source = ImportFile(file, kind, format_of, ignore_unknown=flags["ignore_unknown"])
            wrong = _import(source, errors, dry_run=flags["dry_run"])
        except DokoError as error:
            raise click.ClickException(str(error)) from error
        if wrong:
            raise SystemExit(1)

    return command


def _import(source: ImportFile, errors: Path | None, *, dry_run: bool) -> int:
    """Import the file; returns how many rows are wrong."""
    settings = Settings.from_environment()
    database = Database(
        settings.database_url,
        application_name="doko-import",
        pool_size=1,
        statement_timeout_ms=STATEMENT_TIMEOUT_MS,
    )
    try:
        with _tuned_interpreter(), Report(source.kind, source.check(), errors) as report:
            run = Run(database, settings.clock(), report, dry_run=dry_run)
            try:
                summary = run.store(source)
            except DBAPIError as error:
                raise click.ClickException(_stopped(error, run.summary.last_row)) from error
        report.finish(summary, dry_run=dry_run)
        return summary.counts[Result.WRONG]
    finally:
        database.dispose()


@contextmanager
def _tuned_interpreter() -> Iterator[None]:
    """Settings of Python for threads that read, make and store many rows.

    Rows hold no cycles: looking for some among those of every batch took a fifth of the time. And what the database
    has answered must not wait for 5 ms, many times a batch, until another thread gives way.
    """
    usual, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*usual)
        gc.unfreeze()


def _stopped(error: DBAPIError, last_row: int) -> str:
    # Only the first line: the others may show people's data.
    reason = (str(error.orig).splitlines() or [""])[0]
    if "no such table" in reason or ("relation" in reason and "does not exist" in reason):
        return f"The database has no tables yet: run `doko migrate` first ({reason})"
    done = f"rows up to {last_row} are done" if last_row else "nothing was stored"
    return f"The database stopped the import ({reason}): {done}; import the file again to go on"


for _kind in Kind:
    import_.add_command(_command(_kind))
