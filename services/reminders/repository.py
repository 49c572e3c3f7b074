"""What the service reads and writes: who is reminded, and what was sent. Orders come from ``shared/reminding``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.database.models import ContactPreference, Reminder, Retailer
from shared.database.rows import insert_new
from shared.messages.reminders import ReminderType
from shared.messages.whatsapp import Language


@dataclass(frozen=True, slots=True)
class Recipient:
    """A retailer as a reminder needs it; ``language`` is for a number that hasn't chosen one."""

    key: int
    code: str
    shop_name: str
    phone: str
    language: Language
    opted_out: bool


def recipient(tx: Session, code: str) -> Recipient | None:
    """The retailer with that code, and whether its number said STOP; None for an unknown code."""
    query = (
        select(
            Retailer.id,
            Retailer.shop_name,
            Retailer.phone,
            Retailer.language,
            ContactPreference.opted_out,
        )
        .outerjoin(ContactPreference, ContactPreference.phone == Retailer.phone)
        .where(Retailer.code == code)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    return Recipient(row.id, code, row.shop_name, row.phone, Language(row.language), bool(row.opted_out))


def save(
    tx: Session,
    to: Recipient,
    reminder_type: ReminderType,
    day: date,
    numbers: Sequence[str],
    *,
    job_id: str,
    now: datetime,
) -> bool:
    """Note the reminder; False, and nothing changes, if the retailer had one of the type on that business day.

    A reminder that is being noted at the same moment is waited for.
    """
    row = {
        "retailer_id": to.key,
        "type": reminder_type,
        "business_day": day,
        "job_id": job_id,
        "orders": list(numbers),
        "sent_at": now,
    }
    return insert_new(tx, Reminder, row)
