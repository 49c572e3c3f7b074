"""Who may do what on Redis: the ACL rules of each kind of process, with nothing in them that it doesn't need."""

from __future__ import annotations

from enum import StrEnum

from shared.broker import keys
from shared.queues import Queue

# All that the scripts do, and so what any process may do to its keys: data of these kinds, and only those.
_DATA = ("@hash", "@list", "@set", "@sortedset", "@stream", "@string", "@transaction")
_KEYS = ("del", "exists", "expire", "persist", "pexpire", "pttl", "ttl", "type", "unlink")
_ENGINE = ("eval", "evalsha", "ping", "time", "wait", "cluster|slots")
# SORT may read any key, KEYS and FLUSHALL stop or empty the server: Redis calls them dangerous. INFO is in that group
# too; it tells memory and persistence.
_NOT, _BUT = "@dangerous", "info"


class Process(StrEnum):
    """The kinds of processes; each gets a user of its own."""

    GATEWAY = "gateway"
    WORKER = "worker"
    SCHEDULER = "scheduler"


def user_name(process: Process) -> str:
    """The name of the process' user, as printed by ``doko redis users``."""
    return f"doko-{process.value}"


def rules(process: Process) -> list[str]:
    """The words of ``ACL SETUSER`` for a process, without its password."""
    names = (*_DATA, *_KEYS, *_ENGINE)
    return [
        "on",
        "resetkeys",
        *_patterns(process),
        "resetchannels",
        "-@all",
        *(f"+{name}" for name in names),
        f"-{_NOT}",
        f"+{_BUT}",
    ]


def _patterns(process: Process) -> list[str]:
    # A job may ask for jobs of any queue, so a worker needs all of them; schedules and clients' limits are not its own.
    if process is Process.WORKER:
        return [f"~{keys.prefix(queue)}*" for queue in Queue]
    return ["~doko:*"]
