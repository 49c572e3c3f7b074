"""The trade of the demo's shops: order after order in time, each with its items and payments.

It is made as it is read. Only each shop's debt and next order are kept, so a large demo needs
little memory.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from gateway.demo.cast import STORY_RETAILER, Cast, Offer, Shop, Wholesaler, round_rupees
from gateway.demo.catalogue import MUSTARD_OIL, RICE
from gateway.demo.life import Life, live, over_the_limit
from gateway.demo.paying import Paid, payments_of
from gateway.demo.seasons import Seasons
from shared import bookkeeping
from shared.bookkeeping import Totals
from shared.business import OrderState
from shared.clock import BUSINESS_ZONE
from shared.money import PAISA_PER_RUPEE

ORDER_PREFIX = "ORD"
PAYMENT_PREFIX = "PAY"
_NUMBER_DIGITS = 6
_STORY_SHARE = 0.6
"""The walk-through's retailer never uses more of its limit, so that its draft can be confirmed."""
_STORY_ITEMS = {RICE: 50, MUSTARD_OIL: 20}
_STORY_BEFORE_MIDNIGHT = timedelta(hours=4, minutes=5)
_INACTIVE_FOR = timedelta(days=45)
_SHRINKS_TO = 0.4
_ASKED_ALL_THE_SAME = 0.25
_PREFERRED = (6, 3, 2, 1)
_NAMES_VENDOR = 0.3
_INFLATION_A_MONTH = 0.004
_DEMAND_A_MONTH = 30.0


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order; the price is for one unit."""

    product_code: str
    quantity: int
    price_paisa: int


@dataclass(frozen=True, slots=True)
class Trade:
    """One order with all that belongs to it; ``payments`` have their numbers."""

    number: str
    shop: Shop
    vendor: Wholesaler | None
    life: Life
    due_on: date | None
    items: tuple[Item, ...]
    totals: Totals
    payments: tuple[tuple[str, Paid], ...] = ()


@dataclass(slots=True)
class _Account:
    """A shop's debt in paisa, as far as it is known; ``credits`` come later, soonest first."""

    debt: int = 0
    credits: list[tuple[datetime, int]] = field(default_factory=list)

    def at(self, instant: datetime) -> int:
        while self.credits and self.credits[0][0] <= instant:
            self.debt -= heapq.heappop(self.credits)[1]
        return self.debt


class History:
    """The trades of ``cast`` from ``first`` up to the beginning of ``as_of``; read it once."""

    def __init__(self, cast: Cast, *, first: date, as_of: date, seed: int) -> None:
        self._shops = cast.shops
        self._seasons = Seasons(first, as_of)
        self._as_of = as_of
        self._until = datetime.combine(as_of, time.min, BUSINESS_ZONE)
        self._random = Random(f"{seed} history")  # noqa: S311 - made-up data, no secret
        self._accounts = [_Account() for _ in cast.shops]
        self._numbers: Counter[str] = Counter()
        self._story_number: str | None = None

    @property
    def story_number(self) -> str:
        """The number of the draft that the walk-through confirms; ValueError before all was read."""
        if self._story_number is None:
            raise ValueError("the walk-through's order is the last one: read the history first")
        return self._story_number

    @property
    def last_numbers(self) -> Mapping[str, int]:
        """The last number given out so far under each name, such as ``ORD2611``."""
        return self._numbers

    def __iter__(self) -> Iterator[Trade]:
        """All trades, by the time of their order; the walk-through's draft is the last one."""
        due = [(self._first_position(shop), index) for index, shop in enumerate(self._shops)]
        heapq.heapify(due)
        while due:
            position, index = due[0]
            shop = self._shops[index]
            if position >= self._last_position(shop):
                heapq.heappop(due)
                continue
            trade = self._trade(index, self._seasons.instant(position))
            if trade is not None:
                yield trade
            heapq.heapreplace(due, (position + self._gap(shop), index))
        yield self._story()

    def _first_position(self, shop: Shop) -> float:
        return self._seasons.position_of(shop.opened_on) + self._random.random() * _DEMAND_A_MONTH / shop.orders_a_month

    def _last_position(self, shop: Shop) -> float:
        return self._seasons.end if shop.active else self._seasons.position_of(self._as_of - _INACTIVE_FOR)

    def _gap(self, shop: Shop) -> float:
        evenness = shop.payer.regularity
        return _DEMAND_A_MONTH / shop.orders_a_month * self._random.gammavariate(evenness, 1 / evenness)

    def _trade(self, index: int, created_at: datetime) -> Trade | None:
        """The shop's order of that time; None if its limit keeps it from ordering."""
        draw, shop, account = self._random, self._shops[index], self._accounts[index]
        vendor = draw.choices(shop.vendors, _PREFERRED[: len(shop.vendors)])[0]
        items = self._basket(shop, vendor, created_at)
        totals = _totals(items)
        room = self._limit(shop) - account.at(created_at)
        if totals.total_paisa > room:
            items = tuple(_less(item) for item in items)
            totals = _totals(items)
        if totals.total_paisa > room:
            if draw.random() > _ASKED_ALL_THE_SAME:
                return None
            life = over_the_limit(draw, created_at, until=self._until)
        else:
            same_city = vendor.place == shop.place
            life = live(draw, created_at, same_city=same_city, cancels=shop.payer.cancels, until=self._until)
        return self._settled(shop, account, vendor, life, items, totals)

    def _settled(
        self, shop: Shop, account: _Account, vendor: Wholesaler, life: Life, items: tuple[Item, ...], totals: Totals
    ) -> Trade:
        number = self._number(ORDER_PREFIX, life.created_at)
        total = totals.total_paisa
        if life.accepted_at is not None:
            account.debt += total
        if life.cancelled_at is not None and life.accepted_at is not None:
            heapq.heappush(account.credits, (life.cancelled_at, total))
        due_on, payments = None, []
        if life.delivered_at is not None:
            due_on = bookkeeping.due_on(life.delivered_at, shop.terms_days)
            payments = payments_of(
                self._random, shop.payer, total, delivered_at=life.delivered_at, due_on=due_on, until=self._until
            )
            for payment in payments:
                if not payment.reversed:
                    heapq.heappush(account.credits, (payment.paid_at, payment.amount_paisa))
        numbered = tuple((self._number(PAYMENT_PREFIX, payment.paid_at), payment) for payment in payments)
        known = life.accepted_at is not None or (
            life.state is OrderState.DRAFT and self._random.random() < _NAMES_VENDOR
        )
        return Trade(number, shop, vendor if known else None, life, due_on, items, totals, numbered)

    def _basket(self, shop: Shop, vendor: Wholesaler, created_at: datetime) -> tuple[Item, ...]:
        draw = self._random
        count = max(1, min(len(vendor.offers), shop.lines + draw.randint(-1, 2)))
        months_ago = (self._as_of - created_at.date()).days // 30
        level = 1 - _INFLATION_A_MONTH * months_ago
        return tuple(
            Item(
                offer.product.code,
                _round_quantity(offer.product.usual * shop.size * draw.uniform(0.6, 1.4)),
                round_rupees(offer.rupees * level) * PAISA_PER_RUPEE,
            )
            for offer in draw.sample(vendor.offers, count)
        )

    def _limit(self, shop: Shop) -> int:
        paisa = shop.limit_rupees * PAISA_PER_RUPEE
        return int(paisa * _STORY_SHARE) if shop.code == STORY_RETAILER else paisa

    def _number(self, prefix: str, instant: datetime) -> str:
        name = f"{prefix}{instant:%y%m}"
        self._numbers[name] += 1
        return f"{name}{self._numbers[name]:0{_NUMBER_DIGITS}}"

    def _story(self) -> Trade:
        """Last evening's draft of the walk-through's retailer, at the prices of its first vendor."""
        shop = self._shops[0]
        offers: dict[str, Offer] = {offer.product.code: offer for offer in shop.vendors[0].offers}
        items = tuple(Item(code, count, offers[code].rupees * PAISA_PER_RUPEE) for code, count in _STORY_ITEMS.items())
        life = Life(self._until - _STORY_BEFORE_MIDNIGHT)
        self._story_number = self._number(ORDER_PREFIX, life.created_at)
        return Trade(self._story_number, shop, None, life, None, items, _totals(items))


def _totals(items: tuple[Item, ...]) -> Totals:
    return bookkeeping.totals((item.quantity, item.price_paisa) for item in items)


def _less(item: Item) -> Item:
    return Item(item.product_code, max(1, int(item.quantity * _SHRINKS_TO)), item.price_paisa)


def _round_quantity(quantity: float) -> int:
    """A quantity as shops order it: whole below 10, then in fives."""
    return max(1, round(quantity)) if quantity < 10 else round(quantity / 5) * 5  # noqa: PLR2004 - see above
