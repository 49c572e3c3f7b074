"""A provider whose answers the circuit breaker hears of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from services.whatsapp.clients.protocol import Outgoing, Provider, ProviderError, Sent, Verdict
from shared.broker.provider_calls import provider_answered, provider_failed


class WatchedProvider:
    """Passes everything on to ``provider``.

    No answer, an unreadable one and errors of the provider's own count as failures; an answer about this message, this
    recipient, our pace or our account means that the provider is there.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    @property
    def name(self) -> str:
        """See ``Provider``."""
        return self._provider.name

    @property
    def text_limit(self) -> int:
        """See ``Provider``."""
        return self._provider.text_limit

    @property
    def confirms_later(self) -> bool:
        """See ``Provider``."""
        return self._provider.confirms_later

    def send(self, message: Outgoing) -> Sent:
        """See ``Provider``."""
        with _failures_noted():
            sent = self._provider.send(message)
        provider_answered()
        return sent

    def find(self, message: Outgoing, since: datetime) -> list[Sent]:
        """See ``Provider``; nothing found may mean that nobody was asked, and tells nothing."""
        with _failures_noted():
            found = self._provider.find(message, since)
        if found:
            provider_answered()
        return found

    def close(self) -> None:
        """See ``Provider``."""
        self._provider.close()


@contextmanager
def _failures_noted() -> Iterator[None]:
    try:
        yield
    except ProviderError as error:
        if error.verdict is Verdict.RETRY:
            provider_failed()
        else:
            provider_answered()
        raise
