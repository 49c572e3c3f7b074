"""Makes the running job known to its actor: ``current_job()``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from dramatiq.broker import Broker, MessageProxy
from dramatiq.middleware import Middleware

from shared import logs
from shared.broker.flow import dependency_results
from shared.broker.proxy import CurrentJob, JobProxy, current_job, set_current_job

if TYPE_CHECKING:
    from shared.broker.broker import DokoBroker


class CurrentJobMiddleware(Middleware):
    """Notes the job before its actor runs and forgets it after; what an actor logs names its job."""

    def before_worker_boot(self, broker: Broker, worker: Any) -> None:
        """Asked only when a line is written, the names cost a job that logs nothing nothing."""
        logs.set_context(_names_of_job)

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """The calling thread begins a job."""
        if isinstance(message, JobProxy):
            engine = cast("DokoBroker", broker)
            read_results = partial(dependency_results, engine.scripts.client)
            set_current_job(CurrentJob(message, engine.store_progress, read_results, engine.store_line))

    def after_process_message(
        self, broker: Broker, message: MessageProxy, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """The calling thread has left its job."""
        set_current_job(None)

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """A skipped message is left like any other."""
        set_current_job(None)


def _names_of_job() -> dict[str, Any]:
    job = current_job()
    return {} if job is None else {"queue": job.queue, "jobId": job.id, "attempt": job.attempt}
