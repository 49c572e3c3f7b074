"""Where files are imported as an operator does it, and a look at what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Table, select

from gateway.cli import main as doko
from shared.database import Database
from shared.database.base import Base
from shared.database.models import LedgerEntry, Order, OrderItem, Payment, Product, Retailer, Stock, Vendor

RETAILERS = """code,shop_name,phone,credit_limit,created_at
RET001,Asan Kirana,9800000000,100000,2024-01-01
RET002,Patan Pasal,9800000001,50000,2024-01-01
"""
VENDORS = """code,business_name,phone,approved
VEN001,Thok Bazar,9811111111,true
"""
PRODUCTS = """code,name,unit
RICE-1KG,Rice,1 kg
DAL-1KG,Dal,1 kg
"""
ORDERS = """number,retailer_code,vendor_code,status,total,created_at,accepted_at,delivered_at
ORD1,RET001,VEN001,DELIVERED,1130,2024-02-01,2024-02-02,2024-02-03
ORD2,RET001,,DRAFT,500,2024-02-01,,
ORD3,RET002,VEN001,ACCEPTED,250.50,2024-02-01,2024-02-02,
"""

TABLES: tuple[type[Base], ...] = (Retailer, Vendor, Product, Stock, Order, OrderItem, Payment, LedgerEntry)
_ELSEWHERE = {"id", "recorded_at", "updated_at"}
"""What may differ between two imports of the same files."""


@dataclass
class Office:
    """A database, a folder for files, and ``doko import``."""

    database: Database
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def imports(self, kind: str, text: str | bytes, *options: str, suffix: str = ".csv") -> Result:
        """Import a file with this text."""
        path = self.folder / f"{kind}{suffix}"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return CliRunner().invoke(doko, ["import", kind, str(path), *options])

    def stocked(self, *, orders: bool = False) -> Office:
        """With retailers, a vendor and products, and three orders if asked for."""
        files = {"retailers": RETAILERS, "vendors": VENDORS, "products": PRODUCTS}
        for kind, text in (files | ({"orders": ORDERS} if orders else {})).items():
            assert self.imports(kind, text).exit_code == 0
        return self

    def rows(self, model: type[Base], *columns: str) -> list[tuple[Any, ...]]:
        """These columns of all rows, in the order of the table's key."""
        table = cast("Table", model.__table__)
        with self.database.reader() as tx:
            query = select(*(table.c[name] for name in columns)).order_by(*table.primary_key.columns)
            return [tuple(row) for row in tx.execute(query)]

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that an import writes, but for when it did."""
        return {
            model.__tablename__: self.rows(
                model, *(column.key for column in model.__table__.c if column.key not in _ELSEWHERE)
            )
            for model in TABLES
        }

    def debts(self) -> dict[str, int]:
        """The debt of each retailer, after seeing that the ledger sums up to it entry by entry."""
        entries = self.rows(LedgerEntry, "retailer_id", "debit_paisa", "credit_paisa", "balance_paisa")
        sums: dict[int, int] = {}
        for retailer_id, debit, credit, balance in entries:
            sums[retailer_id] = sums.get(retailer_id, 0) + debit - credit
            assert balance == sums[retailer_id]
        debts = {}
        for retailer_id, code, debt in self.rows(Retailer, "id", "code", "debt_paisa"):
            assert debt == sums.get(retailer_id, 0)
            debts[code] = debt
        return debts


def problems(result: Result) -> list[str]:
    """What was said of rows."""
    assert result.exit_code == 1, result.output
    return [line for line in result.stderr.splitlines() if line.startswith("row ")]
