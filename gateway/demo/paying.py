"""What a shop pays for an order, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from gateway.demo.life import at_work
from gateway.demo.payers import Payer
from shared.messages.orders import PaymentMethod
from shared.money import PAISA_PER_RUPEE

_ROUND_PAISA = 500 * PAISA_PER_RUPEE
"""Parts of a sum are paid in multiples of this."""
_LEAST_IN_PARTS = 4_000 * PAISA_PER_RUPEE
_BANK = time(9, 0)
_BANK_MINUTES = 540
_METHODS = (PaymentMethod.CASH, PaymentMethod.BANK_TRANSFER, PaymentMethod.MOBILE_MONEY, PaymentMethod.CHEQUE)
_METHOD_WEIGHTS = (35, 20, 35, 10)
_PAID_AGAIN = 0.7


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment; a reversed one doesn't count."""

    amount_paisa: int
    method: PaymentMethod
    paid_at: datetime
    reversed: bool = False


def payments_of(
    draw: Random, payer: Payer, total_paisa: int, *, delivered_at: datetime, due_on: date, until: datetime
) -> list[Paid]:
    """The payments of a delivered order up to ``until``; those that count are never more than its total."""
    if draw.random() < payer.never:
        return []
    paid: list[Paid] = []
    day = due_on + timedelta(days=draw.randint(payer.earliest, payer.latest))
    for amount in _parts(draw, payer, total_paisa):
        at = _paid_at(draw, day, no_earlier=delivered_at)
        if draw.random() < payer.bounced:
            paid.append(Paid(amount, PaymentMethod.CHEQUE, at, reversed=True))
            if draw.random() >= _PAID_AGAIN:
                break
            day = at.date() + timedelta(days=draw.randint(4, 12))
            at = _paid_at(draw, day, no_earlier=at)
        paid.append(Paid(amount, draw.choices(_METHODS, _METHOD_WEIGHTS)[0], at))
        day = at.date() + timedelta(days=draw.randint(4, 20))
    return [each for each in paid if each.paid_at <= until]


def _parts(draw: Random, payer: Payer, total_paisa: int) -> Iterator[int]:
    """The sums in which the total is paid: round ones, and at last what is left, if that comes at all."""
    left = total_paisa
    if total_paisa >= _LEAST_IN_PARTS and draw.random() < payer.in_parts:
        for _ in range(draw.randint(1, 2)):
            part = round(left * draw.uniform(0.3, 0.6) / _ROUND_PAISA) * _ROUND_PAISA
            if 0 < part < left:
                yield part
                left -= part
        if draw.random() < payer.rest_open:
            return
    yield left


def _paid_at(draw: Random, day: date, *, no_earlier: datetime) -> datetime:
    opened = datetime.combine(day, _BANK, no_earlier.tzinfo) + timedelta(minutes=draw.randint(0, _BANK_MINUTES))
    return at_work(draw, max(opened, no_earlier + timedelta(minutes=draw.randint(10, 300))))
