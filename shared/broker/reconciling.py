"""After a lost reply, worker and Redis may disagree about who holds what: this settles it."""

from __future__ import annotations

from collections.abc import Sequence

from shared.broker.connection import Argument, Scripts
from shared.broker.proxy import JobProxy


def reconcile(
    scripts: Scripts, queue_name: str, worker: str, held: Sequence[JobProxy]
) -> tuple[list[str], list[JobProxy]]:
    """Ids of jobs that went back since the worker never heard of them, and jobs that it holds in vain.

    Raises ``RedisUnavailable``.
    """
    arguments: list[Argument] = [worker, len(held)]
    for proxy in held:
        arguments += (proxy.message_id, proxy.token)
    back, lost = scripts.run("reconcile", queue_name, arguments)
    lost_ids = {job_id.decode() for job_id in lost}
    return [job_id.decode() for job_id in back], [proxy for proxy in held if proxy.message_id in lost_ids]
