"""JSON: one object with ``rows`` as objects in camelCase, written row by row; money and measures are numbers."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from typing import Any, BinaryIO

import orjson

from services.reports.columns import Cell, Column, Row
from services.reports.document import Document
from shared.messages.fields import number_of


def write_json(document: Document, file: BinaryIO) -> int:
    """See ``document.Writer``."""
    file.write(_head(document))
    count = 0
    for row in document.rows:
        file.write(b",\n" if count else b"\n")
        file.write(orjson.dumps(as_object(document.columns, row)))
        count += 1
    totals = as_object(document.columns, document.totals())
    del totals["retailerCode"], totals["shopName"], totals["phone"]
    file.write(b'\n],"rowCount":%d,"totals":%s}\n' % (count, orjson.dumps(totals)))
    return count


def _head(document: Document) -> bytes:
    head = {
        "type": document.type.value,
        "title": document.title,
        "generatedAt": document.generated_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "currency": "NPR",
        "filters": document.filters_in_json,
    }
    return orjson.dumps(head)[:-1] + b',"rows":['


def as_object(columns: tuple[Column, ...], row: Row) -> dict[str, Any]:
    """A row by the names of its columns."""
    return {column.key: _json_of(cell) for column, cell in zip(columns, row, strict=True)}


def _json_of(cell: Cell) -> Any:
    if isinstance(cell, Decimal):
        return number_of(cell)
    return cell.isoformat() if isinstance(cell, date) else cell
