"""Makes the running job known to its actor: ``current_job()``."""

from __future__ import annotations

from typing import Any

from dramatiq.broker import Broker, MessageProxy
from dramatiq.middleware import Middleware

from shared.broker.proxy import CurrentJob, JobProxy, set_current_job


class CurrentJobMiddleware(Middleware):
    """Notes the job before its actor runs and forgets it after."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """The calling thread begins a job."""
        if isinstance(message, JobProxy):
            set_current_job(CurrentJob(message, broker.store_progress))  # type: ignore[attr-defined]

    def after_process_message(
        self, broker: Broker, message: MessageProxy, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """The calling thread has left its job."""
        set_current_job(None)

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """A skipped message is left like any other."""
        set_current_job(None)
