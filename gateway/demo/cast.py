"""Who trades in the demo: shops, wholesalers and what these have in stock. Kept in memory, as the history needs it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from gateway.demo import phones
from gateway.demo.catalogue import MUSTARD_OIL, PRODUCTS, RICE, Product
from gateway.demo.names import Names
from gateway.demo.payers import IN_TEN, PROMPT, Payer
from gateway.demo.places import KATHMANDU, LALITPUR, PLACES, Place
from shared.bookkeeping import VAT_PERCENT
from shared.messages.whatsapp import Language

STORY_RETAILER = "RET001"
STORY_VENDOR = "VEN001"
"""The one that gets the walk-through's order: near, and cheap for what it orders."""
SHOPS_OF_A_VENDOR = 25
LEAST_VENDORS = 9
_UNAPPROVED_EVERY = 7
_INACTIVE_EVERY = 8
_UNRATED_EVERY = 9
_STORY_STOCK = 50
"""How many ordinary orders the walk-through's vendors can fill of what it orders."""
_TERMS_DAYS = (30, 30, 30, 30, 30, 30, 15, 15, 45, 7)
_DAYS_A_MONTH = 30
_LINE_RUPEES = sum(product.rupees * product.usual for product in PRODUCTS) // len(PRODUCTS)
"""What a middling shop spends on one product of an order, before VAT."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A product in a wholesaler's stock, with the price of a unit in whole rupees."""

    product: Product
    rupees: int
    stock: int
    available: bool = True


@dataclass(frozen=True, slots=True)
class Wholesaler:
    """A vendor with its stock."""

    code: str
    name: str
    phone: str
    place: Place
    language: Language
    rating: Decimal | None
    approved: bool
    active: bool
    offers: tuple[Offer, ...]

    @property
    def trades(self) -> bool:
        """Whether it gets orders."""
        return self.approved and self.active


@dataclass(frozen=True, slots=True)
class _Told:
    """A vendor of the walk-through; ``rupees`` are its prices of what is ordered there."""

    name: str
    place: Place
    rating: Decimal
    rupees: Mapping[str, int]


_STORY_VENDORS = (
    _Told("Bagmati Traders", KATHMANDU, Decimal("4.6"), {RICE: 82, MUSTARD_OIL: 260}),
    _Told("Annapurna Suppliers", KATHMANDU, Decimal("4.2"), {RICE: 90, MUSTARD_OIL: 280}),
    _Told("Patan Khadya Bhandar", LALITPUR, Decimal("4.4"), {RICE: 88, MUSTARD_OIL: 285}),
)


@dataclass(frozen=True, slots=True)
class Shop:
    """A retailer, and how it orders and pays."""

    code: str
    name: str
    owner: str
    phone: str
    email: str | None
    place: Place
    language: Language
    limit_rupees: int
    terms_days: int
    opened_on: date
    active: bool
    payer: Payer
    orders_a_month: float
    size: float
    """What it orders of a product, where 1 is a middling shop."""
    lines: int
    """Products in one of its orders, about."""
    vendors: tuple[Wholesaler, ...] = field(repr=False)
    """Where it buys, dearest to it first."""


class Cast:
    """The shops and wholesalers of a demo with ``retailers`` shops whose data end before ``as_of``."""

    def __init__(self, *, retailers: int, days: int, seed: int, as_of: date) -> None:
        # One source of chance for each kind: a change to the shops leaves the wholesalers as they are.
        self._random = Random(f"{seed} vendors")  # noqa: S311 - made-up data, no secret
        self._names = Names(f"{seed} vendors")
        count = max(LEAST_VENDORS, retailers // SHOPS_OF_A_VENDOR)
        self.vendors = tuple(self._vendor(number) for number in range(1, count + 1))
        self._random = Random(f"{seed} retailers")  # noqa: S311 - the same
        self._names = Names(f"{seed} retailers")
        self._near = _by_place(self.vendors)
        self._history_days, self._as_of = days, as_of
        self.shops = tuple(self._shop(number, payer) for number, payer in enumerate(self._payers(retailers), start=1))

    def _vendor(self, number: int) -> Wholesaler:
        draw = self._random
        wholesaler = Wholesaler(
            code=f"VEN{number:03}",
            name=self._names.wholesaler(),
            phone=phones.phone(phones.VENDORS, number),
            place=draw.choices(PLACES, [place.weight for place in PLACES])[0],
            language=draw.choice(tuple(Language)),
            rating=None if number % _UNRATED_EVERY == 0 else Decimal(draw.randint(28, 49)) / 10,
            approved=number % _UNAPPROVED_EVERY != 0,
            active=number % _INACTIVE_EVERY != 0,
            offers=self._offers(share=draw.uniform(0.5, 0.9), level=draw.uniform(0.94, 1.06)),
        )
        if number > len(_STORY_VENDORS):
            return wholesaler
        told = _STORY_VENDORS[number - 1]
        return replace(
            wholesaler,
            name=told.name,
            place=told.place,
            rating=told.rating,
            language=Language.ENGLISH,
            offers=_with_the_story(wholesaler.offers, told.rupees),
        )

    def _offers(self, *, share: float, level: float) -> tuple[Offer, ...]:
        """A wholesaler's stock: a ``share`` of the products, at ``level`` times the usual prices."""
        draw = self._random
        count = max(6, int(len(PRODUCTS) * share))
        chosen = set(draw.sample(range(len(PRODUCTS)), count))
        return tuple(
            Offer(
                product,
                rupees=round_rupees(product.rupees * level * draw.uniform(0.97, 1.03)),
                stock=draw.choices((0, 3, 12, 40), (2, 8, 40, 50))[0] * product.usual,
                available=draw.random() > 0.03,  # noqa: PLR2004 - a few are out of the assortment for now
            )
            for index, product in enumerate(PRODUCTS)
            if index in chosen
        )

    def _payers(self, count: int) -> list[Payer]:
        payers: list[Payer] = []
        while len(payers) < count:
            payers += self._random.sample(IN_TEN, len(IN_TEN))
        # The walk-through's retailer pays well; it changes places, so that all ways of paying stay.
        first = payers.index(PROMPT)
        payers[0], payers[first] = payers[first], payers[0]
        return payers[:count]

    def _shop(self, number: int, payer: Payer) -> Shop:
        draw = self._random
        language = Language.NEPALI if draw.random() < 0.75 else Language.ENGLISH  # noqa: PLR2004 - most people write Nepali
        place = draw.choices(PLACES, [place.weight for place in PLACES])[0]
        size, lines = draw.lognormvariate(0.0, 0.45), draw.randint(2, 6)
        orders_a_month, terms_days = draw.uniform(2.5, 9.5) * min(1.0, payer.regularity / 3), draw.choice(_TERMS_DAYS)
        shop = Shop(
            code=f"RET{number:03}",
            name=self._names.shop().in_language(language if draw.random() < 0.5 else Language.ENGLISH),  # noqa: PLR2004 - signs differ
            owner=self._names.person().in_language(language),
            phone=phones.phone(phones.RETAILERS, number),
            email=f"ret{number:03}@example.com" if draw.random() < 0.4 else None,  # noqa: PLR2004 - few have one
            place=place,
            language=language,
            limit_rupees=self._limit(orders_a_month * lines * size, terms_days, payer),
            terms_days=terms_days,
            opened_on=self._as_of - timedelta(days=self._age_days(payer)),
            active=draw.random() > payer.never / 4,
            payer=payer,
            orders_a_month=orders_a_month,
            size=size,
            lines=lines,
            vendors=self._vendors_for(place),
        )
        return self._of_the_story(shop) if shop.code == STORY_RETAILER else shop

    def _limit(self, lines_a_month: float, terms_days: int, payer: Payer) -> int:
        """Rupees: what the shop usually owes, times the headroom that its way of paying leaves it."""
        monthly = lines_a_month * _LINE_RUPEES * (100 + VAT_PERCENT) / 100
        open_days = max(5, terms_days + (payer.earliest + payer.latest) / 2)
        exact = monthly * open_days / _DAYS_A_MONTH * self._random.uniform(*payer.headroom)
        return max(20_000, round(exact / 5_000) * 5_000)

    def _age_days(self, payer: Payer) -> int:
        """One shop in six joined while the data run; those who pay badly are rarely old customers."""
        draw = self._random
        if draw.random() < 1 / 6:
            return draw.randint(15, max(16, self._history_days))
        most = 1_600 if payer.never == 0 else 700
        return draw.randint(min(self._history_days, most - 1), most)

    def _vendors_for(self, place: Place) -> tuple[Wholesaler, ...]:
        """Two to four, the near ones first."""
        count = self._random.randint(2, 4)
        found: dict[str, Wholesaler] = {}
        for near in (self._near[place.city], self._near[place.province], self._near[""]):
            for vendor in self._random.sample(near, min(count, len(near))):
                found[vendor.code] = vendor
        return tuple(found.values())[:count]

    def _of_the_story(self, shop: Shop) -> Shop:
        return replace(
            shop,
            name="Shree Ganesh Kirana Pasal",
            owner="Ramesh Shrestha",
            place=KATHMANDU,
            language=Language.ENGLISH,
            limit_rupees=200_000,
            terms_days=30,
            opened_on=self._as_of - timedelta(days=900),
            active=True,
            orders_a_month=9.0,
            size=0.5,
            lines=3,
            vendors=self.vendors[:3],
        )


def _with_the_story(offers: Sequence[Offer], rupees: Mapping[str, int]) -> tuple[Offer, ...]:
    """Also plenty of what the walk-through orders, at these prices by product code."""
    told = (product for product in PRODUCTS if product.code in rupees)
    others = (offer for offer in offers if offer.product.code not in rupees)
    return (*(Offer(each, rupees[each.code], each.usual * _STORY_STOCK) for each in told), *others)


def round_rupees(rupees: float) -> int:
    """A price as shops write them: whole rupees below 100, multiples of 5 below 1,000, of 10 above; never 0."""
    step = 1 if rupees < 100 else 5 if rupees < 1_000 else 10  # noqa: PLR2004 - see above
    return max(step, round(rupees / step) * step)


def _by_place(vendors: Sequence[Wholesaler]) -> dict[str, list[Wholesaler]]:
    """Those who trade, by city and by province; under "" all of them."""
    near: dict[str, list[Wholesaler]] = defaultdict(list)
    for vendor in vendors:
        if vendor.trades:
            for place in dict.fromkeys((vendor.place.city, vendor.place.province, "")):
                near[place].append(vendor)
    return near
