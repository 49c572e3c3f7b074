"""The numbers of orders that are made here: ``ORD``, the year and month in Kathmandu, six digits."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared.database.bulk import among
from shared.database.models import NumberSequence, Order
from shared.database.rows import insert_for

_MOST_AT_ONCE = 1_000


def next_order_number(tx: Session, day: date) -> str:
    """The next number of the day's month that no order has.

    Its sequence is locked until the transaction ends: others wait, and a number whose transaction is rolled back is
    given out again. Numbers that came in by file or by name are passed over.
    """
    name = f"ORD{day:%y%m}"
    last = _locked(tx, name)
    count = 1
    while True:
        numbers = {value: f"{name}{value:06d}" for value in range(last + 1, last + 1 + count)}
        taken = set(tx.scalars(select(Order.number).where(among(tx, _NUMBER, numbers.values()))))
        free = next((value for value, number in numbers.items() if number not in taken), None)
        if free is not None:
            tx.execute(update(NumberSequence).where(NumberSequence.name == name).values(value=free))
            return numbers[free]
        last += count
        count = min(count * 10, _MOST_AT_ONCE)


_NUMBER = Order.__table__.c.number


def _locked(tx: Session, name: str) -> int:
    """The last value of the sequence, which begins with 0, locked."""
    statement = insert_for(tx, NumberSequence).values(name=name, value=0)
    value = NumberSequence.__table__.c.value
    # Setting it to what it is takes the lock, whether or not the row was there.
    locking = statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}).returning(value)
    return int(tx.execute(locking).scalar_one())
