"""The demo as files: what the import reads back are the same rows."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from gateway.demo import files
from shared.errors import Refused
from shared.master import Kind, columns_of, schema_of
from tests.unit.gateway.demo.telling import Told


def test_the_files_hold_the_same_rows(told: Told, tmp_path: Path) -> None:
    number = files.write(told.demo, tmp_path / "demo")

    assert number == told.story_number
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {f"{kind}.csv" for kind in Kind}
    for kind, rows in told.rows().items():
        assert _read(tmp_path / "demo" / f"{kind}.csv", kind) == rows


def _read(path: Path, kind: Kind) -> list[object]:
    columns = columns_of(kind)
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        assert next(lines) == [column.name for column in columns]
        return [
            schema_of(kind).load(
                {column.key: column.value_of(cell) for column, cell in zip(columns, line, strict=True) if cell}
            )
            for line in lines
        ]


def test_files_that_are_there_are_not_written_over(told: Told, tmp_path: Path) -> None:
    (tmp_path / "payments.csv").write_text("mine")

    with pytest.raises(Refused, match=r"payments\.csv is there already"):
        files.write(told.demo, tmp_path)

    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
