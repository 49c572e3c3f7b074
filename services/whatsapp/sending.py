"""How one message goes out once: record it, send it, record the answer; look before sending again.

Delivery of jobs is at least once, so a run may find that an earlier one died
between asking the provider and noting its answer. It then looks for the
provider's receipt, again and again without holding a thread, before it sends
again and marks the message as a possible duplicate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.whatsapp import domain, repository
from services.whatsapp.clients.protocol import Kind, Outgoing, Provider, ProviderError, Sent, Verdict
from shared.clock import Clock
from shared.database.models.whatsapp import MessageState, WhatsAppMessage
from shared.database.session import Database
from shared.errors import DokoError, PermanentError, Released, TransientError
from shared.messages.whatsapp import Language, SendMessage

Result = dict[str, object]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One run of a job: its id, what it asks for, and how long the job has been put off so far."""

    job_id: str
    job: SendMessage
    released_ms: int = 0


@dataclass(frozen=True, slots=True)
class Composed:
    """A message in the language that was chosen for it."""

    message: Outgoing
    language: Language


class Sender:
    """Sends messages through one provider; shared by all threads of a worker.

    ``business_clock`` decides about the 24-hour window and may be shifted in
    development; send records always carry true time. ``pause`` is called with the
    reason when the provider says that the whole account can't send.
    """

    def __init__(
        self,
        provider: Provider,
        database: Database,
        *,
        receipt_wait_ms: int,
        pause: Callable[[str], None],
        business_clock: Clock | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._provider = provider
        self._database = database
        self._receipt_wait_ms = receipt_wait_ms
        self._pause = pause
        self._business_clock = business_clock or Clock()
        self._clock = clock or Clock()

    def send(self, delivery: Delivery) -> Result:
        """Send the job's message, or find that it went out already; raises by the error table.

        Returns ``success``, ``provider``, ``providerMessageId``, ``kind`` and, if it may have gone out
        twice, ``possibleDuplicate``.
        """
        with self._database.session() as tx:
            record = repository.find(tx, delivery.job_id)
            if record is not None and _went_out(record):
                return result_of(record)
            composed = self._compose(delivery, repository.contact(tx, delivery.job.recipient))
            record, may_send = self._record(tx, delivery, composed, record)
        if not may_send:
            known = self._look(delivery, record) or self._mark_duplicate(delivery, composed)
            if known is not None:
                return known
        return self._deliver(delivery, composed)

    def _record(
        self, tx: Session, delivery: Delivery, composed: Composed, record: WhatsAppMessage | None
    ) -> tuple[WhatsAppMessage, bool]:
        """The job's record as ``sending``, and whether it may be sent now: not if an earlier send is in doubt."""
        if record is None:
            return self._begin(tx, delivery, composed)
        if record.state is MessageState.FAILED:
            self._send_again(record, composed, possible_duplicate=False)
            return record, True
        return record, False

    def _compose(self, delivery: Delivery, contact: domain.Contact) -> Composed:
        job = delivery.job
        domain.refuse_if_opted_out(job, contact)
        language = domain.language_of(job, contact)
        limit, now = self._provider.text_limit, self._business_clock.now()
        content = domain.compose(job, contact, now, text_limit=limit, language=language)
        return Composed(Outgoing(delivery.job_id, job.recipient, content), language)

    def _look(self, delivery: Delivery, record: WhatsAppMessage) -> Result | None:
        """What a doubtful send came to; None if nothing turned up in time. Raises Released while there is time."""
        sending_at = record.sending_at or self._clock.now()
        wait_ms = self._receipt_wait_ms if self._provider.confirms_later else 0
        left_ms = domain.receipt_wait_ms(sending_at, self._clock.now(), wait_ms)
        with self._database.reader() as tx:
            sent = repository.receipt_of(tx, delivery.job_id)
        try:
            sent = sent or self._ask_provider(delivery, record)
        except ProviderError as error:
            if left_ms == 0:
                raise self._failure(error, delivery) from error
        if sent is not None:
            return self._save_sent(delivery, sent)
        if left_ms > 0:
            raise Released("an earlier attempt may have sent the message: waiting for its receipt", delay_ms=left_ms)
        return None

    def _ask_provider(self, delivery: Delivery, record: WhatsAppMessage) -> Sent | None:
        if record.provider != self._provider.name or record.sending_at is None:
            return None
        earlier = Outgoing(delivery.job_id, record.phone, record.body)
        found = self._provider.find(earlier, record.sending_at)
        with self._database.reader() as tx:
            return repository.unclaimed(tx, self._provider.name, found, delivery.job_id)

    def _deliver(self, delivery: Delivery, composed: Composed) -> Result:
        try:
            sent = self._provider.send(composed.message)
        except ProviderError as error:
            if error.refused:
                self._save_refused(delivery, error)
            if error.verdict is Verdict.WINDOW_CLOSED and composed.message.kind is Kind.TEXT:
                return self._deliver(delivery, self._as_template(delivery, composed))
            raise self._failure(error, delivery) from error
        return self._save_sent(delivery, sent)

    def _as_template(self, delivery: Delivery, composed: Composed) -> Composed:
        """The same message as template, recorded; PermanentError if its type has none."""
        filled = domain.as_template(delivery.job, composed.language)
        again = Composed(Outgoing(delivery.job_id, delivery.job.recipient, filled), composed.language)
        with self._database.session() as tx:
            self._send_again(self._existing(tx, delivery), again, possible_duplicate=False)
        return again

    def _mark_duplicate(self, delivery: Delivery, composed: Composed) -> Result | None:
        """Record that the message is sent once more; its result instead if a receipt came in this very moment."""
        with self._database.session() as tx:
            record = self._existing(tx, delivery)
            if _went_out(record):
                return result_of(record)
            self._send_again(record, composed, possible_duplicate=True)
        return None

    def _existing(self, tx: Session, delivery: Delivery) -> WhatsAppMessage:
        record = repository.find(tx, delivery.job_id)
        if record is None:
            raise LookupError(f"the send record of job {delivery.job_id} is gone")
        return record

    def _begin(self, tx: Session, delivery: Delivery, composed: Composed) -> tuple[WhatsAppMessage, bool]:
        return repository.begin(
            tx,
            delivery.job,
            composed.message,
            provider=self._provider.name,
            language=composed.language,
            now=self._clock.now(),
        )

    def _send_again(self, record: WhatsAppMessage, composed: Composed, *, possible_duplicate: bool) -> None:
        repository.send_again(
            record,
            composed.message,
            provider=self._provider.name,
            language=composed.language,
            possible_duplicate=possible_duplicate,
            now=self._clock.now(),
        )

    def _save_sent(self, delivery: Delivery, sent: Sent) -> Result:
        with self._database.session() as tx:
            return result_of(repository.save_sent(tx, delivery.job_id, sent, now=self._clock.now()))

    def _save_refused(self, delivery: Delivery, error: ProviderError) -> None:
        now = self._clock.now()
        with self._database.session() as tx:
            repository.save_refused(tx, delivery.job_id, error.code, now=now)
            if error.verdict is Verdict.WINDOW_CLOSED:
                repository.close_window(tx, delivery.job.recipient, before=now)

    def _failure(self, error: ProviderError, delivery: Delivery) -> DokoError:
        """The error that gives the job its fate; pauses the queue if the account can't send."""
        if error.verdict is Verdict.RETRY:
            return TransientError(str(error))
        if error.verdict is Verdict.SLOW_DOWN:
            delay_ms = domain.slow_down_ms(error.retry_after_ms or 0, delivery.released_ms)
            return Released(str(error), delay_ms=delay_ms, max_total_ms=domain.RATE_TOTAL_MS)
        if error.verdict is Verdict.ACCOUNT:
            self._pause(str(error))
        return PermanentError(str(error))


def result_of(record: WhatsAppMessage) -> Result:
    """What the job returns for a message that went out."""
    result: Result = {
        "success": True,
        "provider": record.provider,
        "providerMessageId": record.provider_id,
        "kind": str(Kind.TEXT if record.template is None else Kind.TEMPLATE),
    }
    return result | {"possibleDuplicate": True} if record.possible_duplicate else result


def _went_out(record: WhatsAppMessage) -> bool:
    """Whether the provider took the message, whatever became of it afterwards."""
    return record.provider_id is not None
