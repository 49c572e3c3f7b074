"""The one job of the queue: send a message."""

from __future__ import annotations

from services.whatsapp.sending import Delivery, Result, Sender
from shared.actors import ActorRegistry
from shared.broker import current_job
from shared.database.session import Database
from shared.messages.whatsapp import SendMessage
from shared.queues import Queue


def declare(sender: Sender) -> ActorRegistry:
    """The actors of the queue, sending through ``sender``."""
    actors = ActorRegistry(Queue.WHATSAPP)

    # No transaction is open while the provider is called: the send record has its own.
    @actors.actor(SendMessage, transaction=False)
    def send_message(job: SendMessage, database: Database) -> Result:  # noqa: ARG001 - the sender has its own
        """Send one WhatsApp message once."""
        current = current_job()
        if current is None:
            raise RuntimeError("a message is sent as a job only: its send record goes by the job's id")
        return sender.send(Delivery(current.id, job, current.released_ms))

    return actors
