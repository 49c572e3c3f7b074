"""What the commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.clock import BUSINESS_ZONE

_F = TypeVar("_F", bound=Callable[..., Any])

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_NUMBERS = {"waiting", "delayed", "active", "failed", "completed", "workers", "stalled"}


def as_json(command: _F) -> _F:
    """Give a command the option ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def print_json(value: object) -> None:
    """The value as indented JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """A table, or the words for an empty one."""
    listed = list(rows)
    if listed:
        console().print(table(headers, listed))
    else:
        click.echo(empty)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Rows under their headers; numbers stand on the right."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for header in headers:
        made.add_column(header, justify="right" if header in _NUMBERS else "left", overflow="fold")
    for row in rows:
        made.add_row(*map(cell, row))
    return made


def cell(value: object) -> Text:
    """A value as text without markup; what would steer a terminal is shown as a question mark."""
    if value is None:
        return Text("")
    if isinstance(value, Text):
        return value
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return Text("".join(each if each.isprintable() or each == "\n" else "\ufffd" for each in text))


def console() -> Console:
    """The terminal; into a pipe lines are not folded."""
    to_terminal = Console(highlight=False)
    return to_terminal if to_terminal.is_terminal else Console(highlight=False, width=500)


def local_time(instant: str | None) -> str:
    """An instant of the API in Kathmandu, to the second."""
    if instant is None:
        return ""
    return datetime.fromisoformat(instant).astimezone(BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def age(milliseconds: int | None) -> str:
    """``850 ms``, ``12 s``, ``3 min 5 s``, ``2 h 10 min``, ``4 d 3 h``; nothing for None."""
    if milliseconds is None:
        return ""
    seconds = milliseconds // 1000
    if seconds < 1:
        return f"{milliseconds} ms"
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min {seconds % _MINUTE} s"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"
    return f"{seconds // _DAY} d {seconds % _DAY // _HOUR} h"


def now() -> str:
    """The time in Kathmandu, for what is shown live."""
    return datetime.now(UTC).astimezone(BUSINESS_ZONE).strftime("%H:%M:%S")
