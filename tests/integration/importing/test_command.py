"""What ``doko import`` says, and what it leaves alone."""

from __future__ import annotations

import csv

import pytest
from click.testing import CliRunner

from gateway.cli import main as doko
from shared.database.models import OutboxJob, Product, Retailer
from shared.master import Kind, columns_of
from tests.integration.importing.office import ORDERS, RETAILERS, Office


def test_a_dry_run_says_what_would_come_of_it_and_writes_nothing(office: Office) -> None:
    office.stocked()
    before, jobs = office.tables(), office.rows(OutboxJob, "job_id")

    good = office.imports("orders", ORDERS, "--dry-run")
    bad = office.imports("retailers", RETAILERS.replace("Asan Kirana", "").replace("50000", "7"), "--dry-run")

    assert "3 created, 0 updated, 0 unchanged, 0 wrong" in good.stdout
    assert "Dry run: nothing was stored" in good.stdout
    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "0 created, 1 updated, 0 unchanged, 1 wrong" in bad.stdout
    assert (office.tables(), office.rows(OutboxJob, "job_id")) == (before, jobs)


def test_the_first_hundred_problems_are_printed_and_all_are_written(office: Office) -> None:
    text = "code,name\n" + "".join(f'A{i},"=1, 2"\n' for i in range(150)) + "B,Rice\n"

    result = office.imports("products", text, "--errors", "wrong.csv")

    printed = [line for line in result.stderr.splitlines() if line.startswith("row ")]
    assert len(printed) == 100
    assert "and 50 more problems" in result.stderr
    with (office.folder / "wrong.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["row", "column", "error"]
    assert [int(row[0]) for row in rows] == list(range(2, 152))
    assert office.rows(Product, "code") == [("B",)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("code,shop_name\nRET001,Asan\n", "row 1: the column phone is missing"),
        ("code,shop_name,phone,colour\n", "row 1: the column colour is not known here"),
        ("code,shop_name,phone,code\n", "row 1: the column code more than once"),
        ('code,shop_name,phone\nRET001,Asan,9800000000\nRET002,"Pa"tan,1\n', "row 3: is not CSV"),
        (RETAILERS.encode() + b"RET003,\xff,9800000002,1,\n", "line 4, byte 8: is not UTF-8"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_stores_nothing(office: Office, text: str | bytes, reason: str) -> None:
    result = office.imports("retailers", text)

    assert result.exit_code == 1
    assert reason in result.stderr
    assert office.rows(Retailer, "code") == []


def test_unknown_columns_may_be_passed_over(office: Office) -> None:
    assert office.imports("products", "colour,code,name\nred,RICE,Rice\n", "--ignore-unknown").exit_code == 0
    line = '{"code": "DAL", "name": "Dal", "colour": 1}\n'
    assert office.imports("products", line, suffix=".jsonl").exit_code == 1
    assert office.imports("products", line, "--ignore-unknown", suffix=".jsonl").exit_code == 0

    assert office.rows(Product, "code") == [("RICE",), ("DAL",)]


def test_a_database_without_tables_is_said_so(office: Office, empty_database_url: str) -> None:
    office.monkeypatch.setenv("DATABASE_URL", empty_database_url)

    result = office.imports("retailers", RETAILERS)

    assert (result.exit_code, "run `doko migrate` first" in result.stderr) == (1, True)


def test_the_help_names_every_column() -> None:
    for kind in Kind:
        words = CliRunner().invoke(doko, ["import", kind, "--help"]).stdout.split()
        assert {column.name + "*" * column.required for column in columns_of(kind)} <= set(words)
