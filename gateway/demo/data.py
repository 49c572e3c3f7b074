"""The demo as rows of the import: what its files would hold, in the order in which it reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from gateway.demo.cast import Cast
from gateway.demo.catalogue import PRODUCTS
from gateway.demo.history import History, Trade
from shared.clock import BUSINESS_ZONE
from shared.master import ItemRow, OrderRow, PaymentRow, ProductRow, RetailerRow, StockRow, VendorRow
from shared.money import PAISA_PER_RUPEE, to_rupees

_DAYS_A_MONTH = 30.4375


class Demo:
    """One demo: the same rows for the same numbers and day.

    ``as_of`` is the business day at whose beginning the data end; the history goes ``months`` back from it.
    """

    def __init__(self, *, retailers: int, months: int, seed: int, as_of: date) -> None:
        days = round(months * _DAYS_A_MONTH)
        self._cast = Cast(retailers=retailers, days=days, seed=seed, as_of=as_of)
        self._first, self._as_of, self._seed = as_of - timedelta(days=days), as_of, seed

    def retailers(self) -> Iterator[RetailerRow]:
        """All retailers."""
        for shop in self._cast.shops:
            yield RetailerRow(
                code=shop.code,
                shop_name=shop.name,
                owner_name=shop.owner,
                phone=shop.phone,
                email=shop.email,
                city=shop.place.city,
                state=shop.place.province,
                language=shop.language,
                credit_limit=to_rupees(shop.limit_rupees * PAISA_PER_RUPEE),
                terms_days=shop.terms_days,
                created_at=datetime.combine(shop.opened_on, time(6), BUSINESS_ZONE).astimezone(UTC),
                active=shop.active,
            )

    def vendors(self) -> Iterator[VendorRow]:
        """All vendors."""
        for vendor in self._cast.vendors:
            yield VendorRow(
                code=vendor.code,
                business_name=vendor.name,
                phone=vendor.phone,
                city=vendor.place.city,
                state=vendor.place.province,
                language=vendor.language,
                rating=vendor.rating,
                approved=vendor.approved,
                active=vendor.active,
            )

    def products(self) -> Iterator[ProductRow]:
        """All products."""
        for each in PRODUCTS:
            yield ProductRow(each.code, each.name, each.unit, each.category)

    def stock(self) -> Iterator[StockRow]:
        """What every vendor has."""
        for vendor in self._cast.vendors:
            for offer in vendor.offers:
                price = to_rupees(offer.rupees * PAISA_PER_RUPEE)
                yield StockRow(vendor.code, offer.product.code, price, offer.stock, offer.available)

    def history(self) -> History:
        """The trades, anew from their beginning; ``order_row`` and its likes make rows of each."""
        return History(self._cast, first=self._first, as_of=self._as_of, seed=self._seed)


def order_row(trade: Trade) -> OrderRow:
    """The trade's order."""
    life = trade.life
    return OrderRow(
        number=trade.number,
        retailer_code=trade.shop.code,
        vendor_code=trade.vendor.code if trade.vendor else None,
        status=life.state,
        total=to_rupees(trade.totals.total_paisa),
        subtotal=to_rupees(trade.totals.subtotal_paisa),
        tax=to_rupees(trade.totals.tax_paisa),
        created_at=life.created_at.astimezone(UTC),
        confirmed_at=_utc(life.confirmed_at),
        accepted_at=_utc(life.accepted_at),
        dispatched_at=_utc(life.dispatched_at),
        delivered_at=_utc(life.delivered_at),
        completed_at=_utc(life.completed_at),
        cancelled_at=_utc(life.cancelled_at),
        cancelled_by=life.cancelled_by,
        due_on=trade.due_on,
    )


def item_rows(trade: Trade) -> list[ItemRow]:
    """The items of the trade's order."""
    return [
        ItemRow(trade.number, item.product_code, item.quantity, to_rupees(item.price_paisa)) for item in trade.items
    ]


def payment_rows(trade: Trade) -> list[PaymentRow]:
    """The payments for the trade's order."""
    return [
        PaymentRow(
            number=number,
            order_number=trade.number,
            amount=to_rupees(paid.amount_paisa),
            paid_at=paid.paid_at.astimezone(UTC),
            method=paid.method,
            reversed=paid.reversed,
        )
        for number, paid in trade.payments
    ]


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(UTC)
