"""What is known of each vendor's past, counted anew for the routings of the next minutes."""

from __future__ import annotations

from gateway.housekeeping.parts import Parts
from shared.database import vendor_records


def count_vendor_records(parts: Parts) -> str:
    """Count what every vendor did with the offers and orders of the last 180 days."""
    with parts.database.session() as tx:
        counted = vendor_records.refresh(tx, parts.settings.clock().now())
    return f"counted the records of {counted} vendors"
