"""The rules of routing: who is eligible, who is chosen and why, what follows; pure.

Money is integer paisa, ratings and scores are integer hundredths. The score itself is in ``scoring``, the time
to answer an offer in ``shared.answer_time``: the orders service, which makes the offers, goes by it too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from services.routing.exact import Ratio
from services.routing.scoring import Place, Score, Vendor, Wanted, basket_paisa, score

MIN_RATING_HUNDREDTHS = 300
MAX_VENDORS = 5
NEXT_VENDOR_AFTER = timedelta(seconds=60)
LOOK_AGAIN_AFTER = timedelta(minutes=15)
LOOKS_AGAIN = 3


class Obstacle(StrEnum):
    """Why a vendor is not eligible, in the words of the explanation."""

    TRIED = "tried before"
    NOT_APPROVED = "not approved"
    INACTIVE = "inactive"
    RATING = "rated below 3.0"
    STOCK = "without all products in stock"


def obstacle(vendor: Vendor, items: Sequence[Wanted], tried: Collection[str]) -> Obstacle | None:
    """The first reason why a vendor can't get the order, or None for an eligible one."""
    if vendor.code in tried:
        return Obstacle.TRIED
    if not vendor.approved:
        return Obstacle.NOT_APPROVED
    if not vendor.active:
        return Obstacle.INACTIVE
    if vendor.rating < MIN_RATING_HUNDREDTHS:
        return Obstacle.RATING
    for item in items:
        offered = vendor.stock.get(item.product)
        if offered is None or not offered.available or offered.quantity < item.quantity:
            return Obstacle.STOCK
    return None


@dataclass(frozen=True, slots=True)
class Decision:
    """All candidates, the best first; the first one is chosen. The explanation is a sentence."""

    candidates: tuple[Score, ...]
    obstacles: Mapping[Obstacle, int]
    explanation: str

    @property
    def chosen(self) -> Score | None:
        """The best candidate, if there is one."""
        return self.candidates[0] if self.candidates else None


def decide(
    vendors: Sequence[Vendor], items: Sequence[Wanted], retailer: Place, *, tried: Collection[str] = ()
) -> Decision:
    """Score the eligible vendors; ties go to the cheaper basket, then to the lower code.

    ``items`` is not empty. The mean price is taken over all approved and active ``vendors`` that sell a product.
    """
    eligible: list[Vendor] = []
    obstacles: Counter[Obstacle] = Counter()
    for vendor in vendors:
        reason = obstacle(vendor, items, tried)
        if reason is None:
            eligible.append(vendor)
        else:
            obstacles[reason] += 1
    baskets = [basket_paisa(vendor, items) for vendor in eligible]
    cheapest = min(baskets, default=0)
    mean = mean_basket([vendor for vendor in vendors if vendor.approved and vendor.active], items)
    scores = [
        score(vendor, items, retailer, own_paisa=own, cheapest_paisa=cheapest, mean_paisa=mean)
        for vendor, own in zip(eligible, baskets, strict=True)
    ]
    ranked = tuple(sorted(scores, key=_rank))
    return Decision(ranked, dict(obstacles), explain(ranked, obstacles))


def _rank(candidate: Score) -> tuple[int, int, str]:
    return -candidate.total_hundredths, candidate.basket_paisa, candidate.vendor


def mean_basket(vendors: Sequence[Vendor], items: Sequence[Wanted]) -> Ratio:
    """The order at the mean price of each product over the vendors that sell it; 0 if nobody sells any."""
    top, bottom = 0, 1
    for item in items:
        offers = [vendor.stock[item.product] for vendor in vendors if item.product in vendor.stock]
        prices = [offered.price_paisa for offered in offers if offered.available]
        if prices:
            top = top * len(prices) + item.quantity * sum(prices) * bottom
            bottom *= len(prices)
    return top, bottom


def explain(ranked: Sequence[Score], obstacles: Mapping[Obstacle, int]) -> str:
    """One sentence: who was chosen over whom, by what, and who could not be considered."""
    left_out = ", ".join(f"{obstacles[reason]} {reason}" for reason in Obstacle if obstacles.get(reason))
    if not ranked:
        return f"No vendor is eligible: {left_out or 'no vendor sells these products'}."
    best = ranked[0]
    sentence = f"{best.vendor} is chosen with {shown(best.total_hundredths)} of 100 points ({_parts(best)})"
    sentence += _comparison(best, ranked[1]) if len(ranked) > 1 else ", the only eligible vendor"
    if len(ranked) > 2:  # noqa: PLR2004 - the chosen and the next are named already
        sentence += f", and {len(ranked) - 2} more"
    return f"{sentence}; left out: {left_out}." if left_out else f"{sentence}."


def _parts(best: Score) -> str:
    return (
        f"availability {shown(best.availability_hundredths)}, proximity {shown(best.proximity_hundredths)}, "
        f"workload {shown(best.workload_hundredths)}, price {shown(best.price_hundredths)}, "
        f"reliability {shown(best.reliability_hundredths)}"
    )


def _comparison(best: Score, second: Score) -> str:
    if best.total_hundredths > second.total_hundredths:
        return f", ahead of {second.vendor} with {shown(second.total_hundredths)}"
    reason = "being cheaper" if best.basket_paisa < second.basket_paisa else "the lower code"
    return f", level with {second.vendor} and ahead by {reason}"


def shown(value_hundredths: int) -> str:
    """``97.50`` of 9750."""
    return f"{value_hundredths // 100}.{value_hundredths % 100:02d}"


class FollowUp(StrEnum):
    """What happens to an order that has no vendor."""

    LOOK_NOW = "LOOK_NOW"
    LOOK_AGAIN = "LOOK_AGAIN"
    MANUAL = "MANUAL"


def before_looking(vendors_tried: int) -> FollowUp:
    """Whether another vendor may be asked: at most five get the same order."""
    return FollowUp.LOOK_NOW if vendors_tried < MAX_VENDORS else FollowUp.MANUAL


def after_finding_nobody(looks_in_vain: int) -> FollowUp:
    """After the ``looks_in_vain``-th look in a row (this one included) that found nobody: three more, then by hand."""
    return FollowUp.LOOK_AGAIN if looks_in_vain <= LOOKS_AGAIN else FollowUp.MANUAL
