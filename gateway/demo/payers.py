"""How shops pay: from those who pay before it is due to those who stop paying at all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Payer:
    """One way of paying; days count from the due date, shares and chances are 0 to 1."""

    name: str
    earliest: int
    """The first day on which it pays, below 0 for before the due date."""
    latest: int
    in_parts: float
    """The chance that an order is paid in two or three parts."""
    rest_open: float
    """The chance that the last part of such an order never comes."""
    never: float
    """The chance that an order isn't paid at all."""
    bounced: float
    """The chance that a payment is reversed: a cheque without cover."""
    cancels: float
    """The chance that it cancels an order after a vendor accepted it."""
    regularity: float
    """Of its orders: 1 for none, more for evener intervals."""
    headroom: tuple[float, float]
    """Its limit as a multiple of what it usually owes."""


PROMPT = Payer("prompt", -12, 0, 0.04, 0.0, 0.0, 0.002, 0.003, 9, (3.5, 6.0))
STEADY = Payer("steady", -6, 6, 0.10, 0.02, 0.0, 0.005, 0.012, 6, (1.7, 2.6))
SLOW = Payer("slow", -5, 24, 0.30, 0.10, 0.03, 0.02, 0.04, 3, (1.4, 2.3))
BAD = Payer("bad", 15, 80, 0.45, 0.40, 0.25, 0.06, 0.10, 1.5, (0.8, 1.15))
DEFAULTER = Payer("defaulter", 30, 120, 0.50, 0.80, 0.75, 0.10, 0.16, 1.0, (0.6, 0.9))

IN_TEN = (PROMPT, PROMPT, PROMPT, PROMPT, STEADY, STEADY, SLOW, SLOW, BAD, DEFAULTER)
"""Of every ten shops, so many pay like this: a small demo has them all too."""
