"""Return values travel on the job itself: a result backend for Dramatiq's own ``Results`` middleware."""

from __future__ import annotations

from typing import Any

from dramatiq.results import Missing, ResultBackend

from shared.broker.proxy import JobProxy


class JobResults(ResultBackend):
    """Puts an actor's return value on its job, where the finish script takes it from."""

    def store_result(self, message: Any, result: Any, ttl: int) -> None:
        """Keep the result on the proxy; it is stored with the job's transition to completed."""
        del ttl
        if isinstance(message, JobProxy):
            message.result = result

    def store_exception(self, message: Any, exception: Exception, ttl: int) -> None:
        """Errors travel with the attempt's outcome, not as results."""

    def _get(self, message_key: str) -> Any:
        del message_key
        return Missing
