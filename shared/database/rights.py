"""The one table of rights: which process may do what to which table.

A table that stands under a role may be read by it. To lock a row (``for update``) needs
the right to update at least one of its columns. Nobody may change or remove a ledger entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.database.base import Base
from shared.database.models import (
    ApiToken,
    ArchivedJob,
    ArchivePosition,
    ClientLimitRow,
    ContactPreference,
    ConversationWindow,
    Email,
    Order,
    OrderItem,
    Product,
    Report,
    Retailer,
    Stock,
    Vendor,
    VendorRecord,
    WhatsAppMessage,
    WhatsAppReceipt,
)


@dataclass(frozen=True, slots=True)
class Right:
    """What a role may do to a table besides reading it; ``update`` names the columns it may change."""

    insert: bool = False
    update: tuple[str, ...] = ()
    delete: bool = False


READ = Right()
APPEND = Right(insert=True)

Rights = Mapping[str, Right]


def _change(*columns: str) -> Right:
    return Right(update=columns)


def _all_of(model: type[Base], *, but: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The model's columns without its key and ``but``."""
    return tuple(c.name for c in model.__table__.columns if not c.primary_key and c.name not in but)


def _write(model: type[Base], *, but: tuple[str, ...] = (), delete: bool = False) -> Right:
    return Right(insert=True, update=_all_of(model, but=but), delete=delete)


def _read(*tables: str) -> dict[str, Right]:
    return dict.fromkeys(tables, READ)


_EXTEND_CHAIN = Right(insert=True, update=("seq", "hash"))
_OUTBOX = Right(insert=True, update=("published_at", "refused_at", "refusal"))
_JOBS: dict[str, Right] = {"processed_jobs": APPEND, "outbox": _OUTBOX}
"""What every worker needs to make effects happen once."""

_ANSWER = ("state", "answered_at", "reason")
_OFFER = ("attempt", "score_hundredths", "offered_at", "deadline")
_ORDER_AS_MADE = ("number", "retailer_id", "subtotal_paisa", "tax_paisa", "total_paisa", "imported", "created_at")
_DRAFT = ("vendor_id", "subtotal_paisa", "tax_paisa", "total_paisa", "due_on", "payment_status")
_KEPT_BY_WORKERS = ("debt_paisa", "credit_score", "completed_orders", "completed_value_paisa", "created_at")

_WHATSAPP: Rights = _JOBS | {
    "whatsapp_messages": _write(WhatsAppMessage),
    "whatsapp_receipts": _write(WhatsAppReceipt),
    "conversation_windows": Right(delete=True),
    "contact_preferences": READ,
}

_CREDIT: Rights = (
    _JOBS
    | _read("orders", "payments")
    | {
        "retailers": _change("credit_score"),
        "credit_scores": APPEND,
    }
)

_ROUTING: Rights = (
    _JOBS
    | _read("retailers", "vendors", "vendor_records", "products", "stock", "order_items")
    | {
        "orders": _change("state", "vendor_id", "assigned_at", "needs_manual_routing"),
        "order_events": APPEND,
        "vendor_offers": _change(*_ANSWER),
        "routing_decisions": APPEND,
        "emails": _write(Email),
    }
)

_ORDERS: Rights = (
    _JOBS
    | _read("products", "order_items", "routing_decisions")
    | {
        "retailers": _change("debt_paisa"),
        "vendors": _change("completed_orders", "completed_value_paisa"),
        "stock": _change("quantity", "updated_at"),
        "orders": Right(update=_all_of(Order, but=_ORDER_AS_MADE)),
        "order_events": APPEND,
        "payments": Right(insert=True, update=("reversed_at", "reversal_reason")),
        "credit_ledger": APPEND,
        "vendor_offers": Right(insert=True, update=(*_ANSWER, *_OFFER)),
    }
)

_REMINDERS: Rights = _JOBS | _read("retailers", "orders", "contact_preferences") | {"reminders": APPEND}

_REPORTS: Rights = (
    _JOBS
    | _read("retailers", "orders", "order_items", "products", "payments")
    | {"reports": _write(Report), "emails": _write(Email)}
)

_GATEWAY: Rights = (
    _JOBS
    | _read("job_index", "job_minutes")
    | _read("archived_jobs", "job_events", "archive_positions", "payments", "credit_ledger", "credit_scores")
    | _read("vendor_offers", "routing_decisions", "reminders", "reports")
    | {
        "audit_chains": _EXTEND_CHAIN,
        "api_tokens": _write(ApiToken, but=("token_hash", "user_name", "role", "created_at")),
        "client_limits": _write(ClientLimitRow, delete=True),
        "operator_log": APPEND,
        "flows": Right(insert=True, update=("cancelled_at",)),
        "bulk_operations": Right(insert=True, update=("state", "finished_at", "stop_reason", "next_ms")),
        "bulk_items": READ,
        "retailers": _write(Retailer, but=("debt_paisa", "credit_score")),
        "vendors": _write(Vendor, but=_KEPT_BY_WORKERS),
        "products": _write(Product),
        "stock": _write(Stock),
        "number_sequences": Right(insert=True, update=("value",)),
        "orders": Right(insert=True, update=_DRAFT),
        "order_items": _write(OrderItem, delete=True),
        "order_events": APPEND,
        "draft_requests": APPEND,
        "whatsapp_messages": _write(WhatsAppMessage),
        "whatsapp_receipts": _write(WhatsAppReceipt),
        "conversation_windows": _write(ConversationWindow, delete=True),
        "contact_preferences": _write(ContactPreference),
    }
)

_SCHEDULER: Rights = _read(
    "retailers", "vendors", "vendor_offers", "reminders", "contact_preferences", "whatsapp_messages"
) | {
    "processed_jobs": Right(insert=True, delete=True),
    "outbox": Right(insert=True, update=_OUTBOX.update, delete=True),
    "job_events": Right(insert=True, delete=True),
    "archived_jobs": _write(ArchivedJob, delete=True),
    "bulk_operations": Right(
        update=(
            *("state", "finished_at", "stop_reason", "place", "next_ms", "lease_token", "lease_until_ms"),
            *("done", "refused", "restored", "lost"),
        ),
        delete=True,
    ),
    "bulk_items": Right(insert=True, update=("outcome", "why", "record"), delete=True),
    "job_index": Right(insert=True, delete=True),
    "job_minutes": Right(insert=True, update=("events", "duration_ms"), delete=True),
    "archive_positions": _write(ArchivePosition),
    "audit_chains": Right(insert=True, update=(*_EXTEND_CHAIN.update, "anchor_seq", "anchor_hash")),
    "whatsapp_receipts": Right(delete=True),
    "draft_requests": Right(delete=True),
    "flows": Right(delete=True),
    "operator_log": APPEND,
    "orders": _change("payment_status"),
    "vendor_records": _write(VendorRecord),
    "reports": _change("state", "location"),
}

RIGHTS: Mapping[str, Rights] = {
    "doko_gateway": _GATEWAY,
    "doko_scheduler": _SCHEDULER,
    "doko_whatsapp": _WHATSAPP,
    "doko_credit": _CREDIT,
    "doko_routing": _ROUTING,
    "doko_reminders": _REMINDERS,
    "doko_reports": _REPORTS,
    "doko_orders": _ORDERS,
}
