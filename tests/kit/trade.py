"""A day's trade on a whole system: master data, orders and answers as the platform and the vendors send them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.clock import BUSINESS_ZONE
from tests.doubles.whatsapp_provider import Taken, WhatsAppDouble
from tests.doubles.whatsapp_webhooks import META_PATH, meta_batch, meta_text, post, signed_meta
from tests.kit.system import APP_SECRET, Json, System, wait_until

OPENS, NOON, CLOSES = 8, 12, 17
RETAILER_PHONE = "+9779811100001"
VENDOR_PHONES = {"VEN001": "+9779811100011", "VEN002": "+9779811100012", "VEN003": "+9779811100013"}
ALL_PARTS = (
    "gateway",
    "scheduler",
    "worker whatsapp",
    "worker credit",
    "worker routing",
    "worker reminders",
    "worker reports",
    "worker orders",
)


def to_daytime() -> timedelta:
    """By how much to shift the clock so that it is noon in Kathmandu: nobody is reminded at night."""
    local = datetime.now(UTC).astimezone(BUSINESS_ZONE)
    if OPENS <= local.hour < CLOSES:
        return timedelta()
    noon = local.replace(hour=NOON, minute=0, second=0, microsecond=0)
    if local.hour >= CLOSES:
        noon += timedelta(days=1)
    return timedelta(minutes=round((noon - local).total_seconds() / 60))


def as_setting(offset: timedelta) -> str:
    """``offset`` as CLOCK_OFFSET takes it."""
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes)}m"


class Trade:
    """What the platform asks of Doko over HTTP, and what people write over WhatsApp."""

    def __init__(self, system: System, provider: WhatsAppDouble, offset: timedelta) -> None:
        self.system = system
        self.provider = provider
        self.offset = offset
        self._inbound = itertools.count(1)

    def now(self) -> datetime:
        """The system's business time."""
        return datetime.now(UTC) + self.offset

    def put(self, path: str, body: Json) -> None:
        """Create or change master data."""
        answer = self.system.ask("PUT", path, body)
        assert answer.status_code in {200, 201}, answer.text

    def master_data(self, vendors: Mapping[str, tuple[float, int]]) -> None:
        """RET001, rice and oil, and vendors in the same city: code to the price of rice and how much of each."""
        self.put("/products/RICE-1KG", {"name": "चामल १ के.जी.", "unit": "kg", "category": "Grain"})
        self.put("/products/OIL-1L", {"name": "Mustard oil 1 l", "unit": "l", "category": "Oil"})
        place = {"city": "Kathmandu", "state": "Bagmati"}
        retailer = {"shopName": "असन किराना पसल", "ownerName": "Asha Shrestha", "phone": RETAILER_PHONE, **place}
        created = {"createdAt": "2024-09-15T10:00:00+05:45"}
        self.put("/retailers/RET001", {**retailer, **created, "creditLimit": 100_000_000, "language": "en"})
        for code, (price, stock) in vendors.items():
            vendor = {"businessName": f"{code} Traders", "phone": VENDOR_PHONES[code], "language": "en", **place}
            self.put(f"/vendors/{code}", {**vendor, "rating": 4.2, "approved": True})
            for product, costs in (("RICE-1KG", price), ("OIL-1L", 300)):
                self.put(f"/stock/{code}/{product}", {"price": costs, "stock": stock})

    def draft(self, number: str, *, rice: int = 10, oil: int = 5) -> None:
        """A draft order of RET001: with 10 of rice at 100 and 5 of oil at 300 it comes to Rs. 2,825.00."""
        items = [
            {"productCode": "RICE-1KG", "quantity": rice, "unitPrice": 100},
            {"productCode": "OIL-1L", "quantity": oil, "unitPrice": 300},
        ]
        self.put(f"/orders/{number}", {"retailerCode": "RET001", "items": items})

    def ask(self, path: str, body: Json | None = None) -> Json:
        """The job that a POST enqueues, once it has finished; it must have completed."""
        job = self.system.wait_for(self.system.enqueue(path, body or {}))
        assert job["state"] == "completed", job
        return job

    def write(self, phone: str, text: str) -> None:
        """Somebody writes to us: Meta calls the webhook."""
        message = meta_text(f"wamid.in{next(self._inbound)}-{phone}", text, sender=phone.lstrip("+"))
        answer = post(self.system.url, META_PATH, signed_meta(meta_batch(messages=[message]), APP_SECRET))
        assert answer.status_code == 200, answer.text

    def order(self, number: str) -> Json:
        """The order as the API shows it."""
        return self.system.get(f"/orders/{number}")

    def retailer(self) -> Json:
        """RET001 as the API shows it."""
        return self.system.get("/retailers/RET001")

    def wait_for_order(self, number: str, *states: str, seconds: float = 60) -> Json:
        """The order once it is in one of the states."""

        def look() -> Json | None:
            order = self.order(number)
            return order if order["status"] in states else None

        return wait_until(look, lambda: f"{number} {states}: {self.order(number)}", seconds=seconds)

    def wait_for_messages(self, phone: str, count: int, *, seconds: float = 60) -> list[Taken]:
        """The messages that the provider took for a phone, once there are so many."""

        def look() -> list[Taken] | None:
            found = self.messages_to(phone)
            return found if len(found) >= count else None

        return wait_until(look, lambda: f"{count} messages to {phone}: {self.messages_to(phone)}", seconds=seconds)

    def messages_to(self, phone: str) -> list[Taken]:
        """The messages that the provider took for a phone, in their order."""
        return [each for each in self.provider.taken if each.recipient == phone]

    def run_schedule(self, schedule: str) -> None:
        """Run the housekeeping of a schedule now and wait until it has ended."""
        before = self._last_run(schedule)
        answer = self.system.ask("POST", f"/schedules/{schedule}/run")
        assert answer.status_code == 202, answer.text
        ended = wait_until(
            lambda: last if (last := self._last_run(schedule)) != before else None,
            lambda: f"{schedule} ran: {self.system.get(f'/schedules/{schedule}')}",
        )
        assert ended["success"], ended

    def _last_run(self, schedule: str) -> dict[str, Any] | None:
        last: dict[str, Any] | None = self.system.get(f"/schedules/{schedule}")["lastRun"]
        return last
