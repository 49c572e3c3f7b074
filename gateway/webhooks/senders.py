"""Who writes: the vendors and shops of a phone, what they wait for, and what the phone asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from gateway.webhooks.events import Inbound
from gateway.webhooks.offers import Offer
from shared.business import WAY, OfferState, PaymentStatus, was_accepted
from shared.database.models import Order, Retailer, Vendor, VendorOffer
from shared.database.models.whatsapp import ContactPreference, Direction, WhatsAppMessage
from shared.database.rows import insert_new
from shared.messages.whatsapp import Language, MessageType

OFFERS_READ = 100
SHOPS_READ = 20
OWED_STATES = tuple(state for state in WAY if was_accepted(state))
A_SECOND = timedelta(seconds=1)
"""Meta's times are whole seconds."""


@dataclass(frozen=True, slots=True)
class Shop:
    """What a retailer's BALANCE asks for; money in paisa, ``next_due`` the earliest due day of an unpaid order."""

    code: str
    language: Language
    limit_paisa: int
    debt_paisa: int
    next_due: date | None


@dataclass(frozen=True, slots=True)
class Preference:
    """What the phone asked for; nothing unless it did."""

    language: Language | None = None
    opted_out: bool = False


def vendors(tx: Session, phone: str) -> dict[int, Language]:
    """The keys and languages of the vendors with that phone, whatever became of them: they may have open offers."""
    rows = tx.execute(select(Vendor.id, Vendor.language).where(Vendor.phone == phone).order_by(Vendor.code))
    return {row.id: Language(row.language) for row in rows}


def pending_offers(tx: Session, vendor_ids: Sequence[int]) -> list[Offer]:
    """The offers that wait for an answer of one of the vendors, the oldest first."""
    query = (
        select(Order.number, Vendor.code, VendorOffer.offered_at)
        .join(Order, Order.id == VendorOffer.order_id)
        .join(Vendor, Vendor.id == VendorOffer.vendor_id)
        .where(VendorOffer.vendor_id.in_(vendor_ids), VendorOffer.state == OfferState.PENDING)
        .order_by(VendorOffer.offered_at, VendorOffer.id)
        .limit(OFFERS_READ)
    )
    return [Offer(row.number, row.code, row.offered_at) for row in tx.execute(query)]


def shops(tx: Session, phone: str) -> list[Shop]:
    """The retailers with that phone, by code."""
    next_due = (
        select(func.min(Order.due_on))
        .where(
            Order.retailer_id == Retailer.id,
            Order.payment_status != PaymentStatus.PAID,
            Order.paid_paisa < Order.total_paisa,
            Order.state.in_(OWED_STATES),
        )
        .scalar_subquery()
    )
    query = (
        select(Retailer.code, Retailer.language, Retailer.credit_limit_paisa, Retailer.debt_paisa, next_due)
        .where(Retailer.phone == phone)
        .order_by(Retailer.code)
        .limit(SHOPS_READ)
    )
    rows = tx.execute(query)
    return [Shop(code, Language(language), limit, debt, due) for code, language, limit, debt, due in rows]


def preference(tx: Session, phone: str) -> Preference:
    """What the phone asked for so far."""
    query = select(ContactPreference.language, ContactPreference.opted_out).where(ContactPreference.phone == phone)
    row = tx.execute(query).one_or_none()
    return Preference() if row is None else Preference(row.language and Language(row.language), row.opted_out)


def set_opted_out(tx: Session, message: Inbound, *, opted_out: bool) -> None:
    """Note a STOP or START, unless the phone has asked for something later: messages may come in any order."""
    asked = {"opted_out": opted_out, "updated_at": message.at}
    if insert_new(tx, ContactPreference, {"phone": message.phone, **asked}):
        return
    earlier = ContactPreference.updated_at < message.at + A_SECOND
    tx.execute(update(ContactPreference).where(ContactPreference.phone == message.phone, earlier).values(asked))


def quoted_offer(tx: Session, message: Inbound) -> str | None:
    """The text of our offer that the message is a reply to; None for anything else."""
    if message.replied_to is None:
        return None
    query = select(WhatsAppMessage.body).where(
        WhatsAppMessage.provider == message.provider,
        WhatsAppMessage.provider_id == message.replied_to,
        WhatsAppMessage.phone == message.phone,
        WhatsAppMessage.type == MessageType.VENDOR_NOTIFICATION,
    )
    return tx.scalar(query)


def texts_since(tx: Session, phone: str, since: datetime) -> int:
    """How many GENERIC_MESSAGEs the phone was sent since then."""
    query = (
        select(func.count())
        .select_from(WhatsAppMessage)
        .where(
            WhatsAppMessage.phone == phone,
            WhatsAppMessage.direction == Direction.OUTBOUND,
            WhatsAppMessage.type == MessageType.GENERIC_MESSAGE,
            WhatsAppMessage.created_at > since,
        )
    )
    return tx.execute(query).scalar_one()
