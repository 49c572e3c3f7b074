"""Vendors and orders that say only what a test is about."""

from __future__ import annotations

from typing import Any

from services.routing.scoring import Offered, Place, Score, Vendor, Wanted, score

RETAILER = Place("Kathmandu", "Bagmati")
RICE = Wanted("RICE-1KG", 10)
OIL = Wanted("OIL-1L", 4)


def a_vendor(code: str = "VEN001", *, price_paisa: int = 10_000, quantity: int = 20, **changes: Any) -> Vendor:
    """An eligible vendor in the retailer's city with plenty of rice."""
    values: dict[str, Any] = {
        "rating_hundredths": 400,
        "place": RETAILER,
        "stock": {RICE.product: Offered(price_paisa, quantity)},
    }
    return Vendor(code, **(values | changes))


def score_of(vendor: Vendor, *, cheapest_paisa: int | None = None) -> Score:
    """The vendor's score for ten of rice, by itself."""
    own = vendor.stock[RICE.product].price_paisa * RICE.quantity
    return score(
        vendor,
        [RICE],
        RETAILER,
        own_paisa=own,
        cheapest_paisa=own if cheapest_paisa is None else cheapest_paisa,
        mean_paisa=(own, 1),
    )
