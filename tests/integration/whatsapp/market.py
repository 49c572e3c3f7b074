"""Vendors with open offers and shops with debts, who write to us through either provider."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from shared.database import Database
from shared.database.base import JsonObject
from shared.database.models import Order, OutboxJob, Retailer, Vendor
from shared.database.models.whatsapp import ContactPreference
from tests.doubles.whatsapp_webhooks import meta_text, twilio_text
from tests.integration.database import business_rows as rows
from tests.integration.whatsapp.hooks import Hooks

VENDOR_PHONE = "+9779811111111"
SHOP_PHONE = "+9779822222222"
STRANGER = "+9779843333333"


class Market:
    """Writes rows, sends messages, looks at the jobs that were asked for."""

    def __init__(self, hooks: Hooks, provider: str = "meta", *, owner: Database | None = None) -> None:
        self.hooks = hooks
        self.provider = provider
        self.owner = owner or hooks.database
        """Who may write what the gateway only reads."""
        self._numbers = itertools.count(1)

    def vendor(self, code: str = "VEN001", phone: str = VENDOR_PHONE, **changes: Any) -> None:
        self._add(rows.a_vendor(**{"code": code, "phone": phone, "language": "en"} | changes))

    def shop(self, code: str = "RET001", phone: str = SHOP_PHONE, **changes: Any) -> None:
        self._add(rows.a_retailer(**{"code": code, "phone": phone, "language": "en"} | changes))

    def offer(self, number: str, vendor: str = "VEN001", **changes: Any) -> None:
        """An order offered to the vendor an hour ago, which waits for the answer unless ``changes`` say otherwise."""
        if self._id(Retailer, "RET009") is None:
            self.shop("RET009", "+9779844444444")
        at = datetime.now(UTC) - timedelta(hours=1)
        assigned = rows.ASSIGNED | {"vendor_id": self._id(Vendor, vendor)}
        self._add(rows.an_order(number=number, retailer_id=self._id(Retailer, "RET009"), **assigned))
        offer = {"order_id": self._order_id(number), "vendor_id": self._id(Vendor, vendor), "offered_at": at}
        self._add(rows.an_offer(**offer | {"deadline": datetime.now(UTC) + timedelta(days=1)} | changes))

    def debt(self, number: str, due_on: date, shop: str = "RET001", **changes: Any) -> None:
        """A delivered order that is to be paid."""
        if self._id(Vendor, "VEN009") is None:
            self.vendor("VEN009", "+9779855555555")
        delivered = rows.DELIVERED | {"due_on": due_on, "vendor_id": self._id(Vendor, "VEN009")}
        self._add(rows.an_order(number=number, retailer_id=self._id(Retailer, shop), **delivered | changes))

    def write(self, text: str, phone: str = VENDOR_PHONE, provider_id: str | None = None) -> None:
        """Send one message, as a person does."""
        provider_id = provider_id or f"wamid.{next(self._numbers)}"
        if self.provider == "meta":
            answer = self.hooks.meta(messages=[meta_text(provider_id, text, sender=phone.removeprefix("+"))])
        else:
            answer = self.hooks.twilio(twilio_text(provider_id, text, sender=phone))
        assert answer.status_code == 200

    def jobs(self, name: str | None = None) -> list[JsonObject]:
        """The data of the jobs in the outbox, in the order of asking."""
        with self.owner.reader() as tx:
            found = tx.scalars(select(OutboxJob).order_by(OutboxJob.id)).all()
        return [job.data for job in found if name in {None, job.name}]

    def answers(self) -> list[tuple[str, str, str]]:
        """Order, vendor and response of each answer."""
        return [(job["orderId"], job["vendorId"], job["response"]) for job in self.jobs("vendor-response")]

    def replies(self) -> list[str]:
        """The texts that are written back."""
        return [job["data"]["message"] for job in self.jobs("message") if job["type"] == "GENERIC_MESSAGE"]

    def balances(self) -> list[JsonObject]:
        """The answers to BALANCE."""
        return [job["data"] for job in self.jobs("message") if job["type"] == "BALANCE_INQUIRY_RESPONSE"]

    def opted_out(self, phone: str) -> bool | None:
        """Whether the phone said STOP; None if it never said anything."""
        with self.owner.reader() as tx:
            return tx.scalar(select(ContactPreference.opted_out).where(ContactPreference.phone == phone))

    def _add(self, row: Any) -> None:
        with self.owner.session() as tx:
            tx.add(row)

    def _id(self, model: type[Retailer | Vendor], code: str) -> int | None:
        with self.owner.reader() as tx:
            return tx.scalar(select(model.id).where(model.code == code))

    def _order_id(self, number: str) -> int:
        with self.owner.reader() as tx:
            return tx.scalars(select(Order.id).where(Order.number == number)).one()
