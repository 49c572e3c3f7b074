"""What a draft comes to, and what it must not say; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared import bookkeeping
from shared.bookkeeping import Totals
from shared.business import OrderState
from shared.master.draft_schemas import DraftItem, NewDraft
from shared.master.order_rules import totals_said
from shared.master.outcome import WrongRow
from shared.master.rows import OrderRow
from shared.messages.fields import MAX_MONEY
from shared.money import to_paisa, to_rupees

Line = tuple[int, int]
"""Quantity, and unit price in paisa."""


class DraftRefused(Exception):
    """A draft that can't be stored: what is wrong with which field, by its path (``items.0.product_code``)."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{path} {words}" for path, words in wrong.items()))
        self.wrong = wrong


class NoDraft(Exception):
    """The order has left the draft's state and can't be replaced any more."""

    def __init__(self, number: str, state: OrderState) -> None:
        super().__init__(f"The order {number} is {state}: only a DRAFT can be replaced")
        self.state = state


@dataclass(slots=True)
class Wrongs:
    """Everything that is wrong with a draft."""

    words: dict[str, str] = field(default_factory=dict)

    def add(self, path: str, words: str) -> None:
        """Note what is wrong with a field; the first thing that was noted stays."""
        self.words.setdefault(path, words)

    def stop(self) -> None:
        """Raise ``DraftRefused`` if anything was noted."""
        if self.words:
            raise DraftRefused(self.words)


def agrees(draft: NewDraft, totals: Totals) -> bool:
    """Whether every amount that the draft says is as in ``totals``."""
    return not _others(draft, totals)


def totals(draft: NewDraft, lines: Iterable[Line], wrong: Wrongs) -> Totals:
    """What the order costs: by its items or, without any, by the total that it says.

    Amounts that don't agree, and a draft of which nothing says what it costs, are noted in ``wrong``.
    """
    listed = list(lines)
    made = _of_lines(draft, listed, wrong) if listed else _as_said(draft, wrong)
    if made.total_paisa > to_paisa(MAX_MONEY):
        wrong.add("items", f"come to {to_rupees(made.total_paisa)}: more than {MAX_MONEY}")
    return made


def twice(items: Iterable[DraftItem], wrong: Wrongs) -> None:
    """Note each item whose product stands in an earlier one."""
    places: dict[str, int] = {}
    for index, item in enumerate(items):
        first = places.setdefault(item.product_code, index)
        if first != index:
            wrong.add(f"items.{index}.product_code", f"{item.product_code} stands in items.{first} already")


def _of_lines(draft: NewDraft, lines: Iterable[Line], wrong: Wrongs) -> Totals:
    made = bookkeeping.totals(lines)
    for name, amount in _others(draft, made).items():
        wrong.add(name, f"is {getattr(draft, name)}, but the items come to a {name} of {to_rupees(amount)}")
    return made


def _others(draft: NewDraft, made: Totals) -> dict[str, int]:
    """The amounts that the draft says otherwise, as they are in ``made``."""
    paisa = {"subtotal": made.subtotal_paisa, "tax": made.tax_paisa, "total": made.total_paisa}
    said = {name: amount for name in paisa if (amount := getattr(draft, name)) is not None}
    return {name: paisa[name] for name, amount in said.items() if to_paisa(amount) != paisa[name]}


def _as_said(draft: NewDraft, wrong: Wrongs) -> Totals:
    if draft.total is None:
        wrong.add("total", "is required for an order without items")
        return Totals(0, 0)
    row = OrderRow("", draft.retailer_code, draft.total, subtotal=draft.subtotal, tax=draft.tax)
    try:
        return totals_said(row)
    except WrongRow as error:
        wrong.add(error.field, error.words)
        return Totals(0, 0)
