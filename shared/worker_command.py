"""The command of a queue's worker, and ``python -m shared.worker_command``, which becomes that process.

An image holds one service, so nobody has to tell it which one it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import NoReturn

from shared.errors import ConfigurationError, DokoError
from shared.queues import POLICIES, Queue
from shared.settings import Settings

WORKER_GRACE_MS = 5_000
"""What a worker gets beyond the jobs' grace, to give back what still runs."""


def worker_command(queue: Queue, settings: Settings, threads: int | None = None) -> list[str]:
    """Dramatiq's own command of the queue's worker: one process with ``threads``, or as many as configured."""
    policy = settings.policy(queue)
    return [
        *(sys.executable, "-m", "dramatiq", f"services.{policy.folder}.worker:start"),
        *("-p", "1", "-t", str(threads or policy.concurrency), "--skip-logging"),
        *("--worker-shutdown-timeout", str(settings.shutdown_grace_ms + WORKER_GRACE_MS)),
    ]


def installed_queues() -> list[Queue]:
    """The queues whose service can be imported here."""
    return [queue for queue, policy in POLICIES.items() if _has_worker(policy.folder)]


def chosen_queue(arguments: Sequence[str]) -> Queue:
    """The queue whose folder is the only argument, or that of the only service here; else a ConfigurationError."""
    installed = installed_queues()
    folders = [POLICIES[queue].folder for queue in installed]
    if not arguments and len(installed) == 1:
        return installed[0]
    if len(arguments) == 1 and arguments[0] in folders:
        return installed[folders.index(arguments[0])]
    given = f"not {' '.join(arguments)}" if arguments else "since there is more than one or none"
    raise ConfigurationError(f"Name one service, {given}; here are: {', '.join(folders) or 'none'}")


def main(arguments: Sequence[str]) -> NoReturn:
    """Become the worker; ends with 2 and one line if it can't be known which one, or a setting is wrong."""
    try:
        command = worker_command(chosen_queue(arguments), Settings.from_environment())
    except DokoError as error:
        sys.stderr.write(f"The worker could not start: {error}\n")
        sys.exit(2)
    # Signals reach Dramatiq directly: no process of ours stands in between.
    os.execv(command[0], command)  # noqa: S606 - our own command, no shell


def _has_worker(folder: str) -> bool:
    # From the outside in: looking into a package that isn't there is an error.
    return all(find_spec(name) for name in ("services", f"services.{folder}", f"services.{folder}.worker"))


if __name__ == "__main__":
    main(sys.argv[1:])
