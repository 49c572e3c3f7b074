"""Redis away from a consumer: one log line when it goes and one when it is back, and the pace of the tries between."""

from __future__ import annotations

from shared.broker import job_log
from shared.errors import RedisUnavailable

SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.05, 2.0


class Outage:
    """Doubles the wait with each failure in a row."""

    def __init__(self, queue_name: str) -> None:
        self._queue_name = queue_name
        self._wait_s = 0.0

    def failed(self, error: Exception) -> None:
        """A call failed: Redis can't be reached, or it refused the script, which won't change soon."""
        if isinstance(error, RedisUnavailable):
            job_log.redis_away(self._queue_name, error, first=self._wait_s == 0.0)
        else:
            job_log.script_failed(self._queue_name, error)
            self._wait_s = LONGEST_WAIT_S

    def over(self) -> None:
        """A call was answered."""
        if self._wait_s:
            job_log.redis_back(self._queue_name)
            self._wait_s = 0.0

    def next_wait_s(self) -> float:
        """How long to wait before the next try."""
        self._wait_s = min(max(self._wait_s * 2, SHORTEST_WAIT_S), LONGEST_WAIT_S)
        return self._wait_s
