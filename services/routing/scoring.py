"""What a vendor's score is made of; pure.

Money is integer paisa, ratings and scores integer hundredths, every component 0 to 100. What there is thousands of in
one routing is a named tuple: a frozen data class takes several times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import gcd
from types import MappingProxyType
from typing import NamedTuple

from services.routing.exact import HUNDRED, NOTHING, Ratio, at_most, falling, hundredths, share, weighted

AVAILABILITY, PROXIMITY, WORKLOAD, PRICE, RELIABILITY = 30, 20, 15, 20, 15
"""Per cent of the score."""

_WEIGHTS = (AVAILABILITY, PROXIMITY, WORKLOAD, PRICE, RELIABILITY)

UNRATED_HUNDREDTHS = 300
"""A new vendor counts as one with 3.0."""

_SAME_CITY, _SAME_STATE, _ELSEWHERE = 100, 70, 40
_PLENTY, _ENOUGH = 100, 70
_WORKLOAD = ((5, 100), (10, 80), (20, 60), (30, 40))
_OVERLOADED = 20
_PRICE_LEVELS: tuple[tuple[Ratio, int], ...] = (
    ((90, 100), 100),
    ((95, 100), 90),
    ((1, 1), 80),
    ((105, 100), 70),
    ((110, 100), 60),
)
_DEAR = 50
_DAY_S, _THREE_DAYS_S = 24 * 3600, 72 * 3600


class Wanted(NamedTuple):
    """One line of the order: the product's code and how many of it."""

    product: str
    quantity: int


class Offered(NamedTuple):
    """What a vendor has of a product."""

    price_paisa: int
    quantity: int
    available: bool = True


class Record(NamedTuple):
    """What a vendor did with the orders of the last 180 days, as it was last counted.

    ``offers`` were answered or expired; ``delivered`` of the ``accepted`` orders reached the retailer, in
    ``delivery_seconds`` together; ``cancelled`` of them the vendor called off.
    """

    offers: int = 0
    offers_accepted: int = 0
    accepted: int = 0
    delivered: int = 0
    timed: int = 0
    delivery_seconds: int = 0
    cancelled: int = 0


class Place(NamedTuple):
    """Where somebody is, as far as it is known."""

    city: str | None = None
    state: str | None = None


class Vendor(NamedTuple):
    """One candidate; ``rating_hundredths`` is None for a new vendor, ``stock`` goes by product code."""

    code: str
    approved: bool = True
    active: bool = True
    rating_hundredths: int | None = None
    place: Place = Place()
    open_orders: int = 0
    stock: Mapping[str, Offered] = MappingProxyType({})
    record: Record = Record()

    @property
    def rating(self) -> int:
        """The rating in hundredths, a new vendor's included."""
        return UNRATED_HUNDREDTHS if self.rating_hundredths is None else self.rating_hundredths


def basket_paisa(vendor: Vendor, items: Sequence[Wanted]) -> int:
    """What the order costs at this vendor, who has all of it."""
    return sum([vendor.stock[item.product].price_paisa * item.quantity for item in items])


def availability(vendor: Vendor, items: Sequence[Wanted]) -> Ratio:
    """Mean over the items: 100 for a stock of twice the quantity or more, 70 for enough."""
    points = 0
    for item in items:
        points += _PLENTY if vendor.stock[item.product].quantity >= 2 * item.quantity else _ENOUGH
    return points, len(items)


@lru_cache(maxsize=1_000)
def proximity(vendor: Place, retailer: Place) -> Ratio:
    """100 in the same city, 70 in the same state, 40 elsewhere or where it isn't known."""
    if _same(vendor.city, retailer.city):
        return _SAME_CITY, 1
    if _same(vendor.state, retailer.state):
        return _SAME_STATE, 1
    return _ELSEWHERE, 1


def workload(open_orders: int) -> Ratio:
    """100 up to 5 open orders, 80 up to 10, 60 up to 20, 40 up to 30, else 20."""
    for limit, points in _WORKLOAD:
        if open_orders <= limit:
            return points, 1
    return _OVERLOADED, 1


def price(own_paisa: int, cheapest_paisa: int) -> Ratio:
    """100 for the cheapest basket, falling linearly to 0 at one and a half times its price."""
    if cheapest_paisa == 0:
        return HUNDRED if own_paisa == 0 else NOTHING
    return falling((own_paisa, 1), (cheapest_paisa, 1), (3 * cheapest_paisa, 2))


def price_level(own_paisa: int, mean_paisa: Ratio) -> Ratio | None:
    """100 at .9 of the vendors' mean price or less, 90 .95, 80 1, 70 1.05, 60 1.1, else 50; None without a mean."""
    top, bottom = mean_paisa
    if top == 0:
        return None
    level = (own_paisa * bottom, top)
    for limit, points in _PRICE_LEVELS:
        if at_most(level, limit):
            return points, 1
    return _DEAR, 1


def delivery_speed(record: Record) -> Ratio | None:
    """100 for a mean of 24 hours from acceptance to delivery, falling to 0 at 72; None without a delivery."""
    if record.timed == 0:
        return None
    return falling((record.delivery_seconds, record.timed), (_DAY_S, 1), (_THREE_DAYS_S, 1))


def reliability(vendor: Vendor, own_paisa: int, mean_paisa: Ratio) -> Ratio:
    """The record of 180 days; a measure without data takes the rating's share of 5."""
    level = price_level(own_paisa, mean_paisa) or (vendor.rating, 5)
    return weighted(((100, _by_record(vendor.record, vendor.rating)), (10, level)))


# Between two countings the records stay as they are, and so does what follows from them.
@lru_cache(maxsize=10_000)
def _by_record(record: Record, rating_hundredths: int) -> Ratio:
    """The nine tenths of reliability that don't depend on the order: 0 to 90, in lowest terms."""
    by_rating: Ratio = (rating_hundredths, 5)
    accepted = record.accepted
    top, bottom = weighted(
        (
            (25, share(record.offers_accepted, record.offers) if record.offers else by_rating),
            (30, share(record.delivered, accepted) if accepted else by_rating),
            (20, delivery_speed(record) or by_rating),
            (15, share(max(0, accepted - record.cancelled), accepted) if accepted else by_rating),
        )
    )
    divisor = gcd(top, bottom)
    return top // divisor, bottom // divisor


class Score(NamedTuple):
    """One candidate's score and its parts, all in hundredths."""

    vendor: str
    basket_paisa: int
    total_hundredths: int
    availability_hundredths: int
    proximity_hundredths: int
    workload_hundredths: int
    price_hundredths: int
    reliability_hundredths: int


def score(
    vendor: Vendor, items: Sequence[Wanted], retailer: Place, *, own_paisa: int, cheapest_paisa: int, mean_paisa: Ratio
) -> Score:
    """One vendor's score, rounded half up once at the end; the parts are rounded for showing only.

    ``own_paisa`` is what the order costs at this vendor, ``cheapest_paisa`` at the cheapest one.
    """
    parts = (
        availability(vendor, items),
        proximity(vendor.place, retailer),
        workload(vendor.open_orders),
        price(own_paisa, cheapest_paisa),
        reliability(vendor, own_paisa, mean_paisa),
    )
    total = hundredths(weighted(zip(_WEIGHTS, parts, strict=True)))
    return Score(vendor.code, own_paisa, total, *map(hundredths, parts))


def _same(left: str | None, right: str | None) -> bool:
    if left is None or right is None:
        return False
    left, right = left.strip().casefold(), right.strip().casefold()
    return bool(left) and left == right
