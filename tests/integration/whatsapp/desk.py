"""A sender with everything around it, on a real database and the provider double."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any

from services.whatsapp.clients.protocol import Provider
from services.whatsapp.sending import Delivery, Result, Sender
from shared.clock import Clock
from shared.database import Database
from shared.database.models.whatsapp import ContactPreference, ConversationWindow, WhatsAppMessage
from shared.database.send_records import find
from shared.messages.whatsapp import MessageType
from tests.unit.services.whatsapp.builders import PHONE, a_message

RECEIPT_WAIT_MS = 60_000


class MovingClock(Clock):
    """The wall clock, moved by hand."""

    def advance(self, **by: float) -> None:
        """Move on by ``timedelta(**by)``."""
        self._offset += timedelta(**by)


class Desk:
    """Runs jobs as the worker would: ``run`` is one attempt."""

    def __init__(self, provider: Provider, database: Database) -> None:
        self.clock = MovingClock()
        self.database = database
        self.paused: list[str] = []
        self.sender = Sender(
            provider,
            database,
            receipt_wait_ms=RECEIPT_WAIT_MS,
            pause=self.paused.append,
            business_clock=self.clock,
            clock=self.clock,
        )

    def run(
        self,
        job_id: str = "whatsapp-1",
        message_type: MessageType | str = MessageType.ORDER_CONFIRMATION,
        *,
        released_ms: int = 0,
        **changes: Any,
    ) -> Result:
        """One attempt of a job."""
        return self.sender.send(Delivery(job_id, a_message(message_type, **changes), released_ms))

    def record(self, job_id: str = "whatsapp-1") -> WhatsAppMessage:
        """The job's send record."""
        with self.database.session() as tx:
            record = find(tx, job_id)
            assert record is not None
            return record

    def customer_wrote(self, at: datetime | None = None) -> None:
        """Open the 24-hour window."""
        with self.database.session() as tx:
            tx.merge(ConversationWindow(phone=PHONE, last_inbound_at=at or self.clock.now()))

    def customer_prefers(self, *, language: str | None = None, opted_out: bool = False) -> None:
        """Store what the number asked for."""
        with self.database.session() as tx:
            tx.merge(ContactPreference(phone=PHONE, language=language, opted_out=opted_out))

    def window(self) -> ConversationWindow | None:
        """The customer's window, if it is known."""
        with self.database.session() as tx:
            return tx.get(ConversationWindow, PHONE)


@contextmanager
def open_desk(provider: Provider, database: Database) -> Iterator[Desk]:
    """A desk whose provider is closed at the end."""
    with closing(provider):
        yield Desk(provider, database)
