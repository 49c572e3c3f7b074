"""A retailer as JSON: the import file's columns in camelCase, what it owes, and why its score is what it is."""

from __future__ import annotations

from gateway.answers import Json
from gateway.retailer_reading import LedgerPage, WholeRetailer
from gateway.row_views import Curtain, in_units, instant, rupees
from shared.database.models import CreditScore, LedgerEntry


def retailer_view(found: WholeRetailer, *, reveal: bool) -> Json:
    """The whole retailer; names, phone and e-mail are masked unless they are to be revealed."""
    shown = Curtain(reveal=reveal)
    retailer = found.retailer
    return {
        "code": retailer.code,
        **{
            key: shown(key, value)
            for key, value in (
                ("shopName", retailer.shop_name),
                ("ownerName", retailer.owner_name),
                ("phone", retailer.phone),
                ("email", retailer.email),
            )
        },
        "city": retailer.city,
        "state": retailer.state,
        "language": retailer.language,
        "active": retailer.active,
        "optedOut": found.opted_out,
        "termsDays": retailer.terms_days,
        "createdAt": instant(retailer.created_at),
        "creditLimit": rupees(retailer.credit_limit_paisa),
        "outstandingDebt": rupees(retailer.debt_paisa),
        "availableCredit": rupees(retailer.credit_limit_paisa - retailer.debt_paisa),
        "creditScore": retailer.credit_score,
        "scores": [_score(score, shown) for score in found.scores],
        "ledger": _ledger(found.ledger),
    }


def _score(score: CreditScore, shown: Curtain) -> Json:
    return {
        "score": score.score,
        "band": score.band,
        "trigger": score.trigger.value,
        "components": in_units(score.components),
        "explanation": shown("explanation", score.explanation),
        "calculatedAt": instant(score.calculated_at),
        "jobId": score.job_id,
    }


def _ledger(page: LedgerPage) -> Json:
    entries = [_entry(*row) for row in page.entries]
    return {"entries": entries, "count": len(entries), "cursor": None if page.cursor is None else str(page.cursor)}


def _entry(entry: LedgerEntry, order: str | None, payment: str | None) -> Json:
    return {
        "kind": entry.kind.value,
        "orderNumber": order,
        "paymentNumber": payment,
        "debit": rupees(entry.debit_paisa),
        "credit": rupees(entry.credit_paisa),
        "balance": rupees(entry.balance_paisa),
        "at": instant(entry.at),
        "recordedAt": instant(entry.recorded_at),
    }
