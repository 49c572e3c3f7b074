"""What clients tell the circuit breaker of their calls to a provider; outside a job nobody listens."""

from __future__ import annotations

from shared.broker.proxy import current_job


def provider_answered() -> None:
    """The provider took the call of the running job, or refused it with reasons: it is there."""
    job = current_job()
    if job is not None:
        job.provider_answered()


def provider_failed() -> None:
    """The provider of the running job can't be reached, or had an error of its own."""
    job = current_job()
    if job is not None:
        job.provider_failed()
