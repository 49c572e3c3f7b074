"""What imported orders add to the totals of their vendors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.database.behind import Behind
from shared.database.bulk import among, update_many
from shared.database.models import Vendor


class VendorTotals:
    """Counts completed orders and their value by vendor."""

    def __init__(self) -> None:
        self._orders: Counter[int] = Counter()
        self._paisa: Counter[int] = Counter()

    def add(self, vendor_id: int, total_paisa: int) -> None:
        """Count one completed order."""
        self._orders[vendor_id] += 1
        self._paisa[vendor_id] += total_paisa

    def write(self, behind: Behind) -> None:
        """Have what was counted added to what the vendors have; they are locked until the transaction ends."""
        if self._orders:
            behind.run(_add, self._orders, self._paisa)


def _add(tx: Session, orders: Mapping[int, int], paisa: Mapping[int, int]) -> None:
    columns = Vendor.__table__.c
    query = (
        select(columns.id, columns.completed_orders, columns.completed_value_paisa)
        .where(among(tx, columns.id, orders))
        # In one order everywhere, so that two writers don't wait for each other.
        .order_by(columns.id)
        .with_for_update(key_share=True)
    )
    rows = [
        {
            "id": row.id,
            "completed_orders": row.completed_orders + orders[row.id],
            "completed_value_paisa": row.completed_value_paisa + paisa[row.id],
        }
        for row in tx.execute(query)
    ]
    update_many(tx, Vendor, ["id"], rows)
