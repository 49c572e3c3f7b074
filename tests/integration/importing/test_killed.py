"""An import that is killed in the middle, and run again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from gateway.importing.run import BATCH
from shared.database import Database
from shared.database.models import LedgerEntry, Order, OutboxJob
from tests.integration.importing.office import Office
from tests.kit.engine import PATIENCE_S

ORDERS = 8_000
RETAILERS = 700
ROOT = Path(__file__).parents[3]


@pytest.mark.chaos
def test_a_killed_import_that_is_run_again_gives_what_one_run_gives(office: Office) -> None:
    path = _prepare(office)
    process = _start(path)
    while _stored(office.database) == 0:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    process.kill()
    process.wait()
    stored = _stored(office.database)
    assert 0 < stored < ORDERS
    assert stored % BATCH == 0, "a batch is stored as a whole or not at all"

    assert _start(path).wait(PATIENCE_S * 6) == 0

    assert _stored(office.database) == len(office.rows(LedgerEntry, "id")) == ORDERS
    assert office.debts() == {_code(shop): _debt_paisa(shop) for shop in range(RETAILERS)}
    assert {data["retailerId"] for (data,) in office.rows(OutboxJob, "data")} == set(office.debts())


def _prepare(office: Office) -> Path:
    """The retailers and a vendor are there; the file of orders is not imported yet."""
    shops = "".join(f"{_code(shop)},Shop,9800000000\n" for shop in range(RETAILERS))
    assert office.imports("retailers", "code,shop_name,phone\n" + shops).exit_code == 0
    assert office.imports("vendors", "code,business_name,phone\nVEN001,Thok,9811111111\n").exit_code == 0
    with office.database.session() as tx:
        tx.execute(delete(OutboxJob))
    path = office.folder / "orders.csv"
    orders = (f"ORD{i},{_code(i % RETAILERS)},VEN001,ACCEPTED,{1 + i}.00\n" for i in range(ORDERS))
    path.write_text("number,retailer_code,vendor_code,status,total\n" + "".join(orders), encoding="utf-8")
    return path


def _start(path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gateway.cli", "import", "orders", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, cwd=path.parent, stdout=subprocess.DEVNULL)


def _stored(database: Database) -> int:
    with database.reader() as tx:
        return tx.scalars(select(func.count()).select_from(Order)).one()


def _code(shop: int) -> str:
    return f"RET{shop:04}"


def _debt_paisa(shop: int) -> int:
    return sum(100 * (1 + i) for i in range(shop, ORDERS, RETAILERS))
