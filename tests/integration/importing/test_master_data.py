"""Retailers, vendors, products and stock by file."""

from __future__ import annotations

import json

from sqlalchemy import select

from shared.database.models import OutboxJob, Product, Retailer, Stock, Vendor
from tests.integration.importing.office import RETAILERS, Office, problems


def test_a_retailer_comes_in_with_all_its_columns_and_says_nothing_of_its_debt(office: Office) -> None:
    header = "code,shop_name,owner_name,phone,email,city,state,language,credit_limit,terms_days,created_at,active"
    values = "RET001,Asan,Sita,+977-9800000000,s@example.com,Kathmandu,Bagmati,en,1500.50,45,2024-01-01T08:00,false"

    assert office.imports("retailers", f"{header}\n{values}\n").exit_code == 0

    (row,) = office.rows(Retailer, "code", "phone", "language", "credit_limit_paisa", "terms_days", "active")
    assert row == ("RET001", "+9779800000000", "en", 150_050, 45, False)
    ((created_at, debt, score),) = office.rows(Retailer, "created_at", "debt_paisa", "credit_score")
    assert (created_at.isoformat(), debt, score) == ("2024-01-01T02:15:00+00:00", 0, None)


def test_a_file_imported_again_changes_nothing(office: Office) -> None:
    office.stocked()
    office.imports("stock", "vendor_code,product_code,price,stock\nVEN001,RICE-1KG,99.50,40\n")
    before = office.tables()

    again = office.imports("retailers", RETAILERS)
    stock = office.imports("stock", "vendor_code,product_code,price,stock\nVEN001,RICE-1KG,99.50,40\n")

    assert "0 created, 0 updated, 2 unchanged, 0 wrong" in again.stdout
    assert "0 created, 0 updated, 1 unchanged, 0 wrong" in stock.stdout
    assert office.tables() == before


def test_changed_master_data_is_updated(office: Office) -> None:
    office.stocked()
    office.imports("stock", "vendor_code,product_code,price,stock\nVEN001,RICE-1KG,99.50,40\n")

    office.imports("retailers", RETAILERS.replace("Asan Kirana", "Ason Kirana"))
    office.imports("vendors", "code,business_name,phone,rating\nVEN001,Thok,9811111111,4.25\n")
    office.imports("products", "code,name,category\nRICE-1KG,Rice,Grains\n")
    office.imports("stock", "vendor_code,product_code,price,stock,available\nVEN001,RICE-1KG,101,0,no\n")

    assert office.rows(Retailer, "shop_name") == [("Ason Kirana",), ("Patan Pasal",)]
    assert office.rows(Vendor, "business_name", "rating_hundredths", "approved") == [("Thok", 425, True)]
    assert office.rows(Product, "name", "unit", "category")[0] == ("Rice", "1 kg", "Grains")
    assert office.rows(Stock, "price_paisa", "quantity", "available") == [(10_100, 0, False)]


def test_a_column_that_is_not_in_the_file_stays_and_an_empty_cell_empties_what_may_be_empty(office: Office) -> None:
    office.imports("retailers", "code,shop_name,phone,city,credit_limit\nRET001,Asan,9800000000,Kathmandu,700\n")

    office.imports("retailers", "code,shop_name,phone\nRET001,Asan,9800000001\n")
    assert office.rows(Retailer, "city", "credit_limit_paisa", "phone") == [("Kathmandu", 70_000, "+9779800000001")]

    office.imports("retailers", "code,shop_name,phone,city,credit_limit\nRET001,Asan,9800000001,,\n")
    assert office.rows(Retailer, "city", "credit_limit_paisa") == [(None, 70_000)]


def test_of_a_code_that_stands_twice_in_a_file_the_later_row_wins(office: Office) -> None:
    result = office.imports("products", "code,name\nRICE,Rice\nRICE,Fine rice\nRICE,Fine rice\n")

    assert "1 created, 1 updated, 1 unchanged" in result.stdout
    assert office.rows(Product, "name") == [("Fine rice",)]


def test_stock_of_an_unknown_vendor_or_product_is_a_row_error_and_the_others_are_stored(office: Office) -> None:
    office.stocked()
    text = "vendor_code,product_code,price,stock\nVEN9,RICE-1KG,1,1\nVEN001,TEA,1,1\nVEN001,DAL-1KG,1,1\n"

    result = office.imports("stock", text)

    assert problems(result) == [
        "row 2: vendor_code: there is no vendor VEN9",
        "row 3: product_code: there is no product TEA",
    ]
    assert "1 created, 0 updated, 0 unchanged, 2 wrong" in result.stdout
    assert office.rows(Stock, "quantity") == [(1,)]


def test_json_lines_have_the_same_names_and_a_name_that_is_not_there_changes_nothing(office: Office) -> None:
    line = {"code": "RET001", "shop_name": "आसन", "phone": "9800000000", "credit_limit": 12.5, "active": False}
    assert office.imports("retailers", json.dumps(line), suffix=".jsonl").exit_code == 0

    mixed = '{"code": "RET001", "shop_name": "Asan", "phone": "9800000000"}\n\n{"code": "RET002"}\n[]\n{"code": \n'
    result = office.imports("retailers", mixed, "--format", "jsonl", suffix=".txt")

    assert office.rows(Retailer, "shop_name", "credit_limit_paisa", "active") == [("Asan", 1_250, False)]
    assert [line.partition(": ")[0] for line in problems(result)] == ["row 3", "row 3", "row 4", "row 5"]


def test_one_score_is_asked_for_each_retailer_that_was_touched(office: Office) -> None:
    office.imports("retailers", RETAILERS)
    office.imports("retailers", RETAILERS.replace("Patan Pasal", "Patan Store"))

    with office.database.reader() as tx:
        jobs = tx.scalars(select(OutboxJob).order_by(OutboxJob.id)).all()
    assert [job.data["retailerId"] for job in jobs] == ["RET001", "RET002", "RET002"]
    assert {job.options["deduplicationKey"] for job in jobs} == {"credit-score-RET001", "credit-score-RET002"}
    assert {job.published_at for job in jobs} == {None}
