"""Names that must never repeat: lease tokens and worker ids."""

from __future__ import annotations

import itertools
import os
import socket

_counter = itertools.count()
_process = ""


def next_token() -> str:
    """A lease token, unique per fetch, over all processes and their forks."""
    global _process  # noqa: PLW0603 - drawn once a process, again after a fork
    if not _process.startswith(f"{os.getpid()}-"):
        _process = f"{os.getpid()}-{os.urandom(6).hex()}"
    return f"{_process}-{next(_counter):x}"


def new_worker_id() -> str:
    """Who holds a job: host, process and a random part, since process ids repeat in containers."""
    return f"{socket.gethostname()}:{os.getpid()}:{os.urandom(3).hex()}"
