"""What a run shows: progress while it goes, what is wrong with rows, and the sum at the end."""

from __future__ import annotations

import csv
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from typing_extensions import override

from gateway.importing.reading import Problem
from gateway.importing.run import Summary
from shared.master import Kind, Result

SHOWN = 100
"""Problems printed; the rest are counted, and stand in the file of --errors."""


class Report(AbstractContextManager["Report"]):
    """Watches a run. The progress bar is drawn on a terminal only; ``errors`` gets all problems as CSV."""

    def __init__(self, kind: Kind, rows: int, errors: Path | None) -> None:
        self._kind = kind
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task(kind.value, total=rows)
        self._errors = errors
        self._writer: Any = None
        self._problems = 0
        self._began = time.monotonic()
        self._open = ExitStack()

    @override
    def __enter__(self) -> Self:
        if self._errors is not None:
            file = self._open.enter_context(self._errors.open("w", encoding="utf-8", newline=""))
            self._writer = csv.writer(file)
            self._writer.writerow(["row", "column", "error"])
        self._open.enter_context(self._progress)
        return self

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    def wrong(self, problem: Problem) -> None:
        """Print the problem, unless there are too many, and write it to the file of problems."""
        self._problems += 1
        if self._writer is not None:
            self._writer.writerow([problem.row, problem.column, problem.words])
        if self._problems <= SHOWN:
            self._console.print(str(problem), markup=False, style=None)

    def advanced(self, rows: int) -> None:
        """Move the bar."""
        self._progress.advance(self._task, rows)

    def finish(self, summary: Summary, *, dry_run: bool) -> None:
        """Print the sum."""
        if self._problems > SHOWN:
            click.echo(f"and {self._problems - SHOWN:,} more problems; --errors FILE writes them all", err=True)
        took = max(time.monotonic() - self._began, 0.001)
        counts = ", ".join(f"{summary.counts[result]:,} {result.value}" for result in Result)
        click.echo(f"{self._kind}: {summary.rows:,} rows in {took:.1f} s ({summary.rows / took:,.0f}/s): {counts}")
        if dry_run:
            click.echo("Dry run: nothing was stored")
        elif summary.scores:
            click.echo(f"Credit scores asked for: {summary.scores:,}")
