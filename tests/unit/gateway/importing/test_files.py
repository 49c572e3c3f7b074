"""Import files as they stand: what is refused as a whole, and what each row says."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.importing import files
from gateway.importing.files import FileRefused, FileRow, Format, ImportFile
from shared.master import Kind


def a_file(folder: Path, content: str | bytes, kind: Kind = Kind.PRODUCTS, format_: Format = Format.CSV) -> ImportFile:
    path = folder / "file.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return ImportFile(path, kind, format_)


def rows(file: ImportFile) -> list[FileRow]:
    file.check()
    with file.rows() as found:
        return list(found)


def test_rows_are_counted_with_the_header_as_the_first_and_empty_lines_passed_over(tmp_path: Path) -> None:
    file = a_file(tmp_path, "code,name\r\nRICE,Rice\r\n\r\nDAL,Dal\r\n")

    assert file.check() == 2
    assert [(row.number, row.data["code"]) for row in rows(file)] == [(2, "RICE"), (4, "DAL")]


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    assert rows(a_file(tmp_path, b"\xef\xbb\xbfcode,name\nRICE,Rice\n"))[0].data == {"code": "RICE", "name": "Rice"}


def test_quoted_cells_hold_commas_quotes_and_line_ends(tmp_path: Path) -> None:
    file = a_file(tmp_path, 'code,name\nRICE,"Rice, ""fine""\n1 kg"\nDAL,Dal\n')

    assert [(row.number, row.data["name"]) for row in rows(file)] == [(2, 'Rice, "fine"\n1 kg'), (3, "Dal")]


def test_columns_come_in_any_order_and_empty_cells_say_nothing(tmp_path: Path) -> None:
    (row,) = rows(a_file(tmp_path, "name,unit,code\nRice,  ,RICE\n"))

    assert row.data == {"name": "Rice", "code": "RICE"}
    assert row.given == {"name", "unit", "code"}


def test_cells_become_what_their_columns_hold(tmp_path: Path) -> None:
    text = "vendor_code,product_code,price,stock,available\n 1 ,2, 1.50 , 3 , TRUE \n1,2,1.50,2.5,perhaps\n"
    first, second = rows(a_file(tmp_path, text, Kind.STOCK))

    assert first.data == {"vendorCode": " 1 ", "productCode": "2", "price": "1.50", "stock": 3, "available": True}
    assert (second.data["stock"], second.data["available"]) == ("2.5", "perhaps")


@pytest.mark.parametrize("line", ["RICE\n", "RICE,Rice,more\n"])
def test_a_row_with_another_number_of_cells_than_the_header_is_at_fault(tmp_path: Path, line: str) -> None:
    (row,) = rows(a_file(tmp_path, "code,name\n" + line))

    assert row.fault == f"has {line.count(',') + 1} cells, the header has 2"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "file.csv is empty"),
        (b"\n", "row 1: the columns code, name are missing"),
        (b"code,name\n\xe0\xa4,x\n", "line 2, byte 1: is not UTF-8"),
        ("code,name\n".encode("utf-16"), "file.csv is UTF-16"),
        (b"code;name\n", "row 1: the cells must be separated by commas"),
        (b"code\tname\n", "row 1: the cells must be separated by commas"),
        (b"code,nmae\n", "row 1: the column nmae is not known here; did you mean name?"),
        (b"code,name,\n", "row 1: cell 3 has no name"),
        (b"code,name,name\n", "row 1: the column name more than once"),
        (b'code,name\nRICE,"Rice\n', "row 2: is not CSV as in RFC 4180"),
        (b'code,name\nRICE,"Ri"ce\n', "row 2: is not CSV as in RFC 4180"),
        (b"code,name\n" + b"x" * files.LONGEST_LINE + b"\n", "line 2: is longer than 1,048,576 bytes"),
    ],
)
def test_a_file_is_refused_as_a_whole_in_words(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(FileRefused) as refusal:
        a_file(tmp_path, content).check()

    assert reason in str(refusal.value)


def test_a_refused_file_is_closed_while_its_refusal_is_still_held(tmp_path: Path) -> None:
    file = a_file(tmp_path, b"code;name\n")
    with pytest.raises(FileRefused) as refusal:
        file.check()

    assert refusal.value.__traceback__ is not None
    assert str(file.path) not in [opened.path for opened in psutil.Process().open_files()]


def test_a_header_alone_is_a_file_without_rows(tmp_path: Path) -> None:
    assert a_file(tmp_path, "code,name").check() == 0


def test_what_cannot_be_read_twice_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(FileRefused, match="not a regular file"):
        ImportFile(tmp_path / "pipe", Kind.PRODUCTS, Format.CSV).check()


def test_the_format_goes_by_the_suffix() -> None:
    assert Format.of(Path("a.CSV")) is Format.CSV
    assert Format.of(Path("a.ndjson")) is Format.of(Path("a.jsonl")) is Format.JSON_LINES
    with pytest.raises(FileRefused, match="say --format csv or jsonl"):
        Format.of(Path("a.txt"))


def test_json_lines_are_numbered_by_line_and_faults_are_their_rows_own(tmp_path: Path) -> None:
    text = '{"code": "RICE", "name": null}\n\n{"code": \n[1]\n{"code": "DAL", "colour": 1}\n'
    first, broken, no_object, unknown = rows(a_file(tmp_path, text, format_=Format.JSON_LINES))

    assert first.data == {"code": "RICE", "name": None}
    assert first.given == {"code", "name"}
    assert (broken.number, broken.fault is not None) == (3, True)
    assert (no_object.number, no_object.fault) == (4, "must be a JSON object")
    assert (unknown.number, (unknown.fault or "").startswith("the column colour is not known here")) == (5, True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip), min_size=1))
def test_whatever_a_writer_of_csv_quotes_comes_back(tmp_path: Path, cells: list[str]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("code", "name"), *(("RICE", cell) for cell in cells)])

    assert [row.data["name"] for row in rows(a_file(tmp_path, text.getvalue()))] == cells
