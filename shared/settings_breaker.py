"""The settings of the circuit breakers: whether a queue has one, and when they open and try again."""

from __future__ import annotations

from shared.errors import ConfigurationError
from shared.queues import POLICIES, Breaker, Queue
from shared.settings_reader import EnvironmentReader

WATCHED = (Queue.WHATSAPP, Queue.REPORT_GENERATION)
"""The queues whose jobs tell how their calls to a provider went."""

_HOUR_MS = 3_600_000


def read_breakers(reader: EnvironmentReader) -> dict[Queue, Breaker | None]:
    """Read <QUEUE>_BREAKER and BREAKER_*: what differs from the policies. Raises ConfigurationError."""
    usual = Breaker()
    breaker = Breaker(
        calls=reader.integer("BREAKER_CALLS", usual.calls, minimum=1, maximum=100_000),
        percent=reader.integer("BREAKER_PERCENT", usual.percent, minimum=1, maximum=100),
        window_ms=reader.integer("BREAKER_WINDOW_MS", usual.window_ms, minimum=1_000, maximum=_HOUR_MS),
        cooldown_ms=reader.integer("BREAKER_COOLDOWN_MS", usual.cooldown_ms, minimum=100, maximum=_HOUR_MS),
        longest_cooldown_ms=reader.integer(
            "BREAKER_LONGEST_COOLDOWN_MS", usual.longest_cooldown_ms, minimum=100, maximum=24 * _HOUR_MS
        ),
    )
    if breaker.longest_cooldown_ms < breaker.cooldown_ms:
        raise ConfigurationError(
            f"BREAKER_LONGEST_COOLDOWN_MS is {breaker.longest_cooldown_ms}, less than BREAKER_COOLDOWN_MS "
            f"({breaker.cooldown_ms}): the cool-down grows from the one to the other"
        )
    wanted = {queue: breaker if _is_on(reader, queue) else None for queue in WATCHED}
    return {queue: each for queue, each in wanted.items() if each != POLICIES[queue].breaker}


def _is_on(reader: EnvironmentReader, queue: Queue) -> bool:
    default = "off" if POLICIES[queue].breaker is None else "on"
    return reader.choice(f"{queue.name}_BREAKER", ("on", "off"), default) == "on"
