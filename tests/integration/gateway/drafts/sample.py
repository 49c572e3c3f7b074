"""What tests of draft orders share."""

from __future__ import annotations

from typing import Any

NUMBER = "ORD2611000009"
PATH = f"/orders/{NUMBER}"
RICE = {"productCode": "RICE-1KG", "quantity": 10, "unitPrice": 150.5}
OIL = {"productCode": "RICE-2KG", "quantity": 1, "unitPrice": 0.04}
DRAFT = {"retailerCode": "RET001", "items": [RICE]}
THREADS = 8


def amounts(order: Any) -> list[Any]:
    return [order[key] for key in ("subtotal", "tax", "total")]


def codes(order: Any) -> list[str]:
    return [item["productCode"] for item in order["items"]]
