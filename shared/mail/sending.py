"""How one letter goes out once: record it, hand it over, record the answer; wait before it is sent again.

A mail server has no receipts to look up. A run that finds an earlier one's record still ``sending`` waits until that
one can't be busy any more, then sends once more: marked as a possible duplicate, with the same Message-ID.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from shared import logs
from shared.broker.provider_calls import provider_answered, provider_failed
from shared.clock import Clock
from shared.database.models.mail import Email, EmailState
from shared.database.session import Database
from shared.errors import PermanentError, Released, TransientError
from shared.mail import records
from shared.mail.letter import Letter, message_id_of
from shared.mail.records import Sending
from shared.mail.transport import MailInDoubt, MailRefused, Transport

DOUBT = timedelta(seconds=60)
"""How long an earlier run may still be waiting for the mail server's answer."""

JOB_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {"attempts": 8, "backoff": {"type": "exponential", "delay": 30_000}, "deduplicate": False}
)
"""Of a job that sends an e-mail: over an hour of tries, since greylisting servers want a second one minutes later."""

Result = dict[str, object]

_log = logs.get_logger()


class Mailer:
    """Sends letters through one transport; shared by all threads of a worker."""

    def __init__(
        self, transport: Transport, database: Database, *, clock: Clock | None = None, doubt: timedelta = DOUBT
    ) -> None:
        self._transport = transport
        self._database = database
        self._clock = clock or Clock()
        self._doubt = doubt

    def sent_before(self, job_id: str, purpose: str) -> Result | None:
        """The result of the run that sent the job's letter; None if none did."""
        with self._database.session() as tx:
            record = records.find(tx, job_id, purpose)
            return result_of(record) if record is not None and record.state is EmailState.SENT else None

    def send(self, job_id: str, purpose: str, letter: Letter) -> Result:
        """Send the job's letter for that purpose, or find that it was sent.

        Returns ``success``, ``messageId``, ``transport`` and, if it may have gone out twice, ``possibleDuplicate``.
        Raises Released while an earlier run may be sending it, TransientError where another try may help,
        PermanentError where the mail server says that none can.
        """
        message_id = message_id_of(job_id, purpose, self._transport.sender)
        sending = Sending(job_id, purpose, letter, self._transport.name, message_id)
        now = self._clock.now()
        with self._database.session() as tx:
            record, wait = records.begin(tx, sending, now=now, doubt=self._doubt)
        if record.state is EmailState.SENT:
            return result_of(record)
        if wait is not None:
            delay_ms = max(1, round(wait.total_seconds() * 1000))
            raise Released(
                "an earlier attempt may have sent the e-mail: waiting before it is sent again", delay_ms=delay_ms
            )
        self._hand_over(sending)
        with self._database.session() as tx:
            record = records.save_sent(tx, sending, now=self._clock.now())
        _log.info("email.sent", message=f"E-mail sent ({purpose})", job_id=job_id, purpose=purpose)
        return result_of(record)

    def _hand_over(self, sending: Sending) -> None:
        try:
            self._transport.send(sending.letter, message_id=sending.message_id, now=self._clock.now())
        except MailRefused as error:
            if error.is_away:
                provider_failed()
            else:
                provider_answered()
            with self._database.session() as tx:
                records.save_failed(tx, sending, str(error), now=self._clock.now())
            if error.is_permanent:
                raise PermanentError(str(error)) from error
            raise TransientError(str(error)) from error
        except MailInDoubt as error:
            provider_failed()
            raise TransientError(str(error)) from error
        provider_answered()


def result_of(record: Email) -> Result:
    """What the job returns for a letter that was sent."""
    result: Result = {"success": True, "messageId": record.message_id, "transport": record.transport}
    return result | {"possibleDuplicate": True} if record.possible_duplicate else result
