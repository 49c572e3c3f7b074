"""What the database knows of a retailer, as each report needs it; money in paisa."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from services.reports.domain import Discipline

TOP_PRODUCTS_OF_A_SHOP = 3


@dataclass(frozen=True, slots=True)
class Shop:
    """The columns that every report begins with."""

    code: str
    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class CreditFacts:
    """Of CREDIT_SUMMARY: payments are those of the chosen days, everything else is as of today.

    ``orders`` counts those ever confirmed, ``cancelled`` those of them that were cancelled.
    """

    shop: Shop
    limit_paisa: int = 0
    debt_paisa: int = 0
    overdue_paisa: int = 0
    score: int | None = None
    payments: int = 0
    paid_paisa: int = 0
    discipline: Discipline = field(default_factory=Discipline)
    orders: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class Bought:
    """How much of one product."""

    product: str
    quantity: int
    value_paisa: int


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """Of PURCHASE_VOLUME: orders by state, their value, and the most valuable products, best first."""

    shop: Shop
    by_state: Mapping[str, int] = field(default_factory=dict)
    value_paisa: int = 0
    products: tuple[Bought, ...] = ()


@dataclass(frozen=True, slots=True)
class SalesFacts:
    """Of PURCHASE_VOLUME, about many retailers together: value by month (``2026-11``) and by product."""

    by_month: Mapping[str, int] = field(default_factory=dict)
    by_product: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DisciplineFacts:
    """Of PAYMENT_DISCIPLINE."""

    shop: Shop
    discipline: Discipline = field(default_factory=Discipline)


@dataclass(frozen=True, slots=True)
class LiabilityFacts:
    """Of OUTSTANDING_LIABILITY: what is open in each bucket, in the order of ``domain.Age``."""

    shop: Shop
    open_paisa: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    oldest_due_on: date | None = None


Facts = CreditFacts | VolumeFacts | SalesFacts | DisciplineFacts | LiabilityFacts
